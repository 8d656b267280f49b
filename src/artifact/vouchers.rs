//! The files of those who vouch for a checkpoint from outside.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::ledger::segment::{TIMESTAMP, WITNESS_POLICY};

/// `witness.policy` and `checkpoint.tsr`, where there are such: from the policy's text, and the time-stamp response in base64.
///
/// # Errors
/// If the response is no base64.
pub fn vouchers(policy: &str, tsr: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    if !policy.is_empty() {
        files.push((WITNESS_POLICY.to_owned(), policy.as_bytes().to_vec()));
    }
    if !tsr.is_empty() {
        let der = BASE64.decode(tsr).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        files.push((TIMESTAMP.to_owned(), der));
    }
    Ok(files)
}

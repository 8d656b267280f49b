//! Time-stamp requests and responses (RFC 3161), in DER: what is asked, and whether the answer is an answer to that.
//!
//! The authority's signature is not checked here: whom to trust is for those who verify, with `openssl ts -verify`.
use ring::digest;
use thiserror::Error;

/// SEQUENCE { OID 2.16.840.1.101.3.4.2.1 (SHA-256), NULL }, then the head of a 32-byte OCTET STRING.
const SHA256_IMPRINT: [u8; 17] =
    [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
/// A response longer than this is none.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// Why a response is no time-stamp of what was asked.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum TimestampError {
    /// Not a time-stamp response.
    #[error("the answer is not a time-stamp response (RFC 3161) in DER")]
    Malformed,
    /// The authority did not grant it.
    #[error("the time-stamp authority refused, with status {0}")]
    Refused(u8),
    /// It is over something else, or an answer to another request.
    #[error("the time-stamp is not of what was asked: its digest or its nonce is another")]
    Other,
}

/// A request for a time-stamp over these bytes. The nonce tells its answer from an older one.
#[must_use]
pub fn request(bytes: &[u8], nonce: [u8; 8]) -> Vec<u8> {
    // TimeStampReq ::= SEQUENCE { version 1, messageImprint, nonce INTEGER, certReq TRUE }
    let content = [&[0x02, 0x01, 0x01][..], &imprint(bytes), &nonce_integer(nonce), &[0x01, 0x01, 0xff]].concat();
    element(0x30, &content)
}

/// Checks that a response grants a time-stamp over these bytes, asked for with this nonce.
///
/// # Errors
/// If it does not.
pub fn check(response: &[u8], bytes: &[u8], nonce: [u8; 8]) -> Result<(), TimestampError> {
    let token = granted(response)?;
    if holds(token, &imprint(bytes)) && holds(token, &nonce_integer(nonce)) {
        Ok(())
    } else {
        Err(TimestampError::Other)
    }
}

/// Whether a response has the form of a time-stamp over these bytes, whoever asked for it.
#[must_use]
pub fn is_over(response: &[u8], bytes: &[u8]) -> bool {
    granted(response).is_ok_and(|token| holds(token, &imprint(bytes)))
}

fn holds(token: &[u8], wanted: &[u8]) -> bool {
    token.windows(wanted.len()).any(|window| window == wanted)
}

/// The token that was granted.
fn granted(response: &[u8]) -> Result<&[u8], TimestampError> {
    // TimeStampResp ::= SEQUENCE { PKIStatusInfo ::= SEQUENCE { status INTEGER, … }, timeStampToken ContentInfo OPTIONAL }
    let malformed = TimestampError::Malformed;
    let (response, rest) = take(response, 0x30).ok_or(TimestampError::Malformed)?;
    if !rest.is_empty() {
        return Err(malformed);
    }
    let (info, token) = take(response, 0x30).ok_or(TimestampError::Malformed)?;
    match take(info, 0x02).ok_or(TimestampError::Malformed)?.0 {
        [0 | 1] => {}
        [status] => return Err(TimestampError::Refused(*status)),
        _ => return Err(malformed),
    }
    let (token, rest) = take(token, 0x30).ok_or(TimestampError::Malformed)?;
    if rest.is_empty() { Ok(token) } else { Err(malformed) }
}

/// MessageImprint: SHA-256 and the digest.
fn imprint(bytes: &[u8]) -> Vec<u8> {
    let digest = digest::digest(&digest::SHA256, bytes);
    element(0x30, &[&SHA256_IMPRINT, digest.as_ref()].concat())
}

/// A positive INTEGER in its shortest form.
fn nonce_integer(nonce: [u8; 8]) -> Vec<u8> {
    let significant = &nonce[nonce.iter().position(|byte| *byte != 0).unwrap_or(7)..];
    let sign: &[u8] = if significant[0] & 0x80 != 0 { &[0] } else { &[] };
    element(0x02, &[sign, significant].concat())
}

/// A short element: all of ours are below 128 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    debug_assert!(content.len() < 128);
    [&[tag, content.len() as u8], content].concat()
}

/// The content of the element that comes first, and what comes after it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_are_written_in_their_shortest_form_and_stay_positive() {
        assert_eq!(nonce_integer([0, 0, 0, 0, 0, 0, 0, 0]), [2, 1, 0]);
        assert_eq!(nonce_integer([0, 0, 0, 0, 0, 0, 1, 2]), [2, 2, 1, 2]);
        assert_eq!(nonce_integer([0x80, 0, 0, 0, 0, 0, 0, 1]), [2, 9, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let check = |response: &[u8]| check(response, b"checkpoint", [1; 8]);
        for wrong in [&b""[..], b"<html>", &[0x30, 0x80], &[0x30, 0x05, 0x30], &[0x30, 0x84, 0, 0, 0, 0]] {
            assert_eq!(check(wrong), Err(TimestampError::Malformed), "{wrong:?}");
        }
        let rejection = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02];
        assert_eq!(check(&rejection), Err(TimestampError::Refused(2)));
        let granted_without_token = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00];
        assert_eq!(check(&granted_without_token), Err(TimestampError::Malformed));
    }
}

//! The people who run a server change the key that signs its ledgers, and nobody has to believe them.

use std::path::Path;

use seconder::cli::ledger::export::export;
use seconder::cli::ledger::verify::{VerifyArgs, check};
use seconder::domain::case::Case;
use seconder::ledger::verify::report::Report;
use seconder::ledger::{Checkpoint, SigningKey};
use seconder::store::{Error, LogHead, Options, Store, Work};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::support::database::Database;
use crate::support::{ACME, held};

mod change;
mod command;
mod refused;
mod replicas;

fn seed(n: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([n; 32])
}

/// A server that has this key, and this one as the next.
async fn open(database: &Database, own: u8, next: Option<u8>) -> Result<Store, Error> {
    let options = Options { seed: seed(own), next_seed: next.map(seed), ..database.options() };
    let (store, _) = Store::open(options).await?;
    store.settle_keys().await?;
    Ok(store)
}

async fn hold(store: &Store, case: &Case) -> Result<(), Error> {
    store.commit(Work { claim: None, event: Some(held(case)) }).await.map(drop)
}

async fn acme(store: &Store) -> LogHead {
    store.ledger().logs().await.unwrap().into_iter().find(|log| log.tenant == ACME).unwrap()
}

fn key(log: &LogHead, n: u8) -> SigningKey {
    SigningKey::from_seed(&log.origin, &seed(n)).unwrap()
}

fn vkey(log: &LogHead, n: u8) -> String {
    key(log, n).verifier().to_string()
}

fn fingerprint(log: &LogHead, n: u8) -> String {
    key(log, n).verifier().fingerprint()[..16].to_owned()
}

/// Which of the keys 7 to 9 have signed the log as it stands.
fn signers(log: &LogHead) -> Vec<u8> {
    (7..=9).filter(|n| Checkpoint::open(&log.checkpoint, key(log, *n).verifier()).is_ok()).collect()
}

async fn types(store: &Store, log: &LogHead) -> Vec<String> {
    let lines = store.ledger().entries(log.tenant, 0, log.size, usize::MAX).await.unwrap();
    let types =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned());
    types.filter(|name| name.starts_with("key.")).collect()
}

fn arguments() -> VerifyArgs {
    VerifyArgs {
        targets: Vec::new(),
        state: None,
        seen: None,
        witness_policy: None,
        openings: None,
        vkey: None,
        old: None,
        token_file: None,
        trust_artifact_key: false,
        explain: None,
        json: false,
        strict: false,
    }
}

fn audit(dir: &Path, vkey: &str) -> Result<Report, String> {
    let args = VerifyArgs { targets: vec![dir.to_owned()], vkey: Some(vkey.to_owned()), ..arguments() };
    check(&args).map(|mut reports| reports.remove(0)).map_err(|failure| failure.to_string())
}

/// What an auditor with one of these keys says of the log as it stands.
async fn audited(store: &Store, log: &LogHead, keys: &[u8]) -> Vec<Result<(), String>> {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    export(&store.ledger(), log, &dir).await.unwrap();
    keys.iter().map(|n| audit(&dir, &vkey(log, *n)).map(drop)).collect()
}

//! The people who run a server change the key that signs its ledgers, and nobody has to believe them.

use seconder::cli::ledger::export::export;
use seconder::domain::case::Case;
use seconder::ledger::{Checkpoint, SigningKey};
use seconder::store::{Error, LogHead, Store, Work};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::support::{ACME, held, verified};

mod change;
mod command;
mod refused;
mod replicas;

fn seed(n: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([n; 32])
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

/// What an auditor with one of these keys says of the log as it stands.
async fn audited(store: &Store, log: &LogHead, keys: &[u8]) -> Vec<Result<(), String>> {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    export(&store.ledger(), log, &dir).await.unwrap();
    keys.iter().map(|n| verified(std::slice::from_ref(&dir), &vkey(log, *n)).map(drop)).collect()
}

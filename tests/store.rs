//! What is kept, on both engines.

use std::collections::{BTreeMap, BTreeSet};

use seconder::domain::case::Case;
use seconder::domain::effect::Effect;
use seconder::domain::event::{Event, Receipt};
use seconder::ledger::entry::Header;
use seconder::ledger::merkle::{Frontier, leaf_hash};
use seconder::ledger::{Checkpoint, VerifierKey};
use seconder::store::{Claim, Committed, Handed, LedgerReader, NewDelivery, Store, Work};

use crate::support::INSTALLATION;

mod deliveries;
mod effects;
mod leases;
mod log;
mod memory;
mod opening;
mod requests;

fn delivery(id: &str) -> NewDelivery {
    NewDelivery {
        id: id.to_owned(),
        event: "deployment_protection_rule".to_owned(),
        installation_id: INSTALLATION,
        payload: format!(r#"{{"for":"{id}"}}"#),
        is_urgent: false,
    }
}

async fn happen(store: &Store, event: Event) -> Committed {
    store.commit(Work { claim: None, event: Some(event) }).await.expect("committing")
}

async fn finish(store: &Store, claim: Claim, event: Option<Event>) -> Committed {
    store.commit(Work { claim: Some(claim), event }).await.expect("committing")
}

fn done(case: &Case, effect: Effect) -> Event {
    Event::Done { request: case.subject.request_id(), effect, receipt: Receipt { status: 204, ..Receipt::default() } }
}

fn handed_effects(handed: &mut Handed) -> Vec<Effect> {
    std::iter::from_fn(|| handed.effects.try_recv().ok()).map(|due| due.effect).collect()
}

/// Reads every log as an auditor would: no gap, no fork, every checkpoint signed over exactly the entries there are.
/// Returns how many entries of each type there are.
async fn audit(ledger: &LedgerReader) -> BTreeMap<String, usize> {
    let mut types = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for log in ledger.logs().await.expect("reading the logs") {
        let key: VerifierKey = log.vkey.parse().expect("a verifier key");
        let checkpoint = Checkpoint::open(&log.checkpoint, &key).expect("a signed checkpoint");
        let mut tree = Frontier::new();
        let mut prev = None;
        while tree.size() < log.size {
            for line in ledger.entries(log.tenant, tree.size(), log.size, 64).await.expect("reading entries") {
                let header = Header::parse(&line).expect("an entry");
                assert_eq!((header.log, header.seq), (log.origin.as_str(), tree.size()));
                assert_eq!(header.prev.map(str::to_owned), prev);
                assert!(ids.insert(format!("{} {}", log.origin, header.id)), "{} is there twice", header.id);
                *types.entry(header.record_type.to_owned()).or_default() += 1;
                let leaf = leaf_hash(line.as_bytes());
                tree.push(leaf);
                prev = Some(leaf.to_string());
            }
        }
        assert_eq!((checkpoint.origin, checkpoint.size, checkpoint.root), (log.origin, log.size, tree.root()));
    }
    types
}

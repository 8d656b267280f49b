//! Witnesses are the only clock that is not the log's own: what they cosigned was there before.
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use seconder::artifact::Directory;
use seconder::ledger::RecordType::PolicyLoaded;
use tempfile::TempDir;

use super::story::{Memory, Record, Story, vkey};
use crate::support::process::{run, told};

struct Witness {
    name: &'static str,
    key: Ed25519KeyPair,
}

impl Witness {
    fn new(name: &'static str, seed: u8) -> Self {
        Self { name, key: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    fn id(&self) -> Vec<u8> {
        let named = [self.name.as_bytes(), b"\n\x04", self.key.public_key().as_ref()].concat();
        digest(&SHA256, &named).as_ref()[..4].to_vec()
    }

    fn vkey(&self) -> String {
        let public = BASE64.encode([&[4], self.key.public_key().as_ref()].concat());
        format!("{}+{}+{public}", self.name, hex::encode(self.id()))
    }

    /// Its line below this text, cosigned at this time in seconds since 1970 UTC.
    fn line(&self, text: &str, time: u64) -> String {
        let signature = self.key.sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
        let bytes = [&self.id(), time.to_be_bytes().as_slice(), signature.as_ref()].concat();
        format!("— {} {}\n", self.name, BASE64.encode(bytes))
    }
}

/// Exports the story, cosigned by the first and the second of three witnesses at these times, of whom two must agree; returns the
/// report of an auditor.
fn audited(story: &Story, times: &[u64]) -> (i32, String) {
    let witnesses = [("one", 31), ("two", 32), ("three", 33)].map(|(name, seed)| Witness::new(name, seed));
    let honest = story.export();
    let note = honest.text("checkpoint");
    let text = format!("{}\n", note.split("\n\n").next().unwrap());
    let lines: String = witnesses.iter().zip(times).map(|(witness, time)| witness.line(&text, *time)).collect();
    let cosigned = format!("{note}{lines}");
    let mut ledger = Memory::default();
    for (path, bytes) in &honest.files {
        let is_text = path == "checkpoint" || path.ends_with(".tlog-proof");
        let bytes = if is_text { honest.text(path).replace(&note, &cosigned).into_bytes() } else { bytes.clone() };
        ledger.write(path, bytes);
    }
    let folder = TempDir::new().unwrap();
    let (dir, policy) = (folder.path().join("ledger"), folder.path().join("policy"));
    let mut sink = Directory::create(&dir).unwrap();
    ledger.files.iter().for_each(|(path, bytes)| seconder::ledger::layout::Sink::put(&mut sink, path, bytes).unwrap());
    let named: String =
        witnesses.iter().map(|witness| format!("witness {} {}\n", witness.name, witness.vkey())).collect();
    fs::write(&policy, format!("{named}group most 2 one two three\nquorum most\n")).unwrap();
    let (dir, policy, key) = (dir.to_str().unwrap(), policy.to_str().unwrap(), vkey().to_string());
    let arguments = ["ledger", "verify", dir, "--vkey", &key, "--witness-policy", policy];
    let (code, said) = told(&run(&arguments));
    (code.unwrap(), said)
}

/// Some days after what the stories tell, in seconds since 1970 UTC.
const LATER: u64 = 1_764_300_000;
const DAY: u64 = 86_400;

#[test]
fn entries_that_are_later_than_what_witnesses_say_are_told() {
    let (story, reason) = (Story::of(12), "entries are later than their witnesses");
    let (code, said) = audited(&story, &[LATER, LATER + 1]);
    assert!(code == 0 && !said.contains(reason), "{said}");
    assert!(said.contains("cosigned by witnesses: one (2025-11-28T03:20:00Z), two (2025-11-28T03:20:01Z)"), "{said}");

    let mut late = story.clone();
    let loaded = late.records[1].clone();
    assert_eq!(loaded.record_type, PolicyLoaded);
    let mut body = loaded.body;
    body.insert("time".into(), ((LATER + DAY) * 1_000).into());
    late.records.push(Record { record_type: PolicyLoaded, corr: None, body });
    let (code, said) = audited(&late, &[LATER, LATER]);
    assert!(code == 0 && !said.contains(reason), "clocks may differ by a day: {said}");
    for times in [&[LATER - 1, LATER][..], &[LATER - 1, LATER - 1], &[0, 1], &[u64::MAX >> 1, u64::MAX >> 1]] {
        let (code, said) = audited(&late, times);
        assert!(code == 0 && said.contains(&format!("warning: {reason}")), "{times:?}: {said}");
    }
    let (code, said) = audited(&late, &[LATER - 1, LATER, LATER]);
    assert!(code == 0 && !said.contains(reason), "two of three are enough: {said}");
}

//! A log changes its key while it is published, and a segment is signed by who had to sign by all that was said before.
use std::fs;
use std::path::PathBuf;

use seconder::ledger::SigningKey;
use seconder::ledger::record::RecordType::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{cut, write_signed};
use crate::ledger_verify::keys::{announce, checkpoint, hand_over, more, next, say, thief, vkey};
use crate::ledger_verify::story::{Story, key};
use crate::support::process::{said, seconder};

/// Segments, and an auditor.
struct Desk {
    folder: TempDir,
    story: Story,
    /// Where each segment ends.
    ends: Vec<usize>,
}

impl Desk {
    /// Nothing but a log of some requests.
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), story: Story::of(12), ends: Vec::new() }
    }

    /// The next segment, called by its number: what has happened since, signed by these; the checkpoint before it by those.
    fn write(&mut self, signers: &[&SigningKey], before: &[&SigningKey], own: &SigningKey) {
        self.write_as(&(self.ends.len() + 1).to_string(), signers, before, own);
        self.ends.push(self.story.records.len());
        more(&mut self.story, 12);
    }

    /// The same as another would have it, who writes of no more.
    fn write_as(&self, name: &str, signers: &[&SigningKey], before: &[&SigningKey], own: &SigningKey) {
        let begins = self.ends.last().map(|end| cut(&self.story, *end));
        let before = begins.as_ref().map(|story| (story, checkpoint(story, before)));
        write_signed(&self.story, before, checkpoint(&self.story, signers), own, &self.path(name));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn verify(&self, trusted: &SigningKey, arguments: &[&str]) -> (i32, String) {
        self.run(&[&["--vkey", &vkey(trusted)], arguments].concat())
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = seconder();
        command.args(["ledger", "verify"]).args(arguments).current_dir(self.folder.path());
        let output = command.output().unwrap();
        (output.status.code().unwrap(), said(&output))
    }
}

/// The first segment has the whole change of the key.
fn changed() -> Desk {
    let (mut desk, old, new) = (Desk::new(), key(), next());
    announce(&mut desk.story, &old, &new);
    hand_over(&mut desk.story, &old, &new);
    desk.write(&[&new], &[], &new);
    desk
}

#[test]
fn a_key_that_was_taken_out_signs_no_segment_after_it() {
    let (mut desk, old, new) = (changed(), key(), next());
    desk.write_as("forged", &[&old], &[&old], &old);
    desk.write(&[&new], &[&new], &new);
    let (code, said) = desk.verify(&old, &["1", "forged"]);
    assert!(code == 1 && said.contains(&format!("must be signed by {}", vkey(&new))), "{said}");
    assert_eq!(desk.verify(&old, &["1", "2"]).0, 0);

    // Alone, whoever remembers what the first said of keys knows it, too.
    let (code, said) = desk.verify(&old, &["1", "--state", "seen.json"]);
    assert!(code == 0 && said.contains("from now on trust"), "{said}");
    let exceptions = fs::read_to_string(desk.path("1").join("exceptions.csv")).unwrap();
    assert!(exceptions.contains(&format!(",key.revoked,,,,,vkey: {}; valid_to_size: ", vkey(&old))), "{exceptions}");
    let remembered = fs::read_to_string(desk.path("seen.json")).unwrap();
    let (code, said) = desk.verify(&old, &["forged", "--state", "seen.json"]);
    assert!(code == 1 && said.contains(&format!("must be signed by {}", vkey(&new))), "{said}");
    assert_eq!(fs::read_to_string(desk.path("seen.json")).unwrap(), remembered);
    for trusted in [&old, &new, &old] {
        let (code, said) = desk.verify(trusted, &["2", "--state", "seen.json"]);
        assert_eq!(code, 0, "{said}");
    }
    // One that comes later and not next is not believed of the old key either.
    desk.write(&[&new], &[&new], &new);
    desk.write_as("forged later", &[&old], &[&old], &old);
    fs::write(desk.path("seen.json"), remembered).unwrap();
    let (code, said) = desk.verify(&old, &["forged later", "--state", "seen.json"]);
    assert_eq!(code, 1, "{said}");
    desk.write(&[&new], &[&new], &new);
    let (code, said) = desk.verify(&old, &["4", "--state", "seen.json"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_was_remembered_without_keys_goes_on_being_remembered() {
    let (mut desk, old, new) = (changed(), key(), next());
    desk.write(&[&new], &[&new], &new);
    let first = fs::read_to_string(desk.path("1").join("checkpoint")).unwrap();
    let origin = first.lines().next().unwrap();
    fs::write(desk.path("seen.json"), json!({origin: first}).to_string()).unwrap();
    let (code, said) = desk.verify(&new, &["2", "--state", "seen.json"]);
    assert!(code == 0 && said.contains("continues the older checkpoint"), "{said}");
    let seen: Value = serde_json::from_str(&fs::read_to_string(desk.path("seen.json")).unwrap()).unwrap();
    assert_eq!(seen[origin]["keys"]["keys"][0]["vkey"], vkey(&new));
    let (code, said) = desk.verify(&new, &["1", "--state", "seen.json"]);
    assert!(code == 1 && said.contains("rollback"), "{said}");
    fs::write(desk.path("seen.json"), json!({origin: {"checkpoint": first, "keys": {}}}).to_string()).unwrap();
    assert_eq!(desk.verify(&old, &["2", "--state", "seen.json"]).0, 2, "it cannot be read");
}

#[test]
fn an_announced_key_signs_along_and_neither_alone_nor_as_the_logs_own_before_it_takes_over() {
    let (mut desk, old, new) = (Desk::new(), key(), next());
    announce(&mut desk.story, &old, &new);
    desk.write(&[&old, &new], &[], &old);
    for (what, signers, own, reason) in [
        ("it signs no more", vec![&old], &old, format!("must be signed by {}", vkey(&new))),
        ("it signs alone", vec![&new], &new, format!("must be signed by {}", vkey(&old))),
        ("it is said to be the log's own", vec![&old, &new], &new, "log.vkey is not the key you trust".to_owned()),
    ] {
        desk.write_as("forged", &signers, &signers, own);
        for trusted in [&old, &new] {
            let (code, said) = desk.verify(trusted, &["1", "forged"]);
            assert!(code == 1 && said.contains(&reason), "{what}: {said}");
        }
        fs::remove_dir_all(desk.path("forged")).unwrap();
    }
    desk.write(&[&old, &new], &[&old, &new], &old);
    assert_eq!(desk.verify(&old, &["1", "2"]).0, 0);
}

#[test]
fn a_later_segment_neither_brings_back_a_key_nor_takes_one_out_that_never_was() {
    let (desk, old, new) = (changed(), key(), next());
    let forged = |change: &dyn Fn(&mut Story), signers: &[&SigningKey]| {
        let mut forged = Desk { folder: TempDir::new().unwrap(), story: desk.story.clone(), ends: desk.ends.clone() };
        change(&mut forged.story);
        forged.write_as("forged", signers, &[&new], &new);
        let path = forged.path("forged");
        desk.verify(&old, &["1", path.to_str().unwrap()])
    };
    let (code, said) = forged(&|story| announce(story, &next(), &key()), &[&new, &old]);
    assert!(code == 1 && said.contains("a key that was taken out never comes back"), "{said}");
    let never_was = |story: &mut Story| say(story, KeyRevoked, json!({"vkey": vkey(&thief()), "valid_to_size": 9}));
    let (code, said) = forged(&never_was, &[&new]);
    assert!(code == 1 && said.contains("which is not a key of the log at this point"), "{said}");
}

#[test]
fn a_key_file_of_which_no_entry_tells_is_not_taken_without_a_word() {
    let (mut desk, log, stranger) = (Desk::new(), key(), thief());
    desk.write(&[&log], &[], &log);
    // Whoever has no key of the log can add a line to its checkpoint, and a key to the files.
    desk.write_as("forged", &[&log, &stranger], &[&log], &stranger);
    let reason = "log.vkey: nothing the log has signed vouches for it";
    let (code, said) = desk.verify(&log, &["forged"]);
    assert!(code == 0 && said.contains(reason), "{said}");
    let (code, said) = desk.verify(&log, &["forged", "--strict"]);
    assert!(code == 1 && said.contains(&format!("--strict: {reason}")), "{said}");
    let (code, said) = desk.verify(&log, &["1", "forged"]);
    assert!(code == 1 && said.contains("log.vkey is not the key you trust"), "{said}");
    desk.write(&[&log], &[&log], &log);
    assert!(!desk.verify(&log, &["2"]).1.contains("log.vkey"));
}

#[test]
fn whoever_verifies_every_month_goes_on_over_a_change_or_is_told_what_is_missing() {
    let (mut desk, old, new) = (Desk::new(), key(), next());
    announce(&mut desk.story, &old, &new);
    desk.write(&[&old, &new], &[], &old);
    hand_over(&mut desk.story, &old, &new);
    desk.write(&[&new], &[&old, &new], &new);
    let (code, said) = desk.verify(&old, &["1", "--state", "seen.json"]);
    assert!(
        code == 0 && said.contains(&format!("keep both: this one verifies what comes\n  {}", vkey(&new))),
        "{said}"
    );
    let (code, said) = desk.verify(&old, &["2"]);
    assert!(code == 2 && said.contains("cannot verify: keys: the key you trust was revoked"), "{said}");
    assert!(said.contains("give the segments before, too") && said.contains(&vkey(&new)), "{said}");
    for (trusted, arguments) in [(&old, &["1", "2"][..]), (&new, &["2"]), (&old, &["2", "--state", "seen.json"])] {
        let (code, said) = desk.verify(trusted, arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        let is_led = said.contains(&format!("from now on trust\n  {}", vkey(&new)));
        assert_eq!(is_led, trusted.verifier() == old.verifier(), "{said}");
    }
    // A third party's word is none.
    desk.write_as("forged", &[&thief()], &[&thief()], &thief());
    assert_eq!(desk.verify(&old, &["forged"]).0, 1);
}

#[test]
fn a_key_that_takes_over_while_the_one_that_is_trusted_still_signs_needs_no_segment_before() {
    let (mut desk, old, new) = (Desk::new(), key(), next());
    announce(&mut desk.story, &old, &new);
    desk.write(&[&old, &new], &[], &old);
    say(&mut desk.story, KeyActivated, json!({"vkey": vkey(&new)}));
    desk.write_as("half signed", &[&new], &[&old, &new], &new);
    desk.write(&[&old, &new], &[&old, &new], &new);
    let (code, said) = desk.verify(&old, &["2"]);
    assert!(code == 0 && !said.contains("from now on trust"), "nothing here vouches for it: {said}");
    assert_eq!(desk.verify(&old, &["half signed"]).0, 1);
}

#[test]
fn all_segments_are_verified_by_a_key_of_which_only_the_last_tells() {
    let (mut desk, old, new) = (Desk::new(), key(), next());
    desk.write(&[&old], &[], &old);
    announce(&mut desk.story, &old, &new);
    hand_over(&mut desk.story, &old, &new);
    desk.write(&[&new], &[&old], &new);
    assert_eq!(desk.verify(&new, &["1", "2", "--state", "seen.json"]).0, 0);
    for (trusted, targets) in [(&new, &["1"][..]), (&thief(), &["1", "2"])] {
        let (code, said) = desk.verify(trusted, targets);
        assert!(code == 1 && said.contains("the key you trust is none of this log's"), "{said}");
    }
    // Those in the middle need not be told of the first.
    desk.write(&[&new], &[&new], &new);
    announce(&mut desk.story, &new, &thief());
    desk.write(&[&new, &thief()], &[&new], &new);
    let (code, said) = desk.verify(&thief(), &["3", "4"]);
    assert!(code == 0 && said.contains("log.vkey: nothing the log has signed vouches for it"), "{said}");
    assert_eq!(desk.verify(&new, &["3", "4"]).0, 0);
    let (code, said) = desk.verify(&old, &["3", "4"]);
    assert!(code == 1 && said.contains("If the log has changed its key before entry"), "{said}");
    // The first may not be signed by anybody for that.
    fs::remove_dir_all(desk.path("1")).unwrap();
    let first = cut(&desk.story, desk.ends[0]);
    write_signed(&first, None, checkpoint(&first, &[&thief()]), &thief(), &desk.path("1"));
    let (code, said) = desk.verify(&new, &["1", "2"]);
    assert!(code == 1 && said.contains(&format!("must be signed by {}", vkey(&old))), "{said}");
}

#[test]
fn what_agrees_with_itself_alone_is_not_remembered() {
    let (mut desk, stranger) = (Desk::new(), thief());
    desk.story.records[0].body.insert("vkey".into(), vkey(&stranger).into());
    desk.write(&[&stranger], &[], &stranger);
    assert_eq!(desk.run(&["1", "--trust-artifact-key"]).0, 0);
    let (code, said) = desk.run(&["1", "--trust-artifact-key", "--state", "seen.json"]);
    assert!(code == 2 && said.contains("--trust-artifact-key") && said.contains("--state"), "{said}");
    assert!(!desk.path("seen.json").exists());
}

//! The log changes its key: whoever trusted the old one goes on trusting, and whoever only has an old key gains nothing.
use seconder::cli::ledger::verify::at_once;
use seconder::ledger::export::Exporter;
use seconder::ledger::record::RecordType::{self, *};
use seconder::ledger::succession::Succession;
use seconder::ledger::verify::past::Past;
use seconder::ledger::verify::report::Report;
use seconder::ledger::verify::{Trust, verify};
use seconder::ledger::{Checkpoint, SigningKey, note};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::story::{Memory, ORIGIN, Record, Seal, Story, key};

pub fn next() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &Zeroizing::new([43; 32])).unwrap()
}

pub fn thief() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &Zeroizing::new([66; 32])).unwrap()
}

pub fn vkey(key: &SigningKey) -> String {
    key.verifier().to_string()
}

pub fn say(story: &mut Story, record_type: RecordType, body: Value) {
    let Value::Object(body) = body else { panic!("a body is an object") };
    story.records.push(Record { record_type, corr: None, body });
}

pub fn announce(story: &mut Story, old: &SigningKey, new: &SigningKey) {
    let statement = Succession::sign(old, new).unwrap();
    announce_by(story, old, new, &statement);
}

fn announce_by(story: &mut Story, old: &SigningKey, new: &SigningKey, statement: &str) {
    say(story, KeyAdded, json!({"vkey": vkey(new), "added_by": vkey(old), "statement": statement}));
}

pub fn hand_over(story: &mut Story, old: &SigningKey, new: &SigningKey) {
    let size = story.records.len();
    say(story, KeyActivated, json!({"vkey": vkey(new)}));
    say(story, KeyRevoked, json!({"vkey": vkey(old), "valid_to_size": size}));
}

pub fn more(story: &mut Story, requests: usize) {
    let have = story.records.iter().filter(|record| record.record_type == RequestOpened).count();
    let all = Story::of(have + requests);
    let new = all
        .records
        .iter()
        .filter(|record| record.corr.as_deref().is_some_and(|request| request >= super::story::request(have).as_str()));
    story.records.extend(new.cloned());
}

pub fn checkpoint(story: &Story, signers: &[&SigningKey]) -> String {
    let mut seal = Seal::default();
    story.records.iter().for_each(|record| drop(seal.line(record)));
    let head = Checkpoint { origin: ORIGIN.into(), size: seal.tree.size(), root: seal.tree.root() };
    head.sign_with(signers.iter().copied()).unwrap()
}

/// The ledger as it is written out when these sign and this key is the log's own.
fn export(story: &Story, signers: &[&SigningKey], own: &SigningKey) -> Memory {
    let (mut ledger, checkpoint) = (Memory::default(), checkpoint(story, signers));
    let mut exporter = Exporter::begin(&mut ledger, own.verifier(), &checkpoint).unwrap();
    story.lines().iter().for_each(|line| exporter.push(line).unwrap());
    exporter.finish().unwrap();
    ledger
}

fn check(ledger: &Memory, trusted: &SigningKey, old: Option<&str>) -> Result<Report, String> {
    let entries = ledger.files["entries.jsonl"].as_slice();
    verify(
        ledger,
        entries,
        &mut Past::default(),
        Trust { key: trusted.verifier(), old: &old.into_iter().collect::<Vec<_>>(), seen: None, witnesses: None },
        &at_once,
        &mut |_, _| {},
    )
    .map_err(|refusal| refusal.to_string())
}

fn assert_refused(what: &str, checked: Result<Report, String>, reason: &str) {
    let said = checked.map(|_| "it was believed".to_owned()).unwrap_or_else(|said| said);
    assert!(said.contains(reason), "{what}:\n  said: {said}\n  not:  {reason}");
}

/// Before, during and after a change, and the checkpoints of the first two.
struct Change {
    before: Story,
    during: Story,
    after: Story,
}

fn change() -> Change {
    let (old, new) = (key(), next());
    let before = Story::of(12);
    let mut during = before.clone();
    announce(&mut during, &old, &new);
    more(&mut during, 12);
    let mut after = during.clone();
    hand_over(&mut after, &old, &new);
    more(&mut after, 12);
    Change { before, during, after }
}

#[test]
fn whoever_holds_the_old_key_verifies_before_during_and_after_and_is_told_the_new_one() {
    let (Change { before, during, after }, old, new) = (change(), key(), next());
    let (first, second) = (checkpoint(&before, &[&old]), checkpoint(&during, &[&old, &new]));
    assert_eq!(check(&export(&before, &[&old], &old), &old, None).unwrap().newer_key, None);
    let report = check(&export(&during, &[&old, &new], &old), &old, Some(&first)).unwrap();
    assert_eq!((report.newer_key, report.continues), (None, Some(before.records.len() as u64)));
    let report = check(&export(&after, &[&new], &new), &old, Some(&second)).unwrap();
    assert_eq!((report.requests(), report.newer_key), (36, Some(vkey(&new))));
}

#[test]
fn whoever_holds_the_new_key_verifies_from_its_announcement_on_and_compares_with_what_the_old_one_signed() {
    let (Change { before, during, after }, old, new) = (change(), key(), next());
    let first = checkpoint(&before, &[&old]);
    let report = check(&export(&during, &[&old, &new], &old), &new, Some(&first)).unwrap();
    assert_eq!(report.newer_key, None, "nobody is sent back to the key that may have been stolen");
    assert_eq!(check(&export(&after, &[&new], &new), &new, Some(&first)).unwrap().newer_key, None);
    // Before it was announced, nothing says that it will be.
    let stranger = "not signed by the trusted key";
    assert_refused(
        "before",
        check(&export(&before, &[&old], &old), &new, None),
        "the key you trust is none of this log's",
    );
    let mut alone = export(&before, &[&old], &old);
    alone.write("log.vkey", format!("{}\n", vkey(&new)));
    assert_refused("with another key file", check(&alone, &new, None), stranger);
}

#[test]
fn a_key_can_follow_a_key_that_followed_a_key() {
    let (Change { mut after, .. }, old, new, third) = (change(), key(), next(), thief());
    announce(&mut after, &new, &third);
    hand_over(&mut after, &new, &third);
    for trusted in [&old, &new, &third] {
        check(&export(&after, &[&third], &third), trusted, None).unwrap();
    }
}

#[test]
fn a_log_that_changes_its_key_without_saying_so_is_refused() {
    let (old, new, story) = (key(), next(), Story::of(12));
    let silent = export(&story, &[&new], &new);
    assert_refused("by the old key", check(&silent, &old, None), "must be signed by");
    assert_refused("by the new key", check(&silent, &new, None), "the key you trust is none of this log's");
    let mut other = story.clone();
    other.records[0].body.insert("vkey".into(), vkey(&new).into());
    assert_refused("with another beginning", check(&export(&other, &[&new], &new), &old, None), "none of this log's");
    let mut announced = story;
    say(&mut announced, KeyActivated, json!({"vkey": vkey(&new)}));
    assert_refused("activated only", check(&export(&announced, &[&new], &new), &old, None), "key.activated of");
}

#[test]
fn an_announcement_that_the_old_key_has_not_signed_is_refused() {
    let (old, thief) = (key(), thief());
    let stated = Succession { old: old.verifier(), new: thief.verifier() }.to_string();
    let other = Succession::sign(&old, &next()).unwrap();
    let statements = [
        (thief.sign(&stated).unwrap(), "signed by the old key and by the new one"),
        (old.sign(&stated).unwrap(), "signed by the old key and by the new one"),
        (note::sign_with(&stated.replace("v1", "v2"), [&old, &thief]).unwrap(), "about other keys or another log"),
        (other, "about other keys or another log"),
        (String::new(), "signed by the old key and by the new one"),
    ];
    for (statement, reason) in statements {
        let mut story = Story::of(6);
        announce_by(&mut story, &old, &thief, &statement);
        hand_over(&mut story, &old, &thief);
        for trusted in [&old, &thief] {
            assert_refused(&statement, check(&export(&story, &[&thief], &thief), trusted, None), reason);
        }
    }
    let mut story = Story::of(6);
    announce(&mut story, &thief, &next());
    let refused = check(&export(&story, &[&old, &next()], &old), &old, None);
    assert_refused("by a key the log never had", refused, "which does not count here");
}

#[test]
fn after_the_change_the_old_key_alone_signs_nothing_that_is_believed() {
    let (Change { before, during, after }, old, new) = (change(), key(), next());
    // Who stole the old key signs the whole log, a longer one, and one that has never heard of the new key.
    let mut longer = after.clone();
    more(&mut longer, 6);
    for trusted in [&old, &new] {
        assert_refused("after", check(&export(&longer, &[&old], &old), trusted, None), "must be signed by");
        assert_refused("during", check(&export(&during, &[&old], &old), trusted, None), "must be signed by");
        assert_refused("during", check(&export(&during, &[&new], &new), trusted, None), "must be signed by");
    }
    let mut fork = before;
    more(&mut fork, 30);
    assert_refused("a fork", check(&export(&fork, &[&old], &old), &new, None), "none of this log's");
    // And one that takes the new key back.
    announce(&mut fork, &old, &new);
    let size = fork.records.len();
    say(&mut fork, KeyRevoked, json!({"vkey": vkey(&new), "valid_to_size": size}));
    assert_refused("taken back", check(&export(&fork, &[&old], &old), &new, None), "vouches for no key that signs now");
    check(&export(&fork, &[&old], &old), &old, None).unwrap();
}

#[test]
fn a_key_that_was_stolen_is_revoked_from_the_last_size_known_outside() {
    let (mut story, old, new) = (Story::of(12), key(), next());
    let outside = checkpoint(&story, &[&old]);
    let size = story.records.len();
    more(&mut story, 6);
    let doubtful = checkpoint(&story, &[&old]);
    announce(&mut story, &old, &new);
    say(&mut story, KeyActivated, json!({"vkey": vkey(&new)}));
    say(&mut story, KeyRevoked, json!({"vkey": vkey(&old), "valid_to_size": size}));
    let ledger = export(&story, &[&new], &new);
    check(&ledger, &old, Some(&outside)).unwrap();
    assert_refused("older, but not outside", check(&ledger, &old, Some(&doubtful)), "no key of the log counts");
}

#[test]
fn entries_about_keys_keep_to_their_rules() {
    let (old, new) = (key(), next());
    type Break<'a> = &'a dyn Fn(&mut Story);
    let broken: &[(&str, Break<'_>, &str)] = &[
        ("announced twice", &|story| announce(story, &key(), &next()), "which the log had before"),
        ("back to the old key", &|story| announce(story, &next(), &key()), "which the log had before"),
        (
            "the log's own key revoked",
            &|story| say(story, KeyRevoked, json!({"vkey": vkey(&key()), "valid_to_size": 3})),
            "another has to be activated before",
        ),
        (
            "valid for what is not there yet",
            &|story| say(story, KeyRevoked, json!({"vkey": vkey(&next()), "valid_to_size": 9_000})),
            "there are only",
        ),
        ("without a size", &|story| say(story, KeyRevoked, json!({"vkey": vkey(&next())})), "valid_to_size"),
        ("a stranger", &|story| say(story, KeyActivated, json!({"vkey": vkey(&thief())})), "not a key of the log"),
        (
            "no key at all",
            &|story| say(story, KeyActivated, json!({"vkey": "key"})),
            "is not a verifier key of this log",
        ),
    ];
    for (what, change, reason) in broken {
        let mut story = Story::of(6);
        announce(&mut story, &old, &new);
        change(&mut story);
        assert_refused(what, check(&export(&story, &[&old, &new], &old), &old, None), reason);
    }
}

#[test]
fn an_older_checkpoint_counts_only_with_the_signatures_of_its_time() {
    let (Change { before, during, after }, old, new) = (change(), key(), next());
    let ledger = export(&after, &[&new], &new);
    let reason = "the older checkpoint cannot be used for comparison: not signed by the trusted key";
    assert_refused("half signed", check(&ledger, &old, Some(&checkpoint(&during, &[&old]))), reason);
    assert_refused("by a thief", check(&ledger, &old, Some(&checkpoint(&before, &[&thief()]))), reason);
    let shorter = export(&during, &[&old, &new], &old);
    assert_refused("a rollback", check(&shorter, &new, Some(&checkpoint(&after, &[&new]))), "rollback");
    assert_refused("a rollback", check(&shorter, &old, Some(&checkpoint(&after, &[&new]))), reason);
}

#[test]
fn the_key_file_of_a_ledger_names_the_key_the_log_has_now() {
    let (Change { during, after, .. }, old, new) = (change(), key(), next());
    let file = "log.vkey is not the key you trust, nor one that took over from it";
    let mut ledger = export(&during, &[&old, &new], &old);
    ledger.write("log.vkey", format!("{}\n", vkey(&new)));
    assert_refused("announced only", check(&ledger, &old, None), file);
    let mut ledger = export(&after, &[&new], &new);
    ledger.write("log.vkey", format!("{}\n", vkey(&thief())));
    assert_refused("a thief's", check(&ledger, &old, None), file);
}

//! What is signed, and what was signed before.

use seconder::ledger::RecordType::*;
use seconder::ledger::{Checkpoint, SigningKey};
use serde_json::json;
use zeroize::Zeroizing;

use super::story::{ORIGIN, Story, key, request};
use super::{assert_refused, check, honest};

#[test]
fn a_checkpoint_that_was_changed_or_signed_by_somebody_else_is_refused() {
    let ledger = honest().export();
    let text = ledger.text("checkpoint");
    let stranger = SigningKey::from_seed(ORIGIN, &Zeroizing::new([1; 32])).unwrap();
    let body = text.split_once("\n\n").unwrap().0;
    let other_origin = SigningKey::from_seed("other.test/l/1", &Zeroizing::new([42; 32])).unwrap();
    let changed = [
        ("the size", text.replacen("\n4", "\n3", 1), "the text or the signature was changed"),
        ("the signature", text.replace("— ", "—"), "not a signed note"),
        ("another key", stranger.sign(&format!("{body}\n")).unwrap(), "not signed by the trusted key"),
        ("another log", other_origin.sign(&format!("{body}\n")).unwrap(), "not signed by the trusted key"),
        ("an extension line", key().sign(&format!("{body}\nmore\n")).unwrap(), "not a checkpoint"),
        ("no checkpoint", key().sign("hello\n").unwrap(), "not a checkpoint"),
    ];
    for (what, checkpoint, reason) in changed {
        let mut ledger = ledger.clone();
        assert_ne!(checkpoint, text, "{what}");
        ledger.write("checkpoint", checkpoint);
        assert_refused(what, &ledger, None, reason);
    }
}

#[test]
fn a_ledger_cut_back_to_an_older_checkpoint_is_caught_by_whoever_kept_a_newer_one() {
    let (before, after) = (Story::of(60), honest());
    assert!(check(&before.export(), None).is_ok(), "nothing in the ledger itself can show it");
    assert_refused("cut back", &before.export(), Some(&after.checkpoint()), "rollback: the older checkpoint has");
}

#[test]
fn a_past_rewritten_and_signed_again_with_the_right_key_is_caught_by_an_older_checkpoint() {
    let story = honest();
    let mut rewritten = story.clone();
    rewritten.set(&request(0), RequestOpened, "/environment", json!("staging"));
    assert!(check(&rewritten.export(), None).is_ok(), "nothing in the ledger itself can show it");
    let kept = Story::of(30).checkpoint();
    assert!(check(&story.export(), Some(&kept)).is_ok());
    assert_refused("forked", &rewritten.export(), Some(&kept), "fork: the first");

    let foreign = Checkpoint { origin: "other.test/1".into(), size: 0, root: seconder::ledger::merkle::empty_root() };
    let other = SigningKey::from_seed("other.test/1", &Zeroizing::new([1; 32])).unwrap();
    assert_refused(
        "of another log",
        &story.export(),
        Some(&foreign.sign(&other).unwrap()),
        "older checkpoint cannot be used",
    );
}

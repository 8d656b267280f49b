//! Checkpoints on a branch: one commit each, whatever gets in between.

use std::sync::Arc;

use seconder::app::anchor::Accepted;
use seconder::app::branch::Branch;
use seconder::app::guard::Guard;
use seconder::app::publish::Target;
use seconder::demo::{Commit, Trouble};
use seconder::github::contents::FileCommit;
use seconder::github::{Place, client};
use seconder::ledger::{Checkpoint, SigningKey};
use seconder::store::{BranchStanding, LogHead};
use zeroize::Zeroizing;

use super::press::{LEDGER, Press, granted};
use crate::support::database::{Database, on_both, on_sqlite};
use crate::support::stage::adapter;

const MINUTE: i64 = 60_000;

async fn with_branch(database: &Database) -> Press<'_> {
    let press = Press::set(database, granted()).await;
    press.github.commit(LEDGER, &Commit::by("olga", "A place for checkpoints").on("checkpoints"));
    press.hold(1).await;
    press
}

fn branch(press: &Press<'_>) -> Branch {
    branch_of(press, "ledger")
}

fn branch_of(press: &Press<'_>, target: &str) -> Branch {
    branch_with(press, target, Accepted::default())
}

fn branch_with(press: &Press<'_>, target: &str, accepted: Accepted) -> Branch {
    let target = Target::parse(target).unwrap();
    let guard = Arc::new(Guard::new(press.database.folder(), accepted));
    Branch::new(press.store.clone(), adapter(&press.github), target, "checkpoints".to_owned(), guard)
}

async fn path(press: &Press<'_>) -> String {
    path_of(&press.log().await)
}

fn path_of(log: &LogHead) -> String {
    format!("checkpoints/{}", log.origin.rsplit('/').next().unwrap())
}

/// What is on the branch.
async fn there(press: &Press<'_>) -> String {
    there_of(press, LEDGER, &press.log().await).await
}

async fn there_of(press: &Press<'_>, repository: &str, log: &LogHead) -> String {
    let (github, (owner, name)) = (adapter(&press.github), repository.split_once('/').unwrap());
    let (tenant, repository) = github.locate(owner, name).await.unwrap();
    let place = Place { tenant: &tenant, repository: &repository };
    let file = github.file_on_branch(place, "checkpoints", &path_of(log)).await.unwrap();
    file.map_or_else(String::new, |file| file.text)
}

/// How many commits the branch has got from us.
fn commits(press: &Press<'_>) -> usize {
    let is_commit = |call: &&seconder::demo::ApiCall| call.method == "PUT" && [200, 201].contains(&call.status);
    press.github.calls().iter().filter(is_commit).count()
}

async fn standing(press: &Press<'_>) -> BranchStanding {
    press.store.branches().await.unwrap().remove(0)
}

#[test]
fn each_checkpoint_is_one_commit_at_most_every_five_minutes_whoever_is_quicker() {
    on_both(async |database| {
        let press = with_branch(database).await;
        let (one, other) = (branch(&press), branch(&press));
        let (one, other) = tokio::join!(one.due(), other.due());
        assert_eq!(one.unwrap() + other.unwrap(), 1, "one of the replicas");
        assert_eq!((commits(&press), there(&press).await), (1, press.log().await.checkpoint));
        press.hold(2).await;
        branch(&press).due().await.unwrap();
        assert_eq!(commits(&press), 1, "not that soon");
        database.pass(5 * MINUTE);
        branch(&press).due().await.unwrap();
        assert_eq!((commits(&press), there(&press).await), (2, press.log().await.checkpoint));
        database.pass(5 * MINUTE);
        assert_eq!(branch(&press).due().await.unwrap(), 0, "nothing has grown");
        let standing = standing(&press).await;
        assert_eq!((standing.size, standing.attempts), (press.log().await.size, 0));
    });
}

#[test]
fn the_ledgers_of_two_accounts_share_a_branch_and_neither_undoes_the_others_checkpoint() {
    on_both(async |database| {
        const ALL: &str = "audit/all";
        let press = Press::set(database, granted()).await;
        press.github.repository(ALL);
        press.github.commit(ALL, &Commit::by("olga", "A place for checkpoints").on("checkpoints"));
        let both_are_there = async || {
            let logs = press.store.ledger().logs().await.unwrap();
            for log in &logs {
                assert_eq!(there_of(&press, ALL, log).await, log.checkpoint, "of {}", log.login);
            }
            assert_eq!(logs.len(), 2);
        };
        press.hold(1).await;
        press.hold_of(8_000, 1).await;
        assert_eq!(branch_of(&press, ALL).due().await.unwrap(), 2);
        both_are_there().await;
        // One grows; then both, and the first commit comes too late.
        press.hold(2).await;
        database.pass(5 * MINUTE);
        assert_eq!(branch_of(&press, ALL).due().await.unwrap(), 1);
        both_are_there().await;
        press.hold(3).await;
        press.hold_of(8_000, 2).await;
        database.pass(5 * MINUTE);
        press.github.fail("PUT", 1, Trouble::Status(409));
        assert_eq!(branch_of(&press, ALL).due().await.unwrap(), 2);
        both_are_there().await;
        assert_eq!(commits(&press), 5, "one each");
    });
}

/// What our GitHub says to whoever replaces a file that is another one by now.
async fn stale_replacements_conflict(press: &Press<'_>) {
    let github = adapter(&press.github);
    let (tenant, repository) = github.locate("acme", "ledger").await.unwrap();
    let place = Place { tenant: &tenant, repository: &repository };
    let replaces = Some("0123456789012345678901234567890123456789");
    let commit = FileCommit { branch: "checkpoints", path: "a", text: "b", message: "c", replaces };
    let refused = github.commit_file(place, &commit).await;
    assert!(matches!(refused, Err(client::Error::Unprocessable { status: 409, .. })), "{refused:?}");
}

#[test]
fn it_survives_a_conflict_a_lost_answer_and_whoever_writes_something_else_there() {
    on_sqlite(async |database| {
        let press = with_branch(database).await;
        stale_replacements_conflict(&press).await;
        press.github.fail("PUT", 1, Trouble::Status(409));
        branch(&press).due().await.unwrap();
        assert_eq!((commits(&press), there(&press).await), (1, press.log().await.checkpoint));

        press.hold(2).await;
        database.pass(5 * MINUTE);
        press.github.fail("PUT", 1, Trouble::LoseAnswer);
        branch(&press).due().await.unwrap();
        assert_eq!(standing(&press).await.attempts, 1);
        let tip = press.github.tip(LEDGER, "checkpoints");
        database.pass(MINUTE);
        branch(&press).due().await.unwrap();
        assert_eq!(press.github.tip(LEDGER, "checkpoints"), tip, "it was there already");
        assert_eq!((standing(&press).await.attempts, there(&press).await), (0, press.log().await.checkpoint));

        // A made-up checkpoint, larger than ours: the ledger's keys have not signed it.
        let origin = press.log().await.origin;
        let key = SigningKey::from_seed(&origin, &Zeroizing::new([66; 32])).unwrap();
        let root = seconder::ledger::merkle::empty_root();
        let forged = Checkpoint { origin, size: 99_999, root }.sign(&key).unwrap();
        let mut commit = Commit::by("rita", "Mine").on("checkpoints");
        commit.contents = vec![(path(&press).await, Some(forged))];
        press.github.commit(LEDGER, &commit);
        press.hold(3).await;
        database.pass(5 * MINUTE);
        branch(&press).due().await.unwrap();
        assert_eq!(there(&press).await, press.log().await.checkpoint);
    });
}

#[test]
fn a_database_that_was_set_back_does_not_set_the_branch_back() {
    on_sqlite(async |database| {
        let mut press = with_branch(database).await;
        branch(&press).due().await.unwrap();
        let backup = press.backup().await;
        press.hold(2).await;
        press.hold(3).await;
        database.pass(5 * MINUTE);
        branch(&press).due().await.unwrap();
        let newest = there(&press).await;
        press.restore(&backup).await;
        press.hold(4).await;
        branch(&press).due().await.unwrap();
        assert_eq!(there(&press).await, newest);
        let standing = standing(&press).await;
        assert!(standing.last_error.contains("A restored backup looks like this"), "{standing:?}");
    });
}

#[test]
fn a_restored_database_that_has_grown_again_does_not_replace_the_checkpoint_of_another_past() {
    on_sqlite(async |database| {
        let mut press = with_branch(database).await;
        let backup = press.backup().await;
        press.hold(2).await;
        branch(&press).due().await.unwrap();
        let (signed, size) = (there(&press).await, press.log().await.size);
        press.restore(&backup).await;
        for run in 3..6 {
            press.hold(run).await;
        }
        assert!(press.log().await.size > size, "by its size nothing is missing");
        branch(&press).due().await.unwrap();
        assert_eq!(there(&press).await, signed);
        let BranchStanding { alarm, attempts, .. } = standing(&press).await;
        assert!(alarm.contains("the branch checkpoints of acme/ledger has"), "{alarm}");
        assert!(alarm.contains("the first entries in the database are others"), "{alarm}");
        assert_eq!(attempts, 1);
        // What goes wrong otherwise meanwhile changes nothing about that.
        database.pass(MINUTE);
        press.github.fail("/contents/", 1, Trouble::Status(500));
        branch(&press).due().await.unwrap();
        assert!(standing(&press).await.last_error.contains("500"));
        assert_eq!(standing(&press).await.alarm, alarm);
        // Once the operator says that it is known, whichever replica comes next ends it for all of them.
        database.pass(2 * MINUTE);
        let accepted = Accepted(vec![(press.log().await.origin, size)]);
        branch_with(&press, "ledger", accepted).due().await.unwrap();
        assert_eq!((there(&press).await, standing(&press).await.alarm), (press.log().await.checkpoint, String::new()));
    });
}

#[test]
fn without_the_branch_it_says_how_to_make_it_and_nothing_else_waits() {
    on_sqlite(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        branch(&press).due().await.unwrap();
        let standing = standing(&press).await;
        assert!(standing.last_error.contains("git push origin HEAD:refs/heads/checkpoints"), "{standing:?}");
        press.publish().await.unwrap();
    });
}

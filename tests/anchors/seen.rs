//! What a server remembers and a check run shows: a database that was set back contradicts it.

use super::{refusal, verify};
use crate::support::process::{Process, free_address};
use crate::support::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_check_run_shows_where_the_ledger_stood_and_an_export_is_held_to_it() {
    let stage = Stage::set().await;
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    let summary = stage.asked(&sha).await.summary.unwrap();
    let (_, seen) = summary.split_once("--seen ").expect("the command that compares it");
    let seen = seen.split('`').next().unwrap();
    stage.hold().await;

    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let vkey = stage.export(&dir).await;
    let (code, said) = verify(&dir, &vkey, &["--seen", seen]);
    assert_eq!(code, Some(0), "{said}");
    let (size, root) = seen.split_once(':').unwrap();
    let other = format!("{}:{root}", size.parse::<u64>().unwrap() - 1);
    let (code, said) = verify(&dir, &vkey, &["--seen", &other]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("fork"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_does_not_start_beside_the_memory_of_a_newer_one() {
    let mut stage = Stage::set().await;
    stage.hold().await;
    stage.stop().await;
    stage.backup();
    stage.start().await;
    stage.hold().await;
    stage.stop().await;
    stage.start().await; // Nothing is missing: it starts again.
    stage.stop().await;
    let known = stage.remembered();

    stage.restore();
    let output = Process::command(&stage.github, free_address(), stage.folder(), &stage.database_url).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let remedy = format!("SECONDER_ACCEPT_ROLLBACK={}@{}", known.origin, known.size);
    assert!(said.contains("the database has only") && said.contains(&remedy), "{said}");

    // Another history, as long as the first: let in by hand, as long as the memory is away.
    let (folder, away) = (stage.folder().join("checkpoints"), stage.folder().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    stage.start().await;
    while stage.log().await.size < known.size {
        stage.hold().await;
    }
    stage.stop().await;
    assert!(stage.remembered().size >= known.size, "it remembers again from its first start on");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    let said = refusal(&stage).await;
    assert!(said.contains("the first entries in the database are others"), "{said}");

    // No database at all is the oldest backup of all.
    std::fs::remove_file(stage.database()).unwrap();
    let said = refusal(&stage).await;
    assert!(said.contains("does not have this ledger at all"), "{said}");

    stage.anchors.accepted_rollbacks = vec![(known.origin.clone(), known.size - 1)];
    assert!(refusal(&stage).await.contains(&remedy), "less was accepted than is missing");
    stage.anchors.accepted_rollbacks = vec![(known.origin, known.size)];
    stage.start().await;
}

//! What is published carries what witnesses gave, and waits for it; but not for ever.

use std::path::Path;
use std::time::Duration;

use seconder::app::publish::{Outcome, Publisher, Target, Witnessing};
use seconder::demo::{Asset, Trouble};
use seconder::server::witnessing;
use seconder::store::{Anchored, Anchoring};

use super::files;
use super::press::{LEDGER, Press, granted};
use crate::support::ACME;
use crate::support::database::on_both;
use crate::support::process::{run, told};
use crate::support::stage::{Stage, adapter};
use crate::support::witness::{Authority, Witness};

fn download(assets: &[Asset], into: &Path) {
    std::fs::create_dir(into).unwrap();
    assets.iter().for_each(|asset| std::fs::write(into.join(&asset.name), &asset.bytes).unwrap());
}

fn verify(segment: &Path, key: &str, policy: &Path) -> (Option<i32>, String) {
    let (segment, policy) = (segment.to_str().unwrap(), policy.to_str().unwrap());
    told(&run(&["ledger", "verify", segment, "--vkey", key, "--witness-policy", policy]))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_can_insist_on_witnesses_and_the_time_of_what_was_published() {
    let mut stage = Stage::set_with(granted()).await;
    stage.github.repository(LEDGER);
    stage.hold().await;
    let (mut witness, authority) = (Witness::start(), Authority::start().await);
    let log = stage.log().await;
    witness.trust(&log);
    stage.stop().await;
    stage.anchors.witness_policy = Some(witness.policy());
    stage.anchors.timestamp_url = Some(authority.url.clone());
    stage.anchors.every = Duration::from_secs(1);
    stage.start().await;

    let (publications, folder) = (stage.server().store().publications(), stage.folder().join("publications"));
    let publisher =
        Publisher::new(publications, adapter(&stage.github), Target::parse("ledger").unwrap(), None, folder)
            .witnessed(witnessing(&stage.anchors).unwrap());
    // It was begun with what witnesses had given by then; whatever comes meanwhile, it ends with that.
    stage.github.fail("PATCH", 1, Trouble::Status(500));
    let error = publisher.publish(&log, &|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("500"), "{error}");
    let begun = stage.github.releases(LEDGER).remove(0);
    stage.hold().await;
    let Outcome::Published { batch, .. } = publisher.publish(&log, &|_| {}).await.unwrap() else { panic!() };
    let release = stage.github.releases(LEDGER).remove(0);
    assert_eq!(begun.assets, release.assets);
    assert!(!release.body.contains("Not cosigned"));

    let published = files(&release.assets);
    assert_eq!(published["checkpoint"], batch.checkpoint.as_bytes());
    assert!(authority.dates(published["checkpoint"], published["checkpoint.tsr"]));
    let folder = tempfile::tempdir().unwrap();
    let (segment, policy) = (folder.path().join("segment"), folder.path().join("policy"));
    download(&release.assets, &segment);
    for text in [witness.policy(), String::from_utf8(published["witness.policy"].to_vec()).unwrap()] {
        std::fs::write(&policy, text).unwrap();
        let (code, said) = verify(&segment, &log.vkey, &policy);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("checkpoint.tsr has the form of a time-stamp of this checkpoint"), "{said}");
        let arguments = ["ledger", "verify", segment.to_str().unwrap(), "--vkey", &log.vkey, "--strict"];
        let strict = run(&[&arguments[..], &["--witness-policy", policy.to_str().unwrap()]].concat());
        assert!(strict.status.success(), "{}", String::from_utf8_lossy(&strict.stderr));
        let strict = run(&arguments);
        assert!(
            String::from_utf8_lossy(&strict.stderr).contains("--strict: witness.policy: "),
            "the policy nobody gave"
        );
    }
    std::fs::write(&policy, Witness::start().policy()).unwrap();
    let (code, said) = verify(&segment, &log.vkey, &policy);
    assert!(code == Some(1) && said.contains("cosigned by no witness it knows"), "{said}");

    // So does whoever exports the ledger.
    stage.stop().await;
    let reader = seconder::store::LedgerReader::open(&stage.database_url).await.unwrap();
    let (log, whole) = (reader.logs().await.unwrap().remove(0), folder.path().join("whole"));
    let anchored = reader.anchored(log.tenant).await.unwrap().unwrap();
    if anchored.size < log.size {
        stage.start().await; // A server that starts asks first.
        stage.stop().await;
    }
    seconder::cli::ledger::export::export(&reader, &log, &whole).await.unwrap();
    let policy = folder.path().join("exported policy");
    std::fs::copy(whole.join("witness.policy"), &policy).unwrap();
    let (code, said) = verify(&whole, &log.vkey, &policy);
    assert_eq!(code, Some(0), "{said}");
    let read = |name: &str| std::fs::read(whole.join(name)).unwrap();
    assert!(authority.dates(&read("checkpoint"), &read("checkpoint.tsr")));
}

/// Witnesses vouch for the log as it is: a policy that asks for nobody is one, too.
pub async fn vouch(press: &Press<'_>) {
    let due = press.store.claim_anchors(10).await.unwrap().remove(0);
    let policy: seconder::ledger::quorum::Policy = POLICY.parse().unwrap();
    let keep = Anchored {
        size: due.turn.log.size,
        note: due.turn.log.checkpoint.clone(),
        has_quorum: true,
        policy: policy.for_log(&due.turn.log.vkey),
        tsr: String::new(),
        at: press.database.now(),
    };
    let anchoring = Anchoring { done: Some(due.turn.log.size), keep: Some(keep), ..Anchoring::default() };
    assert!(press.store.anchored(&due, &anchoring).await.unwrap());
}

pub const POLICY: &str = "quorum none\n";

#[test]
fn a_scheduled_publication_waits_for_witnesses_but_not_for_ever() {
    on_both(async |database| {
        let press = Press::set(database, granted()).await;
        press.hold(1).await;
        let patience = Duration::from_secs(600);
        let witnessing = Witnessing { policy: Some(POLICY.parse().unwrap()), is_dated: false, patience };
        let publisher = press.publisher_on("0 23 * * *").witnessed(witnessing);
        let published = || press.github.releases(LEDGER).len();
        // Down for a day when it is time: that is no reason to wait any less.
        database.pass(24 * 3_600_000);
        publisher.due().await.unwrap();
        assert_eq!(published(), 0, "nobody has vouched yet");
        vouch(&press).await;
        database.pass(2_000);
        press.hold(2).await; // After it was due: the next one's.
        let anchored = press.store.ledger().anchored(ACME).await.unwrap().unwrap();
        publisher.due().await.unwrap();
        let releases = press.github.releases(LEDGER);
        assert_eq!(releases.len(), 1);
        assert!(!releases[0].body.contains("Not cosigned"));
        let assets = files(&releases[0].assets);
        assert!(assets.contains_key(format!("entries-0-{}.jsonl.gz", anchored.size).as_str()));
        assert_eq!(assets["witness.policy"], anchored.policy.as_bytes());

        // They vouch no more.
        database.pass(24 * 3_600_000);
        publisher.due().await.unwrap();
        database.pass(599_000);
        publisher.due().await.unwrap();
        assert_eq!(published(), 1);
        database.pass(2_000);
        publisher.due().await.unwrap();
        let releases = press.github.releases(LEDGER);
        assert_eq!(releases.len(), 2);
        assert!(releases[1].body.contains("Not cosigned: no quorum of witnesses"), "{}", releases[1].body);
        assert!(!files(&releases[1].assets).contains_key("witness.policy"));
    });
}

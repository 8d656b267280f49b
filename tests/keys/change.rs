//! A key is changed: announced, used, taken out, and nobody has to be told.

use seconder::artifact::segment::{Span, write};
use seconder::ledger::note;
use seconder::store::LogHead;
use serde_json::Value;

use super::{acme, audited, hold, key, signers, types, vkey};
use crate::support::database::{on_both, on_sqlite};
use crate::support::{ACME, case, verified};

#[test]
fn auditors_with_the_old_key_go_on_verifying_before_during_and_after_a_change() {
    on_both(async |database| {
        let store = database.open_with_keys(7, None).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let before = acme(&store).await;
        assert_eq!((signers(&before), &before.next_vkey), (vec![7], &None));
        let answers = audited(&store, &before, &[7, 8]).await;
        assert!(answers[0].is_ok(), "{answers:?}");
        assert!(answers[1].is_err(), "nothing is said of the new key yet");
        store.close().await;

        // Announced in a log in which nothing else happens, and once, however often the server is started.
        database.open_with_keys(7, Some(8)).await.unwrap().close().await;
        let store = database.open_with_keys(7, Some(8)).await.unwrap();
        let announced = acme(&store).await;
        assert_eq!((signers(&announced), announced.size), (vec![7, 8], before.size + 1));
        hold(&store, &case(2)).await.unwrap();
        let during = acme(&store).await;
        assert_eq!((signers(&during), during.vkey == before.vkey), (vec![7, 8], true));
        assert_eq!(audited(&store, &during, &[7, 8]).await, [Ok(()), Ok(())]);
        store.close().await;

        let store = database.open_with_keys(8, None).await.unwrap();
        hold(&store, &case(3)).await.unwrap();
        let after = acme(&store).await;
        assert_eq!((signers(&after), &after.vkey), (vec![8], &vkey(&after, 8)));
        assert_eq!(audited(&store, &after, &[7, 8]).await, [Ok(()), Ok(())]);
        assert_eq!(types(&store, &after).await, ["key.added", "key.activated", "key.revoked"]);
        let keys = store.ledger().keys(&after).await.unwrap();
        assert_eq!((keys[0].valid_to_size, keys[1].activated), (Some(during.size), Some(during.size)));
        store.close().await;

        // The next change begins like the first.
        let store = database.open_with_keys(8, Some(9)).await.unwrap();
        let again = acme(&store).await;
        assert_eq!(signers(&again), [8, 9]);
        assert_eq!(audited(&store, &again, &[7, 8, 9]).await, [Ok(()), Ok(()), Ok(())]);
        store.close().await;
    });
}

#[test]
fn an_announcement_can_be_checked_with_nothing_but_the_two_keys() {
    on_sqlite(async |database| {
        let store = database.open_with_keys(7, Some(8)).await.unwrap();
        hold(&store, &case(1)).await.unwrap();
        let log = acme(&store).await;
        let lines = store.ledger().entries(ACME, 0, log.size, 100).await.unwrap();
        let added: Value = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .find(|it: &Value| it["type"] == "key.added")
            .unwrap();
        let statement = added["statement"].as_str().unwrap();
        for n in [7, 8] {
            let text = note::open(statement, &[key(&log, n).verifier()]).unwrap();
            let (old, new) = (vkey(&log, 7), vkey(&log, 8));
            assert_eq!(text, format!("seconder key change v1\n{}\n{old}\n{new}\n", log.origin));
        }
        store.close().await;
    });
}

#[test]
fn segments_of_a_log_that_changed_its_key_are_verified_one_by_one_and_in_sequence() {
    on_sqlite(async |database| {
        let folder = database.folder();
        let (mut dirs, mut kept) = (Vec::new(), None);
        for (n, (own, next)) in [(7, None), (7, Some(8)), (8, None), (8, None)].into_iter().enumerate() {
            let store = database.open_with_keys(own, next).await.unwrap();
            hold(&store, &case(n as u64)).await.unwrap();
            let log = acme(&store).await;
            let from = kept.as_ref().map_or(0, |kept: &LogHead| kept.size);
            let checkpoint_prev = kept.as_ref().map(|kept| kept.checkpoint.clone());
            let span =
                Span { from, to: log.size, checkpoint: log.checkpoint.clone(), checkpoint_prev, extra: Vec::new() };
            let dir = folder.join(format!("segment-{n}"));
            write(&store.ledger(), &log, span, &dir, &mut |_, _| {}).await.unwrap();
            dirs.push(dir);
            kept = Some(log);
            store.close().await;
        }
        let log = kept.unwrap();
        let verify = |dirs: &[std::path::PathBuf], n| verified(dirs, &vkey(&log, n)).map(|reports| reports.len());
        assert_eq!(verify(&dirs, 7), Ok(4), "whoever began with the old key is led to the new one");
        for (n, key, is_believed) in [
            (0, 7, true),
            (1, 7, true),
            (1, 8, true),
            (2, 8, true),
            (3, 8, true),
            (0, 8, false),
            (2, 7, false),
            (3, 7, false),
        ] {
            let verified = verify(&dirs[n..=n], key);
            assert_eq!(verified.is_ok(), is_believed, "segment {n} with key {key}: {verified:?}");
        }
    });
}

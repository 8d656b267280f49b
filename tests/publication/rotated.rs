//! The key that signs is changed between two publications, and in the middle of one.

use seconder::app::publish::Outcome;
use seconder::demo::Trouble;
use seconder::store::{Options, Store};
use zeroize::Zeroizing;

use super::press::{LEDGER, Press, granted};
use crate::support::database::on_both;
use crate::support::process::run;

/// The server starts again with this key, and this one as the next.
async fn start_with(press: &mut Press<'_>, own: u8, next: Option<u8>) {
    press.store.close().await;
    let next_seed = next.map(|next| Zeroizing::new([next; 32]));
    let options = Options { seed: Zeroizing::new([own; 32]), next_seed, ..press.database.options() };
    (press.store, _) = Store::open(options).await.unwrap();
    press.store.settle_keys().await.unwrap();
}

#[test]
fn whoever_has_the_old_key_alone_verifies_what_is_published_after_a_change() {
    on_both(async |database| {
        let mut press = Press::set(database, granted()).await;
        press.hold(1).await;
        press.publish().await.unwrap();
        let old_key = press.log().await.vkey;
        press.hold(2).await;
        // Begun with the old key, ended when that is gone.
        press.github.fail("PATCH", 1, Trouble::Status(500));
        press.publish().await.unwrap_err();
        let begun = press.github.releases(LEDGER).remove(1);
        start_with(&mut press, 7, Some(8)).await;
        press.hold(3).await;
        start_with(&mut press, 8, None).await;
        let Outcome::Published { .. } = press.publish().await.unwrap() else { panic!() };
        assert_eq!(begun.assets, press.github.releases(LEDGER).remove(1).assets);
        press.hold(4).await;
        let Outcome::Published { .. } = press.publish().await.unwrap() else { panic!() };

        let folder = tempfile::tempdir().unwrap();
        let mut command = vec!["ledger".to_owned(), "verify".to_owned()];
        for release in press.github.releases(LEDGER) {
            let segment = folder.path().join(&release.tag);
            std::fs::create_dir(&segment).unwrap();
            release.assets.iter().for_each(|it| std::fs::write(segment.join(&it.name), &it.bytes).unwrap());
            command.push(segment.display().to_string());
        }
        assert_eq!(command.len(), 5, "three segments");
        command.extend(["--vkey".to_owned(), old_key]);
        let output = run(&command.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

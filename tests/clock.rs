//! What time it is: the database says.

use std::sync::Arc;

use seconder::app::{Clock, system_clock};
use seconder::demo::{GitHub, Options, UserKind};
use seconder::domain::Millis;
use seconder::domain::gate::{Repository, RequestId, Tenant};
use seconder::github::pacing::Limits;
use seconder::github::{Place, Settings};
use seconder::server::Server;
use seconder::store::DatabaseClock;

use crate::support::database::on_both;
use crate::support::postgres;
use crate::support::stage::{SHOP, Stage, build_world};

const HOUR: Millis = 3_600_000;
const SECOND: Millis = 1_000;

/// The clock of a machine that is wrong by so much.
fn wrong_by(hours: Millis) -> Clock {
    let right = system_clock();
    Arc::new(move || right() + hours * HOUR)
}

#[test]
fn either_database_knows_what_time_it_is() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let machine = system_clock();
        let (before, time, after) = (machine(), store.time().await.unwrap(), machine());
        assert!((before - SECOND..after + SECOND).contains(&time), "{before} {time} {after}");
    });
}

#[test]
fn machines_whose_clocks_differ_by_hours_have_one_time() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let (early, late) = (DatabaseClock::new(wrong_by(-7)), DatabaseClock::new(wrong_by(9)));
        assert!(late.now() - early.now() > 15 * HOUR, "before they look at the database's");
        for _ in 0..2 {
            early.read(&store).await.unwrap();
            late.read(&store).await.unwrap();
            let (one, other, right) = (early.now(), late.now(), store.time().await.unwrap());
            assert!((one - other).abs() < SECOND && (one - right).abs() < SECOND, "{one} {other} {right}");
        }
    });
}

#[tokio::test]
async fn servers_on_machines_whose_clocks_differ_agree_on_when_a_request_expires() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::set_on(Options::default(), postgres::fresh_database(), folder).await;
    stage.stop().await;
    // Requests wait for a day. By one of these clocks that is over before it begins.
    let early = Server::start_on_machine(stage.config(), wrong_by(-30)).await.unwrap();
    let late = Server::start_on_machine(stage.config(), wrong_by(30)).await.unwrap();
    for (opens, answers) in [(&early, &late), (&late, &early)] {
        stage.send_webhooks_to(opens);
        let sha = stage.agents_commit();
        let run = stage.deploy(&sha);
        let check = stage.asked(&sha).await;

        let id = RequestId::parse(check.external_id.as_deref().unwrap()).unwrap();
        let expires = answers.store().request(&id).await.unwrap().unwrap().life.expires_at.unwrap();
        let left = expires - answers.store().time().await.unwrap();
        assert!((24 * HOUR - 60 * SECOND..=24 * HOUR + SECOND).contains(&left), "{left} ms");

        stage.send_webhooks_to(answers);
        stage.github.click(check.id, "approve", "alice");
        assert_eq!(stage.decision(run).await.0, "approved");
    }
    early.stop().await;
    late.stop().await;
}

/// GitHub takes no word that was signed tomorrow.
#[tokio::test]
async fn a_database_whose_clock_is_wrong_locks_nobody_out_of_github() {
    let github = GitHub::start(Options::default()).await.unwrap();
    build_world(&github);
    for hours in [-3, 3] {
        let seconder = seconder::github::GitHub::new(&Settings {
            api_url: github.api_url(),
            app_id: github.app_id(),
            private_key: github.app_private_key_pem().to_owned().into(),
            limits: Limits::default(),
            clock: wrong_by(hours),
        });
        let seconder = seconder.unwrap();
        let account_id = github.user("acme", UserKind::Organization);
        let tenant = Tenant { account_id, login: "acme".into(), installation_id: github.org("acme") };
        let shop = Repository { id: github.repository_id(SHOP), owner: "acme".into(), name: "shop".into() };
        let place = Place { tenant: &tenant, repository: &shop };
        assert_eq!(seconder.waiting_runs(place).await.unwrap().len(), 0);
        seconder.failed_deliveries(0).await.unwrap();
        let minted = seconder.calls().mint;
        seconder.waiting_runs(place).await.unwrap();
        assert_eq!(seconder.calls().mint, minted, "the token is good for an hour, whenever that is");
    }
}

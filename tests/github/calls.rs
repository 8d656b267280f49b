//! Decisions and check runs that go out, and whom and what GitHub is asked on the way.

use seconder::demo::{Deploy, Options, RunId, Trouble};
use seconder::domain::decide::Permission;
use seconder::domain::effect::Urgency;
use seconder::domain::people::{Account, AccountKind};
use seconder::domain::request::Answer;
use seconder::github::Place;
use seconder::github::checks::State;
use seconder::github::client::Error;

use super::{PATIENCE, SHOP, Scene, check_run, place, platform, subject};

#[tokio::test]
async fn a_decision_reaches_the_run_and_can_be_found_again() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    let gathered = scene.seconder.gather(&held, &[]).await.unwrap();
    let subject = subject(&held, &gathered);
    assert!(!scene.seconder.answered_already(&subject, Answer::Release, "entry 17").await.unwrap());

    let comment = format!("Seconded by alice, entry 17. {}", "é".repeat(2_000));
    let receipt = scene.seconder.answer(&subject, Answer::Release, &comment).await.unwrap();

    assert_eq!(receipt.status, 204);
    let callbacks = scene.github.callbacks(RunId(held.run_id));
    assert_eq!(callbacks[0].state.as_deref(), Some("approved"));
    assert_eq!(callbacks[0].comment.chars().count(), 1_024);
    assert!(scene.seconder.answered_already(&subject, Answer::Release, "entry 17").await.unwrap());
    assert!(!scene.seconder.answered_already(&subject, Answer::Release, "entry 18").await.unwrap());
}

#[tokio::test]
async fn a_check_run_whose_creator_died_is_adopted() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    let gathered = scene.seconder.gather(&held, &[]).await.unwrap();
    let subject = subject(&held, &gathered);
    let mut shown = check_run(&subject);
    assert_eq!(
        scene
            .seconder
            .find_check_run(Place::from(&subject), &shown.head_sha, &shown.name, &shown.external_id)
            .await
            .unwrap(),
        None
    );

    scene.github.fail("POST /repos/{owner}/{repo}/check-runs", 1, Trouble::LoseAnswer);
    let lost = scene.seconder.create_check_run(Place::from(&subject), &shown).await.unwrap_err();
    assert!(matches!(lost, Error::Network(_)) && lost.is_transient(), "{lost:?}");

    let id = scene
        .seconder
        .find_check_run(Place::from(&subject), &shown.head_sha, &shown.name, &shown.external_id)
        .await
        .unwrap()
        .unwrap();
    shown.actions.clear();
    shown.state = State::Success;
    let updated = scene.seconder.update_check_run(Place::from(&subject), id, &shown).await.unwrap();
    assert_eq!(
        updated.check_run_id, None,
        "an update takes back nothing that was learned meanwhile of another check run"
    );
    let on_commit = scene.github.check_runs(SHOP, &sha);
    assert_eq!(on_commit.len(), 1);
    assert_eq!((on_commit[0].conclusion.as_deref(), on_commit[0].actions.len()), (Some("success"), 0));
}

#[tokio::test]
async fn an_approver_is_who_github_says_they_are_now() {
    let mut scene = Scene::set().await;
    scene.github.team("acme/platform", &["alice"]);
    scene.github.invite("acme/platform", "rita");
    scene.github.collaborator(SHOP, "rita", "triage");
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    let standing =
        async |who: Account| scene.seconder.standing(place(&held), &who.login, who.id, &platform()).await.unwrap();

    let alice = standing(scene.user("alice")).await;
    assert_eq!((alice.account.kind, alice.permission), (AccountKind::User, Permission::Write));
    assert_eq!(alice.teams, ["acme/platform"]);
    let rita = standing(scene.user("rita")).await;
    assert_eq!((rita.permission, rita.teams.len()), (Permission::Triage, 0), "invited is not a member");
    for (role, permission) in [
        ("none", Permission::None),
        ("read", Permission::Read),
        ("write", Permission::Write),
        ("maintain", Permission::Maintain),
        ("admin", Permission::Admin),
        ("release-captain:maintain", Permission::Maintain),
        ("helper:triage", Permission::Triage),
        ("auditor:read", Permission::Read),
    ] {
        scene.github.collaborator(SHOP, "olga", role);
        assert_eq!(standing(scene.user("olga")).await.permission, permission, "{role}");
    }

    let renamed = Account { id: 1, ..scene.user("alice") };
    let nobody = standing(renamed).await;
    assert_eq!((nobody.account.kind, nobody.permission, nobody.teams.len()), (AccountKind::Other, Permission::None, 0));
}

#[tokio::test]
async fn when_github_says_stop_nothing_more_is_sent_until_then() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    scene.github.fail("actions/runs", 1, Trouble::RateLimit { status: 403, retry_after: 60 });
    let limited = scene.seconder.run(place(&held), held.run_id).await.unwrap_err();
    let calls = scene.seconder.calls();

    let again = scene.seconder.run(place(&held), held.run_id).await.unwrap_err();

    assert_eq!(again, limited);
    assert!(matches!(again, Error::RateLimited { .. }), "{again:?}");
    assert_eq!(scene.seconder.calls(), calls, "nothing was sent");
    let Error::RateLimited { until } = again else { return };
    let pacer = scene.seconder.pacer();
    let here = held.tenant.installation_id;
    assert_eq!(pacer.saturated(Urgency::Decision, until - 1), [here]);
    assert!(pacer.saturated(Urgency::Decision, until).is_empty());
}

#[tokio::test]
async fn a_webhook_that_failed_is_listed_and_delivered_again_with_the_same_guid() {
    let mut scene = Scene::set().await;
    scene.github.webhooks_down(true);
    let sha = scene.agents_commit("Change");
    let run = scene.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    scene
        .github
        .wait_until(PATIENCE, |github| github.deliveries().iter().any(|d| d.status_code.is_some()))
        .await
        .unwrap();
    let failed = scene.seconder.failed_deliveries(0).await.unwrap();
    assert_eq!(failed.len(), 1);

    scene.github.webhooks_down(false);
    scene.seconder.redeliver(failed[0].id).await.unwrap();

    assert_eq!(scene.next_held().await.run_id, run.0);
    scene.github.wait_until(PATIENCE, |github| github.deliveries().iter().any(|d| d.arrived())).await.unwrap();
    assert_eq!(scene.seconder.failed_deliveries(0).await.unwrap(), []);
}

#[tokio::test]
async fn a_run_nobody_told_us_of_is_found_waiting() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    let waiting = scene.seconder.waiting_runs(place(&held)).await.unwrap();
    assert_eq!(waiting.iter().map(|run| (run.id, run.attempt)).collect::<Vec<_>>(), [(held.run_id, 1)]);
    assert_eq!(scene.seconder.pending_environments(place(&held), held.run_id).await.unwrap(), ["production"]);
    assert!(scene.seconder.guards(place(&held), "production").await.unwrap());
    assert!(!scene.seconder.guards(place(&held), "elsewhere").await.unwrap());
}

#[tokio::test]
async fn enterprise_server_is_reached_below_its_prefix() {
    let mut scene = Scene::set_with(Options { enterprise_server: true, ..Options::default() }).await;
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    let gathered = scene.seconder.gather(&held, &[]).await.unwrap();
    assert_eq!(gathered.facts.commits.len(), 1);
    assert_eq!(scene.github.unknown_routes(), [""; 0]);
}

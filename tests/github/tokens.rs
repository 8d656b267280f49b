//! Tokens: one for each purpose, minted once, shown to nobody.

use std::time::Duration;

use seconder::demo::Trouble;
use seconder::github::client::Error;

use super::{Scene, place, platform, subject};

#[tokio::test]
async fn each_purpose_has_a_token_of_its_own_for_one_repository_and_no_more() {
    let mut scene = Scene::set().await;
    scene.github.team("acme/platform", &["alice"]);
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    let gathered = scene.seconder.gather(&held, &[]).await.unwrap();
    let subject = subject(&held, &gathered);
    scene.seconder.note(&subject, "waits").await.unwrap();
    let alice = scene.user("alice");
    scene.seconder.standing(place(&held), "alice", alice.id, &platform()).await.unwrap();

    let mut callers: Vec<String> = scene
        .github
        .calls()
        .iter()
        .filter(|call| call.caller.contains(':'))
        .map(|call| {
            assert_eq!(call.repositories, Some(1), "{call:?}");
            call.caller.to_string()
        })
        .collect();
    callers.sort();
    callers.dedup();
    let read = "actions:read,contents:read,deployments:read,metadata:read,pull_requests:read";
    assert_eq!(callers, [read, "checks:write,deployments:write,metadata:read", "members:read,metadata:read"]);
}

#[tokio::test]
async fn a_hundred_gates_at_once_share_one_mint() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    scene.github.set_latency(Duration::from_millis(5));
    let gathers = (0..100).map(|_| {
        let (seconder, held) = (scene.seconder.clone(), held.clone());
        tokio::spawn(async move { seconder.run(place(&held), held.run_id).await })
    });
    for gather in gathers.collect::<Vec<_>>() {
        gather.await.unwrap().unwrap();
    }
    assert_eq!(scene.seconder.calls().mint, 1);
}

#[tokio::test]
async fn a_token_github_no_longer_accepts_is_replaced_once() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    scene.seconder.run(place(&held), held.run_id).await.unwrap();
    scene.github.fail("actions/runs", 1, Trouble::Status(401));
    scene.seconder.run(place(&held), held.run_id).await.unwrap();
    assert_eq!(scene.seconder.calls().mint, 2);
    scene.github.fail("actions/runs", 2, Trouble::Status(401));
    let refused = scene.seconder.run(place(&held), held.run_id).await;
    assert!(matches!(refused, Err(Error::Unauthorized { .. })), "{refused:?}");
}

#[tokio::test]
async fn no_failure_shows_a_token_or_the_key() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("Change");
    let held = scene.deploy(&sha).await;
    for trouble in
        [Trouble::Status(401), Trouble::Status(403), Trouble::Status(422), Trouble::Status(502), Trouble::Drop]
    {
        scene.github.fail("actions/runs", 2, trouble);
        let error = scene.seconder.run(place(&held), held.run_id).await.unwrap_err();
        for secret in ["ghs_", "Bearer", "eyJ"] {
            assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        }
        // Some of these troubles are tried again inside; what is left of them must not meet the next one.
        let _ = scene.seconder.run(place(&held), held.run_id).await;
    }
}

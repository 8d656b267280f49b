//! What is asked about a deployment: everybody and everything, and a gap where GitHub does not say.

use seconder::demo::{RunId, Trouble};
use seconder::domain::facts::Gap;
use seconder::github::Place;
use seconder::github::facts::{Gathered, PolicyFile};

use super::{SHOP, Scene, check_run, subject};

#[tokio::test]
async fn a_common_gate_takes_eight_calls_from_the_webhook_to_the_open_request() {
    let mut scene = Scene::set().await;
    scene.good_deployment().await;
    let shas: Vec<String> = (0..30).map(|n| scene.agents_commit(&format!("Step {n}"))).collect();
    let last = shas.last().unwrap();
    scene.pull("mona", &shas);
    let held = scene.deploy(last).await;
    scene.seconder.organization_policy(&held.tenant).await.unwrap(); // As another gate did within the last minute.
    let before = scene.seconder.calls();

    let gathered = scene.seconder.gather(&held, &[]).await.unwrap();
    scene.seconder.organization_policy(&held.tenant).await.unwrap();
    let subject = subject(&held, &gathered);
    let receipt = scene.seconder.create_check_run(Place::from(&subject), &check_run(&subject)).await.unwrap();
    scene.seconder.note(&subject, "waits for a second human").await.unwrap();

    assert_eq!(gathered.facts.gaps, []);
    assert_eq!(gathered.facts.commits.len(), 30);
    assert_eq!(gathered.facts.pull_requests.len(), 1);
    assert_eq!(gathered.facts.pull_requests[0].commits.len(), 30);
    assert_eq!(receipt.status, 201);
    assert_eq!(scene.github.check_runs(SHOP, last)[0].title.as_deref(), Some("production waits"));
    let calls = scene.seconder.calls();
    assert_eq!(calls.total() - before.total(), 8, "{calls:?}");
    assert_eq!(scene.github.unknown_routes(), [""; 0]);
}

#[tokio::test]
async fn facts_name_everybody_and_everything_since_the_last_good_deployment() {
    let mut scene = Scene::set().await;
    let good = scene.good_deployment().await;
    let sha = scene.agents_commit("Speed up checkout");
    let number = scene.pull("olga", std::slice::from_ref(&sha));
    let held = scene.deploy(&sha).await;

    let Gathered { facts, policy } = scene.seconder.gather(&held, &[]).await.unwrap();

    assert_eq!(facts.gaps, []);
    assert_eq!(facts.base.unwrap().sha, good);
    assert_eq!(
        (facts.run.head_sha.as_str(), facts.run.status.as_str(), facts.run.attempt),
        (sha.as_str(), "waiting", 1)
    );
    assert_eq!(facts.run.attempts[0].actor.as_ref().unwrap().login, "mona");
    let commit = &facts.commits[0];
    assert_eq!((commit.sha.as_str(), commit.author.account.as_ref().unwrap().login.as_str()), (sha.as_str(), "mona"));
    assert_eq!(commit.co_authors[0].email, "noreply@anthropic.com");
    assert_eq!(commit.pull_requests, [number]);
    assert_eq!(facts.pull_requests[0].author.as_ref().unwrap().login, "olga");
    assert_eq!(facts.files, ["src/main.rs"]);
    assert!(matches!(policy, PolicyFile::Absent { .. }), "{policy:?}");
}

#[tokio::test]
async fn the_policy_comes_from_the_default_branch() {
    let mut scene = Scene::set().await;
    let head = scene.github.file(SHOP, "mona", ".github/seconder.yml", Some("version: 1\n"));
    let held = scene.deploy(&head).await;
    let PolicyFile::Present { commit, text, blob } = scene.seconder.gather(&held, &[]).await.unwrap().policy else {
        panic!("no policy")
    };
    assert_eq!((commit, text.as_str(), blob.len()), (head, "version: 1\n", 40));
}

#[tokio::test]
async fn more_than_two_hundred_and_fifty_commits_are_partial_evidence() {
    let mut scene = Scene::set().await;
    scene.good_deployment().await;
    let shas: Vec<String> = (0..260).map(|n| scene.agents_commit(&format!("Step {n}"))).collect();
    for brought in shas.chunks(20) {
        scene.pull("mona", brought);
    }
    let held = scene.deploy(shas.last().unwrap()).await;

    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;

    assert_eq!(facts.gaps, [Gap::TooManyCommits { total: 260, read: 250 }]);
    assert_eq!(facts.commits.len(), 250);
    assert_eq!(facts.commits[0].sha, shas[0], "oldest first");
    assert_eq!(facts.pull_requests.len(), 13, "each pull request is read through one of its commits");
    let calls = scene.seconder.calls();
    assert!(calls.total() < 20, "{calls:?}");
}

#[tokio::test]
async fn every_attempt_of_a_run_names_who_set_it_off() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("Change");
    let first = scene.deploy(&sha).await;
    let run = RunId(first.run_id);
    scene.github.cancel(run);
    scene.github.rerun(run, "alice");
    let held = scene.next_held().await;

    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;

    let who: Vec<_> = facts
        .run
        .attempts
        .iter()
        .map(|a| {
            (a.number, a.actor.as_ref().unwrap().login.as_str(), a.triggering_actor.as_ref().unwrap().login.as_str())
        })
        .collect();
    assert_eq!(who, [(1, "mona", "mona"), (2, "mona", "alice")]);

    scene.github.fail("attempts", 1, Trouble::Status(404));
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert!(facts.gaps.contains(&Gap::AttemptUnreadable { number: 1 }), "{:?}", facts.gaps);
}

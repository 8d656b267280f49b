//! The GitHub adapter against a strict GitHub: real HTTP, real signatures, few calls, nothing guessed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use seconder::demo::{Commit, Deploy, GitHub as Fake, Options, PullRequest, RunId, Trouble, UserKind};
use seconder::domain::decide::Permission;
use seconder::domain::effect::Urgency;
use seconder::domain::facts::Gap;
use seconder::domain::gate::Subject;
use seconder::domain::people::{Account, AccountKind};
use seconder::domain::request::Answer;
use seconder::github::checks::{Action, CheckRun, State};
use seconder::github::client::Error;
use seconder::github::facts::{Gathered, PolicyFile};
use seconder::github::webhook::{self, DeploymentHeld, Incoming, Secrets};
use seconder::github::{GitHub, Place};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::stage::adapter;

const SHOP: &str = "acme/shop";
const SECRET: &str = "between us";
const PATIENCE: Duration = Duration::from_secs(10);

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
async fn a_deployment_that_failed_is_no_base_and_without_any_base_only_the_head_is_looked_at() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("First");
    let failed = scene.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    scene.next_held().await;
    scene.github.bypass(failed);
    scene.github.finish(failed, false);
    let sha = scene.agents_commit("Second");
    let held = scene.deploy(&sha).await;

    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;

    assert_eq!((facts.base, facts.gaps.as_slice()), (None, &[Gap::NoEarlierDeployment][..]));
    assert_eq!(facts.commits.iter().map(|c| c.sha.as_str()).collect::<Vec<_>>(), [sha]);
}

#[tokio::test]
async fn the_last_good_deployment_is_found_behind_hundreds_that_never_ended_and_beyond_those_it_is_a_gap() {
    let mut scene = Scene::set().await;
    let good = scene.good_deployment().await;
    let sha = scene.agents_commit("Second");
    let never_end = |scene: &Scene, times: usize| {
        scene.github.unguarded_environment(SHOP, "production");
        for _ in 0..times {
            scene.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
        }
        scene.github.environment(SHOP, "production");
    };
    never_end(&scene, 348);
    let held = scene.deploy(&sha).await;
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert_eq!((facts.base.map(|base| base.sha), facts.gaps.len()), (Some(good), 0), "the last of four pages");
    let pages = scene.github.calls().iter().filter(|call| call.route.ends_with("EarlierDeployments")).count();
    assert_eq!(pages, 3);

    never_end(&scene, 1);
    let held = scene.deploy(&sha).await;
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert_eq!((facts.base, facts.gaps.as_slice()), (None, &[Gap::DeploymentHistoryTooLong][..]));
}

#[tokio::test]
async fn a_rewritten_history_is_a_gap() {
    let mut scene = Scene::set().await;
    let root = scene.github.tip(SHOP, "main").unwrap();
    scene.good_deployment().await;
    let other = Commit { parents: vec![root], ..Commit::by("mona", "Elsewhere") };
    let sha = scene.github.commit(SHOP, &other.on("other"));
    let held = scene.deploy(&sha).await;
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert_eq!(facts.gaps, [Gap::Diverged]);
    assert_eq!(facts.commits.len(), 1);
}

#[tokio::test]
async fn a_redeployment_of_the_same_commit_brings_nothing_new() {
    let mut scene = Scene::set().await;
    let good = scene.good_deployment().await;
    let held = scene.deploy(&good).await;
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert_eq!((facts.commits.len(), facts.gaps.len()), (0, 0));
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

/// A small world on a fake GitHub, the adapter that speaks to it, and an ear for its webhooks.
struct Scene {
    github: Fake,
    seconder: Arc<GitHub>,
    heard: mpsc::UnboundedReceiver<Incoming>,
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(Options::default()).await
    }

    async fn set_with(options: Options) -> Self {
        let github = Fake::start(options).await.unwrap();
        github.repository(SHOP);
        github.environment(SHOP, "production");
        for login in ["mona", "alice", "olga"] {
            github.user(login, UserKind::User);
            github.collaborator(SHOP, login, "write");
        }
        let (tell, heard) = mpsc::unbounded_channel();
        github.set_webhook(&listen(tell).await, SECRET);
        let seconder = adapter(&github);
        Self { github, seconder, heard }
    }

    fn agents_commit(&self, subject: &str) -> String {
        let message = format!("{subject}\n\nCo-Authored-By: Claude <noreply@anthropic.com>");
        self.github.commit(SHOP, &Commit::by("mona", message))
    }

    fn pull(&self, author: &str, commits: &[String]) -> u64 {
        let pull = PullRequest {
            author: author.into(),
            head_branch: "claude/topic".into(),
            title: "A change".into(),
            commits: commits.to_vec(),
            merged_as: commits.last().cloned(),
            ..PullRequest::default()
        };
        self.github.pull_request(SHOP, &pull)
    }

    /// Deploys, and waits for the webhook that asks us.
    async fn deploy(&mut self, sha: &str) -> DeploymentHeld {
        self.github.deploy(SHOP, &Deploy::to("production", sha, "mona"));
        self.next_held().await
    }

    /// A deployment that succeeds. Returns its commit.
    async fn good_deployment(&mut self) -> String {
        let sha = self.github.commit(SHOP, &Commit::by("mona", "Good"));
        let run = RunId(self.deploy(&sha).await.run_id);
        self.github.bypass(run);
        self.github.finish(run, true);
        sha
    }

    async fn next_held(&mut self) -> DeploymentHeld {
        loop {
            let incoming = tokio::time::timeout(PATIENCE, self.heard.recv()).await.unwrap().unwrap();
            if let Incoming::DeploymentHeld(held) = incoming {
                return held;
            }
        }
    }

    fn user(&self, login: &str) -> Account {
        Account { id: self.github.user(login, UserKind::User), login: login.to_owned(), kind: AccountKind::User }
    }
}

/// Takes webhooks as the server does: signature first, then what is used.
async fn listen(tell: mpsc::UnboundedSender<Incoming>) -> String {
    let receive = move |headers: HeaderMap, body: Bytes| {
        let secrets = Secrets::new([SECRET.to_owned().into()]);
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert!(secrets.verify(&body, &header("x-hub-signature-256")));
        if let Some(incoming) = webhook::parse(&header("x-github-event"), &body).unwrap() {
            tell.send(incoming).unwrap();
        }
        async {}
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().route("/", post(receive))).await });
    url
}

fn subject(held: &DeploymentHeld, gathered: &Gathered) -> Subject {
    Subject {
        tenant: held.tenant.clone(),
        repository: held.repository.clone(),
        environment: held.environment.clone(),
        run_id: held.run_id,
        run_attempt: gathered.facts.run.attempt,
        head_sha: gathered.facts.run.head_sha.clone(),
    }
}

fn check_run(subject: &Subject) -> CheckRun {
    CheckRun {
        name: "Seconder".to_owned(),
        head_sha: subject.head_sha.clone(),
        external_id: subject.request_id().to_string(),
        state: State::ActionRequired,
        title: "production waits".to_owned(),
        summary: "for a second human".to_owned(),
        actions: vec![Action {
            label: "Approve".to_owned(),
            description: "Second it".to_owned(),
            identifier: "approve".to_owned(),
        }],
        ..CheckRun::default()
    }
}

fn place(held: &DeploymentHeld) -> Place<'_> {
    Place { tenant: &held.tenant, repository: &held.repository }
}

fn platform() -> [(String, String); 1] {
    [("acme".to_owned(), "platform".to_owned())]
}

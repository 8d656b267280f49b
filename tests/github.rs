//! The GitHub adapter against a strict GitHub: real HTTP, real signatures, few calls, nothing guessed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use seconder::demo::{Commit, Deploy, GitHub as Fake, Options, PullRequest, RunId, UserKind};
use seconder::domain::gate::Subject;
use seconder::domain::people::{Account, AccountKind};
use seconder::github::checks::{Action, CheckRun, State};
use seconder::github::facts::Gathered;
use seconder::github::webhook::{self, DeploymentHeld, Incoming, Secrets};
use seconder::github::{GitHub, Place};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::stage::adapter;

mod base;
mod calls;
mod facts;
mod tokens;

const SHOP: &str = "acme/shop";
const SECRET: &str = "between us";
const PATIENCE: Duration = Duration::from_secs(10);

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

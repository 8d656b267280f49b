//! The fake as a process of its own, driven over HTTP under `/_demo/`: for benchmarks and for trying things by hand.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /_demo/deploy` | [`DeployOrder`] | `{"runs":[{"run_id","sha","pull_request"}]}` |
//! | `POST /_demo/environments` | [`EnvironmentsOrder`] | `{}`: guarded, one commit deployed already |
//! | `POST /_demo/click` | [`ClickOrder`] | `{"check_run_id"}`, 409 while there is no such button |
//! | `POST /_demo/finish`, `/_demo/cancel`, `/_demo/rerun`, `/_demo/bypass` | `{"run_id", …}` | `{}` |
//! | `POST /_demo/limits` | [`LimitsOrder`] | `{}` |
//! | `GET /_demo/calls` | | `{"calls": {"METHOD /template STATUS": count}, "writes": count}` |
//! | `GET /_demo/stats` | | [`stats`]: per run the times of webhook, check run and callback, in microseconds since the Unix epoch |

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{Deploy, RunId};
use super::git::Commit;
use super::limits::Trouble;
use super::people::UserKind;
use super::routes::Reply;
use super::server::Shared;
use super::state::State;
use super::{GitHub, Options, PullRequest};

/// Arguments of the stand-alone fake.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:7081")]
    pub listen: SocketAddr,
    /// Where webhooks go.
    #[arg(long)]
    pub webhook_url: Option<String>,
    /// The secret that signs webhooks.
    #[arg(long, default_value = "it's a secret to everybody")]
    pub webhook_secret: String,
    /// The App's id.
    #[arg(long, default_value_t = 4_242)]
    pub app_id: u64,
    /// Milliseconds added to every answer.
    #[arg(long, default_value_t = 0)]
    pub latency_ms: u64,
    /// Whether `workflow_run`, `workflow_job` and `check_suite` are sent as well.
    #[arg(long)]
    pub noise: bool,
    /// Whether released jobs succeed at once.
    #[arg(long)]
    pub finish_at_once: bool,
    /// Write the App's private key here, for the server under test.
    #[arg(long)]
    pub write_key: Option<PathBuf>,
}

/// Runs the fake until the process ends.
///
/// # Errors
/// When the address cannot be listened on, or the key cannot be written.
pub async fn run(arguments: Arguments) -> io::Result<()> {
    if let Some(path) = &arguments.write_key {
        tokio::fs::write(path, super::auth::private_key_pem()).await?;
    }
    let options = Options {
        webhook_url: arguments.webhook_url,
        webhook_secret: arguments.webhook_secret,
        app_id: arguments.app_id,
        latency: Duration::from_millis(arguments.latency_ms),
        noise: arguments.noise,
        finish_at_once: arguments.finish_at_once,
        ..Options::default()
    };
    serve_standalone(arguments.listen, options).await
}

/// Serves a fake with the usual small world (see [`populate`]) until the future is dropped.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve_standalone(listen: SocketAddr, options: Options) -> io::Result<()> {
    let github = GitHub::start(Options { listen, ..options }).await?;
    populate(&github);
    tracing::info!(api = github.api_url(), "the fake GitHub listens");
    std::future::pending().await
}

/// The usual small world: `acme/shop` with a guarded `production`; `mona` writes with an agent, `hubot-writer` has write
/// access and no part in it, `olga` is an administrator, `rita` may only read, `acme/platform` is `hubot-writer` and `olga`.
/// One commit has been deployed already.
pub fn populate(github: &GitHub) {
    github.org("acme");
    github.repository("acme/shop");
    for (login, role) in [("mona", "write"), ("hubot-writer", "write"), ("olga", "admin"), ("rita", "read")] {
        github.user(login, UserKind::User);
        github.collaborator("acme/shop", login, role);
    }
    github.team("acme/platform", &["hubot-writer", "olga"]);
    let first = github.commit("acme/shop", &Commit::by("olga", "Open the shop"));
    github.shared.with(|state| {
        if let Some(place) = state.repository("acme/shop") {
            guard(state, place, "production", &first);
        }
    });
}

/// Switches our rule on for an environment to which this commit has been deployed.
fn guard(state: &mut State, place: usize, environment: &str, sha: &str) {
    let run = state.deploy(place, &Deploy::to(environment, sha, "olga"));
    state.finish(run, true);
    let rule = state.fresh_id();
    state.environment(place, environment).rule = Some(rule);
}

/// What to deploy: new commits, each on top of what the environment runs now, each with its pull request.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeployOrder {
    repository: String,
    environment: String,
    actor: String,
    /// Whether the commit carries an agent's trailer.
    agent: bool,
    count: u32,
    /// Deploy this commit instead of making one.
    sha: Option<String>,
}

impl Default for DeployOrder {
    fn default() -> Self {
        Self {
            repository: "acme/shop".to_owned(),
            environment: "production".to_owned(),
            actor: "mona".to_owned(),
            agent: true,
            count: 1,
            sha: None,
        }
    }
}

/// More environments like `production`: `production-0`, `production-1`, …
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentsOrder {
    count: u32,
}

/// Who presses which button: the check run, or the newest one of a run's commit; the first button of that name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickOrder {
    run_id: Option<u64>,
    check_run_id: Option<u64>,
    login: String,
    /// The identifier; without it the button whose label contains `Approve`.
    identifier: Option<String>,
}

/// What to change about limits and webhooks; absent fields stay as they are, `null` lifts a limit.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsOrder {
    #[serde(deserialize_with = "present")]
    writes_per_second: Option<Option<f64>>,
    #[serde(deserialize_with = "present")]
    requests: Option<Option<u64>>,
    latency_ms: Option<u64>,
    webhooks_down: Option<bool>,
    webhook_url: Option<String>,
    webhook_secret: Option<String>,
    fail: Option<FailOrder>,
}

/// The next calls to a route that fail, and how: a status, or 0 for a dropped connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailOrder {
    route: String,
    times: u32,
    status: u16,
}

/// Tells an absent field (`None`) from a `null` (`Some(None)`).
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(super) fn handle(shared: &Shared, method: &Method, verb: &str, body: &[u8]) -> Reply {
    let answer = match (method.as_str(), verb) {
        ("GET", "calls") => Ok(shared.read(calls)),
        ("GET", "stats") => Ok(shared.read(stats)),
        ("POST", "deploy") => read(body).and_then(|order| shared.with(|state| deploy(state, &order))),
        ("POST", "environments") => read(body).and_then(|order| shared.with(|state| environments(state, &order))),
        ("POST", "click") => read(body).and_then(|order| shared.with(|state| click(state, &order))),
        ("POST", "limits") => read(body).map(|order| shared.with(|state| limit(state, order))),
        ("POST", "finish" | "cancel" | "rerun" | "bypass") => read(body).map(|order| act(shared, verb, &order)),
        _ => Err(Reply::not_found()),
    };
    answer.map_or_else(|refusal| refusal, |value| Reply::ok(value.to_string()))
}

fn read<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Reply> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Reply::error(400, &error.to_string()))
}

fn deploy(state: &mut State, order: &DeployOrder) -> Result<Value, Reply> {
    let place = state.repository(&order.repository).ok_or_else(Reply::not_found)?;
    let mut runs = Vec::new();
    for _ in 0..order.count {
        let (sha, pull_request) = match &order.sha {
            Some(sha) => (sha.clone(), None),
            None => change(state, place, order),
        };
        let run_id = state.deploy(place, &Deploy::to(&order.environment, &sha, &order.actor));
        runs.push(json!({ "run_id": run_id, "sha": sha, "pull_request": pull_request }));
    }
    Ok(json!({ "runs": runs }))
}

fn environments(state: &mut State, order: &EnvironmentsOrder) -> Result<Value, Reply> {
    let place = state.repository("acme/shop").ok_or_else(Reply::not_found)?;
    let active = state.environment(place, "production").active;
    let sha = active.and_then(|id| state.deployments.get(&id)).map(|deployment| deployment.sha.clone());
    let sha = sha.ok_or_else(Reply::not_found)?;
    for n in 0..order.count {
        guard(state, place, &format!("production-{n}"), &sha);
    }
    Ok(json!({}))
}

/// A commit on top of what the environment runs, with its pull request: however many wait, each comparison is one commit.
fn change(state: &mut State, place: usize, order: &DeployOrder) -> (String, Option<u64>) {
    let active = state.environment(place, &order.environment).active;
    let deployed = active.and_then(|id| state.deployments.get(&id)).map(|deployment| deployment.sha.clone());
    let trailer = if order.agent { "\n\nCo-Authored-By: Claude <noreply@anthropic.com>" } else { "" };
    let mut commit = Commit::by(&order.actor, format!("Round prices to the cent{trailer}"));
    commit.branch = Some(format!("change-{}", state.repositories[place].runs));
    commit.parents = deployed.into_iter().collect();
    let sha = state.commit(place, &commit);
    let pull = PullRequest {
        assigned_by: Vec::new(),
        author: order.actor.clone(),
        head_branch: commit.branch.unwrap_or_default(),
        title: "Round prices to the cent".to_owned(),
        body: "Prices are rounded where they are shown.".to_owned(),
        commits: vec![sha.clone()],
        merged_as: Some(sha.clone()),
    };
    let number = state.pull_request(place, &pull);
    (sha, Some(number))
}

fn click(state: &mut State, order: &ClickOrder) -> Result<Value, Reply> {
    let of_run = || {
        let run = state.runs.get(&order.run_id?)?;
        let checks = state.checks_by_commit.get(&(run.repository, run.head_sha.clone()))?;
        checks.iter().rev().copied().find(|id| state.checks.get(id).is_some_and(|check| !check.actions.is_empty()))
    };
    let missing = || Reply::error(409, "there is no such button yet");
    let id = order.check_run_id.or_else(of_run).ok_or_else(missing)?;
    let actions = state.checks.get(&id).map(|check| check.actions.as_slice()).unwrap_or_default();
    let button = actions.iter().find(|(identifier, label)| match &order.identifier {
        Some(wanted) => wanted == identifier,
        None => label.contains("Approve"),
    });
    let identifier = button.map(|(identifier, _)| identifier.clone()).ok_or_else(missing)?;
    state.clicked(id, &identifier, &order.login);
    Ok(json!({ "check_run_id": id }))
}

fn limit(state: &mut State, order: LimitsOrder) -> Value {
    if let Some(rate) = order.writes_per_second {
        state.limits.limit_writes(rate);
    }
    if let Some(requests) = order.requests {
        state.limits.limit_requests(requests);
    }
    if let Some(milliseconds) = order.latency_ms {
        state.limits.latency = Duration::from_millis(milliseconds);
    }
    state.hook.down = order.webhooks_down.unwrap_or(state.hook.down);
    state.hook.url = order.webhook_url.or(state.hook.url.take());
    state.hook.secret = order.webhook_secret.unwrap_or_else(|| std::mem::take(&mut state.hook.secret));
    if let Some(fail) = order.fail {
        let trouble = if fail.status == 0 { Trouble::Drop } else { Trouble::Status(fail.status) };
        state.limits.fail(&fail.route, fail.times, trouble);
    }
    json!({})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActOrder {
    run_id: u64,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    success: Option<bool>,
}

fn act(shared: &Shared, verb: &str, order: &ActOrder) -> Value {
    let run = RunId(order.run_id);
    shared.with(|state| match verb {
        "finish" => state.finish(run.0, order.success.unwrap_or(true)),
        "cancel" => state.cancel(run.0),
        "rerun" => {
            state.rerun(run.0, order.by.as_deref().unwrap_or("mona"));
        }
        _ => state.bypass(run.0),
    });
    json!({})
}

/// Everything a benchmark wants to know.
fn stats(state: &State) -> Value {
    let mut runs = BTreeMap::new();
    for run in state.runs.values() {
        let said = |said: &super::Callback| json!({ "attempt": said.attempt, "environment": said.environment, "state": said.state, "at_micros": said.at_micros });
        let checks = state.checks_by_commit.get(&(run.repository, run.head_sha.clone()));
        let checks = checks.into_iter().flatten().filter_map(|id| state.checks.get(id));
        runs.insert(run.id, json!({
            "sha": run.head_sha, "status": run.latest().map(|attempt| attempt.status),
            "conclusion": run.latest().and_then(|attempt| attempt.conclusion), "attempts": run.attempt(),
            "callbacks": run.callbacks.iter().map(said).collect::<Vec<_>>(), "notes": run.notes.iter().map(said).collect::<Vec<_>>(),
            "check_runs": checks.map(|check| json!({ "id": check.id, "created_micros": check.created_micros, "conclusion": check.conclusion, "revisions": check.revisions })).collect::<Vec<_>>(),
        }));
    }
    let mut deliveries: BTreeMap<String, u64> = BTreeMap::new();
    for delivery in state.hook.deliveries.values() {
        *deliveries.entry(format!("{} {}", delivery.event, delivery.status())).or_default() += 1;
    }
    let mut all = calls(state);
    all["runs"] = json!(runs);
    all["deliveries"] = json!(deliveries);
    all["unknown_routes"] = json!(state.journal.unknown);
    all
}

/// What was asked of the fake so far; cheap enough to ask often.
fn calls(state: &State) -> Value {
    let counts = state.journal.counts.iter();
    let calls: BTreeMap<String, u64> =
        counts.map(|((method, route, status), count)| (format!("{method} {route} {status}"), *count)).collect();
    json!({ "calls": calls, "writes": state.journal.writes })
}

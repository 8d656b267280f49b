//! A stateful, strict fake GitHub on loopback.
//!
//! It speaks GitHub's REST and GraphQL over real HTTP, checks every token, permission and limit that GitHub checks, sends
//! signed webhooks once and never again, and acts on decisions: a released run goes on, a refused one fails. It shares no
//! types with the client in `github`, so that a shared mistake cannot hide.
//!
//! - [`GitHub`] start it, then build a world (`world`), act in it (`acts`), change its rules (`changes`) and look at what happened (`views`)
//! - `routes`, `graphql` what the client sees; `auth` who may; `limits` what goes wrong on purpose
//! - `runs`, `checks`, `git`, `people` the state behind it
//! - [`control`] the same as a process of its own, driven over HTTP
//! - [`tour`] the story `seconder demo` tells on it

mod acts;
mod auth;
mod changes;
mod checks;
mod clock;
pub mod control;
mod git;
mod graphql;
mod journal;
mod limits;
mod payloads;
mod people;
mod pulls;
mod releases;
mod render;
mod routes;
mod runs;
mod server;
mod state;
pub mod tour;
mod views;
mod webhooks;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use acts::{Deploy, RunId};
pub use auth::Level;
pub use checks::CheckRun;
pub use git::Commit;
pub use journal::ApiCall;
pub use limits::Trouble;
pub use people::{Identity, User, UserKind};
pub use pulls::PullRequest;
pub use releases::{Asset, Release, Spoiled};
pub use runs::Callback;
pub use views::{RunView, WaitedInVain};
pub use webhooks::{Delivery, signature};

use server::Shared;
use state::State;

/// How the fake is set up. The default is a github.com with one App and nothing else.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where webhooks go; without it every delivery fails with 502.
    pub webhook_url: Option<String>,
    /// The secret that signs webhooks.
    pub webhook_secret: String,
    /// The App's id: the `iss` of its tokens.
    pub app_id: u64,
    /// The App's slug; its bot is `SLUG[bot]`.
    pub app_slug: String,
    /// What the App was granted on every account.
    pub permissions: BTreeMap<String, Level>,
    /// Whether the API is below `/api/v3`, as on GitHub Enterprise Server.
    pub enterprise_server: bool,
    /// Added to every answer.
    pub latency: Duration,
    /// Whether a released job succeeds at once instead of waiting for [`GitHub::finish`].
    pub finish_at_once: bool,
    /// Whether `workflow_run`, `workflow_job` and `check_suite` are sent as well.
    pub noise: bool,
}

impl Default for Options {
    fn default() -> Self {
        use Level::{Read, Write};
        let permissions = [
            ("actions", Read),
            ("checks", Write),
            ("contents", Read),
            ("deployments", Write),
            ("members", Read),
            ("metadata", Read),
            ("pull_requests", Read),
        ];
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            webhook_url: None,
            webhook_secret: "it's a secret to everybody".to_owned(),
            app_id: 4_242,
            app_slug: "seconder".to_owned(),
            permissions: permissions.map(|(name, level)| (name.to_owned(), level)).into(),
            enterprise_server: false,
            latency: Duration::ZERO,
            finish_at_once: false,
            noise: false,
        }
    }
}

/// A running fake. It ends, with all its connections, when this is dropped.
pub struct GitHub {
    shared: Shared,
    address: SocketAddr,
    api_url: String,
    tasks: [JoinHandle<()>; 2],
}

impl GitHub {
    /// Starts a fake on the current Tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let prefix = if options.enterprise_server { "/api/v3" } else { "" };
        let api_url = format!("http://{address}{prefix}");
        let public_key = auth::public_key().ok_or_else(|| io::Error::other("the built-in App key cannot be read"))?;
        let mut state = State::new(options, api_url.clone());
        state.limits.latency = state.options.latency;
        let (outbox, queue) = mpsc::unbounded_channel();
        let shared = Shared::new(state, outbox, public_key);
        let serving = shared.clone();
        let tasks = [
            tokio::spawn(async move { match server::serve(listener, serving).await {} }),
            tokio::spawn(webhooks::sender(shared.clone(), queue)),
        ];
        Ok(Self { shared, address, api_url, tasks })
    }

    /// The base of the REST API, without a trailing slash.
    pub fn api_url(&self) -> String {
        self.api_url.clone()
    }

    /// Where GraphQL is: `/graphql`, or `/api/graphql` on GitHub Enterprise Server.
    pub fn graphql_url(&self) -> String {
        let api = if self.api_url.ends_with("/api/v3") { "/api" } else { "" };
        format!("http://{}{api}/graphql", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The App's private key, PKCS#1 PEM. It opens nothing but this fake.
    pub fn app_private_key_pem(&self) -> &'static str {
        auth::private_key_pem()
    }

    /// The App's id.
    pub fn app_id(&self) -> u64 {
        self.shared.read(|state| state.options.app_id)
    }

    /// Sends webhooks here from now on, signed with this secret.
    pub fn set_webhook(&self, url: &str, secret: &str) {
        self.shared.with(|state| {
            state.hook.url = Some(url.to_owned());
            secret.clone_into(&mut state.hook.secret);
        });
    }

    /// While down, deliveries fail with 502 and are not sent. Nobody sends them again unless asked.
    pub fn webhooks_down(&self, down: bool) {
        self.shared.with(|state| state.hook.down = down);
    }

    /// While forgetful, webhooks are neither sent nor remembered: the worst that can happen to one.
    pub fn forget_webhooks(&self, forget: bool) {
        self.shared.with(|state| state.hook.forgetful = forget);
    }

    /// The next `times` calls whose `METHOD /template` contains `route` run into trouble: `"check-runs"`,
    /// `"POST /repos/{owner}/{repo}/check-runs"`, `"graphql CommitContext"`.
    pub fn fail(&self, route: &str, times: u32, trouble: Trouble) {
        self.shared.with(|state| state.limits.fail(route, times, trouble));
    }

    /// The call to `route` after `spared` others that go well runs into trouble.
    pub fn fail_after(&self, route: &str, spared: u32, trouble: Trouble) {
        self.shared.with(|state| state.limits.fail_later(route, spared, 1, trouble));
    }

    /// Nothing goes wrong on purpose any more.
    pub fn calm_down(&self) {
        self.shared.with(|state| state.limits.forgive());
    }

    /// Allows so many writes a second (beyond: secondary rate limit), or any number.
    pub fn limit_writes(&self, per_second: Option<f64>) {
        self.shared.with(|state| state.limits.limit_writes(per_second));
    }

    /// Allows so many requests from now on (beyond: primary rate limit), or any number.
    pub fn limit_requests(&self, requests: Option<u64>) {
        self.shared.with(|state| state.limits.limit_requests(requests));
    }

    /// Delays every answer.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.with(|state| state.limits.latency = latency);
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

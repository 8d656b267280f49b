//! The adapter to GitHub: verify and read what comes in, ask for facts, write what goes out.
//!
//! [`GitHub`] is the one door. What it can do is spread over the files by subject:
//!
//! - [`webhook`] payloads in: signature, parsing
//! - [`app_jwt`], [`tokens`] who we are: the App's JWT, installation tokens by purpose
//! - [`client`] one HTTP exchange and its errors
//! - [`pacing`] how much may be written when, decisions first
//! - [`facts`], [`graphql`] everything a decision rests on, in few calls
//! - [`organization`], [`files`] what else the rules rest on: the organization's file, CODEOWNERS
//! - `people` the accounts a policy names
//! - [`gates`] runs, callbacks, notes; what GitHub says of an approver
//! - [`checks`] check runs
//! - [`releases`] where the ledger is published
//! - [`survey`] what there is in a repository, for whoever writes a policy
//! - [`render`] all text people read on GitHub
//! - [`deliveries`] webhooks GitHub could not deliver; installations

pub mod app_jwt;
pub mod checks;
pub mod client;
mod clock;
pub mod contents;
pub mod deliveries;
pub mod facts;
pub mod files;
pub mod gates;
mod graphql;
pub mod organization;
pub mod pacing;
mod people;
mod refs;
pub mod releases;
pub mod render;
mod roster;
pub mod survey;
pub mod tokens;
pub mod webhook;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use secrecy::SecretString;

use self::app_jwt::{AppJwt, KeyError};
use self::client::{Answer, BadApiUrl, Call, Calls, Client, Credential, Error, Kind, Upload};
use self::pacing::{Limits, Pacer};
use self::tokens::{Purpose, Reach, Scope, Tokens};
use crate::domain::Millis;
use crate::domain::gate::{Repository, Subject, Tenant};

/// Tells the time: milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What is needed to speak to GitHub as an App.
pub struct Settings {
    /// Root of the REST API: `https://api.github.com`, or `https://HOST/api/v3` for GitHub Enterprise Server.
    pub api_url: String,
    /// The App's id.
    pub app_id: u64,
    /// The App's RSA private key, PEM.
    pub private_key: SecretString,
    /// How often GitHub may be written to.
    pub limits: Limits,
    /// The time now. Tokens are signed by it, and what GitHub says of waiting is told by it.
    pub clock: Clock,
}

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address.
    #[error(transparent)]
    ApiUrl(#[from] BadApiUrl),
    /// The private key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// One GitHub, spoken to as one App.
pub struct GitHub {
    client: Client,
    app: AppJwt,
    tokens: Tokens,
    pacer: Mutex<Pacer>,
    comparisons: facts::Comparisons,
    accounts: people::Accounts,
    organization_files: organization::Files,
    files: files::Remembered,
    rosters: roster::Rosters,
    clock: Clock,
}

/// Where a call goes: through which installation, to which repository.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The installation's owner.
    pub tenant: &'a Tenant,
    /// The repository.
    pub repository: &'a Repository,
}

impl<'a> Place<'a> {
    /// `/repos/{owner}/{name}` and what follows.
    fn path(self, rest: std::fmt::Arguments<'_>) -> String {
        below_repository(&self.repository.owner, &self.repository.name, rest)
    }

    fn scope(self, purpose: Purpose) -> Scope {
        let reach = Reach::Repository(self.repository.id);
        Scope { installation: self.tenant.installation_id, reach, purpose }
    }
}

impl<'a> From<&'a Subject> for Place<'a> {
    fn from(subject: &'a Subject) -> Self {
        Self { tenant: &subject.tenant, repository: &subject.repository }
    }
}

impl GitHub {
    /// Must be called inside a Tokio runtime. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SettingsError`], which says what to change.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            client: Client::new(&settings.api_url)?,
            app: AppJwt::new(settings.app_id, &settings.private_key)?,
            tokens: Tokens::new(),
            pacer: Mutex::new(Pacer::new(settings.limits)),
            comparisons: facts::Comparisons::default(),
            accounts: people::Accounts::default(),
            organization_files: organization::Files::default(),
            files: files::Remembered::default(),
            rosters: roster::Rosters::default(),
            clock: settings.clock.clone(),
        })
    }

    /// How many calls were made since the start.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.client.calls()
    }

    /// The pacer. Ask it before each write; what answers say about limits is told to it here. Do not hold it across an
    /// `await`.
    pub fn pacer(&self) -> MutexGuard<'_, Pacer> {
        self.pacer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Millis {
        (self.clock)()
    }

    /// One exchange. When GitHub says until when to wait, the client tells it by the machine's clock; here it is by ours.
    async fn send(&self, credential: &Credential, call: &Call<'_>) -> Result<Answer, Error> {
        self.by_our_clock(self.client.send(credential, call).await)
    }

    fn by_our_clock(&self, answer: Result<Answer, Error>) -> Result<Answer, Error> {
        answer.map_err(|error| match error {
            Error::RateLimited { until } => {
                Error::RateLimited { until: until.saturating_sub(clock::now()).saturating_add(self.now()) }
            }
            error => error,
        })
    }

    /// One call with an installation token. A token that is refused is replaced once.
    async fn call(&self, scope: Scope, call: Call<'_>) -> Result<Answer, Error> {
        let is_read = call.kind == Kind::Read;
        self.exchange(scope, &Outgoing::Call(call), is_read).await
    }

    /// The same for a file.
    async fn upload(&self, scope: Scope, upload: &Upload<'_>) -> Result<Answer, Error> {
        self.exchange(scope, &Outgoing::Upload(upload), false).await
    }

    async fn exchange(&self, scope: Scope, outgoing: &Outgoing<'_>, is_read: bool) -> Result<Answer, Error> {
        let now = self.now();
        if let Some(until) = self.pacer().block_of(scope.installation, now) {
            return Err(Error::RateLimited { until });
        }
        let mut credential = self.tokens.get(&self.client, &self.app, scope, self.now()).await?;
        let mut answer = self.send_out(&credential, outgoing).await;
        if matches!(answer, Err(Error::Unauthorized { .. })) {
            self.tokens.forget(scope, &credential).await;
            credential = self.tokens.get(&self.client, &self.app, scope, self.now()).await?;
            answer = self.send_out(&credential, outgoing).await;
        }
        let mut pacer = self.pacer();
        match &answer {
            Err(Error::RateLimited { until }) => pacer.block(scope.installation, *until),
            Ok(answer) => pacer.learn(scope.installation, answer.quota),
            Err(_) => {}
        }
        if is_read {
            pacer.count_read(scope.installation, now);
        }
        drop(pacer);
        answer
    }

    async fn send_out(&self, credential: &Credential, outgoing: &Outgoing<'_>) -> Result<Answer, Error> {
        match outgoing {
            Outgoing::Call(call) => self.send(credential, call).await,
            Outgoing::Upload(upload) => self.by_our_clock(self.client.upload(credential, upload).await),
        }
    }

    async fn read(&self, place: Place<'_>, purpose: Purpose, path: &str) -> Result<Answer, Error> {
        self.call(place.scope(purpose), Call { kind: Kind::Read, method: Method::GET, path, body: None }).await
    }

    async fn write(&self, place: Place<'_>, method: Method, path: &str, body: &[u8]) -> Result<Answer, Error> {
        self.call(place.scope(Purpose::Speak), Call { kind: Kind::Write, method, path, body: Some(body) }).await
    }

    /// One call as the App itself. If it is refused, one of two clocks may be wrong: then it is signed by the machine's.
    async fn call_as_app(&self, method: Method, path: &str) -> Result<Answer, Error> {
        let call = Call { kind: Kind::App, method, path, body: None };
        let answer = self.send(&self.app.credential(self.now())?, &call).await;
        if matches!(answer, Err(Error::Unauthorized { .. })) {
            self.app.forget();
            return self.send(&self.app.credential(clock::now())?, &call).await;
        }
        answer
    }
}

/// What goes out with an installation token.
enum Outgoing<'a> {
    Call(Call<'a>),
    Upload(&'a Upload<'a>),
}

/// `/repos/{owner}/{name}` and what follows.
fn below_repository(owner: &str, name: &str, rest: std::fmt::Arguments<'_>) -> String {
    format!("/repos/{}/{}{rest}", wire::encode(owner), wire::encode(name))
}

/// A request body.
fn body(value: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Decode { what: "our own request", why: error.to_string() })
}

/// The value of a query parameter of the page that a `Link` header calls `next`.
fn next_page<'a>(link: Option<&'a str>, parameter: &str) -> Option<&'a str> {
    let next = link?.split(',').find(|part| part.contains("rel=\"next\""))?;
    let url = next.split_once('<')?.1.split_once('>')?.0;
    url.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix(parameter)?.strip_prefix('='))
}

#[cfg(test)]
mod tests;

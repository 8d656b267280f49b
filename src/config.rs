//! The only reader of environment and config file. One table names every setting; every error names the setting and
//! what to do; secrets are read once and never printed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use self::reader::Reader;

mod reader;
mod settings;

pub use settings::{SETTINGS, Setting, table};

/// What is wrong with the configuration: every problem at once, each with its setting and its remedy.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not complete:\n{}", .0.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// How the server is set up.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Folder for what the server keeps.
    pub data_dir: PathBuf,
    /// `sqlite://…` or `postgres://…`; may hold a password.
    pub database_url: SecretString,
    /// Host in the ledgers' origins.
    pub ledger_host: String,
    /// The ledger's signing seed, or the file that holds it.
    pub ledger_key: KeySource,
    /// The seed that will take over from it, while the key is changed.
    pub ledger_next_key: Option<KeySource>,
    /// Who may read the ledgers over HTTP.
    pub ledger_readers: LedgerReaders,
    /// The GitHub App.
    pub github: GitHub,
    /// Pieces of work at once.
    pub concurrency: usize,
    /// How long a claim is good for.
    pub lease: Duration,
    /// How often to look for missed webhooks.
    pub recovery: Duration,
    /// Where and when the ledgers are published; nowhere when absent.
    pub publish: Option<Publish>,
    /// Who vouches for the ledgers.
    pub anchors: Anchors,
    /// How long what decided requests were judged by is kept; `None`: for ever.
    pub keep_facts: Option<Duration>,
    /// Logging.
    pub log: Log,
}

/// Where and when ledgers are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// `NAME` in each ledger's own account, or `OWNER/NAME`.
    pub repository: String,
    /// A cron expression of five fields, UTC; only on demand when absent.
    pub schedule: Option<String>,
    /// The branch to which checkpoints are committed; none when absent.
    pub branch: Option<String>,
}

/// All that `seconder ledger publish` needs to know.
#[derive(Debug)]
pub struct Publisher {
    /// The GitHub App.
    pub app: App,
    /// The ledgers.
    pub ledger: LedgerKeys,
    /// Where to.
    pub publish: Publish,
    /// Who vouches for what is published.
    pub anchors: Anchors,
    /// How long a claim is good for.
    pub lease: Duration,
    /// Logging.
    pub log: Log,
}

/// Who vouches for the ledgers from outside.
#[derive(Clone, Debug)]
pub struct Anchors {
    /// Witnesses and quorum, in the form of <https://c2sp.org/tlog-policy>.
    pub witness_policy: Option<String>,
    /// How often a ledger that grows is brought to them.
    pub every: Duration,
    /// Where a time-stamp authority answers.
    pub timestamp_url: Option<String>,
    /// Ledgers that go on from fewer entries than were once signed: origin, and up to how many.
    pub accepted_rollbacks: Vec<(String, u64)>,
}

impl Default for Anchors {
    fn default() -> Self {
        let every = Duration::from_secs(300);
        Self { witness_policy: None, every, timestamp_url: None, accepted_rollbacks: Vec::new() }
    }
}

/// A key given as text or kept in a file.
#[derive(Debug)]
pub enum KeySource {
    /// Given.
    Inline(SecretString),
    /// In this file; made at first start.
    File(PathBuf),
}

/// Who may read the ledgers over HTTP.
#[derive(Clone, Debug, Default)]
pub enum LedgerReaders {
    /// Nobody: there are no such pages.
    #[default]
    Nobody,
    /// Everybody who knows a log's address.
    Everybody,
    /// Whoever brings one of these tokens.
    Bearers(Vec<ReadToken>),
}

/// A token that opens one account's ledger, or all.
#[derive(Clone, Debug)]
pub struct ReadToken {
    /// Login or id of the account; `None`: all of them.
    pub tenant: Option<String>,
    /// The token.
    pub token: SecretString,
}

/// What signs the ledgers, and where they are: for those who append to them without being a server.
#[derive(Debug)]
pub struct LedgerKeys {
    /// Where everything is kept.
    pub place: Place,
    /// Host in the origins of new ledgers.
    pub host: String,
    /// The signing seed.
    pub key: KeySource,
    /// The seed that will take over.
    pub next_key: Option<KeySource>,
    /// As [`Anchors::accepted_rollbacks`].
    pub accepted_rollbacks: Vec<(String, u64)>,
}

/// The GitHub App this server is.
#[derive(Debug)]
pub struct GitHub {
    /// Base of the REST API, without a slash at the end.
    pub api_url: String,
    /// App id.
    pub app_id: u64,
    /// PEM.
    pub private_key: SecretString,
    /// Accepted webhook secrets, newest first.
    pub webhook_secrets: Vec<SecretString>,
    /// Writes a minute and installation; 0: no limit.
    pub writes_per_minute: u32,
    /// Writes an hour and installation; 0: no limit.
    pub writes_per_hour: u32,
    /// Points a minute and installation; 0: no limit.
    pub points_per_minute: u32,
}

/// Logging.
#[derive(Clone, Debug)]
pub struct Log {
    /// Filter directives.
    pub filter: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

/// Where a server keeps its things: all that `seconder ledger export` needs to know.
#[derive(Debug)]
pub struct Place {
    /// Folder for what the server keeps.
    pub data_dir: PathBuf,
    /// `sqlite://…` or `postgres://…`; may hold a password.
    pub database_url: SecretString,
}

/// The GitHub App, for those who only read: no webhook secret is needed.
#[derive(Debug)]
pub struct App {
    /// Base of the REST API, without a slash at the end.
    pub api_url: String,
    /// App id.
    pub app_id: u64,
    /// PEM.
    pub private_key: SecretString,
}

/// Reads the process environment and the config file it names.
pub fn load() -> Result<Config, ConfigError> {
    Reader::open()?.config()
}

/// Reads only where things are kept.
pub fn load_place() -> Result<Place, ConfigError> {
    let mut reader = Reader::open()?;
    let place = reader.place();
    reader.finish(place)
}

/// Reads only what signs the ledgers.
pub fn load_ledger_keys() -> Result<LedgerKeys, ConfigError> {
    let mut reader = Reader::open()?;
    let ledger = reader.ledger();
    reader.finish(ledger)
}

/// Reads only who we are on GitHub.
pub fn load_app() -> Result<App, ConfigError> {
    let mut reader = Reader::open()?;
    match reader.app() {
        Some(app) => reader.finish(app),
        None => Err(ConfigError(reader.problems)),
    }
}

/// Reads what it takes to publish.
pub fn load_publisher() -> Result<Publisher, ConfigError> {
    Reader::open()?.publisher()
}

/// Reads only how to log; never fails, so that errors can be logged.
#[must_use]
pub fn load_log() -> Log {
    Reader::open().map_or_else(|_| Log { filter: "info".into(), json: false }, |mut reader| reader.log())
}

/// Whether output to a terminal should stay without colour (<https://no-color.org>).
#[must_use]
pub fn no_color() -> bool {
    let is = |name: &str, meant: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| meant(&value));
    is("NO_COLOR", |value| !value.is_empty()) || is("TERM", |value| value == "dumb")
}

/// Makes the data folder, readable by its owner only.
pub fn make_data_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests;

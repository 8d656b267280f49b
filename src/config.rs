//! The only reader of environment and config file. One table names every setting; every error names the setting and
//! what to do; secrets are read once and never printed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

/// A setting: its variable, its default, and what it does. In the config file the key is the variable's name without
/// `SECONDER_`, in lower case.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Environment variable.
    pub variable: &'static str,
    /// Value when nothing is said; `None`: there is none.
    pub default: Option<&'static str>,
    /// What it does, for `--help` and the docs.
    pub help: &'static str,
}

const fn setting(variable: &'static str, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { variable, default, help }
}

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    setting("SECONDER_LISTEN", Some("127.0.0.1:8080"), "address and port to listen on"),
    setting("SECONDER_DATA_DIR", Some("seconder-data"), "folder for the database file and the ledger key"),
    setting(
        "SECONDER_DATABASE_URL",
        None,
        "sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE; default: seconder.db in the data folder",
    ),
    setting("SECONDER_PUBLIC_URL", None, "where people reach this server; its host names the ledgers"),
    setting(
        "SECONDER_GITHUB_API_URL",
        Some("https://api.github.com"),
        "GitHub's API; for GitHub Enterprise Server https://HOST/api/v3",
    ),
    setting("SECONDER_GITHUB_APP_ID", None, "the GitHub App's id (a number, on its settings page)"),
    setting("SECONDER_GITHUB_PRIVATE_KEY", None, "the App's private key (PEM); or name its file in …_FILE"),
    setting("SECONDER_GITHUB_PRIVATE_KEY_FILE", None, "a file that holds the App's private key"),
    setting(
        "SECONDER_GITHUB_WEBHOOK_SECRET",
        None,
        "the App's webhook secret; while rotating: the new and the old one, separated by a comma",
    ),
    setting("SECONDER_GITHUB_WEBHOOK_SECRET_FILE", None, "a file that holds the webhook secret"),
    setting(
        "SECONDER_GITHUB_WRITES_PER_MINUTE",
        Some("80"),
        "content-creating calls an installation may make a minute; 0: no limit (GitHub Enterprise Server)",
    ),
    setting("SECONDER_GITHUB_WRITES_PER_HOUR", Some("500"), "the same for an hour"),
    setting("SECONDER_GITHUB_POINTS_PER_MINUTE", Some("900"), "GitHub's points a minute: a read costs 1, a write 5"),
    setting(
        "SECONDER_LEDGER_KEY",
        None,
        "Ed25519 seed that signs the ledger (base64 of 32 bytes); or name its file in …_FILE",
    ),
    setting(
        "SECONDER_LEDGER_KEY_FILE",
        None,
        "a file that holds it; default: ledger.key in the data folder, made at first start",
    ),
    setting("SECONDER_CONCURRENCY", Some("64"), "how many events and effects are worked on at once"),
    setting(
        "SECONDER_LEASE_SECONDS",
        Some("30"),
        "after how long another replica takes over what a dead one had begun",
    ),
    setting("SECONDER_RECOVERY_SECONDS", Some("300"), "how often missed webhooks are looked for"),
    setting("SECONDER_LOG", Some("info"), "what to log, for example info or seconder=debug"),
    setting("SECONDER_LOG_FORMAT", Some("human"), "human or json"),
    setting("SECONDER_CONFIG", None, "a TOML file with these settings: listen = \"0.0.0.0:8080\""),
];

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
    /// The GitHub App.
    pub github: GitHub,
    /// Pieces of work at once.
    pub concurrency: usize,
    /// How long a claim is good for.
    pub lease: Duration,
    /// How often to look for missed webhooks.
    pub recovery: Duration,
    /// Logging.
    pub log: Log,
}

/// A key given as text or kept in a file.
#[derive(Debug)]
pub enum KeySource {
    /// Given.
    Inline(SecretString),
    /// In this file; made at first start.
    File(PathBuf),
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

/// Reads only who we are on GitHub.
pub fn load_app() -> Result<App, ConfigError> {
    let mut reader = Reader::open()?;
    match reader.app() {
        Some(app) => reader.finish(app),
        None => Err(ConfigError(reader.problems)),
    }
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

/// Reads settings, and collects what is wrong with them.
struct Reader {
    values: BTreeMap<&'static str, String>,
    problems: Vec<String>,
}

impl Reader {
    fn open() -> Result<Self, ConfigError> {
        let environment = |name: &str| std::env::var(name).ok();
        let file = match environment("SECONDER_CONFIG") {
            Some(path) => Some(
                std::fs::read_to_string(&path)
                    .map_err(|error| ConfigError(vec![format!("SECONDER_CONFIG: cannot read {path}: {error}")]))?,
            ),
            None => None,
        };
        Self::new(environment, file.as_deref())
    }

    fn new(environment: impl Fn(&str) -> Option<String>, file: Option<&str>) -> Result<Self, ConfigError> {
        let mut reader = Self { values: BTreeMap::new(), problems: Vec::new() };
        if let Some(text) = file {
            reader.read_file(text);
        }
        for setting in SETTINGS {
            if let Some(value) = environment(setting.variable).filter(|value| !value.trim().is_empty()) {
                reader.values.insert(setting.variable, value);
            }
        }
        if reader.problems.is_empty() { Ok(reader) } else { Err(ConfigError(reader.problems)) }
    }

    fn read_file(&mut self, text: &str) {
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                // The message alone: the error's own picture of the line may show a secret.
                self.problems.push(format!("SECONDER_CONFIG: not valid TOML: {}", error.message()));
                return;
            }
        };
        for (key, value) in table {
            let variable = format!("SECONDER_{}", key.to_uppercase());
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                _ => {
                    self.problems.push(format!("SECONDER_CONFIG: {key} must be a text or a whole number"));
                    continue;
                }
            };
            match SETTINGS.iter().find(|s| s.variable == variable && s.variable != "SECONDER_CONFIG") {
                Some(setting) => {
                    self.values.insert(setting.variable, value);
                }
                None => self.problems.push(format!(
                    "SECONDER_CONFIG: there is no setting `{key}`; `seconder serve --help` lists them all"
                )),
            }
        }
    }

    fn get(&self, variable: &'static str) -> Option<String> {
        let default = || SETTINGS.iter().find(|s| s.variable == variable)?.default.map(str::to_owned);
        self.values.get(variable).cloned().or_else(default)
    }

    fn parse<T>(&mut self, variable: &'static str, what: &str, fallback: T) -> T
    where
        T: std::str::FromStr,
    {
        match self.get(variable).map(|value| value.trim().parse()) {
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problems.push(format!("{variable}: must be {what}"));
                fallback
            }
            None => {
                self.problems.push(format!("{variable} is not set: {}", help_of(variable)));
                fallback
            }
        }
    }

    /// A secret given directly or through the file that `…_FILE` names.
    fn secret(&mut self, variable: &'static str, file_variable: &'static str) -> Option<SecretString> {
        match (self.get(variable), self.get(file_variable)) {
            (Some(_), Some(_)) => {
                self.problems.push(format!("{variable} and {file_variable} are both set: keep one"));
                None
            }
            (Some(value), None) => Some(value.into()),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(value) if !value.trim().is_empty() => Some(value.trim().to_owned().into()),
                Ok(_) => {
                    self.problems.push(format!("{file_variable}: {path} is empty"));
                    None
                }
                Err(error) => {
                    self.problems.push(format!("{file_variable}: cannot read {path}: {error}"));
                    None
                }
            },
            (None, None) => {
                self.problems.push(format!("{variable} (or {file_variable}) is not set: {}", help_of(variable)));
                None
            }
        }
    }

    fn place(&mut self) -> Place {
        let data_dir = PathBuf::from(self.get("SECONDER_DATA_DIR").unwrap_or_default());
        let database_url = self
            .get("SECONDER_DATABASE_URL")
            .unwrap_or_else(|| format!("sqlite://{}", data_dir.join("seconder.db").display()));
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| database_url.starts_with(scheme)) {
            self.problems.push(
                "SECONDER_DATABASE_URL: must start with sqlite:// or postgres:// (its value is not shown, it may hold a password)"
                    .into(),
            );
        }
        Place { data_dir, database_url: database_url.into() }
    }

    fn log(&mut self) -> Log {
        let format = self.get("SECONDER_LOG_FORMAT").unwrap_or_default();
        if format != "human" && format != "json" {
            self.problems.push(format!("SECONDER_LOG_FORMAT: must be human or json, not {format}"));
        }
        Log { filter: self.get("SECONDER_LOG").unwrap_or_default(), json: format == "json" }
    }

    /// All that is needed to read as the App.
    fn app(&mut self) -> Option<App> {
        let api_url = self.get("SECONDER_GITHUB_API_URL").unwrap_or_default().trim_end_matches('/').to_owned();
        let is_loopback = api_url.parse::<http::Uri>().is_ok_and(|uri| is_on_this_machine(&uri));
        if !api_url.starts_with("https://") && !is_loopback {
            self.problems
                .push("SECONDER_GITHUB_API_URL: must start with https:// (plain http only on this machine)".into());
        }
        let app_id = self.parse("SECONDER_GITHUB_APP_ID", "a number, as on the App's settings page", 0);
        let private_key = self.secret("SECONDER_GITHUB_PRIVATE_KEY", "SECONDER_GITHUB_PRIVATE_KEY_FILE");
        Some(App { api_url, app_id, private_key: private_key? })
    }

    fn github(&mut self) -> Option<GitHub> {
        let app = self.app();
        let secrets = self.secret("SECONDER_GITHUB_WEBHOOK_SECRET", "SECONDER_GITHUB_WEBHOOK_SECRET_FILE");
        let number = "a whole number; 0 for no limit";
        let writes_per_minute = self.parse("SECONDER_GITHUB_WRITES_PER_MINUTE", number, 0);
        let writes_per_hour = self.parse("SECONDER_GITHUB_WRITES_PER_HOUR", number, 0);
        let points_per_minute = self.parse("SECONDER_GITHUB_POINTS_PER_MINUTE", number, 0);
        let webhook_secrets = split_secrets(&secrets?);
        if webhook_secrets.is_empty() {
            self.problems.push("SECONDER_GITHUB_WEBHOOK_SECRET: holds no secret".into());
        }
        let App { api_url, app_id, private_key } = app?;
        Some(GitHub {
            api_url,
            app_id,
            private_key,
            webhook_secrets,
            writes_per_minute,
            writes_per_hour,
            points_per_minute,
        })
    }

    fn config(mut self) -> Result<Config, ConfigError> {
        let listen =
            self.parse("SECONDER_LISTEN", "an address and port, like 0.0.0.0:8080", ([127, 0, 0, 1], 0).into());
        let place = self.place();
        let ledger_host = host_of(self.get("SECONDER_PUBLIC_URL").as_deref(), &listen);
        let ledger_key = match self.get("SECONDER_LEDGER_KEY") {
            Some(key) => KeySource::Inline(key.into()),
            None => KeySource::File(
                self.get("SECONDER_LEDGER_KEY_FILE").map_or_else(|| place.data_dir.join("ledger.key"), PathBuf::from),
            ),
        };
        let seconds = "a whole number of seconds, at least 1";
        let lease: u64 = self.parse("SECONDER_LEASE_SECONDS", seconds, 30);
        let recovery: u64 = self.parse("SECONDER_RECOVERY_SECONDS", seconds, 300);
        let concurrency: usize = self.parse("SECONDER_CONCURRENCY", "a whole number, at least 1", 64);
        if lease == 0 || recovery == 0 || concurrency == 0 {
            self.problems.push(
                "SECONDER_LEASE_SECONDS, SECONDER_RECOVERY_SECONDS and SECONDER_CONCURRENCY must be at least 1".into(),
            );
        }
        let log = self.log();
        let github = self.github();
        let Some(github) = github else { return Err(ConfigError(self.problems)) };
        let config = Config {
            listen,
            data_dir: place.data_dir,
            database_url: place.database_url,
            ledger_host,
            ledger_key,
            github,
            concurrency,
            lease: Duration::from_secs(lease),
            recovery: Duration::from_secs(recovery),
            log,
        };
        self.finish(config)
    }

    fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() { Ok(value) } else { Err(ConfigError(self.problems)) }
    }
}

fn is_on_this_machine(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn help_of(variable: &str) -> &'static str {
    SETTINGS.iter().find(|s| s.variable == variable).map_or("", |s| s.help)
}

fn split_secrets(secrets: &SecretString) -> Vec<SecretString> {
    use secrecy::ExposeSecret as _;
    secrets.expose_secret().split(',').map(str::trim).filter(|s| !s.is_empty()).map(SecretString::from).collect()
}

/// The host of the public URL, or the address listened on.
fn host_of(public_url: Option<&str>, listen: &SocketAddr) -> String {
    public_url
        .and_then(|url| url.split_once("://"))
        .map(|(_, rest)| rest.split(['/', ':']).next().unwrap_or_default().to_owned())
        .filter(|host| !host.is_empty())
        .unwrap_or_else(|| listen.ip().to_string())
}

/// The settings as a table, for `--help` and the README.
#[must_use]
pub fn table() -> String {
    let width = SETTINGS.iter().map(|s| s.variable.len()).max().unwrap_or(0);
    SETTINGS
        .iter()
        .map(|s| {
            let default = s.default.map_or(String::new(), |d| format!(" [default: {d}]"));
            format!("  {:width$}  {}{default}\n", s.variable, s.help)
        })
        .collect()
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

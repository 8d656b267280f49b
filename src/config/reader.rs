//! Reads the environment and the config file by the table, and says everything that is wrong with them at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::settings::{SETTINGS, help_of};
use super::{Anchors, App, Config, ConfigError, GitHub, KeySource, LedgerKeys, LedgerReaders, Log, Place, ReadToken};

mod publish;

/// A token shorter than this can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// Reads settings, and collects what is wrong with them.
pub(super) struct Reader {
    values: BTreeMap<&'static str, String>,
    pub(super) problems: Vec<String>,
}

/// What to say of a variable that looks like a setting and is none: whoever set it believes that it holds.
pub(super) fn misspelt(name: &str) -> Option<String> {
    let is_setting = |name: &str| SETTINGS.iter().any(|setting| setting.variable == name);
    (name.starts_with("SECONDER_") && !is_setting(name))
        .then(|| format!("{name} is no setting; `seconder serve --help` lists them all"))
}

impl Reader {
    pub(super) fn open() -> Result<Self, ConfigError> {
        let environment = |name: &str| std::env::var(name).ok();
        let file = match environment("SECONDER_CONFIG") {
            Some(path) => Some(
                std::fs::read_to_string(&path)
                    .map_err(|error| ConfigError(vec![format!("SECONDER_CONFIG: cannot read {path}: {error}")]))?,
            ),
            None => None,
        };
        let mut reader = Self::new(environment, file.as_deref())?;
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        reader.problems.extend(names.filter_map(|name| misspelt(&name)));
        if reader.problems.is_empty() { Ok(reader) } else { Err(ConfigError(reader.problems)) }
    }

    pub(super) fn new(environment: impl Fn(&str) -> Option<String>, file: Option<&str>) -> Result<Self, ConfigError> {
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

    pub(super) fn place(&mut self) -> Place {
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

    fn listen(&mut self) -> SocketAddr {
        self.parse("SECONDER_LISTEN", "an address and port, like 0.0.0.0:8080", ([127, 0, 0, 1], 0).into())
    }

    /// The host in the ledgers' origins, and what signs them.
    pub(super) fn log(&mut self) -> Log {
        let format = self.get("SECONDER_LOG_FORMAT").unwrap_or_default();
        if format != "human" && format != "json" {
            self.problems.push(format!("SECONDER_LOG_FORMAT: must be human or json, not {format}"));
        }
        Log { filter: self.get("SECONDER_LOG").unwrap_or_default(), json: format == "json" }
    }

    /// All that is needed to read as the App.
    pub(super) fn app(&mut self) -> Option<App> {
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

    pub(super) fn ledger_host(&mut self) -> String {
        let listen = self.listen();
        host_of(self.get("SECONDER_PUBLIC_URL").as_deref(), &listen)
    }

    pub(super) fn ledger_keys(&mut self, place: &Place) -> (KeySource, Option<KeySource>) {
        let key = match self.get("SECONDER_LEDGER_KEY") {
            Some(key) => KeySource::Inline(key.into()),
            None => KeySource::File(
                self.get("SECONDER_LEDGER_KEY_FILE").map_or_else(|| place.data_dir.join("ledger.key"), PathBuf::from),
            ),
        };
        let next = match (self.get("SECONDER_LEDGER_NEXT_KEY"), self.get("SECONDER_LEDGER_NEXT_KEY_FILE")) {
            (Some(_), Some(_)) => {
                self.problems.push(
                    "SECONDER_LEDGER_NEXT_KEY and SECONDER_LEDGER_NEXT_KEY_FILE are both set: keep one".to_owned(),
                );
                None
            }
            (Some(key), None) => Some(KeySource::Inline(key.into())),
            (None, path) => path.map(|path| KeySource::File(path.into())),
        };
        (key, next)
    }

    /// All that it takes to append to the ledgers.
    pub(super) fn ledger(&mut self) -> LedgerKeys {
        let (place, host) = (self.place(), self.ledger_host());
        let (key, next_key) = self.ledger_keys(&place);
        let accepted_rollbacks = self.accepted_rollbacks();
        LedgerKeys { place, host, key, next_key, accepted_rollbacks }
    }

    fn ledger_readers(&mut self) -> LedgerReaders {
        let (given, file) = ("SECONDER_LEDGER_READ_TOKENS", "SECONDER_LEDGER_READ_TOKENS_FILE");
        if self.get(given).is_none() && self.get(file).is_none() {
            return LedgerReaders::Nobody;
        }
        let Some(secret) = self.secret(given, file) else { return LedgerReaders::Nobody };
        let tokens = split_secrets(&secret);
        if tokens.iter().any(|token| token.expose_secret() == "public") {
            if tokens.len() > 1 {
                self.problems
                    .push(format!("{given}: public opens every ledger to everybody; take the tokens out, or it"));
            }
            return LedgerReaders::Everybody;
        }
        let tokens: Vec<ReadToken> = tokens.iter().map(read_token).collect();
        if tokens.iter().any(|token| token.token.expose_secret().len() < SHORTEST_TOKEN) {
            self.problems.push(format!(
                "{given}: a token must have at least {SHORTEST_TOKEN} characters; `openssl rand -hex 32` makes a good one"
            ));
        }
        LedgerReaders::Bearers(tokens)
    }

    pub(super) fn config(mut self) -> Result<Config, ConfigError> {
        let listen = self.listen();
        let place = self.place();
        let ledger_host = self.ledger_host();
        let (ledger_key, ledger_next_key) = self.ledger_keys(&place);
        let ledger_readers = self.ledger_readers();
        let publish = self.publish();
        let seconds = "a whole number of seconds, at least 1";
        let lease: u64 = self.parse("SECONDER_LEASE_SECONDS", seconds, 30);
        let recovery: u64 = self.parse("SECONDER_RECOVERY_SECONDS", seconds, 300);
        let concurrency: usize = self.parse("SECONDER_CONCURRENCY", "a whole number, at least 1", 64);
        if lease == 0 || recovery == 0 || concurrency == 0 {
            self.problems.push(
                "SECONDER_LEASE_SECONDS, SECONDER_RECOVERY_SECONDS and SECONDER_CONCURRENCY must be at least 1".into(),
            );
        }
        let anchors = self.anchors();
        let days: u64 = self.parse("SECONDER_KEEP_FACTS_DAYS", "a whole number of days; 0 for ever", 400);
        let log = self.log();
        let github = self.github();
        let Some(github) = github else { return Err(ConfigError(self.problems)) };
        let config = Config {
            listen,
            data_dir: place.data_dir,
            database_url: place.database_url,
            ledger_host,
            ledger_key,
            ledger_next_key,
            ledger_readers,
            github,
            concurrency,
            lease: Duration::from_secs(lease),
            recovery: Duration::from_secs(recovery),
            publish,
            anchors,
            keep_facts: (days > 0).then(|| Duration::from_secs(days.saturating_mul(24 * 3_600))),
            log,
        };
        self.finish(config)
    }

    fn anchors(&mut self) -> Anchors {
        let given = ["SECONDER_WITNESS_POLICY", "SECONDER_WITNESS_POLICY_FILE"].map(|variable| self.get(variable));
        let witness_policy = match given {
            [None, None] => None,
            // Read like a secret, though it is none.
            _ => self
                .secret("SECONDER_WITNESS_POLICY", "SECONDER_WITNESS_POLICY_FILE")
                .map(|policy| secrecy::ExposeSecret::expose_secret(&policy).to_owned()),
        };
        let every: u64 = self.parse("SECONDER_WITNESS_SECONDS", "a whole number of seconds, at least 1", 300);
        if every == 0 {
            self.problems.push("SECONDER_WITNESS_SECONDS must be at least 1".into());
        }
        let timestamp_url = self.get("SECONDER_TIMESTAMP_URL");
        if timestamp_url.as_ref().is_some_and(|url| url.parse::<http::Uri>().is_err() || !url.starts_with("http")) {
            self.problems.push("SECONDER_TIMESTAMP_URL: must be a URL that starts with http:// or https://".into());
        }
        let accepted_rollbacks = self.accepted_rollbacks();
        Anchors { witness_policy, every: Duration::from_secs(every), timestamp_url, accepted_rollbacks }
    }

    fn accepted_rollbacks(&mut self) -> Vec<(String, u64)> {
        let mut accepted_rollbacks = Vec::new();
        for accepted in self.get("SECONDER_ACCEPT_ROLLBACK").iter().flat_map(|text| text.split(',')) {
            match accepted.trim().rsplit_once('@').map(|(origin, size)| (origin.to_owned(), size.parse())) {
                Some((origin, Ok(size))) if !origin.is_empty() => accepted_rollbacks.push((origin, size)),
                _ => self
                    .problems
                    .push("SECONDER_ACCEPT_ROLLBACK: must be ORIGIN@SIZE, as the refusal to start says it".into()),
            }
        }
        accepted_rollbacks
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() { Ok(value) } else { Err(ConfigError(self.problems)) }
    }
}

/// `TOKEN`, or `LOGIN:TOKEN`.
fn read_token(text: &SecretString) -> ReadToken {
    match text.expose_secret().split_once(':') {
        Some((tenant, token)) => {
            ReadToken { tenant: Some(tenant.trim().to_owned()), token: token.trim().to_owned().into() }
        }
        None => ReadToken { tenant: None, token: text.clone() },
    }
}

fn is_on_this_machine(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn split_secrets(secrets: &SecretString) -> Vec<SecretString> {
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

//! The table of all settings, and how it is shown.

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
    setting(
        "SECONDER_LEDGER_NEXT_KEY",
        None,
        "while the key is changed: the seed that will take over, announced in every log and signing beside the other",
    ),
    setting("SECONDER_LEDGER_NEXT_KEY_FILE", None, "a file that holds it; `seconder ledger keys new` makes one"),
    setting(
        "SECONDER_LEDGER_READ_TOKENS",
        None,
        "who may read the ledgers at /l/<id>/: bearer tokens separated by commas, ID:TOKEN (safer) or LOGIN:TOKEN for one \
         account's ledger only; or public; when nothing is said, nobody",
    ),
    setting("SECONDER_LEDGER_READ_TOKENS_FILE", None, "a file that holds them"),
    setting("SECONDER_CONCURRENCY", Some("64"), "how many events and effects are worked on at once"),
    setting(
        "SECONDER_LEASE_SECONDS",
        Some("30"),
        "after how long another replica takes over what a dead one had begun",
    ),
    setting("SECONDER_RECOVERY_SECONDS", Some("300"), "how often missed webhooks are looked for"),
    setting(
        "SECONDER_PUBLISH_REPOSITORY",
        None,
        "where ledgers are published: NAME for the repository of that name in each ledger's own account, or OWNER/NAME",
    ),
    setting(
        "SECONDER_PUBLISH_SCHEDULE",
        None,
        "when: a cron expression in UTC, like \"0 6 1 * *\"; without one only `seconder ledger publish` does",
    ),
    setting(
        "SECONDER_CHECKPOINT_BRANCH",
        None,
        "a branch of that repository, which must be there: each ledger's newest checkpoint is committed to it as \
         checkpoints/ID, every five minutes at most",
    ),
    setting(
        "SECONDER_WITNESS_POLICY",
        None,
        "who cosigns the ledgers, and how many must: lines `witness NAME VKEY URL`, `group …`, `quorum …` \
         (https://c2sp.org/tlog-policy); or name a file in …_FILE",
    ),
    setting("SECONDER_WITNESS_POLICY_FILE", None, "a file that holds the witness policy"),
    setting("SECONDER_WITNESS_SECONDS", Some("300"), "how often a ledger that grows is brought to them, at most"),
    setting("SECONDER_TIMESTAMP_URL", None, "a time-stamp authority (RFC 3161) that dates cosigned checkpoints"),
    setting(
        "SECONDER_ACCEPT_ROLLBACK",
        None,
        "ORIGIN@SIZE, separated by commas: start although the database lacks entries up to SIZE that were signed",
    ),
    setting(
        "SECONDER_KEEP_FACTS_DAYS",
        Some("400"),
        "how long what decided requests were judged by is kept for `seconder policy replay`; 0: for ever",
    ),
    setting("SECONDER_LOG", Some("info"), "what to log, for example info or seconder=debug"),
    setting("SECONDER_LOG_FORMAT", Some("human"), "human or json"),
    setting("SECONDER_CONFIG", None, "a TOML file with these settings: listen = \"0.0.0.0:8080\""),
];

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

pub(super) fn help_of(variable: &str) -> &'static str {
    SETTINGS.iter().find(|s| s.variable == variable).map_or("", |s| s.help)
}

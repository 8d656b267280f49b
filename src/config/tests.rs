use secrecy::ExposeSecret as _;

use super::{Config, ConfigError, LedgerReaders, Reader, SETTINGS, reader, table};

const COMPLETE: &[(&str, &str)] = &[
    ("SECONDER_GITHUB_APP_ID", "4242"),
    ("SECONDER_GITHUB_PRIVATE_KEY", "pem"),
    ("SECONDER_GITHUB_WEBHOOK_SECRET", "new-secret, old-secret"),
];

fn read(variables: &[(&str, &str)], file: Option<&str>) -> Result<Config, ConfigError> {
    let environment = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    Reader::new(environment, file)?.config()
}

#[test]
fn three_settings_are_enough() {
    let config = read(COMPLETE, None).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database_url.expose_secret(), "sqlite://seconder-data/seconder.db");
    assert_eq!(config.github.api_url, "https://api.github.com");
}

#[test]
fn without_credentials_it_says_exactly_what_is_missing() {
    let error = read(&[], None).unwrap_err().to_string();
    for variable in ["SECONDER_GITHUB_APP_ID", "SECONDER_GITHUB_PRIVATE_KEY", "SECONDER_GITHUB_WEBHOOK_SECRET"] {
        assert!(error.contains(&format!("{variable} ")), "{variable} is not named in:\n{error}");
    }
}

#[test]
fn two_webhook_secrets_are_accepted_while_rotating() {
    let secrets = read(COMPLETE, None).unwrap().github.webhook_secrets;
    let secrets: Vec<_> = secrets.iter().map(|s| s.expose_secret()).collect();
    assert_eq!(secrets, ["new-secret", "old-secret"]);
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\nlease_seconds = 7";
    let mut variables = COMPLETE.to_vec();
    variables.push(("SECONDER_LISTEN", "127.0.0.1:2"));
    let config = read(&variables, Some(file)).unwrap();
    assert_eq!((config.listen.port(), config.lease.as_secs()), (2, 7));
}

#[test]
fn an_unknown_key_in_the_file_is_an_error() {
    let error = read(COMPLETE, Some("listn = \"x\"")).unwrap_err().to_string();
    assert!(error.contains("no setting `listn`"), "{error}");
}

#[test]
fn no_error_and_no_debug_output_shows_a_secret() {
    let secret = "hunter2hunter2";
    let variables = [
        ("SECONDER_GITHUB_APP_ID", "1"),
        ("SECONDER_GITHUB_PRIVATE_KEY", secret),
        ("SECONDER_GITHUB_WEBHOOK_SECRET", secret),
        ("SECONDER_LEDGER_KEY", secret),
        ("SECONDER_LEDGER_NEXT_KEY", secret),
        ("SECONDER_LEDGER_READ_TOKENS", "acme:hunter2hunter2hunter2, hunter2hunter2hunter2"),
        ("SECONDER_DATABASE_URL", "postgres://u:hunter2hunter2@db/x"),
    ];
    assert!(!format!("{:?}", read(&variables, None).unwrap()).contains(secret));
    let broken = [("SECONDER_DATABASE_URL", "mysql://u:hunter2hunter2@db/x")];
    assert!(!read(&broken, None).unwrap_err().to_string().contains(secret));
    let file = format!("github_webhook_secret = \"{secret}\" x");
    assert!(!read(COMPLETE, Some(&file)).unwrap_err().to_string().contains(secret));
}

#[test]
fn a_plain_http_github_is_refused_unless_it_is_on_this_machine() {
    let with = |url| {
        let mut variables = COMPLETE.to_vec();
        variables.push(("SECONDER_GITHUB_API_URL", url));
        read(&variables, None)
    };
    assert!(with("http://github.example.com/api/v3").is_err());
    assert!(with("http://127.0.0.1.example.com").is_err());
    assert!(with("http://127.0.0.1:9999").is_ok());
    assert!(with("http://[::1]:9999/api/v3").is_ok());
}

#[test]
fn every_setting_is_in_the_table() {
    for setting in SETTINGS {
        assert!(table().contains(setting.variable));
    }
}

#[test]
fn a_misspelt_variable_is_not_passed_over_in_silence() {
    assert_eq!(
        reader::misspelt("SECONDER_GITUB_APP_ID").as_deref(),
        Some("SECONDER_GITUB_APP_ID is no setting; `seconder serve --help` lists them all")
    );
    assert_eq!(reader::misspelt("SECONDER_GITHUB_APP_ID"), None);
    assert_eq!(reader::misspelt("PATH"), None);
}

#[test]
fn a_schedule_without_a_place_to_publish_to_is_half_a_setting() {
    let with = |more: &[(&'static str, &'static str)]| read(&[COMPLETE, more].concat(), None);
    let schedule = ("SECONDER_PUBLISH_SCHEDULE", "0 6 1 * *");
    let error = with(&[schedule]).unwrap_err().to_string();
    assert!(error.contains("SECONDER_PUBLISH_REPOSITORY is not: where ledgers are published"), "{error}");
    assert_eq!(with(&[]).unwrap().publish, None, "off unless it is wanted");
    let publish = with(&[schedule, ("SECONDER_PUBLISH_REPOSITORY", "acme/ledger")]).unwrap().publish.unwrap();
    assert_eq!((publish.repository.as_str(), publish.schedule.as_deref()), ("acme/ledger", Some("0 6 1 * *")));
}

#[test]
fn who_may_read_the_ledgers_is_nobody_unless_it_is_said() {
    let with = |tokens: &'static str| {
        let mut variables = COMPLETE.to_vec();
        variables.push(("SECONDER_LEDGER_READ_TOKENS", tokens));
        read(&variables, None)
    };
    assert!(matches!(read(COMPLETE, None).unwrap().ledger_readers, LedgerReaders::Nobody));
    assert!(matches!(with("public").unwrap().ledger_readers, LedgerReaders::Everybody));
    let LedgerReaders::Bearers(tokens) = with("acme:0123456789abcdef, fedcba9876543210").unwrap().ledger_readers else {
        panic!("tokens were given");
    };
    let tokens: Vec<_> = tokens.iter().map(|it| (it.tenant.as_deref(), it.token.expose_secret())).collect();
    assert_eq!(tokens, [(Some("acme"), "0123456789abcdef"), (None, "fedcba9876543210")]);
    for (wrong, problem) in [("acme:short", "at least 16 characters"), ("public, 0123456789abcdef", "everybody")] {
        let error = with(wrong).unwrap_err().to_string();
        assert!(error.contains(problem) && !error.contains("short"), "{error}");
    }
}

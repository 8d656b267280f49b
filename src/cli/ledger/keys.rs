//! `seconder ledger keys`: which keys the ledgers have, a new one, and taking one out.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::export::choose;
use crate::app;
use crate::cli::Failure;
use crate::config;
use crate::keys;
use crate::ledger::{SigningKey, VerifierKey};
use crate::store::{DatabaseClock, LedgerReader, LogHead, LogKey, Options, Revocation, Store};

/// How much of a fingerprint is shown: enough to tell keys apart.
const SHOWN: usize = 16;
/// A shorter beginning of a fingerprint could mean another key than was meant.
const SHORTEST: usize = 8;

/// Tell which keys sign the ledgers, make a new one, or take one out.
#[derive(Debug, Args)]
#[command(
    after_help = "The database is the one SECONDER_DATABASE_URL or SECONDER_DATA_DIR names, as for `seconder serve`. How a \
                  key is changed, step by step: docs/keys.md."
)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: Option<Command>,

    /// Print the keys as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key that can take over from the one there is
    New {
        /// The file to write it to; refused when it is there already [default: ledger.next.key in the data folder]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take a key out: its signature counts no more. If it is a ledger's own, the announced one takes over
    Revoke {
        /// The key's fingerprint, as the list shows it
        fingerprint: String,
        /// In this account's ledger only (login or id)
        #[arg(long)]
        tenant: Option<String>,
        /// The size of the last checkpoint known outside before the key got into wrong hands: above that, what it signed
        /// counts for nothing [default: the size now]
        #[arg(long, value_name = "SIZE", requires = "tenant")]
        valid_to_size: Option<u64>,
    },
}

/// Runs the command.
pub fn run(args: &KeysArgs) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &args.command {
        None => runtime.block_on(list(args.json)),
        Some(Command::New { out }) => make(out.clone()),
        Some(Command::Revoke { fingerprint, tenant, valid_to_size }) => {
            let fingerprint = fingerprint.clone();
            if fingerprint.len() < SHORTEST || !fingerprint.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(Failure::Usage(anyhow::anyhow!(
                    "{fingerprint} is no fingerprint: give {SHORTEST} hexadecimal digits of it or more, as `seconder ledger keys` shows them"
                )));
            }
            let revocation = Revocation { fingerprint, valid_to_size: *valid_to_size };
            runtime.block_on(revoke(tenant.as_deref(), &revocation))
        }
    }
}

async fn list(as_json: bool) -> Result<(), Failure> {
    let place = config::load_place().map_err(|error| Failure::Usage(error.into()))?;
    let reader = LedgerReader::open(place.database_url.expose_secret())
        .await
        .context("there is no database to read from; SECONDER_DATABASE_URL, or SECONDER_DATA_DIR for the SQLite file in it, says where the server keeps its own")?;
    let mut logs = Vec::new();
    for log in reader.logs().await? {
        let keys = reader.keys(&log).await?;
        logs.push((log, keys));
    }
    if as_json {
        let logs = logs.iter().map(|(log, keys)| to_json(log, keys)).collect::<Result<Vec<_>, _>>()?;
        super::tell(format_args!("{:#}", Value::from(logs)));
        return Ok(());
    }
    if logs.is_empty() {
        super::tell("there is no ledger yet, so no key has signed anything");
    }
    for (log, keys) in &logs {
        super::tell(format_args!("{} ({}), {} entries: {}", log.login, log.tenant, log.size, log.origin));
        for key in keys {
            super::tell(format_args!("  {}  {}\n    {}", &fingerprint(key)?[..SHOWN], in_words(key), key.vkey));
        }
    }
    Ok(())
}

fn fingerprint(key: &LogKey) -> anyhow::Result<String> {
    Ok(key.vkey.parse::<VerifierKey>()?.fingerprint())
}

fn state(key: &LogKey) -> &'static str {
    match (key.activated, key.revoked) {
        (_, Some(_)) => "revoked",
        (Some(_), None) => "active",
        (None, None) => "announced",
    }
}

fn in_words(key: &LogKey) -> String {
    let since = key.activated.unwrap_or(key.added);
    match (key.revoked, key.valid_to_size) {
        (Some(revoked), Some(size)) => {
            format!("revoked in entry {revoked}: counts for checkpoints of up to {size} entries")
        }
        _ => format!("{} since entry {since}", state(key)),
    }
}

fn to_json(log: &LogHead, keys: &[LogKey]) -> anyhow::Result<Value> {
    let key = |key: &LogKey| -> anyhow::Result<Value> {
        let mut value = json!({
            "vkey": key.vkey, "fingerprint": fingerprint(key)?, "state": state(key), "added": key.added,
        });
        let later = [("activated", key.activated), ("revoked", key.revoked), ("valid_to_size", key.valid_to_size)];
        for (name, number) in later.into_iter().filter_map(|(name, number)| Some((name, number?))) {
            value[name] = number.into();
        }
        Ok(value)
    };
    let keys = keys.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "tenant": log.tenant, "login": log.login, "origin": log.origin, "size": log.size, "keys": keys,
    }))
}

fn make(out: Option<PathBuf>) -> Result<(), Failure> {
    let path = match out {
        Some(path) => path,
        None => {
            let place = config::load_place().map_err(|error| Failure::Usage(error.into()))?;
            place.data_dir.join("ledger.next.key")
        }
    };
    let seed = keys::make_new(&path).with_context(|| format!("cannot make a key in {}", path.display()))?;
    let fingerprint = SigningKey::from_seed("seconder", &seed)?.verifier().fingerprint();
    let path = path.display();
    super::tell(format_args!(
        "a new key is in {path}, for its owner only; keep a copy in a safe place\n  fingerprint {}\nto announce it, start every server with\n  SECONDER_LEDGER_NEXT_KEY_FILE={path}",
        &fingerprint[..SHOWN],
    ));
    Ok(())
}

async fn revoke(tenant: Option<&str>, revocation: &Revocation) -> Result<(), Failure> {
    let config = config::load_ledger_keys().map_err(|error| Failure::Usage(error.into()))?;
    let url = config.place.database_url.expose_secret().to_owned();
    let reader = LedgerReader::open(&url).await.context("there is no database with ledgers in it")?;
    let logs = match tenant {
        Some(_) => vec![choose(reader.logs().await?, tenant)?],
        None => reader.logs().await?,
    };
    super::may_sign(&config, &reader).await.map_err(anyhow::Error::from)?;
    let clock = DatabaseClock::new(app::system_clock());
    let (store, _handed) = Store::open(Options {
        url,
        host: config.host,
        seed: keys::load(&config.key)?,
        next_seed: config.next_key.as_ref().map(keys::load_next).transpose()?,
        clock: clock.clock(),
        lease_for: 1,
        may_hand: std::sync::Arc::new(|_, _| false),
        deliveries_in_memory: 1,
        effects_in_memory: 1,
        ingest_on: tokio::runtime::Handle::current(),
    })
    .await
    .context("the ledgers cannot be written; a server on SQLite has to be stopped first")?;
    let mut failed = None;
    clock.read(&store).await?;
    for log in &logs {
        match store.revoke_key(log, revocation).await {
            Ok(()) => super::tell(format_args!("{} ({}): the key is revoked", log.login, log.tenant)),
            Err(error) => {
                failed = Some(anyhow::Error::from(error).context(format!("in the ledger of {}", log.login)));
                break;
            }
        }
    }
    store.close().await;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

//! `seconder ledger publish`: publish now what a schedule would publish later. A server may be running; a lease in the
//! database keeps the two out of each other's way.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::export::choose;
use crate::app::publish::{Outcome, Progress, Publisher};
use crate::app::system_clock;
use crate::cli::{Failure, logging};
use crate::config;
use crate::domain::Millis;
use crate::github::pacing::Limits;
use crate::github::{GitHub, Settings};
use crate::keys;
use crate::server::{publications_below, read_publish, witnessing};
use crate::store::{Beside, LogHead, Publications};

/// Publish the ledgers now.
#[derive(Debug, Args)]
#[command(after_help = "Settings are those of `seconder serve`: the database, the App, the ledger key, and \
    SECONDER_PUBLISH_REPOSITORY.\nExit codes: 0 published, or nothing new; 1 not published, and it says why; 2 the command \
    line or the configuration is wrong.")]
pub struct PublishArgs {
    /// Only the ledger with this origin
    #[arg(long, value_name = "ORIGIN", conflicts_with = "tenant")]
    pub log: Option<String>,

    /// Only the ledger of this account: its login or id; refused where a login can mean several
    #[arg(long, value_name = "LOGIN")]
    pub tenant: Option<String>,

    /// Do not wait for witnesses: publish what the ledger's own keys have signed, with what witnesses gave so far
    #[arg(long)]
    pub do_not_wait: bool,

    /// Only say what would be published, and where
    #[arg(long)]
    pub dry_run: bool,

    /// One JSON object a ledger on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &PublishArgs) -> Result<(), Failure> {
    let config = config::load_publisher().map_err(|error| Failure::Usage(error.into()))?;
    logging::start(&config.log);
    let (target, schedule) = read_publish(&config.publish).map_err(Failure::Usage)?;
    let mut witnessing = witnessing(&config.anchors).map_err(Failure::Usage)?;
    if args.do_not_wait {
        witnessing.patience = Duration::ZERO;
    }
    let ledger = &config.ledger;
    let seed = keys::load(&ledger.key)?;
    let next_seed = ledger.next_key.as_ref().map(keys::load_next).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let github = GitHub::new(&Settings {
            api_url: config.app.api_url,
            app_id: config.app.app_id,
            private_key: config.app.private_key,
            limits: Limits::default(),
            clock: system_clock(),
        })?;
        let publications = Publications::open_beside(Beside {
            url: ledger.place.database_url.expose_secret().to_owned(),
            host: ledger.host.clone(),
            seed,
            next_seed,
            machine: system_clock(),
            lease_for: Millis::try_from(config.lease.as_millis())?,
        })
        .await
        .context("SECONDER_DATABASE_URL: the server's database cannot be opened")?;
        let folder = publications_below(&ledger.place.data_dir);
        super::may_sign(ledger, publications.ledger()).await.map_err(anyhow::Error::from)?;
        let publisher = Publisher::new(publications, Arc::new(github), target, schedule, folder).witnessed(witnessing);
        publish(args, &publisher).await
    })
}

async fn publish(args: &PublishArgs, publisher: &Publisher) -> Result<(), Failure> {
    let mut logs = publisher.publications().logs().await?;
    if logs.is_empty() {
        return Err(Failure::Failed(anyhow!("there is no ledger yet: nothing was held")));
    }
    if let Some(name) = args.log.as_deref().or(args.tenant.as_deref()) {
        logs = vec![choose(logs, Some(name))?];
    }
    let mut failed = 0;
    for log in logs {
        let result = if args.dry_run { preview(publisher, &log).await } else { one(args, publisher, &log).await };
        let (words, value) = result.unwrap_or_else(|error| {
            failed += 1;
            let why = format!("{error:#}");
            (format!("not published: {why}"), json!({ "outcome": "failed", "error": why }))
        });
        say(args, &log, &words, value);
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Failed(anyhow!("{failed} of the ledgers could not be published"))),
    }
}

async fn preview(publisher: &Publisher, log: &LogHead) -> anyhow::Result<(String, Value)> {
    Ok(match publisher.preview(log).await? {
        None => ("nothing new since the last publication".to_owned(), json!({ "outcome": "nothing_new" })),
        Some((from, to, repository)) => (
            format!("entries {from} to {} would be published in {repository}", to.saturating_sub(1)),
            json!({ "outcome": "would_publish", "from": from, "to": to, "repository": repository }),
        ),
    })
}

async fn one(args: &PublishArgs, publisher: &Publisher, log: &LogHead) -> anyhow::Result<(String, Value)> {
    let bar = if args.json { ProgressBar::hidden() } else { ProgressBar::new(0).with_style(style()) };
    let watch = |progress: Progress<'_>| match progress {
        Progress::Waiting => bar.set_message("waiting for witnesses"),
        Progress::Writing(read, of) => {
            bar.set_message("writing the files");
            bar.set_length(of);
            bar.set_position(read);
        }
        Progress::Uploading(asset) => bar.set_message(format!("uploading {} ({} bytes)", asset.name, asset.bytes)),
        Progress::Comparing => bar.set_message("comparing with what GitHub has"),
        Progress::Publishing => bar.set_message("publishing"),
    };
    let outcome = publisher.publish(log, &watch).await;
    bar.finish_and_clear();
    Ok(match outcome? {
        Outcome::NothingNew => {
            ("nothing new since the last publication".to_owned(), json!({ "outcome": "nothing_new" }))
        }
        Outcome::Busy => anyhow::bail!(
            "somebody else publishes it at this moment; look again in a minute (/readyz shows how far it has come)"
        ),
        Outcome::Published { batch, url, immutable, assets } => (
            format!(
                "entries {} to {} are public as {}{}{}\n  {url}\n  {} files, each compared with what GitHub has",
                batch.from,
                batch.to.saturating_sub(1),
                batch.tag,
                if batch.witness_policy.is_empty() { "" } else { ", cosigned" },
                if immutable {
                    ", immutable"
                } else {
                    "; the repository's releases are not immutable (see docs/publication.md)"
                },
                assets.len()
            ),
            json!({
                "outcome": "published", "tag": batch.tag, "repository": batch.repository, "from": batch.from,
                "to": batch.to, "url": url, "immutable": immutable, "cosigned": !batch.witness_policy.is_empty(),
                "assets": assets.iter().map(|asset| json!({
                    "name": asset.name, "bytes": asset.bytes, "sha256": asset.sha256,
                })).collect::<Vec<_>>(),
            }),
        ),
    })
}

fn say(args: &PublishArgs, log: &LogHead, words: &str, mut value: Value) {
    if args.json {
        value["log"] = log.origin.as_str().into();
        value["tenant"] = log.login.as_str().into();
        super::tell(value);
    } else {
        super::tell(format_args!("{}: {words}", log.login));
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} entries, {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

//! `seconder ledger erase`: make a person unknown to the ledger without changing a byte of what is proven.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::ExposeSecret as _;

use super::export::choose;
use super::tell;
use crate::cli::Failure;
use crate::config::{self, KeySource};
use crate::keys;
use crate::store::{Eraser, Erasure, LogHead};

const HELP: &str = "Deletes what ties the person to their subject (sub_…), every opening that tells their login, and every other \
opening whose text names them: facts of releases they had a part in, evidence, reasons. An entry redaction.performed says what \
was erased, and not whose it was. Receipts and exported ledgers verify as before; the same person gets a new subject \
when they come back. Requests in the database that are answered keep only what does not name them.\n\
\n\
Refused while a request that names them is open: it needs what it knows of them to be decided. Refused for a program (NAME[bot]), \
whose name stands in clear and is nobody's.\n\
\n\
Does not reach: what the policy's authors choose to call their rules, freezes, repositories and environments: these names \
stand in clear, and a rule called mona-must-approve keeps that name for ever; openings that were exported before, backups, the server's logs, policy files that name them, webhooks that \
failed or wait to be handled, what a running server has in memory until it is restarted, what GitHub shows; on PostgreSQL \
what VACUUM has not cleared away yet. An entry's request_digest is over names, too: whoever knows all the rest of a request \
can try whether a name fits.\n\
\n\
The database and the key are those the settings of `seconder serve` name; the server may be running.";

/// How the logins of programs end; no person's can, for GitHub lets nobody have brackets in theirs.
const OF_A_PROGRAM: &str = "[bot]";

/// Make a person unknown to the ledger; every proof stays valid.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct EraseArgs {
    /// Whom: a login, or the numeric id of an account
    #[arg(value_name = "PERSON")]
    pub person: String,

    /// From whose ledger: the account's login or id; needed only when there are several
    #[arg(long, alias = "log")]
    pub tenant: Option<String>,

    /// Why, for the entry that says so: without their name; needed, but for --dry-run
    #[arg(long, required_unless_present = "dry_run")]
    pub reason: Option<String>,

    /// Only tell what would be erased
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// Runs the command.
pub fn run(args: &EraseArgs) -> Result<(), Failure> {
    let settings = config::load_ledger_keys().map_err(|error| Failure::Usage(error.into()))?;
    if let KeySource::File(path) = &settings.key
        && !path.exists()
    {
        return Err(Failure::Usage(anyhow::anyhow!(
            "there is no key at {}; SECONDER_LEDGER_KEY_FILE or SECONDER_LEDGER_KEY names the one the server signs with",
            path.display()
        )));
    }
    let reason = args.reason.clone().unwrap_or_default();
    if reason.to_lowercase().contains(&args.person.to_lowercase()) {
        return Err(Failure::Usage(anyhow::anyhow!(
            "--reason names the person who is to be erased: leave the name out"
        )));
    }
    if args.person.ends_with(OF_A_PROGRAM) {
        return Err(Failure::Usage(anyhow::anyhow!(
            "{} is a program, and nobody's name: it stands in clear in the ledger for ever, and there is nothing to erase",
            args.person
        )));
    }
    let seed = keys::load_or_make(&settings.key)?;
    let next_seed = settings.next_key.as_ref().map(keys::load_next).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let url = settings.place.database_url.expose_secret();
        let eraser = Eraser::open(url, settings.host.clone(), seed, next_seed).await.context("the ledger cannot be opened")?;
        super::may_sign(&settings, eraser.ledger()).await?;
        let log = choose(eraser.logs().await?, args.tenant.as_deref())?;
        let plan = eraser.plan(&log, &args.person).await?;
        may_be_erased(&plan, &log, &args.person)?;
        if args.dry_run {
            tell(format!("would erase {}", in_words(&plan)));
            return Ok(());
        }
        if !args.yes {
            ask(&plan, &log, &args.person)?;
        }
        let erased = eraser.erase(&log, &args.person, &reason, eraser.time().await?).await?;
        may_be_erased(&erased, &log, &args.person)?;
        let told: Vec<String> = erased.told_in.iter().map(u64::to_string).collect();
        tell(format!("erased {}; entry {} says so", in_words(&erased), told.join(", ")));
        if erased.journal_remains {
            tell("somebody is reading the database: what was erased may remain in its journal (the -wal file) until the next \
                 checkpoint; run `PRAGMA wal_checkpoint(TRUNCATE)`, or restart the server, to be sure");
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(())
}

/// Whether there is something to erase, and nothing that still needs it.
fn may_be_erased(erasure: &Erasure, log: &LogHead, person: &str) -> anyhow::Result<()> {
    if !erasure.open.is_empty() {
        bail!(
            "nothing was erased: {person} is named by requests that are still open: {}; erase them when these are answered",
            erasure.open.join(", ")
        );
    }
    if erasure.subject.is_none() && erasure.openings == 0 && erasure.requests == 0 {
        bail!("nothing in the ledger of {} tells of {person}", log.login);
    }
    Ok(())
}

fn in_words(erasure: &Erasure) -> String {
    let Erasure { subject, openings, entries, requests, .. } = erasure;
    let key = subject.map_or_else(|| "no key".to_owned(), |subject| format!("the key of {subject}"));
    format!("{key}, {openings} openings of {entries} entries, and what names them in {requests} answered requests")
}

fn ask(plan: &Erasure, log: &LogHead, person: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("nobody is there to ask; with --yes it is done without");
    }
    let mut stdout = io::stdout().lock();
    write!(
        stdout,
        "erase {} from the ledger of {}?\n  {}\nThis cannot be undone. Type yes: ",
        person,
        log.login,
        in_words(plan)
    )?;
    stdout.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() != "yes" {
        bail!("nothing was erased");
    }
    Ok(())
}

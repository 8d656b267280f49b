//! `seconder ledger export`: write a ledger to a folder. Reads the database; needs no running server and disturbs none.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::ExposeSecret as _;

use super::openings::OpeningsFile;
use crate::artifact::segment::{self, Span};
use crate::artifact::{Directory, vouchers};
use crate::cli::Failure;
use crate::config;
use crate::ledger::export::{Exported, Exporter};
use crate::ledger::layout::Sink as _;
use crate::ledger::verify::report::counted;
use crate::ledger::{Checkpoint, VerifierKey};
use crate::store::{LedgerReader, LogHead};

/// Entries read from the database at once.
const PAGE: usize = 1_000;

/// Write a ledger to a folder.
#[derive(Debug, Args)]
#[command(
    after_help = "The database is the one SECONDER_DATABASE_URL or SECONDER_DATA_DIR names, as for `seconder serve`."
)]
pub struct ExportArgs {
    /// The folder to write to; made when it is not there, refused when it holds something
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// Write the flat files of a release instead, which hold all it takes to check them alone (see VERIFY.md among them)
    #[arg(long)]
    pub segment: bool,

    /// The checkpoint where the segment before this one ends; without it, the segment is the whole ledger
    #[arg(long, value_name = "CHECKPOINT", requires = "segment")]
    pub after: Option<PathBuf>,

    /// Whose ledger: the account's login or id, or the ledger's origin; needed only when there are several
    #[arg(long)]
    pub tenant: Option<String>,

    /// Write what tells the names that are sealed, for whoever may see them; a new file outside DIR
    #[arg(long, value_name = "FILE")]
    pub openings: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    let place = config::load_place().map_err(|error| Failure::Usage(error.into()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (log, written) = runtime.block_on(async {
        let reader = LedgerReader::open(place.database_url.expose_secret())
            .await
            .context("there is no database to export from; SECONDER_DATABASE_URL, or SECONDER_DATA_DIR for the SQLite file in it, says where the server keeps its own")?;
        let log = choose(reader.logs().await?, args.tenant.as_deref())?;
        let openings = args.openings.as_deref().map(|file| OpeningsFile::create(file, &args.dir)).transpose()?;
        let written = if args.segment {
            write_segment(&reader, &log, args.after.as_deref(), &args.dir).await?
        } else {
            let Exported { entries, receipts } = export(&reader, &log, &args.dir).await?;
            let (entries, receipts) = (counted(entries, "entry", "entries"), counted(receipts, "receipt", "receipts"));
            format!("{entries} of {} and {receipts}", log.login)
        };
        if let Some(openings) = openings {
            openings.write(&reader, &log).await?;
        }
        Ok::<_, anyhow::Error>((log, written))
    })?;
    say(&log, &written, args);
    Ok(())
}

fn say(log: &LogHead, written: &str, args: &ExportArgs) {
    let dir = &args.dir;
    super::tell(format_args!("{written} are in {}", dir.display()));
    if let Some(openings) = &args.openings {
        super::tell(format_args!(
            "what is sealed in them is told by {}: give it to nobody who may not see names",
            openings.display()
        ));
    }
    super::tell(format_args!(
        "verify with a key you got elsewhere:\n  seconder ledger verify {} --vkey {}",
        dir.display(),
        log.vkey
    ));
}

/// Writes what is new since a checkpoint, or everything, as a segment.
async fn write_segment(
    reader: &LedgerReader,
    log: &LogHead,
    after: Option<&Path>,
    dir: &Path,
) -> anyhow::Result<String> {
    let key: VerifierKey = log.vkey.parse()?;
    let read = |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let checkpoint_prev = after.map(read).transpose()?;
    let prev = checkpoint_prev.as_deref().map(|note| Checkpoint::open_or_read(note, &key)).transpose();
    let from = prev.context("--after cannot be used")?.map_or(0, |(prev, _)| prev.size);
    let (checkpoint, extra) = newest(reader, log).await?;
    let span = Span { from, to: log.size, checkpoint, checkpoint_prev, extra };
    let assets = segment::write(reader, log, span, dir, &mut |_, _| {}).await?;
    Ok(format!("entries {from} to {} of {}, in {} files,", log.size - 1, log.login, assets.len()))
}

pub(super) fn choose(logs: Vec<LogHead>, tenant: Option<&str>) -> anyhow::Result<LogHead> {
    let names =
        |logs: &[LogHead]| logs.iter().map(|l| format!("{} ({})", l.login, l.tenant)).collect::<Vec<_>>().join(", ");
    match tenant {
        Some(name) => {
            let is_it = |log: &&LogHead| {
                log.login.eq_ignore_ascii_case(name) || log.tenant.to_string() == name || log.origin == name
            };
            let fitting: Vec<&LogHead> = logs.iter().filter(is_it).collect();
            match fitting[..] {
                [] => bail!("there is no ledger of {name}; there are: {}", names(&logs)),
                [log] => Ok(log.clone()),
                _ => {
                    let them = fitting.iter().map(|log| format!("{} ({}), {}", log.login, log.tenant, log.origin));
                    bail!(
                        "{name} can mean several ledgers, for a login may pass to another account: {}; give --tenant the \
                         account id or the ledger's origin, as they stand here",
                        them.collect::<Vec<_>>().join("; ")
                    )
                }
            }
        }
        None if logs.len() > 1 => bail!("there are several ledgers, choose one with --tenant: {}", names(&logs)),
        None => logs.into_iter().next().context("the ledger is empty: nothing was held yet"),
    }
}

/// Writes one log to a folder.
///
/// # Errors
/// If the folder holds something already, the database cannot be read, or the folder cannot be written.
pub async fn export(reader: &LedgerReader, log: &LogHead, dir: &Path) -> anyhow::Result<Exported> {
    let key: VerifierKey = log.vkey.parse()?;
    let mut directory = Directory::create(dir).with_context(|| format!("cannot write to {}", dir.display()))?;
    let (note, extra) = newest(reader, log).await?;
    let mut exporter = Exporter::begin(&mut directory, &key, &note)?;
    let mut seq = 0;
    while seq < log.size {
        let lines = reader.entries(log.tenant, seq, log.size, PAGE).await?;
        for line in &lines {
            exporter.push(line)?;
        }
        seq += lines.len() as u64;
    }
    let exported = exporter.finish()?;
    for (name, bytes) in extra {
        directory.put(&name, &bytes).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(exported)
}

/// The newest checkpoint, with the cosignatures and the files beside them if others vouch for exactly these entries.
async fn newest(reader: &LedgerReader, log: &LogHead) -> anyhow::Result<(String, Vec<(String, Vec<u8>)>)> {
    let anchored = reader.anchored(log.tenant).await?.filter(|anchored| anchored.size == log.size);
    let Some(anchored) = anchored else { return Ok((log.checkpoint.clone(), Vec::new())) };
    let extra = vouchers(&anchored.policy, &anchored.tsr).context("the stored time-stamp cannot be read")?;
    Ok((anchored.note, extra))
}

//! The file of openings: written beside an export for whoever may see names, and read to check and to explain.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use serde_json::Value;

use super::failure::{Failure, cannot_read, cannot_read_entries};
use super::reading::{entries, style};
use crate::domain::text::visible;
use crate::ledger::sealing::{Book, BookError, Line, is_commitment};
use crate::ledger::verify::opened::{self, Distrust, Opened};
use crate::ledger::verify::report::{Report, counted};
use crate::store::{LedgerReader, LogHead, Person};

/// Openings read from the database at once: those of one entry may be long.
const PAGE: usize = 200;

/// A new file, readable by its owner only.
#[derive(Debug)]
pub struct OpeningsFile {
    path: PathBuf,
    file: File,
}

impl OpeningsFile {
    /// Makes the file, anywhere but in the folder of the ledger: that is given away.
    ///
    /// # Errors
    /// If it lies in the folder, is there already, or cannot be made.
    pub fn create(path: &Path, ledger: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        if lies_in(path, ledger)? {
            bail!(
                "--openings {shown} lies inside {}: whoever is given the ledger must not be given the names with it; \
                 choose a file elsewhere",
                ledger.display()
            );
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("--openings: cannot make the new file {shown}"))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes what opens a log.
    ///
    /// # Errors
    /// If the database cannot be read, or the file not be written.
    pub async fn write(self, reader: &LedgerReader, log: &LogHead) -> anyhow::Result<()> {
        let Self { path, file } = self;
        let mut file = BufWriter::new(file);
        let mut lines = vec![Line::Log { log: log.origin.clone(), size: log.size }];
        for Person { account_id, key, subject, login } in reader.subjects(log.tenant).await? {
            lines.push(Line::Subject { account_id, key: key.to_hex(), login, sub: subject.to_string() });
        }
        for line in lines {
            serde_json::to_writer(&mut file, &line)?;
            file.write_all(b"\n")?;
        }
        let mut next = 0;
        loop {
            let page = reader.openings(log.tenant, next, log.size, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            next = last + 1;
            for (seq, openings) in page {
                writeln!(file, "{{\"openings\":{openings},\"seq\":{seq}}}")?;
            }
        }
        let file = file.into_inner().map_err(|error| error.into_error())?;
        file.sync_all().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Whether a file that may not be there yet is in a folder that may not be there yet.
pub(super) fn lies_in(file: &Path, folder: &Path) -> anyhow::Result<bool> {
    let (file, folder) = (real(file)?, real(folder)?);
    Ok(file.starts_with(folder))
}

/// The path without symbolic links, as far as it is there.
fn real(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for ancestor in path.ancestors() {
        if let Ok(real) = fs::canonicalize(ancestor) {
            let rest = path.strip_prefix(ancestor)?;
            return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
        }
    }
    Ok(path)
}

/// Holds openings against a ledger that has been verified.
pub(super) fn check(targets: &[PathBuf], file: &Path, reports: &[Report]) -> Result<Opened, Failure> {
    let size = reports.last().map_or(0, |report| report.size);
    let bar = ProgressBar::new(size).with_style(style());
    let progress = &mut |read| bar.set_position(read);
    let opened = opened::check(entries(targets)?, first_of(reports), &mut book(file, reports)?, progress);
    bar.finish_and_clear();
    opened.map_err(distrust)
}

/// The entries of a request, with what the openings tell in its place.
pub(super) fn entries_of(
    targets: &[PathBuf],
    file: &Path,
    reports: &[Report],
    request: &str,
) -> Result<Vec<Value>, Failure> {
    let mut book = book(file, reports)?;
    let mut found = Vec::new();
    for (seq, line) in (first_of(reports)..).zip(entries(targets)?.lines()) {
        let line = line.map_err(cannot_read_entries)?;
        if !line.contains(request) {
            continue;
        }
        let (entry, _, _) = opened::open_line(&line, seq, &mut book).map_err(distrust)?;
        if entry.get("corr").is_some_and(|corr| corr == request) {
            found.push(Value::Object(entry));
        }
    }
    Ok(found)
}

fn first_of(reports: &[Report]) -> u64 {
    reports.first().map_or(0, |report| report.from)
}

fn book(file: &Path, reports: &[Report]) -> Result<Book<BufReader<File>>, Failure> {
    let origin = reports.first().map_or("", |report| &report.origin);
    let reader = File::open(file).map_err(|error| cannot_read(file, &error))?;
    Book::open(BufReader::new(reader), origin).map_err(|error: BookError| distrust(error.into()))
}

fn distrust(distrust: Distrust) -> Failure {
    match distrust {
        distrust if distrust.is_about_the_ledger() => Failure::Distrusted(distrust),
        distrust => Failure::Unusable(distrust.to_string()),
    }
}

/// What the openings told; without them, what was not checked.
pub(super) fn in_words(opened: Option<&Opened>) -> String {
    let Some(Opened { values, erased, erased_persons, judged_again }) = opened else {
        return "  names are sealed and stay so: --openings FILE judges every request again, from the facts it was opened with\n"
            .to_owned();
    };
    let mut words = format!(
        "  openings: {}\n  judged again: {}, from {} facts: parties, requirements, answers to reviews and outcome are the same\n",
        counted(*values, "value is what an entry commits to", "values are what the entries commit to"),
        counted(judged_again.same + judged_again.same_in_part, "request", "requests"),
        if judged_again.same + judged_again.same_in_part == 1 { "its" } else { "their" },
    );
    if judged_again.same_in_part > 0 {
        words.push_str(&format!(
            "  {} of them as far as can be told: somebody who spoke was erased\n",
            judged_again.same_in_part
        ));
    }
    if judged_again.by_another_catalogue > 0 {
        words.push_str(&format!(
            "  {} recorded with another catalogue of agents than this version has\n",
            counted(judged_again.by_another_catalogue, "request was", "requests were")
        ));
    }
    if judged_again.erased > 0 {
        words.push_str(&format!(
            "  {} cannot be judged again: what told of somebody was erased\n",
            counted(judged_again.erased, "request", "requests")
        ));
    }
    if *erased > 0 || *erased_persons > 0 {
        words.push_str(&format!(
            "  erased: {}, and who {}; entries of their own say so\n",
            counted(*erased, "value", "values"),
            counted(*erased_persons, "person is", "persons are"),
        ));
    }
    judged_again.warnings().for_each(|it| words.push_str(&format!("  warning: {}\n", visible(&it))));
    words
}

/// How to see what an explanation leaves out.
pub(super) fn how_to_open(entries: &[Value]) -> &'static str {
    fn is_sealed(value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(is_sealed),
            Value::Object(fields) => fields.values().any(is_sealed),
            other => is_commitment(other),
        }
    }
    if entries.iter().any(is_sealed) {
        "names and texts are sealed, or were erased: --openings FILE tells what can be told\n"
    } else {
        ""
    }
}

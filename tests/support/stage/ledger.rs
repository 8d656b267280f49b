//! The ledger of a stage: exported, verified, told, and set back.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use seconder::cli::ledger::export::export;
use seconder::cli::ledger::openings::OpeningsFile;
use seconder::ledger::Checkpoint;
use seconder::ledger::sealing::{Book, Untold};
use seconder::ledger::verify::opened::open_line;
use seconder::ledger::verify::report::Report;
use seconder::store::LogHead;
use serde_json::Value;

use super::super::process::{said, seconder};
use super::super::verified;
use super::Stage;

impl Stage {
    /// Its log as it is now.
    pub async fn log(&self) -> LogHead {
        self.server().store().ledger().logs().await.unwrap().remove(0)
    }

    /// Exports the ledger to this folder and returns the key it is signed with.
    pub async fn export(&self, dir: &Path) -> String {
        let log = self.log().await;
        export(&self.server().store().ledger(), &log, dir).await.unwrap();
        log.vkey
    }

    /// Exports the ledger to this folder and what opens it to this file, and returns the key it is signed with.
    pub async fn export_with_names(&self, dir: &Path, file: &Path) -> String {
        let (reader, log) = (self.server().store().ledger(), self.log().await);
        let openings = OpeningsFile::create(file, dir).unwrap();
        export(&reader, &log, dir).await.unwrap();
        openings.write(&reader, &log).await.unwrap();
        log.vkey
    }

    /// Every entry of the ledger, with the names that are sealed in it.
    pub async fn entries(&self) -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let (dir, file) = (folder.path().join("ledger"), folder.path().join("openings"));
        self.export_with_names(&dir, &file).await;
        let reader = BufReader::new(fs::File::open(&file).unwrap());
        let mut book = Book::open(reader, &self.log().await.origin).unwrap();
        let lines = fs::read_to_string(dir.join("entries.jsonl")).unwrap();
        let opened = (0..).zip(lines.lines()).map(|(seq, line)| {
            let (entry, untold, _) = open_line(line, seq, &mut book).unwrap();
            assert_eq!(untold, Untold::default());
            Value::Object(entry)
        });
        opened.collect()
    }

    /// Exports the ledger and verifies it, trusting only the key.
    pub async fn verified(&self) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("ledger");
        let names = folder.path().join("openings");
        let vkey = self.export_with_names(&dir, &names).await;
        // By itself and with the names: by these every request is judged again.
        let mut command = seconder();
        command.args(["ledger", "verify", "--strict", "--vkey", &vkey, "--openings"]).arg(&names).arg(&dir);
        let opened = command.output().unwrap();
        assert!(opened.status.success(), "{}", said(&opened));
        let report = verified(&[dir], &vkey).unwrap().remove(0);
        assert_eq!(report.warnings, Vec::<String>::new(), "a server's own log is not odd");
        report
    }

    /// What `seconder ledger verify --explain` prints of a request.
    pub async fn explained(&self, request: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (dir, file) = (folder.path().join("ledger"), folder.path().join("openings"));
        let vkey = self.export_with_names(&dir, &file).await;
        let mut command = seconder();
        command.args(["ledger", "verify"]).arg(&dir).args(["--vkey", &vkey, "--explain", request]);
        let output = command.arg("--openings").arg(&file).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The checkpoint that is remembered beside the database.
    pub fn remembered(&self) -> Checkpoint {
        let file = fs::read_dir(self.folder().join("checkpoints")).unwrap().next().unwrap().unwrap();
        Checkpoint::unverified(&fs::read_to_string(file.path()).unwrap()).unwrap()
    }

    /// Where its database is, on SQLite.
    pub fn database(&self) -> PathBuf {
        self.folder().join("seconder.db")
    }

    /// Copies its database, while no server runs.
    pub fn backup(&self) {
        copy(&self.database(), &self.folder().join("backup"));
    }

    /// Puts the copy in the place of its database, while no server runs.
    pub fn restore(&self) {
        copy(&self.folder().join("backup"), &self.database());
    }

    /// Loses what is remembered beside the database.
    pub fn forget(&self) {
        fs::remove_dir_all(self.folder().join("checkpoints")).unwrap();
    }
}

/// Copies a database of SQLite, with whatever stands beside it.
fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        let _ = fs::remove_file(name(to));
        if Path::new(&name(from)).exists() {
            fs::copy(name(from), name(to)).unwrap();
        }
    }
}

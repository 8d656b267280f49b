//! Nobody is named in a ledger that is given away; whoever may see names has them from beside it; whoever is erased is gone,
//! and every proof stays.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use seconder::demo::Commit;
use seconder::domain::effect::Effect;
use seconder::domain::event::{Event, Receipt, Verdict};
use seconder::ledger::sealing::SubjectKey;
use seconder::store::{Eraser, NewDelivery, Options, Work};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::database::on_both;
use crate::support::stage::{SHOP, Stage};
use crate::support::{ACME, case, case_of, click, held, sending};

const CLAUDE: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";

/// Everybody there is, and what else is sealed.
const NAMES: [&str; 12] = [
    "mona",
    "alice",
    "bob",
    "rita",
    "olga",
    "dora",
    "zoe@",
    "Zoe",
    "example.com",
    "platform",
    "anthropic.com",
    "enough",
];

/// A stage on which everything has happened that leaves names: pull requests by others, refusals, a denial, groups, people,
/// somebody unknown, a policy that went wrong, an approval by somebody who is named in the policy.
pub async fn lived_through() -> (Stage, String) {
    let stage = Stage::set().await;
    stage.policy(
        "version: 1\n\
         approvers:\n  trusted: [alice, \"@acme/platform\"]\n\
         people:\n  alice: { also: [olga] }\n  bob: machine\n\
         rules:\n  - name: production\n    environments: [production]\n    \
         require:\n      - any_of: [1 of trusted, 1 of rita]\n",
    );
    let sha = stage.merge("mona", "dora", &format!("Speed up checkout\n\n{CLAUDE}"));
    let run = stage.deploy(&sha);
    let check = stage.asked(&sha).await;
    for (login, verdict) in [("mona", "approve"), ("bob", "approve"), ("shopbot[bot]", "approve"), ("alice", "approve")]
    {
        stage.github.click(check.id, verdict, login);
        let told = |summary: String| summary.contains(&format!("`{login}` could not"));
        stage.check(&sha, |check| login == "alice" || told(check.summary.clone().unwrap_or_default())).await;
    }
    assert_eq!(stage.decision(run).await.0, "approved");
    stage.github.finish(run, true);
    let ghostly = stage.github.commit(SHOP, &Commit::by("Zoe <zoe@nowhere.example>", format!("Faster\n\n{CLAUDE}")));
    let run = stage.deploy(&ghostly);
    let check_of_zoe = stage.asked(&ghostly).await;
    stage.github.click(check_of_zoe.id, "deny", "olga");
    assert_eq!(stage.decision(run).await.0, "rejected");
    stage.github.finish(run, false);
    quiet(&stage).await;
    (stage, check.external_id.unwrap())
}

pub async fn quiet(stage: &Stage) {
    loop {
        let health = stage.server().store().health().await.unwrap();
        if health.queued_effects + health.queued_deliveries == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Exported, with the openings beside it.
struct Export {
    _folder: TempDir,
    dir: PathBuf,
    openings: PathBuf,
    vkey: String,
}

impl Export {
    async fn of(stage: &Stage) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (dir, openings) = (folder.path().join("ledger"), folder.path().join("openings.jsonl"));
        let vkey = stage.export_with_names(&dir, &openings).await;
        Self { _folder: folder, dir, openings, vkey }
    }

    fn verify(&self, options: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seconder"));
        command.args(["ledger", "verify"]).arg(&self.dir).args(["--vkey", &self.vkey]).args(options);
        command.output().unwrap()
    }

    fn verify_opened(&self, options: &[&str]) -> Output {
        self.verify(&[&["--openings", self.openings.to_str().unwrap()], options].concat())
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.dir.join("entries.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Changes one line of the openings.
    fn change_openings(&self, change: impl Fn(&mut Vec<Value>)) {
        let text = fs::read_to_string(&self.openings).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        change(&mut lines);
        fs::write(&self.openings, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }
}

/// What somebody does to the openings.
type Forge<'a> = &'a dyn Fn(&mut Vec<Value>);

fn files_in(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub fn erase(stage: &Stage, person: &str, options: &[&str]) -> Output {
    on_ledger(stage).args(["erase", person]).args(options).output().unwrap()
}

/// `seconder ledger` on the database of a stage.
fn on_ledger(stage: &Stage) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seconder"));
    command.env("SECONDER_DATA_DIR", &stage.config().data_dir).env("SECONDER_DATABASE_URL", &stage.database_url);
    command.arg("ledger");
    command
}

#[tokio::test]
async fn nobody_is_named_anywhere_in_an_exported_ledger_and_whoever_has_the_openings_reads_all_names() {
    let (stage, request) = lived_through().await;
    let export = Export::of(&stage).await;
    for (path, bytes) in files_in(&export.dir) {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for name in NAMES {
            assert!(!text.contains(&name.to_lowercase()), "{name} is in {}", path.display());
        }
    }
    let text = fs::read_to_string(export.dir.join("entries.jsonl")).unwrap();
    assert!(text.contains("shopbot[bot]"), "a bot is nobody");

    let verified = export.verify_opened(&["--explain", &request]);
    let story = told(&verified);
    assert!(verified.status.success(), "{story}");
    for name in [
        "alice approved",
        "mona could not approve",
        "dora (account",
        "judged again: same parties",
        "are what the entries commit to",
    ] {
        assert!(story.contains(name), "{name}\n{story}");
    }
    let sealed = export.verify(&["--explain", &request]);
    let story = told(&sealed);
    assert!(story.contains("sub_") && story.contains("--openings FILE tells"), "{story}");
    assert!(NAMES.iter().all(|name| !story.contains(name)), "{story}");
    assert_eq!(sealed.status.code(), Some(2), "what is sealed is not judged again");
    assert!(told(&export.verify(&[])).contains("names are sealed and stay so"));
}

#[test]
fn one_person_is_one_subject_in_all_entries_of_a_log_and_another_one_in_another_log() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        let (one, other) = (case(1), case_of(7_777, 2));
        for case in [&one, &other] {
            store.commit(Work { claim: None, event: Some(held(case)) }).await.unwrap();
        }
        let click: Event = click(&one.subject.request_id(), 1, Verdict::Approve);
        store.commit(Work { claim: None, event: Some(click) }).await.unwrap();
        let reader = store.ledger();
        let mut subjects: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
        for log in reader.logs().await.unwrap() {
            for line in reader.entries(log.tenant, 0, log.size, 100).await.unwrap() {
                let entry: Value = serde_json::from_str(&line).unwrap();
                for who in ["/actor/id", "/triggering_actor/id", "/parties/0/id", "/reviewer/id"] {
                    subjects.entry(log.tenant).or_default().extend(entry.pointer(who).cloned());
                }
            }
        }
        let (here, there) = (&subjects[&ACME], &subjects[&7_777]);
        assert_eq!((here.len(), there.len()), (4, 3), "{subjects:?}");
        assert!(here.iter().all(|subject| *subject == here[0]), "{subjects:?}");
        assert!(here[0].as_str().unwrap().starts_with("sub_"));
        assert_ne!(here[0], there[0]);
    });
}

#[tokio::test]
async fn whoever_is_erased_is_gone_and_every_proof_stays_as_it_was() {
    let (stage, request) = lived_through().await;
    let before = Export::of(&stage).await;
    let dry = erase(&stage, "MONA", &["--dry-run"]);
    assert!(told(&dry).contains("would erase the key of sub_"), "{}", told(&dry));
    assert_eq!(before.lines().len(), Export::of(&stage).await.lines().len(), "a dry run writes nothing");
    let erased = erase(&stage, "mona", &["--yes", "--reason", "asked for by letter of 12 May"]);
    assert!(erased.status.success() && !told(&erased).contains("journal"), "{}", told(&erased));

    let after = Export::of(&stage).await;
    let verified = after.verify_opened(&["--explain", &request]);
    let story = told(&verified);
    assert!(story.contains("verified: ") && story.contains("erased: "), "{story}");
    assert!(story.contains("cannot be judged again: ") && story.contains("; it told of sub_"), "{story}");
    assert_eq!(verified.status.code(), Some(2));
    assert!(
        !story.contains("mona") && story.contains("alice approved") && story.contains("could not approve"),
        "{story}"
    );
    assert!(after.verify(&["--old", before.dir.join("checkpoint").to_str().unwrap()]).status.success());
    assert!(before.verify_opened(&[]).status.success(), "what was given away before verifies as before");
    let receipt = format!("receipts/{request}.json");
    assert_eq!(fs::read(before.dir.join(&receipt)).unwrap(), fs::read(after.dir.join(&receipt)).unwrap());
    let last = after.lines().pop().unwrap();
    assert_eq!((&last["type"], &last["key_erased"]), (&json!("redaction.performed"), &json!(true)));
    assert!(!last.to_string().contains("mona") && !last.to_string().contains("letter"), "{last}");

    let (store, tenant) = (stage.server().store(), before_tenant(&stage).await);
    let kept = store.ledger().openings(tenant, 0, u64::MAX >> 1, 1_000).await.unwrap();
    assert!(kept.iter().all(|(_, openings)| !openings.contains("mona")));
    assert!(kept.iter().any(|(_, openings)| openings.contains("alice")), "others are not erased with them");
    assert!(store.ledger().subjects(tenant).await.unwrap().iter().all(|person| person.login != "mona"));
    let reader = seconder::store::RequestReader::open(&stage.database_url).unwrap();
    for (request, facts) in reader.judged("", 100).await.unwrap() {
        let told = format!("{:?} {facts:?}", request);
        assert!(!told.contains("mona"), "{told}");
    }
    let path = stage.database_url.strip_prefix("sqlite://").unwrap();
    assert!(!is_in_the_file(path, "mona") && is_in_the_file(path, "alice"));
    let again = erase(&stage, "mona", &["--yes", "--reason", "again"]);
    assert!(told(&again).contains("tells of mona"), "{}", told(&again));
}

#[tokio::test]
async fn whoever_closes_the_pipe_has_read_enough() {
    let (stage, _) = lived_through().await;
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["export", "ledger"][..], &["keys"], &["keys", "--json"], &["erase", "mona", "--dry-run"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = on_ledger(&stage).args(arguments).current_dir(folder.path()).stdout(writer).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", told(&output));
    }
}

#[tokio::test]
async fn a_program_is_not_erased_and_whatever_else_is_changed_is_told_in_the_log() {
    let (stage, _) = lived_through().await;
    let before = Export::of(&stage).await.lines().len();
    let refused = erase(&stage, "shopbot[bot]", &["--yes", "--reason", "by letter"]);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("shopbot[bot] is a program"), "{}", told(&refused));
    assert_eq!(Export::of(&stage).await.lines().len(), before);

    // No entry's opening tells of it, but a request in the database does.
    let erased = erase(&stage, "shopbot", &["--yes", "--reason", "by letter"]);
    assert!(
        told(&erased).contains(&format!(
            "no key, 0 openings of 0 entries, and what names them in 1 answered requests; entry {before} says so"
        )),
        "{}",
        told(&erased)
    );
    let after = Export::of(&stage).await;
    let lines = after.lines();
    assert_eq!((lines.len(), &lines[before]["type"]), (before + 1, &json!("redaction.performed")));
    let verified = after.verify_opened(&[]);
    assert!(verified.status.success(), "{}", told(&verified));
}

#[tokio::test]
async fn an_approver_who_was_erased_is_weighed_again_by_what_was_recorded_of_them() {
    let stage = Stage::set().await;
    let policy = "version: 1\napprovers:\n  trusted: [\"@acme/platform\"]\nrules:\n  - name: production\n    \
                  environments: [production]\n    require: [1 of trusted]\n";
    for policy in [None, Some(policy)] {
        if let Some(policy) = policy {
            stage.policy(policy);
        }
        let sha = stage.agents_commit();
        let run = stage.deploy(&sha);
        let check = stage.asked(&sha).await;
        stage.github.click(check.id, "approve", "alice");
        assert_eq!(stage.decision(run).await.0, "approved");
        stage.github.finish(run, true);
        quiet(&stage).await;
        let erased = erase(&stage, "alice", &["--yes", "--reason", "by letter"]);
        assert!(erased.status.success(), "{}", told(&erased));
        let verified = Export::of(&stage).await.verify_opened(&["--explain", check.external_id.as_deref().unwrap()]);
        let story = told(&verified);
        assert!(story.contains("who sub_") && story.contains("weighed again by what was recorded of them"), "{story}");
        assert!(story.contains("same answers to reviews (1), same outcome (approved)"), "{story}");
        assert_eq!(verified.status.code(), Some(0));
    }
}

#[tokio::test]
async fn whoever_is_strict_finds_nothing_odd_in_what_a_server_writes_and_every_name_in_what_is_told() {
    let (stage, _) = lived_through().await;
    let strict = Export::of(&stage).await.verify_opened(&["--strict"]);
    assert!(strict.status.success() && !told(&strict).contains("warning"), "{}", told(&strict));
    let folder = tempfile::tempdir().unwrap();
    let mut command = on_ledger(&stage);
    command.args(["export", "segment", "--segment"]).current_dir(folder.path());
    assert!(command.output().unwrap().status.success());
    let vkey = &stage.server().store().ledger().logs().await.unwrap()[0].vkey;
    let mut command = Command::new(env!("CARGO_BIN_EXE_seconder"));
    command.args(["ledger", "verify", "segment", "--vkey", vkey, "--strict"]).current_dir(folder.path());
    let strict = command.output().unwrap();
    assert!(strict.status.success() && !told(&strict).contains("vouches"), "{}", told(&strict));
}

async fn before_tenant(stage: &Stage) -> u64 {
    stage.server().store().ledger().logs().await.unwrap()[0].tenant
}

#[tokio::test]
async fn whoever_comes_back_after_they_were_erased_is_somebody_new() {
    let (stage, _) = lived_through().await;
    let actor = |export: &Export| {
        let opened = export.lines().into_iter().rev().find(|entry| entry["type"] == "request.opened").unwrap();
        opened["actor"]["id"].as_str().unwrap().to_owned()
    };
    let before = actor(&Export::of(&stage).await);
    assert!(erase(&stage, "mona", &["--yes", "--reason", "by letter"]).status.success());
    let sha = stage.agents_commit();
    stage.deploy(&sha);
    stage.asked(&sha).await;
    let export = Export::of(&stage).await;
    let now = actor(&export);
    assert!(now.starts_with("sub_") && now != before, "{now}");
    let verified = export.verify_opened(&[]);
    assert!(verified.status.success(), "{}", told(&verified));

    let refused = erase(&stage, "mona", &["--yes", "--reason", "by letter"]);
    assert!(!refused.status.success() && told(&refused).contains("still open"), "{}", told(&refused));
    assert_eq!(actor(&Export::of(&stage).await), now, "nothing was erased");
}

#[tokio::test]
async fn an_opening_that_is_forged_swapped_or_withheld_is_refused() {
    let (stage, _) = lived_through().await;
    let original = Export::of(&stage).await;
    assert!(original.verify_opened(&[]).status.success());
    let opened = |lines: &[Value]| lines.iter().position(|line| line["openings"].is_array()).unwrap();
    let forgeries: [(&str, Forge, &str); 9] = [
        (
            "another value",
            &|lines| {
                let at = opened(lines);
                lines[at]["openings"][0]["value"] = json!("somebody");
            },
            "was changed or swapped",
        ),
        (
            "two swapped",
            &|lines| {
                let at = opened(lines);
                let (one, other) = (lines[at]["openings"].clone(), lines[at + 1]["openings"].clone());
                (lines[at]["openings"], lines[at + 1]["openings"]) = (other, one);
            },
            "was changed or swapped",
        ),
        (
            "one withheld",
            &|lines| {
                let at = opened(lines);
                lines[at]["openings"].as_array_mut().unwrap().remove(0);
            },
            "is withheld",
        ),
        (
            "an entry's withheld",
            &|lines| {
                let at = opened(lines);
                lines.remove(at);
            },
            "is withheld",
        ),
        (
            "a person withheld",
            &|lines| {
                let at = lines.iter().position(|line| line["login"] == "alice").unwrap();
                lines.remove(at);
            },
            "is withheld",
        ),
        (
            "two people swapped",
            &|lines| {
                let at = lines.iter().position(|line| line["login"] == "mona").unwrap();
                lines[at]["account_id"] = json!(1);
            },
            "which their key disproves",
        ),
        (
            "one person as two",
            &|lines| {
                let at = lines.iter().position(|line| line["login"] == "mona").unwrap();
                let key = SubjectKey::new([9; 32]);
                let mut second = lines[at].clone();
                let subject = key.subject(second["account_id"].as_u64().unwrap());
                (second["key"], second["sub"]) = (json!(key.to_hex()), json!(subject.to_string()));
                lines.insert(at, second);
            },
            "and so is another subject",
        ),
        ("another log's", &|lines| lines[0]["log"] = json!("elsewhere"), "of the log elsewhere"),
        ("more than there are entries", &|lines| lines.push(json!({"openings": [], "seq": 9_999})), "after the last"),
    ];
    for (what, forge, said) in forgeries {
        let kept = fs::read(&original.openings).unwrap();
        original.change_openings(forge);
        let refused = original.verify_opened(&[]);
        assert_eq!(refused.status.code(), Some(1), "{what}: {}", told(&refused));
        assert!(told(&refused).contains(said), "{what}: {}", told(&refused));
        fs::write(&original.openings, kept).unwrap();
    }
}

#[tokio::test]
async fn the_names_cannot_be_put_where_the_ledger_is_given_away() {
    let (stage, _) = lived_through().await;
    let folder = tempfile::tempdir().unwrap();
    let export = |openings: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seconder"));
        command.args(["ledger", "export"]).arg(folder.path().join("ledger")).arg("--openings").arg(openings);
        command.env("SECONDER_DATABASE_URL", &stage.database_url).output().unwrap()
    };
    let refused = export(&folder.path().join("ledger/names"));
    assert!(told(&refused).contains("lies inside"), "{}", told(&refused));
    assert!(!folder.path().join("ledger").exists());
    assert!(export(&folder.path().join("names")).status.success());
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(fs::metadata(folder.path().join("names")).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Somebody who has begun to read the database, and does not end.
fn read_on(path: &str) -> Child {
    let script = "import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1],isolation_level=None)\ndb.execute('BEGIN')\n\
                  db.execute('SELECT count(*) FROM ledger_heads').fetchall()\nprint('reading',flush=True)\nsys.stdin.read()";
    let mut command = Command::new("python3");
    command.args(["-c", script, path]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    child
}

/// Whether a name is anywhere in the bytes of a SQLite database or its journal, in parts that no row uses as well.
fn is_in_the_file(path: &str, name: &str) -> bool {
    let files = [fs::read(path).unwrap(), fs::read(format!("{path}-wal")).unwrap_or_default()];
    let is_it = |window: &[u8]| window.eq_ignore_ascii_case(name.as_bytes());
    files.iter().any(|bytes| bytes.windows(name.len()).any(is_it))
}

#[test]
fn erasing_takes_somebody_out_of_the_rows_of_both_engines_and_leaves_the_log_whole() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        let case = case(1);
        let request = case.subject.request_id();
        let commit = async |claim, event| store.commit(Work { claim, event: Some(event) }).await.unwrap();
        let done = |effect| Event::Done { request: request.clone(), effect, receipt: Receipt::default() };
        commit(None, held(&case)).await;
        commit(None, click(&request, 2, Verdict::Approve)).await;
        let eraser = {
            let Options { url, host, seed, .. } = database.options();
            Eraser::open(&url, host, seed, None).await.unwrap()
        };
        let log = eraser.logs().await.unwrap().remove(0);
        let refused = eraser.erase(&log, "human-2", "by letter", 1).await.unwrap();
        assert_eq!(refused.open, [request.to_string()], "the answer has not left");
        let mut due: Vec<_> = std::iter::from_fn(|| handed.effects.try_recv().ok()).collect();
        while let Some(next) = due.pop() {
            let claim = next.claim();
            if next.effect == Effect::Callback {
                commit(Some(claim.clone()), sending(&case, &[2])).await;
            }
            commit(Some(claim), done(next.effect)).await;
            // What was owed anew while it was performed is handed to nobody.
            due.extend(std::iter::from_fn(|| handed.effects.try_recv().ok()));
            due.extend(store.claim_effects(10, &[]).await.unwrap());
        }
        let (long, name) = ("x".repeat(200_000), "a-webhook");
        let payload = format!(r#"{{"sender":"human-2","text":"{long}","by":"human-2"}}"#);
        let webhook =
            NewDelivery { id: name.into(), event: "push".into(), installation_id: 1, payload, is_urgent: false };
        store.receive(webhook).await.unwrap();
        let claim = handed.deliveries.recv().await.unwrap().claim();
        store.commit(Work { claim: Some(claim), event: None }).await.unwrap();
        let size = eraser.logs().await.unwrap()[0].size;
        let reading = database.url.strip_prefix("sqlite://").map(read_on);
        let erased = eraser.erase(&log, "Human-2", "by letter", 1).await.unwrap();
        assert_eq!(erased.journal_remains, reading.is_some(), "whoever reads keeps SQLite's journal as it was");
        if let Some(mut reading) = reading {
            reading.kill().unwrap();
            reading.wait().unwrap();
        }
        assert_eq!((erased.open.len(), erased.told_in, erased.requests), (0, vec![size], 1));
        let seen = store.request(&request).await.unwrap().unwrap();
        assert!(
            !format!("{:?}", seen.life).contains("human-2"),
            "nor does the server remember who it read of: {:?}",
            seen.life
        );
        let kept = store.ledger().openings(ACME, 0, size + 1, 100).await.unwrap();
        assert!(kept.iter().all(|(_, text)| !text.contains("human-2")), "{kept:?}");
        assert!(kept.iter().any(|(_, text)| text.contains("human-1")));
        let people = store.ledger().subjects(ACME).await.unwrap();
        assert_eq!(people.iter().map(|person| person.account_id).collect::<Vec<_>>(), [1]);
        if let Some(path) = database.url.strip_prefix("sqlite://") {
            let again = eraser.erase(&log, "human-2", "by letter", 1).await.unwrap();
            assert!(!again.journal_remains, "nobody reads any more");
            assert!(!is_in_the_file(path, "human-2"), "also what their rows and webhooks left behind is overwritten");
            assert!(is_in_the_file(path, "human-1"));
        }
        commit(None, held(&case_of(ACME, 2))).await; // The log goes on.
        assert!(eraser.logs().await.unwrap()[0].size > size + 1);
    });
}

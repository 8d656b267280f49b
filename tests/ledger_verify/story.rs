//! Makes valid ledgers to break: some requests, each lived through to its end, sealed and exported.
use std::collections::{BTreeMap, HashMap};
use std::io;

use seconder::ledger::entry::{Fields, SOFTWARE};
use seconder::ledger::export::Exporter;
use seconder::ledger::layout::{Artifact, Sink};
use seconder::ledger::merkle::leaf_hash;
use seconder::ledger::{Checkpoint, Draft, Frontier, Hash, RecordType, SigningKey, VerifierKey};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

pub const ORIGIN: &str = "seconder.test/l/5f2c";

/// How long a request waits, in milliseconds.
pub const DAY: u64 = 86_400_000;

pub fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &Zeroizing::new([42; 32])).unwrap()
}

/// What happened, before it is sealed.
#[derive(Clone)]
pub struct Record {
    pub record_type: RecordType,
    pub corr: Option<String>,
    pub body: Map<String, Value>,
}

impl Record {
    fn new(record_type: RecordType, corr: Option<&str>, body: Value) -> Record {
        let Value::Object(body) = body else { panic!("a body is an object") };
        Record { record_type, corr: corr.map(str::to_owned), body }
    }
}

/// A log that can still be rewritten.
#[derive(Clone)]
pub struct Story {
    pub records: Vec<Record>,
}

impl Story {
    /// A log of this many requests, their outcomes taking turns.
    pub fn of(requests: usize) -> Story {
        let mut records = Vec::new();
        each_record(requests, &mut |record| records.push(record));
        Story { records }
    }

    /// The log that these entries are of, as if it were this one's.
    pub fn of_lines(lines: &str) -> Story {
        let record = |line: &str| {
            let mut body: Map<String, Value> = serde_json::from_str(line).unwrap();
            let record_type = RecordType::from_name(body["type"].as_str().unwrap()).unwrap();
            let corr = body.get("corr").and_then(Value::as_str).map(str::to_owned);
            body.retain(|name, _| !["v", "log", "seq", "prev", "type", "id", "corr", "sw"].contains(&name.as_str()));
            if record_type == RecordType::Genesis {
                body.extend([("origin".into(), ORIGIN.into()), ("vkey".into(), vkey().to_string().into())]);
            }
            Record { record_type, corr, body }
        };
        Story { records: lines.lines().map(record).collect() }
    }

    /// The place of a request's first entry of this type.
    pub fn place(&self, request: &str, record_type: RecordType) -> usize {
        let is_it = |record: &Record| record.record_type == record_type && record.corr.as_deref() == Some(request);
        self.records.iter().position(is_it).unwrap_or_else(|| panic!("{request} has no {record_type}"))
    }

    pub fn record(&mut self, request: &str, record_type: RecordType) -> &mut Record {
        let place = self.place(request, record_type);
        &mut self.records[place]
    }

    /// Changes one field of one entry; `path` is a JSON pointer.
    pub fn set(&mut self, request: &str, record_type: RecordType, path: &str, value: Value) {
        let record = self.record(request, record_type);
        let mut body = Value::Object(std::mem::take(&mut record.body));
        *body.pointer_mut(path).unwrap_or_else(|| panic!("{record_type} has no {path}")) = value;
        let Value::Object(body) = body else { unreachable!() };
        record.body = body;
    }

    pub fn add(&mut self, request: &str, record_type: RecordType, field: &str, value: Value) {
        self.record(request, record_type).body.insert(field.to_owned(), value);
    }

    pub fn insert_after(&mut self, request: &str, after: RecordType, record_type: RecordType, body: Value) {
        let place = self.place(request, after);
        self.records.insert(place + 1, Record::new(record_type, Some(request), body));
    }

    pub fn remove(&mut self, request: &str, record_type: RecordType) -> Record {
        let place = self.place(request, record_type);
        self.records.remove(place)
    }

    pub fn lines(&self) -> Vec<String> {
        let mut seal = Seal::default();
        self.records.iter().map(|record| seal.line(record)).collect()
    }

    pub fn checkpoint(&self) -> String {
        let mut seal = Seal::default();
        self.records.iter().for_each(|record| drop(seal.line(record)));
        seal.checkpoint()
    }

    pub fn export(&self) -> Memory {
        self.export_into(Memory::default())
    }

    pub fn export_into<S: Sink>(&self, sink: S) -> S {
        export_lines(&self.lines(), sink)
    }
}

/// Signs these lines as they are, and exports them.
pub fn export_lines<S: Sink>(lines: &[String], mut sink: S) -> S {
    let (key, mut tree) = (key(), Frontier::new());
    lines.iter().for_each(|line| tree.push(leaf_hash(line.as_bytes())));
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root() }.sign(&key).unwrap();
    let mut exporter = Exporter::begin(&mut sink, key.verifier(), &checkpoint).unwrap();
    lines.iter().for_each(|line| exporter.push(line).unwrap());
    exporter.finish().unwrap();
    sink
}

/// Gives entries their place in the chain.
#[derive(Default)]
pub struct Seal {
    prev: Option<Hash>,
    pub tree: Frontier,
    /// How long everybody waited for what expired, in milliseconds.
    waited: u64,
    /// When each request expires.
    expiries: HashMap<String, u64>,
    /// How many entries each request has.
    numbers: HashMap<String, u64>,
}

impl Seal {
    pub fn line(&mut self, record: &Record) -> String {
        let seq = self.tree.size();
        let mut body = record.body.clone();
        if body.get("outcome").is_some_and(|outcome| outcome == "expired") {
            self.waited += DAY;
        }
        let told = body.remove("time").and_then(|time| time.as_u64());
        let time = told.unwrap_or(1_763_769_600_000 + seq * 750 + self.waited);
        let about = record.corr.as_deref().unwrap_or("log");
        if body.get("matched_rules").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty()) {
            let told = body.get("expires_at").and_then(Value::as_u64).unwrap_or(time + DAY);
            let first = *self.expiries.entry(about.to_owned()).or_insert(told);
            body.entry("expires_at").or_insert(first.into());
        }
        // Told to have none.
        body.retain(|_, value| !value.is_null());
        let number = self.numbers.entry(about.to_owned()).or_default();
        let id = format!("{about}:{}:{number}", record.record_type);
        *number += 1;
        let id = body.remove("id").and_then(|id| Some(id.as_str()?.to_owned())).unwrap_or(id);
        let sw = body.remove("sw");
        let draft = Draft {
            log: ORIGIN,
            seq,
            prev: self.prev,
            time_ms: time,
            record_type: record.record_type,
            id: &id,
            corr: record.corr.as_deref(),
            body: &Fields::of(&body).unwrap(),
        };
        let mut line = draft.seal().unwrap().bytes;
        if let Some(sw) = sw {
            line = line.replace(&format!("\"sw\":\"{SOFTWARE}\""), &format!("\"sw\":{sw}"));
        }
        let leaf = leaf_hash(line.as_bytes());
        self.prev = Some(leaf);
        self.tree.push(leaf);
        line
    }

    pub fn checkpoint(&self) -> String {
        Checkpoint { origin: ORIGIN.into(), size: self.tree.size(), root: self.tree.root() }.sign(&key()).unwrap()
    }
}

/// The people: 1 wrote it, 2 runs the agent, 7 and 8 can second.
pub fn person(id: u64) -> Value {
    json!({"id": id, "login": format!("person-{id}"), "kind": "User"})
}

pub fn review(request: &str, by: u64, verdict: &str) -> Value {
    json!({"request_digest": digest(request), "reviewer": person(by), "verdict": verdict, "via": "check_run", "permission": "write", "teams": ["platform"]})
}

pub fn digest(request: &str) -> String {
    format!("sha256:{:0>64}", hex::encode(request))
}

/// The name of the n-th request.
pub fn request(n: usize) -> String {
    format!("req-{n:05}")
}

/// The outcomes take turns; only the sixth request of all waits for its second to the end.
fn outcome(n: usize) -> &'static str {
    match n % 6 {
        0 => "approved",
        1 => "denied",
        2 => "expired",
        3 => "not_required",
        4 => "superseded",
        _ if n == 5 => "pending",
        _ => "withdrawn",
    }
}

/// Everything that happens in a log of this many requests.
pub fn each_record(requests: usize, visit: &mut dyn FnMut(Record)) {
    let vkey = key().verifier().to_string();
    visit(Record::new(
        RecordType::Genesis,
        None,
        json!({"origin": ORIGIN, "vkey": vkey, "tenant": {"account_id": 1, "login": "acme"}}),
    ));
    visit(Record::new(RecordType::PolicyLoaded, None, json!({"repository": repository(), "policy": policy()})));
    for n in 0..requests {
        each_record_of(&request(n), outcome(n), visit);
    }
}

fn repository() -> Value {
    json!({"id": 44, "name": "acme/shop"})
}

/// The rules in force, of which the log tells.
pub fn policy() -> Value {
    json!({"digest": "sha256:p", "origin": "file", "commit": "c".repeat(40), "blob": "b".repeat(40)})
}

/// What a server writes about one commit by 1, which an agent helped with or not, in a run that 2 started again.
fn opening(request: &str, by_agent: usize) -> Value {
    let (sha, email) = ("a".repeat(40), "person-1@example.com");
    let held = by_agent > 0;
    let found = json!({"agent": "claude-code", "agents": ["claude-code"], "emails": ["noreply@anthropic.com"], "name": "Claude Code"});
    let mut commit = json!({"sha": sha, "author": 0, "committer": 0, "co_authors": [1], "pull_requests": [1]});
    let mut judged = json!({"sha": sha, "gated": held});
    if held {
        commit["found"] = found;
        let trailer = "Co-Authored-By: Claude <noreply@anthropic.com>";
        let evidence = json!([
            {"agent": "claude-code", "found": "Claude <noreply@anthropic.com>", "marker": "co-author e-mail"},
            {"agent": "claude-code", "found": trailer, "marker": "co-author trailer"},
        ]);
        judged = json!({
            "sha": sha, "gated": true, "agent": "claude-code", "kind": "co_authored", "certainty": "marked", "evidence": evidence,
        });
    }
    let parts = [
        json!([{"fact": "actor", "attempt": 1}, {"fact": "author", "sha": sha}, {"fact": "committer", "sha": sha}]),
        json!([{"fact": "triggering_actor", "attempt": 1}, {"fact": "sender"}]),
    ];
    let party = |id: u64, because: &Value| json!({"id": id, "login": format!("person-{id}"), "kind": "User", "because": because});
    let rule = json!({
        "name": "built-in", "environments": ["*"], "authored_by": "ai", "expires_after": 86_400_000,
        "require": [{"approvals": 1, "from": "writers"}],
    });
    let facts = json!({
        "rules": [rule], "accounts": [person(1), person(2)], "sender": 1,
        "identities": [{"name": "Person 1", "email": email, "account": 0}, {"name": "Claude", "email": "noreply@anthropic.com"}],
        "attempts": [{"number": 1, "actor": 0, "triggering_actor": 1}], "commits": [commit],
        "pull_requests": [{
            "number": 1, "author": 0, "head_branch": "topic", "text": "f".repeat(64),
            "commits": [{"sha": sha, "author": 0, "committer": 0, "co_authors": [1]}],
        }],
    });
    json!({
        "request_digest": digest(request), "repository": repository(), "environment": "production",
        "run": {"id": 991, "attempt": 1}, "head_sha": sha, "base": {"sha": "b".repeat(40), "deployment": "DE_kwDO"},
        "actor": person(1), "triggering_actor": person(2), "unknown": [], "ai_commits": by_agent, "partial": [],
        "delivery": "0fc9a2ab-e335-7237-82c7-7a39c53398af", "parties": [party(1, &parts[0]), party(2, &parts[1])],
        "commits": [judged], "policy": policy(), "catalogue": "c".repeat(64),
        "matched_rules": vec!["built-in"; by_agent], "facts": facts,
        "quorum": vec![json!({"rule": "built-in", "from": "writers", "need": 1, "extra": 0}); by_agent],
    })
}

/// What GitHub says of the run of every opening.
pub fn attempt_checked() -> Value {
    json!({"attempt": 1, "head_sha": "a".repeat(40), "status": "waiting"})
}

fn each_record_of(request: &str, outcome: &str, visit: &mut dyn FnMut(Record)) {
    let mut record = |record_type, body| visit(Record::new(record_type, Some(request), body));
    let by_agent = usize::from(outcome != "not_required");
    record(RecordType::RequestOpened, opening(request, by_agent));
    let denied_attempt =
        json!({"reviewer": person(1), "verdict": "approve", "why": [{"refusal": "party", "because": []}]});
    match outcome {
        "pending" => return,
        "approved" => {
            record(RecordType::AttemptRefused, denied_attempt);
            record(RecordType::ReviewRecorded, review(request, 7, "approve"));
        }
        "denied" => record(RecordType::ReviewRecorded, review(request, 1, "deny")),
        _ => {}
    }
    let (approvers, have) = if outcome == "approved" { (json!([person(7)]), 1) } else { (json!([]), 0) };
    let mut decision = json!({
        "request_digest": digest(request), "outcome": outcome, "approvers": approvers, "policy": policy(),
        "quorum": vec![json!({"rule": "built-in", "from": "writers", "need": 1, "have": have}); by_agent],
    });
    if outcome == "denied" {
        decision["denied_by"] = person(1);
    }
    record(RecordType::DecisionRecorded, decision);
    let state = match outcome {
        "approved" | "not_required" => "approved",
        "denied" | "expired" => "rejected",
        _ => return,
    };
    record(
        RecordType::CallbackSent,
        json!({"request_digest": digest(request), "state": state, "attempt_checked": attempt_checked()}),
    );
    record(RecordType::CallbackResult, json!({"state": state, "status": 204, "github_request_id": "F00D:1"}));
}

/// An exported ledger in memory.
#[derive(Clone, Default)]
pub struct Memory {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.files[path].clone()).unwrap()
    }

    pub fn write(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), text.into());
    }

    pub fn swap(&mut self, one: &str, other: &str) {
        let (first, second) = (self.files[one].clone(), self.files[other].clone());
        self.write(one, second);
        self.write(other, first);
    }

    /// Flips one bit in the middle of a file.
    pub fn flip(&mut self, path: &str) {
        let bytes = self.files.get_mut(path).unwrap_or_else(|| panic!("no {path}"));
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    }

    /// Changes the lines of `entries.jsonl` and nothing else.
    pub fn edit_lines(&mut self, edit: impl FnOnce(&mut Vec<String>)) {
        let text = self.text("entries.jsonl");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        edit(&mut lines);
        self.write("entries.jsonl", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }
}

impl Artifact for Memory {
    fn read(&self, path: &str, limit: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        into.clear();
        into.extend(bytes.iter().take(limit + 1));
        Ok(())
    }

    fn visit_paths(&self, visit: &mut dyn FnMut(&str) -> bool) -> io::Result<()> {
        let _ = self.files.keys().all(|path| visit(path));
        Ok(())
    }
}

impl Sink for Memory {
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(path, bytes);
        Ok(())
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.entry(path.to_owned()).or_default().extend_from_slice(bytes);
        Ok(())
    }
}

pub fn vkey() -> VerifierKey {
    key().verifier().clone()
}

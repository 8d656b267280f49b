//! What a request is about, and what its name and its `request_digest` are made of: a log that changes the one without the
//! other is found out by whoever has seen either outside, on a check run or in a receipt.
use std::fmt;

use ring::digest::{Context, SHA256};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::digest::hex;
use crate::ledger::entry::{Header, MAX_BYTES};
use crate::ledger::layout::Artifact;
use crate::ledger::tile::{Content, TilePath, WIDTH, bundled};
use crate::ledger::verify::read::body::{self, Opened, Run, was_read};
use crate::ledger::verify::read::policy::Policy;
use crate::ledger::verify::report::counted;
use crate::ledger::verify::violation::Violation;

/// How many hexadecimal digits of a digest are a request's id.
const ID_DIGITS: usize = 32;

/// What of an opening does not follow from what it is about.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::ledger::verify) struct Loose {
    /// Its request has a name that is no digest.
    id: bool,
    /// It does not say of what judgement its digest is.
    digest: bool,
    /// It says that no agent is on any commit, and does not tell all of them.
    commits: bool,
    /// It does not say which accounts are one human's.
    people: bool,
}

impl Loose {
    pub(super) fn commits(self, commits: bool) -> Self {
        Self { commits, ..self }
    }

    pub(super) fn people(self, people: bool) -> Self {
        Self { people, ..self }
    }
}

#[derive(Deserialize)]
struct Account {
    account_id: u64,
}

/// What follows from what an opening is about.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Follows {
    pub(super) loose: Loose,
    /// The id of the request about the same and another deployment, if its own is made of that one.
    pub(super) first: Option<Box<str>>,
}

/// The account that a log says it belongs to.
pub(in crate::ledger::verify) fn account_of(genesis: &Header<'_>) -> Result<u64, Violation> {
    body::need(genesis.tenant, "tenant").map(|Account { account_id }| account_id)
}

/// The same from the first bundle, before anything is read: that it holds the entries is checked with all others.
pub(in crate::ledger::verify) fn account(artifact: &impl Artifact, size: u64) -> Option<u64> {
    let width = usize::try_from(size).unwrap_or(WIDTH).min(WIDTH);
    let path = TilePath { content: Content::Entries, index: 0, width }.to_string();
    let mut bytes = Vec::new();
    artifact.read(&path, 2 + MAX_BYTES, &mut bytes).ok()?;
    let first = std::str::from_utf8(bundled(&bytes).next()?).ok()?;
    account_of(&Header::parse(first).ok()?).ok()
}

/// Holds the name of a request, and the digest of what was shown, against what an opening says it is about. Of a segment the
/// account of the log is not known, and nothing can be said.
pub(in crate::ledger::verify) fn follows(
    entry: &Header<'_>,
    opened: &Opened<'_>,
    account: Option<u64>,
) -> Result<Follows, Violation> {
    let Some(account) = account else { return Ok(Follows::default()) };
    let id = entry.corr.unwrap_or_default();
    let is_digest = id.len() == ID_DIGITS && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let loose = Loose { id: !is_digest, digest: entry.judgement.is_none(), commits: false, people: false };
    let mut follows = Follows { loose, first: None };
    if loose.id && loose.digest {
        return Ok(follows);
    }
    let subject = subject(entry, opened, account)?;
    if is_digest && !subject.starts_with(id) {
        let deployment: u64 = body::need(entry.deployment_id, "deployment_id").map_err(|_| Violation::OtherId)?;
        let other = digest(format_args!(r#"{{"deployment":{deployment},"subject":"{subject}"}}"#));
        if !other.starts_with(id) {
            return Err(Violation::OtherId);
        }
        follows.first = subject.get(..ID_DIGITS).map(Box::from);
    }
    let Some(judgement) = entry.judgement else { return Ok(follows) };
    let gaps = entry.partial.map_or("[]", RawValue::get);
    // An account that the policy names and nobody knows: whoever has the openings looks at it (`opened`), and no opening tells
    // what looks like this.
    if gaps.contains(r#""login":"sha256:"#) {
        return Ok(follows);
    }
    let Opened { request_digest: found, policy, .. } = opened;
    let Policy { digest: policy, also, .. } = &**policy;
    let also: Vec<String> = also.iter().map(|also| format!("\"{}\"", also.digest)).collect();
    let computed = digest(format_args!(
        r#"{{"also":[{}],"base":{},"gaps":{gaps},"judgement":{},"policy":"{policy}","subject":"{subject}"}}"#,
        also.join(","),
        entry.base.map_or("null", RawValue::get),
        judgement.get(),
    ));
    if computed == *found { Ok(follows) } else { Err(Violation::OtherDigest { computed, found: found.clone() }) }
}

/// The digest of what identifies the thing that waits, as the domain makes it: over canonical JSON.
fn subject(entry: &Header<'_>, opened: &Opened<'_>, account: u64) -> Result<String, Violation> {
    let repository = was_read(&opened.repository)?;
    let Run { id: run, attempt } = was_read(&opened.run)?;
    let environment = entry.environment.map_or("null", RawValue::get);
    let sha = entry.head_sha.map_or("null", RawValue::get);
    Ok(digest(format_args!(
        r#"{{"account":{account},"attempt":{attempt},"environment":{environment},"gate":"deployment","repository":{repository},"run":{run},"sha":{sha}}}"#
    )))
}

fn digest(canonical: fmt::Arguments<'_>) -> String {
    struct Hashed(Context);
    impl fmt::Write for Hashed {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0.update(part.as_bytes());
            Ok(())
        }
    }
    let mut hashed = Hashed(Context::new(&SHA256));
    fmt::Write::write_fmt(&mut hashed, canonical).ok();
    hex(hashed.0.finish().as_ref())
}

/// How many openings are loose.
#[derive(Debug, Default)]
pub(in crate::ledger::verify) struct Count {
    ids: u64,
    digests: u64,
    commits: u64,
    people: u64,
}

impl Count {
    pub(in crate::ledger::verify) fn add(&mut self, loose: Loose) {
        self.ids += u64::from(loose.id);
        self.digests += u64::from(loose.digest);
        self.commits += u64::from(loose.commits);
        self.people += u64::from(loose.people);
    }

    /// What is to be said of it.
    pub(in crate::ledger::verify) fn warnings(&self) -> impl Iterator<Item = String> {
        let openings = |n| counted(n, "opening", "openings");
        let ids = (self.ids > 0).then(|| {
            format!(
                "{} of requests whose ids do not follow from what they are about, as a server's do",
                openings(self.ids)
            )
        });
        let digests = (self.digests > 0).then(|| {
            format!(
                "{} without `judgement`, as an older server wrote them: what their request_digest is of cannot be told",
                openings(self.digests)
            )
        });
        let commits = (self.commits > 0).then(|| {
            format!(
                "{} that had no room for every commit, and say that no agent is on one: only judging again can tell",
                openings(self.commits)
            )
        });
        let people = (self.people > 0).then(|| {
            format!(
                "{} that had no room to tell which accounts are one human's: only judging again can tell",
                openings(self.people)
            )
        });
        ids.into_iter().chain(digests).chain(commits).chain(people)
    }
}

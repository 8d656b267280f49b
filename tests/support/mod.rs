//! What stories share: cases to hold, people to click, databases to keep them in.

use std::path::PathBuf;

use seconder::cli::ledger::verify::{VerifyArgs, check};
use seconder::domain::case::Case;
use seconder::domain::decide::{JudgedCommit, Judgement, Permission, Quorum, Standing};
use seconder::domain::digest::Digest;
use seconder::domain::event::{Channel, Event, Reviewed, Sending, Verdict};
use seconder::domain::facts::{Attempt, Run};
use seconder::domain::gate::{Repository, Subject, Tenant};
use seconder::domain::parties::{Part, Parties, Party};
use seconder::domain::people::{Account, AccountKind, People};
use seconder::domain::policy::{Approvers, Origin};
use seconder::domain::reason::{Finding, Reason};
use seconder::ledger::verify::report::Report;

pub mod chaos;
pub mod commits;
pub mod database;
pub mod postgres;
pub mod prism;
pub mod process;
pub mod stage;
pub mod witness;

/// The account the App is installed on, unless a story says otherwise.
pub const ACME: u64 = 4_000;
/// Its installation.
pub const INSTALLATION: u64 = 77;

/// A human with this id.
pub fn human(id: u64) -> Account {
    Account { id, login: format!("human-{id}"), kind: AccountKind::User }
}

/// A human with write access.
pub fn writer(id: u64) -> Standing {
    Standing { account: human(id), permission: Permission::Write, teams: Vec::new() }
}

/// A deployment to production that waits for one writer who is not `human(1)`, and expires after an hour.
pub fn case(run_id: u64) -> Case {
    let author = human(1);
    Case {
        subject: Subject {
            tenant: Tenant { account_id: ACME, login: "acme".to_owned(), installation_id: INSTALLATION },
            repository: Repository { id: 9_000, owner: "acme".to_owned(), name: "shop".to_owned() },
            environment: "production".to_owned(),
            run_id,
            run_attempt: 1,
            head_sha: format!("{run_id:040x}"),
        },
        deployment_id: Some(run_id + 1_000_000),
        run_name: "deploy".to_owned(),
        run_event: "push".to_owned(),
        run_url: format!("https://github.test/acme/shop/actions/runs/{run_id}"),
        head_branch: Some("main".to_owned()),
        actor: Some(author.clone()),
        triggering_actor: Some(author.clone()),
        base: None,
        gaps: Vec::new(),
        policy: Origin::BuiltIn,
        policy_digest: Digest::of_bytes(b"built-in"),
        run_over: false,
        judgement: Judgement {
            catalogue: Digest::of_bytes(b"catalogue"),
            people: People::default(),
            denied_by: Vec::new(),
            shadow: Vec::new(),
            would_ask: Vec::new(),
            freezes: Vec::new(),
            stopped: None,
            remind: Vec::new(),
            matched_rules: vec!["production".to_owned()],
            quorum: vec![Quorum::persons("production", 1, Approvers::Writers)],
            expires_after: Some(3_600_000),
            parties: Parties {
                known: vec![Party { account: author, because: vec![Part::Actor { attempt: 1 }] }],
                unknown: Vec::new(),
            },
            commits: vec![JudgedCommit {
                sha: format!("{run_id:040x}"),
                subject: "Add a shopping cart".to_owned(),
                attribution: None,
                gated: true,
            }],
            reasons: Reason::new(Finding::Held, Vec::new()),
        },
        delivery: format!("delivery-{run_id}"),
        policy_is_new: false,
        basis: None,
        facts: None,
        also: Vec::new(),
        organization_is_new: false,
        organization_is_hidden: false,
    }
}

/// The same deployment, for another account.
pub fn case_of(tenant: u64, run_id: u64) -> Case {
    let mut case = case(run_id);
    case.subject.tenant = Tenant { account_id: tenant, login: format!("account-{tenant}"), installation_id: tenant };
    case.subject.repository.id = tenant + 1;
    case
}

/// GitHub holds this deployment.
pub fn held(case: &Case) -> Event {
    Event::Held(Box::new(case.clone()))
}

/// A human clicks a button on the page that shows this.
pub fn click(case: &Case, by: u64, verdict: Verdict) -> Event {
    let (request, saw) = (case.subject.request_id(), Some(case.digest().tag()));
    Event::Reviewed(Box::new(Reviewed { request, by: writer(by), verdict, via: Channel::CheckRun, saw }))
}

/// The decision is about to leave, and nothing has changed in the world.
pub fn sending(case: &Case, approvers: &[u64]) -> Event {
    Event::Sending(Box::new(Sending {
        request: case.subject.request_id(),
        run: Run {
            id: case.subject.run_id,
            attempt: case.subject.run_attempt,
            head_sha: case.subject.head_sha.clone(),
            status: "waiting".to_owned(),
            name: case.run_name.clone(),
            event: case.run_event.clone(),
            head_branch: case.head_branch.clone(),
            is_from_fork: false,
            ref_kind: None,
            workflow: None,
            url: case.run_url.clone(),
            attempts: vec![Attempt { number: 1, actor: case.actor.clone(), triggering_actor: case.actor.clone() }],
        },
        approvers: approvers.iter().map(|id| writer(*id)).collect(),
        is_awaited: true,
    }))
}

/// What an auditor says of these, one after the other, who trusts only this key.
pub fn verified(targets: &[PathBuf], vkey: &str) -> Result<Vec<Report>, String> {
    let args = VerifyArgs {
        targets: targets.to_vec(),
        vkey: Some(vkey.to_owned()),
        old: None,
        state: None,
        seen: None,
        witness_policy: None,
        token_file: None,
        trust_artifact_key: false,
        explain: None,
        openings: None,
        json: false,
        strict: false,
    };
    check(&args).map_err(|failure| failure.to_string())
}

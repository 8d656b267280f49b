//! What stories share: cases to hold, people to click, databases to keep them in.

use std::path::PathBuf;

use seconder::cli::ledger::verify::{VerifyArgs, check};
use seconder::domain::basis::{Basis, target_of};
use seconder::domain::case::Case;
use seconder::domain::decide::{Layer, Permission, Standing, judge_all};
use seconder::domain::event::{Channel, Event, Reviewed, Sending, Verdict};
use seconder::domain::facts::{Attempt, Base, Commit, Facts, Run};
use seconder::domain::gate::{Repository, Subject, Tenant};
use seconder::domain::people::{Account, AccountKind, Identity, People};
use seconder::domain::policy::{Found, Origin, PATH, Text, in_force};
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
    case_for("writers", run_id)
}

/// The same, waiting for one of others.
pub fn case_for(approvers: &str, run_id: u64) -> Case {
    let author = human(1);
    let run = Run {
        id: run_id,
        attempt: 1,
        head_sha: format!("{run_id:040x}"),
        name: "deploy".to_owned(),
        event: "push".to_owned(),
        head_branch: Some("main".to_owned()),
        url: format!("https://github.test/acme/shop/actions/runs/{run_id}"),
        attempts: vec![Attempt { number: 1, actor: Some(author.clone()), triggering_actor: Some(author.clone()) }],
        ..Run::default()
    };
    let by =
        Identity { name: author.login.clone(), email: "human-1@example.com".to_owned(), account: Some(author.clone()) };
    let facts = Facts {
        commits: vec![Commit {
            sha: run.head_sha.clone(),
            message: "Add a shopping cart".to_owned(),
            author: by.clone(),
            committer: by,
            ..Commit::default()
        }],
        run: run.clone(),
        deployment_creator: None,
        sender: None,
        base: Some(Base { sha: "b".repeat(40), deployment: "DE_kwDO".to_owned() }),
        files: Vec::new(),
        owners: None,
        pull_requests: Vec::new(),
        gaps: Vec::new(),
        people: People::default(),
    };
    let rules = format!(
        "version: 1\nrules:\n  - name: production\n    environments: [production]\n    authored_by: anyone\n    \
         require: [1 of {approvers}]\n    expires: 1h\n"
    );
    let policy = in_force(Found::File(Text { commit: "c0ffee".into(), blob: "b10b".into(), text: rules }), None, PATH);
    let layers = [Layer { policy, people: People::default() }];
    let target = target_of(&facts, "production");
    let judgement = judge_all(&layers, &target, &facts);
    let basis = Basis::of(&layers, &target, &facts, &judgement);
    Case {
        subject: Subject {
            tenant: Tenant { account_id: ACME, login: "acme".to_owned(), installation_id: INSTALLATION },
            repository: Repository { id: 9_000, owner: "acme".to_owned(), name: "shop".to_owned() },
            environment: "production".to_owned(),
            run_id,
            run_attempt: 1,
            head_sha: run.head_sha,
        },
        deployment_id: Some(run_id + 1_000_000),
        run_name: run.name,
        run_event: run.event,
        run_url: run.url,
        head_branch: run.head_branch,
        actor: Some(author.clone()),
        triggering_actor: Some(author),
        base: facts.base,
        gaps: Vec::new(),
        // As if they were built in: then no entry has to announce them.
        policy: Origin::BuiltIn,
        policy_digest: basis.rules_digest(),
        run_over: false,
        judgement,
        delivery: format!("delivery-{run_id}"),
        policy_is_new: false,
        basis: Some(Box::new(basis)),
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

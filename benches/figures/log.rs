//! A store in this process, and what happens to it: deployments held and approved, as large as real ones.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use seconder::domain::basis::{Basis, target_of};
use seconder::domain::case::Case;
use seconder::domain::decide::{Layer, judge_all};
use seconder::domain::event::{Event, Verdict};
use seconder::domain::facts::{Attempt, Commit, Facts, PullRequest, Run};
use seconder::domain::people::{Account, AccountKind, Identity, People};
use seconder::domain::policy::Policy;
use seconder::store::{Committed, LogHead, Options, Store, Work};
use zeroize::Zeroizing;

use crate::support::{case, click, held};

/// What the log keys grow from.
pub const SEED: [u8; 32] = [7; 32];

pub fn options(url: &str) -> Options {
    Options {
        url: url.to_owned(),
        host: "seconder.test".to_owned(),
        seed: Zeroizing::new(SEED),
        next_seed: None,
        clock: seconder::app::system_clock(),
        lease_for: 30_000,
        may_hand: Arc::new(|_, _| false),
        ingest_on: tokio::runtime::Handle::current(),
        deliveries_in_memory: 100,
        effects_in_memory: 100,
    }
}

pub fn sqlite(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("seconder.db").display())
}

/// One commit by an agent for `human-1`, in a pull request, judged by the built-in policy, with all that this rests on.
pub fn deployment(run_id: u64) -> Case {
    let plain = case(run_id);
    let author = Account { id: 1, login: "human-1".to_owned(), kind: AccountKind::User };
    let identity = Identity {
        name: "Human One".to_owned(),
        email: "human-1@example.com".to_owned(),
        account: Some(author.clone()),
    };
    let commit = Commit {
        sha: plain.subject.head_sha.clone(),
        message: "Retry the callback when the connection is reset\n\nCo-Authored-By: Claude <noreply@anthropic.com>"
            .into(),
        author: identity.clone(),
        committer: identity,
        ..Commit::default()
    };
    let facts = Facts {
        run: Run {
            id: run_id,
            attempt: 1,
            head_sha: plain.subject.head_sha.clone(),
            attempts: vec![Attempt { number: 1, actor: Some(author.clone()), triggering_actor: Some(author.clone()) }],
            ..Run::default()
        },
        deployment_creator: None,
        sender: Some(author.clone()),
        base: None,
        files: Vec::new(),
        owners: None,
        pull_requests: vec![PullRequest {
            number: run_id % 10_000,
            author: Some(author),
            head_branch: "topic".to_owned(),
            title: "Retry the callback".to_owned(),
            commits: vec![commit.clone()],
            ..PullRequest::default()
        }],
        commits: vec![commit],
        gaps: Vec::new(),
        people: People::default(),
    };
    let policy = Policy::built_in();
    let policy_digest = policy.digest.clone();
    let layers = [Layer { policy, people: People::default() }];
    let target = target_of(&facts, &plain.subject.environment);
    let judgement = judge_all(&layers, &target, &facts);
    let basis = Basis::of(&layers, &target, &facts, &judgement);
    Case { judgement, policy_digest, basis: Some(Box::new(basis)), facts: Some(Box::new(facts)), ..plain }
}

/// Somebody else approves it.
pub fn approval(case: &Case) -> Event {
    click(case, 2, Verdict::Approve)
}

pub fn holding(case: &Case) -> Event {
    held(case)
}

pub fn commit(store: &Store, event: Event) -> impl Future<Output = anyhow::Result<Committed>> + use<> {
    let store = store.clone();
    async move { Ok(store.commit(Work { claim: None, event: Some(event) }).await?) }
}

/// Commits them all at once, and waits for all.
pub async fn commit_all(store: &Store, events: Vec<Event>) -> anyhow::Result<()> {
    let works: Vec<_> = events.into_iter().map(|event| tokio::spawn(commit(store, event))).collect();
    for work in works {
        work.await??;
    }
    Ok(())
}

pub async fn head(store: &Store) -> anyhow::Result<LogHead> {
    store.ledger().logs().await?.into_iter().next().context("there is no log")
}

/// Writes at least so many entries to an empty store: deployments held and approved.
pub async fn fill(store: &Store, entries: u64) -> anyhow::Result<LogHead> {
    const AT_ONCE: u64 = 24;
    let mut next = 0;
    loop {
        let cases: Vec<Case> = (next..next + AT_ONCE).map(deployment).collect();
        next += AT_ONCE;
        commit_all(store, cases.iter().map(holding).collect()).await?;
        commit_all(store, cases.iter().map(approval).collect()).await?;
        // Each leaves three entries.
        if next * 3 >= entries {
            return head(store).await;
        }
    }
}

//! What is judged here, and who speaks.

use seconder::domain::decide::{Judgement, Layer, Permission, Standing, Voice, is_met, judge_all, tally};
use seconder::domain::facts::{Attempt, Commit, Facts, PullRequest, Run};
use seconder::domain::people::{Account, AccountKind, Identity, People};
use seconder::domain::policy::{Assurance, Found, Origin, PATH, Policy, Target, Text, in_force};

/// What becomes of something that is held, once these people have approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Denied,
    Waits,
    /// Enough people approved.
    Seconded,
    /// No rule holds it.
    Passes,
}
pub use Outcome::{Denied, Passes, Seconded, Waits};

impl Outcome {
    pub fn is_released(self) -> bool {
        self >= Seconded
    }
}

pub fn outcome(judgement: &Judgement, approvals: &[Voice<'_>], waited: i64) -> Outcome {
    let is_denied = !judgement.denied_by.is_empty() || judgement.stopped.is_some();
    match (is_denied, judgement.asks()) {
        (true, _) => Denied,
        (false, false) => Passes,
        (false, true) if is_met(&tally(judgement, approvals, waited)) => Seconded,
        (false, true) => Waits,
    }
}

pub fn policy(text: &str) -> Policy {
    let file = Text { commit: "c0ffee".into(), blob: "b10b".into(), text: text.to_owned() };
    let policy = in_force(Found::File(file), None, PATH);
    assert!(matches!(policy.origin, Origin::File { .. }), "{}", policy.origin.errors().unwrap().render("policy", text));
    policy
}

pub fn layer(policy: Policy) -> Layer {
    Layer { policy, people: People::default() }
}

pub fn judged(layers: &[Layer], target: &Target<'_>, facts: &Facts) -> Judgement {
    judge_all(layers, target, facts)
}

pub fn account(id: u64, login: &str) -> Account {
    Account { id, login: login.to_owned(), kind: AccountKind::User }
}

pub fn standing(account: Account, permission: Permission, teams: &[&str]) -> Standing {
    Standing { account, permission, teams: teams.iter().map(|team| (*team).to_owned()).collect() }
}

pub fn click(standing: &Standing) -> Voice<'_> {
    Voice { standing, assurance: Assurance::Click }
}

/// A commit by an account, with the marks of an agent or without.
pub fn commit(sha: &str, author: &Account, subject: &str, agent: Option<&str>) -> Commit {
    let email = format!("{}@example.com", author.login);
    let identity = Identity { name: author.login.clone(), email, account: Some(author.clone()) };
    let message = agent.map_or_else(|| subject.to_owned(), |mark| format!("{subject}\n\nCo-authored-by: {mark}"));
    Commit { sha: sha.to_owned(), message, author: identity.clone(), committer: identity, ..Commit::default() }
}

pub const CLAUDE: &str = "Claude <noreply@anthropic.com>";
pub const DEVIN: &str = "Devin <158243242+devin-ai-integration[bot]@users.noreply.github.com>";

/// A run that somebody started.
pub fn facts(started_by: &Account, commits: Vec<Commit>, files: &[&str]) -> Facts {
    let attempt = Attempt { number: 1, actor: Some(started_by.clone()), triggering_actor: Some(started_by.clone()) };
    Facts {
        run: Run { id: 1, attempt: 1, status: "waiting".into(), attempts: vec![attempt], ..Run::default() },
        deployment_creator: None,
        sender: None,
        base: None,
        commits,
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        owners: None,
        pull_requests: Vec::<PullRequest>::new(),
        gaps: Vec::new(),
        people: People::default(),
    }
}

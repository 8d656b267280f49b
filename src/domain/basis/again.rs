//! Judging again: the facts and rules as far as they were recorded, put back in their places.

use super::{Basis, Brought, Found, Named, Rules, Signed, Written};
use crate::domain::attribution::{self, Attribution, Certainty, Evidence, Kind};
use crate::domain::decide::{Judgement, Layer, judge_layers};
use crate::domain::facts::{Attempt, Commit, Facts, Gap, PullRequest, Run, Signature};
use crate::domain::people::{Account, Identity, People};
use crate::domain::policy::{Policy, Target};

impl Basis {
    /// Judges again. `None` if the facts name somebody by a place where nobody stands.
    #[must_use]
    pub fn judge(&self, environment: &str, gaps: Vec<Gap>) -> Option<Judgement> {
        let target = Target {
            git_ref: self.git_ref.as_deref(),
            ref_kind: self.ref_kind,
            workflow: self.workflow.as_deref(),
            ..Target::deployment(environment)
        };
        let layers: Vec<Layer> = self.policies.iter().map(Rules::layer).collect();
        let found: Vec<Option<Attribution>> =
            self.commits.iter().map(|commit| commit.found.as_ref().map(Found::attribution)).collect();
        Some(judge_layers(&layers, &target, &self.facts(gaps)?, &found))
    }

    pub(super) fn facts(&self, gaps: Vec<Gap>) -> Option<Facts> {
        let attempts: Option<Vec<Attempt>> = self.attempts().collect();
        Some(Facts {
            run: Run { attempts: attempts?, ..Run::default() },
            deployment_creator: self.account(self.deployment_creator)?,
            sender: self.account(self.sender)?,
            base: None,
            commits: self.commits.iter().map(|commit| self.commit(commit)).collect::<Option<_>>()?,
            files: self.files.clone(),
            owners: self.owners.clone(),
            pull_requests: self.pull_requests.iter().map(|brought| self.brought(brought)).collect::<Option<_>>()?,
            gaps,
            people: People::default(),
        })
    }

    /// Commits on which more agents stand than were found on the day, by the identities, branches and openers that are recorded:
    /// the recorded agents, and all of them.
    #[must_use]
    pub fn overlooked(&self) -> Vec<(&str, Vec<String>, Vec<String>)> {
        let Some(mut facts) = self.facts(Vec::new()) else { return Vec::new() };
        let branches = facts.pull_requests.iter_mut().flat_map(|pull_request| &mut pull_request.commits);
        for commit in facts.commits.iter_mut().chain(branches) {
            commit.co_authors.append(&mut commit.named);
        }
        let again =
            attribution::attribute_all(&facts).into_iter().map(|found| found.map(|found| Found::of(&found).agents));
        let mut overlooked = Vec::new();
        for (written, again) in self.commits.iter().zip(again) {
            let recorded = written.found.as_ref().map(|found| found.agents.clone()).unwrap_or_default();
            let mut all = recorded.clone();
            all.extend(again.unwrap_or_default().into_iter().filter(|agent| !recorded.contains(agent)));
            if all != recorded {
                overlooked.push((written.sha.as_str(), recorded, all));
            }
        }
        overlooked
    }

    /// The outer `None` says that nobody stands there.
    pub(super) fn account(&self, at: Option<usize>) -> Option<Option<Account>> {
        at.map_or(Some(None), |at| self.accounts.get(at).cloned().map(Some))
    }

    fn identity(&self, at: usize) -> Option<Identity> {
        let Named { name, email, account } = self.identities.get(at)?;
        Some(Identity { name: name.clone(), email: email.clone(), account: self.account(*account)? })
    }

    fn all(&self, places: &[usize]) -> Option<Vec<Identity>> {
        places.iter().map(|at| self.identity(*at)).collect()
    }

    fn commit(&self, written: &Written) -> Option<Commit> {
        let signature = match &written.signature {
            None => None,
            Some(Signed { is_valid, by_github, signer }) => Some(Signature {
                is_valid: *is_valid,
                by_github: *by_github,
                signer: self.account(*signer)?,
                ssh_key: None,
            }),
        };
        Some(Commit {
            sha: written.sha.clone(),
            author: self.identity(written.author)?,
            committer: self.identity(written.committer)?,
            co_authors: self.all(&written.co_authors)?,
            named: self.all(&written.named)?,
            pull_requests: written.pull_requests.clone(),
            says: written.says.clone(),
            signature,
            ..Commit::default()
        })
    }

    fn brought(&self, brought: &Brought) -> Option<PullRequest> {
        Some(PullRequest {
            number: brought.number,
            head_branch: brought.head_branch.clone(),
            author: self.account(brought.author)?,
            commits: brought.commits.iter().map(|commit| self.commit(commit)).collect::<Option<_>>()?,
            has_more_sponsors: brought.has_more_sponsors,
            sponsors: brought.sponsors.iter().map(|at| self.accounts.get(*at).cloned()).collect::<Option<_>>()?,
            ..PullRequest::default()
        })
    }
}

impl Rules {
    fn layer(&self) -> Layer {
        let policy = Policy {
            approvers: self.groups.iter().map(|group| (group.name.clone(), group.members.clone())).collect(),
            freezes: self.freezes.clone(),
            stop: self.stop.clone(),
            rules: self.rules.clone(),
            leans_on_another: true, // The built-in rule is among its rules where it was looked at.
            ..Policy::built_in()
        };
        Layer { policy, people: People(self.people.clone()) }
    }
}

impl Found {
    /// As far as it decides; of the rest the opening tells.
    fn attribution(&self) -> Attribution {
        let mark = |agent: &String| Evidence { agent: agent.clone(), marker: String::new(), found: String::new() };
        Attribution {
            agent: self.agent.clone(),
            name: self.name.clone(),
            kind: Kind::Assisted,
            certainty: Certainty::Ambiguous,
            evidence: self.agents.iter().map(mark).collect(),
            agent_emails: self.emails.clone(),
            operators: Vec::new(),
            stripped: false,
        }
    }
}

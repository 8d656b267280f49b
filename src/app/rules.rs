//! Which rules hold: the repository's, the organization's, and, where the rules themselves are changed, those before.

use super::{App, Error};
use crate::domain::case::{Also, Whose};
use crate::domain::decide::{Layer, Permission};
use crate::domain::facts::{Commit, Facts, Gap};
use crate::domain::gate::Tenant;
use crate::domain::people::People;
use crate::domain::policy::codeowners::{self, CodeOwners, Owner};
use crate::domain::policy::{self, Found, Member, Origin, Policy, Text};
use crate::github::Place;
use crate::github::facts::PolicyFile;
use crate::github::files::FileAt;
use crate::github::organization::{self, OrganizationFile};
use crate::store::{GoodPolicies, StoredPolicy};

/// A commit has one pull request, or few; each beginning is a call.
const MOST_BEGINNINGS: usize = 3;

/// The policies that hold for one subject.
pub(super) struct InForce {
    /// The repository's; the built-in one when it has none.
    pub repository: (Origin, crate::domain::digest::Digest),
    /// The others.
    pub also: Vec<Also>,
    /// All that are judged by, with their people.
    pub layers: Vec<Layer>,
    /// What could not be learned of their people.
    pub gaps: Vec<Gap>,
    /// Files that are new here.
    pub new: NewPolicies,
    /// Whether no organization's rules hold because nothing of them can be seen: whether there are any, nobody here knows.
    pub organization_is_hidden: bool,
}

/// What is known of an organization's rules.
pub(super) enum OfOrganization {
    /// These hold.
    Hold(Box<Policy>),
    /// There are none: the repository is there, and no file in it.
    None,
    /// Nothing can be seen, and never could.
    Hidden,
}

impl OfOrganization {
    /// The rules, if any hold.
    pub fn policy(self) -> Option<Policy> {
        match self {
            Self::Hold(policy) => Some(*policy),
            Self::None | Self::Hidden => None,
        }
    }
}

/// Good files that were not known yet: remembered for the day they break.
#[derive(Clone, Debug, Default)]
pub(super) struct NewPolicies {
    pub repository: Option<StoredPolicy>,
    pub organization: Option<StoredPolicy>,
}

impl App {
    /// The rules in force, given the policy file of the default branch and what is held.
    pub(super) async fn rules(&self, place: Place<'_>, file: PolicyFile, facts: &Facts) -> Result<InForce, Error> {
        let mut new = NewPolicies::default();
        let good = self.store.good_policies(place.repository.id, place.tenant.account_id).await?;
        let GoodPolicies { repository: known, organization: known_organization } = good;
        let mut repository = in_force(found(file), known, policy::PATH, &mut new.repository);
        let origin = (repository.origin.clone(), repository.digest.clone());

        let mut policies = Vec::new();
        let mut also = Vec::new();
        let mut add = |whose, policy: Policy, policies: &mut Vec<Policy>| {
            also.push(Also { whose, origin: policy.origin.clone(), digest: policy.digest.clone() });
            policies.push(policy);
        };
        let organization = self.organization(place.tenant, known_organization, &mut new.organization).await?;
        let organization_is_hidden = matches!(organization, OfOrganization::Hidden);
        let organization = organization.policy();
        repository.leans_on_another = organization.is_some();
        let before = self.before(place, facts, &repository).await?;
        // Where an organization has rules and the repository none, those are all there is.
        if organization.is_none() || repository.origin != Origin::BuiltIn {
            policies.push(repository);
        }
        if let Some(organization) = organization {
            add(Whose::Organization, organization, &mut policies);
        }
        for before in before {
            add(Whose::Before, before, &mut policies);
        }

        let (mut layers, mut gaps) = (Vec::with_capacity(policies.len()), Vec::new());
        for policy in policies {
            let (people, unknown) = self.github.people(place, &policy.people).await?;
            gaps.extend(unknown);
            layers.push(Layer { policy, people });
        }
        Ok(InForce { repository: origin, also, layers, gaps, new, organization_is_hidden })
    }

    /// The organization's rules; `known` are its last good ones. Whoever never had any has none; a file that was moved, deleted or made invisible is an alarm, and
    /// its last good rules hold (P2).
    pub(super) async fn organization(
        &self,
        tenant: &Tenant,
        known: Option<StoredPolicy>,
        new: &mut Option<StoredPolicy>,
    ) -> Result<OfOrganization, Error> {
        let mut file = self.github.organization_policy(tenant).await?;
        // What this server remembers may be older than what another one has seen since.
        if known.as_ref().is_some_and(|known| !file.is(&known.blob)) {
            self.github.forget_organization_policy(tenant);
            file = self.github.organization_policy(tenant).await?;
        }
        let is_hidden = file == OrganizationFile::NotVisible;
        let found = match file {
            OrganizationFile::Seen(file) => found(file),
            OrganizationFile::NotVisible => Found::Absent,
        };
        if found == Found::Absent && known.is_none() {
            return Ok(if is_hidden { OfOrganization::Hidden } else { OfOrganization::None });
        }
        let name = format!("{}/{}: {}", tenant.login, organization::REPOSITORY, organization::FILE);
        let policy = in_force(found, known, &name, new);
        if let Some(errors) = policy.origin.errors() {
            tracing::error!(tenant = %tenant.login, %errors, "the organization's policy is not in order; what was good before holds");
        }
        Ok(OfOrganization::Hold(Box::new(policy)))
    }

    /// The repository's rules before what is held, when that may change them: whoever loosens the rules is judged by those before,
    /// too.
    async fn before(&self, place: Place<'_>, facts: &Facts, now: &Policy) -> Result<Vec<Policy>, Error> {
        let mut all: Vec<Policy> = Vec::new();
        if !touches(facts, &[policy::PATH]) {
            return Ok(all);
        }
        for commit in commits_before(facts) {
            let found = match self.github.policy_at(place, commit).await? {
                FileAt::Absent => Found::Absent,
                FileAt::Present { blob, text, .. } => Found::File(Text { commit: commit.to_owned(), blob, text }),
                FileAt::Unreadable { why } => Found::Unreadable(why),
            };
            let mut before = policy::in_force(found, None, policy::PATH);
            before.leans_on_another = now.leans_on_another;
            if before.digest != now.digest && all.iter().all(|other| other.digest != before.digest) {
                all.push(before);
            }
        }
        Ok(all)
    }

    /// Adds what is only asked for where a rule wants to know: who owns the changed files, and whether the run is a branch's.
    pub(super) async fn complete(
        &self,
        place: Place<'_>,
        head: &str,
        facts: &mut Facts,
        rules: &InForce,
    ) -> Result<(), Error> {
        facts.owners = self.owners(place, head, facts, &rules.layers).await?;
        if facts.run.ref_kind.is_none() && rules.layers.iter().any(|layer| layer.policy.excepts_refs()) {
            facts.run.ref_kind = self.github.ref_kind(place, &facts.run).await?;
        }
        Ok(())
    }

    /// Who owns the changed files, if a rule asks: by the file on the default branch, and by the one before it is changed.
    async fn owners(
        &self,
        place: Place<'_>,
        head: &str,
        facts: &Facts,
        layers: &[Layer],
    ) -> Result<Option<Vec<Vec<Member>>>, Error> {
        if !layers.iter().any(|layer| layer.policy.asks_code_owners()) {
            return Ok(None);
        }
        let is_changed = touches(facts, &codeowners::PATHS);
        let before = facts.base.as_ref().filter(|_| is_changed).map(|base| base.sha.as_str());
        let mut sets = Vec::new();
        for commit in [Some(head), before].into_iter().flatten() {
            let owners = match self.github.code_owners(place, commit).await? {
                FileAt::Absent => continue,
                FileAt::Unreadable { .. } => return Ok(None),
                FileAt::Present { text, .. } => CodeOwners::parse(&text),
            };
            for set in owners.owner_sets(facts.files.iter().map(String::as_str)) {
                let members = members(set, layers);
                if !sets.contains(&members) {
                    sets.push(members);
                }
            }
        }
        // Who owns the files that are not listed, nobody can tell.
        if !facts.gaps.is_empty() {
            sets.push(vec![Member::Permission(Permission::Admin)]);
        }
        Ok(Some(sets))
    }
}

/// The commits at which the rules are those before what is held: the last good deployment's. Where nothing was deployed before, all
/// that is known to be held is the head commit: then its first parent, and what its pull requests were begun from.
fn commits_before(facts: &Facts) -> Vec<&str> {
    fn parent(commit: &Commit) -> Option<&str> {
        commit.parents.first().map(String::as_str)
    }
    let mut commits: Vec<&str> = match &facts.base {
        Some(base) => return vec![&base.sha],
        None => facts.commits.last().and_then(parent).into_iter().collect(),
    };
    let begun_from = facts.pull_requests.iter().filter_map(|pull_request| pull_request.base_sha.as_deref());
    commits.extend(begun_from.take(MOST_BEGINNINGS));
    commits.sort_unstable();
    commits.dedup();
    commits
}

/// Whether one of these files is changed, or may be.
fn touches(facts: &Facts, paths: &[&str]) -> bool {
    !facts.gaps.is_empty() || facts.files.iter().any(|file| paths.contains(&file.as_str()))
}

fn found(file: PolicyFile) -> Found {
    match file {
        PolicyFile::Absent { .. } => Found::Absent,
        PolicyFile::Present { commit, blob, text } => Found::File(Text { commit, blob, text }),
        PolicyFile::Unreadable { why, .. } => Found::Unreadable(why),
    }
}

/// The rules in force, and the file they come from when it is new here.
fn in_force(found: Found, known: Option<StoredPolicy>, name: &str, new: &mut Option<StoredPolicy>) -> Policy {
    let last_good = known.clone().map(|p| Text { commit: p.commit, blob: p.blob, text: p.text });
    let text = match &found {
        Found::File(file) => file.text.clone(),
        Found::Absent | Found::Unreadable(_) => String::new(),
    };
    let policy = policy::in_force(found, last_good, name);
    if let Origin::File { commit, blob } = &policy.origin
        && known.is_none_or(|known| known.blob != *blob)
    {
        *new = Some(StoredPolicy { commit: commit.clone(), blob: blob.clone(), text });
    }
    policy
}

/// Owners as people who can approve. An address that nobody in the policy has stands for nobody; where nobody is left, the admins
/// stand in.
fn members(owners: impl IntoIterator<Item = Owner>, layers: &[Layer]) -> Vec<Member> {
    let mut members = Vec::new();
    for owner in owners {
        match owner {
            Owner::Admins => members.push(Member::Permission(Permission::Admin)),
            Owner::Member(member) => members.push(member),
            Owner::Email(address) => {
                let people: Vec<&People> = layers.iter().map(|layer| &layer.people).collect();
                let named = people.iter().filter_map(|people| people.by_email(&address));
                members.extend(named.flat_map(|person| &person.accounts).map(|a| Member::User(a.login.to_lowercase())));
            }
        }
    }
    if members.is_empty() {
        members.push(Member::Permission(Permission::Admin));
    }
    members
}

//! A policy held against the repository it is for: who is asked and does not exist, what is named and is not there, what is
//! there and nobody named.

mod environments;

use std::collections::{BTreeMap, BTreeSet};

use super::remark::{Kind, Remark};
use super::rule::{Approvals, Approvers, Consequence, Member, Requirement, Rule};
use super::values::member;
use super::{Places, PolicyError, PolicyFile, words};
use crate::domain::attribution;
use crate::domain::decide::Permission;
use crate::domain::people::{Account, AccountKind, Identity};

/// What there is in a repository, as far as a policy can be about it. What is not known is not complained about.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// `owner/name`.
    pub repository: String,
    /// Its environments.
    pub environments: Vec<Environment>,
    /// The accounts the policy names, by login in lower case; nothing where GitHub knows none.
    pub accounts: BTreeMap<String, Option<Account>>,
    /// The teams it names, by `org/slug`, with their members; nothing where there is none to see.
    pub teams: BTreeMap<String, Option<Vec<Account>>>,
    /// Everybody with access, by login in lower case.
    pub access: Option<BTreeMap<String, (Account, Permission)>>,
    /// Workflow files, by path.
    pub workflows: BTreeMap<String, String>,
    /// Rules that hold besides: the organization's.
    pub besides: Vec<Rule>,
}

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Whether our protection rule is switched on.
    pub is_guarded: bool,
}

/// Everything to say about a policy in this world. Without one, the built-in policy holds.
#[must_use]
pub fn survey(policy: Option<&PolicyFile>, places: &Places, world: &World) -> Vec<Remark> {
    let mut surveyor = Surveyor { policy, places, world, remarks: Vec::new() };
    surveyor.people();
    surveyor.requirements();
    surveyor.environments();
    surveyor.workflows();
    surveyor.remarks
}

struct Surveyor<'a> {
    policy: Option<&'a PolicyFile>,
    places: &'a Places,
    world: &'a World,
    remarks: Vec<Remark>,
}

impl<'a> Surveyor<'a> {
    fn say(&mut self, kind: Kind, error: PolicyError) {
        self.remarks.push(Remark { kind, file: None, error });
    }

    fn rules(&self) -> &'a [Rule] {
        self.policy.map_or(&[], |policy| &policy.rules)
    }

    /// Whoever is named exists, is a person and can press a button.
    fn people(&mut self) {
        let Some(policy) = self.policy else { return };
        for (group, members) in &policy.approvers {
            for asked in members {
                let spells =
                    |text: &str| text.split_whitespace().last().and_then(|w| member(w).ok()).as_ref() == Some(asked);
                let named = self.places.error(&["approvers", group], spells, "");
                // Somebody named on the spot stands in the rule.
                let at = if named.line > 0 { named } else { self.asked_by_rule(group, spells) };
                match asked {
                    Member::User(login) => self.user(login, &at),
                    Member::Team { org, slug } => self.team(org, slug, &at),
                    Member::Permission(_) | Member::CodeOwners => {}
                }
            }
        }
        for person in &policy.people {
            for login in person.logins.iter().filter(|login| self.world.accounts.get(*login) == Some(&None)) {
                let is_same = |text: &str| text.trim().trim_start_matches('@').eq_ignore_ascii_case(login);
                let message = format!("GitHub knows no account `{login}`; until this is mended, everything is held");
                let error = self.places.error(&["people"], is_same, message);
                self.say(Kind::UnknownAccount, error);
            }
        }
    }

    /// Where a rule asks for a group that is named nowhere else.
    fn asked_by_rule(&self, group: &str, spells: impl Fn(&str) -> bool) -> PolicyError {
        let asks = |rule: &Rule| rule.asks().iter().any(|from| from.as_str() == group);
        let index = self.rules().iter().position(asks).unwrap_or_default().to_string();
        let in_part = |part| self.places.error(&["rules", &index, part], &spells, "");
        let required = in_part("require");
        if required.line > 0 { required } else { in_part("escalate") }
    }

    fn user(&mut self, login: &str, at: &PolicyError) {
        let say = |message| PolicyError { message, ..at.clone() };
        match self.world.accounts.get(login) {
            None => {}
            Some(None) => {
                let known = self.world.access.iter().flatten().map(|(login, _)| login.as_str());
                let near = words::nearest(login, known).map(|near| format!("; did you mean `{near}`?"));
                let message = format!("GitHub knows no account `{login}`{}", near.unwrap_or_default());
                self.say(Kind::UnknownAccount, say(message));
            }
            Some(Some(account)) if account.kind != AccountKind::User => {
                let what = match account.kind {
                    AccountKind::Organization => "an organization; name one of its teams",
                    _ => "no person's account",
                };
                self.say(Kind::NotHuman, say(format!("`{login}` is {what}")));
            }
            Some(Some(account)) if self.is_machine(account) => {
                self.say(Kind::Machine, say(format!("`{login}` is a program's account; it never counts")));
            }
            Some(Some(account)) if !self.can_press(account) => {
                let message = format!(
                    "`{login}` has no write access to {}; GitHub shows them no button to approve with",
                    self.world.repository
                );
                self.say(Kind::NoAccess, say(message));
            }
            Some(Some(_)) => {}
        }
    }

    fn team(&mut self, org: &str, slug: &str, at: &PolicyError) {
        let say = |message| PolicyError { message, ..at.clone() };
        let owner = self.world.repository.split('/').next().unwrap_or_default();
        if !org.eq_ignore_ascii_case(owner) {
            let message = format!("`@{org}/{slug}` is a team of another organization; its members do not count here");
            return self.say(Kind::UnknownTeam, say(message));
        }
        match self.world.teams.get(&format!("{org}/{slug}")) {
            None => {}
            Some(None) => {
                let message = format!(
                    "there is no team `@{org}/{slug}`, or the App may not see it (organization permission Members: read); \
                     nobody counts as its member"
                );
                self.say(Kind::UnknownTeam, say(message));
            }
            Some(Some(members)) => {
                let without: Vec<String> =
                    members.iter().filter(|m| !self.can_press(m)).map(|m| format!("`{}`", m.login)).collect();
                if !without.is_empty() && without.len() == members.len() {
                    let message = format!(
                        "nobody in `@{org}/{slug}` has write access to {}; GitHub shows them no button to approve with",
                        self.world.repository
                    );
                    self.say(Kind::NoAccess, say(message));
                } else if !without.is_empty() {
                    let verb = if without.len() == 1 { "has" } else { "have" };
                    let message = format!(
                        "{} of `@{org}/{slug}` {verb} no write access to {}; GitHub shows them no button to approve with",
                        listed(&without),
                        self.world.repository
                    );
                    self.say(Kind::NoAccess, say(message));
                }
            }
        }
    }

    fn is_machine(&self, account: &Account) -> bool {
        let who = Identity { account: Some(account.clone()), ..Identity::default() };
        self.person(&account.login).is_some_and(|person| person.is_machine) || attribution::is_machine(&who)
    }

    fn person(&self, login: &str) -> Option<&'a super::NamedPerson> {
        let login = login.to_lowercase();
        self.policy.and_then(|policy| policy.people.iter().find(|person| person.logins.contains(&login)))
    }

    /// GitHub shows its buttons to those who may write.
    fn can_press(&self, account: &Account) -> bool {
        let known = self.world.access.as_ref();
        known.is_none_or(|access| {
            access.get(&account.login.to_lowercase()).is_some_and(|(_, permission)| *permission >= Permission::Write)
        })
    }

    fn requirements(&mut self) {
        for (index, rule) in self.rules().iter().enumerate() {
            let Consequence::Require(require) = &rule.consequence else { continue };
            for requirement in require {
                self.requirement(index, rule, requirement);
            }
        }
    }

    fn requirement(&mut self, index: usize, rule: &Rule, requirement: &Requirement) {
        let before = self.remarks.len();
        match requirement {
            Requirement::AllOf(parts) => parts.iter().for_each(|part| self.requirement(index, rule, part)),
            // One that can be met is enough.
            Requirement::AnyOf(parts) => {
                let each: Vec<Vec<Remark>> = parts
                    .iter()
                    .map(|part| {
                        self.requirement(index, rule, part);
                        self.remarks.split_off(before)
                    })
                    .collect();
                if !each.iter().any(Vec::is_empty) {
                    let worst = |remarks: &Vec<Remark>| remarks.iter().map(|remark| remark.kind.severity()).min();
                    let best = each.into_iter().max_by_key(worst);
                    self.remarks.extend(best.into_iter().flatten());
                }
            }
            Requirement::Approvals(approvals) => self.approvals(index, rule, approvals),
        }
    }

    fn approvals(&mut self, index: usize, rule: &Rule, asked: &Approvals) {
        let mut able = BTreeSet::new();
        for from in [&asked.from].into_iter().chain(rule.escalate.iter().map(|step| &step.to)) {
            let Some(persons) = self.able(from) else { return };
            able.extend(persons);
        }
        let (need, name) = (asked.approvals, asked.from.as_str());
        let count = u32::try_from(able.len()).unwrap_or(u32::MAX);
        let who: Vec<String> = able.iter().map(|login| format!("`{login}`")).collect();
        let (kind, message) = match count {
            0 => (Kind::NobodyCan, format!("nobody can meet this: not one of `{name}` can approve here")),
            some if some < need => (
                Kind::NobodyCan,
                format!("nobody can meet this: it asks {need} of `{name}`, and only {} could approve", listed(&who)),
            ),
            some if some == need => (
                Kind::BarelyEnough,
                format!(
                    "only {} can meet this; what {} had a part in, nobody can second",
                    listed(&who),
                    if need == 1 { "they" } else { "one of them" }
                ),
            ),
            _ => return,
        };
        let is_meant = |text: &str| text.split_whitespace().last() == Some(name);
        let error = self.places.error(&["rules", &index.to_string(), "require"], is_meant, message);
        if !self.remarks.iter().any(|remark| remark.kind == kind && remark.error == error) {
            self.say(kind, error);
        }
    }

    /// The persons who could approve, by name; nothing when that cannot be told.
    fn able(&self, from: &Approvers) -> Option<BTreeSet<String>> {
        let at_least = |least| vec![Member::Permission(least)];
        let members = match from {
            Approvers::Writers => at_least(Permission::Write),
            Approvers::Admins => at_least(Permission::Admin),
            Approvers::CodeOwners => return None,
            Approvers::Group(name) => self.policy?.approvers.get(name)?.clone(),
        };
        let access = self.world.access.as_ref()?;
        let mut accounts: Vec<&Account> = Vec::new();
        for member in &members {
            match member {
                Member::User(login) => accounts.extend(self.world.accounts.get(login)?),
                Member::Team { org, slug } => {
                    accounts.extend(self.world.teams.get(&format!("{org}/{slug}")).into_iter().flatten().flatten());
                }
                Member::Permission(least) => {
                    accounts.extend(access.values().filter(|(_, has)| has >= least).map(|(account, _)| account));
                }
                Member::CodeOwners => return None,
            }
        }
        let able = accounts.into_iter().filter(|account| {
            account.kind == AccountKind::User && !self.is_machine(account) && self.can_press(account)
        });
        Some(
            able.map(|account| self.person(&account.login).map_or(&account.login, |person| &person.name).clone())
                .collect(),
        )
    }
}

/// `a`, `a and b`, `a, b and c`
fn listed(words: &[String]) -> String {
    match words {
        [] => "nobody".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;

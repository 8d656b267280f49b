//! A policy held against the repository it is for: who is asked and does not exist, what is named and is not there, what is
//! there and nobody named.

use std::collections::{BTreeMap, BTreeSet};

use super::remark::{Kind, Remark};
use super::rule::{Approvals, Approvers, Consequence, Gate, Member, Mode, Requirement, Rule};
use super::scope::Target;
use super::values::member;
use super::workflows::{To, Use, deployments};
use super::{PATH, Places, PolicyError, PolicyFile, words};
use crate::domain::attribution::{self, fold::fold};
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

    fn environments(&mut self) {
        for (index, rule) in self.rules().iter().enumerate() {
            for glob in &rule.scope.environments {
                let place = |message: String| {
                    let path = ["rules", &index.to_string(), "environments"];
                    self.places.error(&path, |text| text == glob.as_str(), message)
                };
                let matched: Vec<&Environment> =
                    self.world.environments.iter().filter(|environment| glob.matches(&environment.name)).collect();
                let is_pattern = glob.as_str().contains(['*', '?', '[', '{']);
                let unguarded: Vec<String> =
                    matched.iter().filter(|e| !e.is_guarded).map(|e| format!("`{}`", e.name)).collect();
                if matched.is_empty() {
                    let names = self.world.environments.iter().map(|environment| environment.name.as_str());
                    let (kind, message) = if is_pattern {
                        (
                            Kind::UnmatchedPattern,
                            format!("`{}` matches no environment of {}", glob.as_str(), self.world.repository),
                        )
                    } else {
                        let hint = words::hint(glob.as_str(), names);
                        (
                            Kind::UnknownEnvironment,
                            format!("{} has no environment `{}`{hint}", self.world.repository, glob.as_str()),
                        )
                    };
                    let error = place(message);
                    self.say(kind, error);
                } else if !unguarded.is_empty() && rule.gate == Gate::Deployment {
                    let error = place(format!(
                        "Seconder is not switched on for {}, so nothing is held there: Settings → Environments → Deployment \
                         protection rules",
                        listed(&unguarded)
                    ));
                    self.say(Kind::NotGuarded, error);
                }
            }
        }
        // Without a file that is as it should be.
        let has_file = self.policy.is_some();
        for environment in self.world.environments.iter().filter(|e| e.is_guarded && has_file) {
            if !self.is_covered(&environment.name) {
                let message =
                    format!("no rule covers environment `{}`; the built-in rule holds there", environment.name);
                let error = self.places.error(&["rules"], |_| false, message);
                self.say(Kind::OnlyBuiltIn, error);
            }
        }
        self.alike();
    }

    fn alike(&mut self) {
        let mut by_look: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for environment in &self.world.environments {
            by_look.entry(look(&environment.name)).or_default().push(environment.name.clone());
        }
        for names in by_look.into_values().filter(|names| names.len() > 1) {
            let shown: Vec<String> = names.iter().map(|name| spelled(name)).collect();
            let message =
                format!("the environments {} look alike; whoever approves one may mean the other", listed(&shown));
            let is_meant = |text: &str| names.iter().any(|name| name == text);
            let named = |rule: &Rule| rule.scope.environments.iter().any(|glob| is_meant(glob.as_str()));
            let error = match self.rules().iter().position(named) {
                Some(index) => self.places.error(&["rules", &index.to_string(), "environments"], is_meant, message),
                None => self.places.error(&["rules"], |_| false, message),
            };
            self.say(Kind::AlikeEnvironments, error);
        }
    }

    /// Whether somebody thought of deployments there: a rule that acts looks at them, maybe only at some.
    fn is_covered(&self, environment: &str) -> bool {
        let target = Target::deployment(environment);
        self.rules().iter().chain(&self.world.besides).any(|rule| {
            let is_excepted = rule.except.as_ref().is_some_and(|except| except.surely_covers(&target, &[], true));
            rule.gate == Gate::Deployment
                && rule.mode == Mode::Enforce
                && !is_excepted
                && rule.scope.covers(&target, &[], true).is_ok()
        })
    }

    /// Whether a rule looks at deployments wherever they go.
    fn covers_all(&self) -> bool {
        let everywhere = |rule: &Rule| {
            let globs = &rule.scope.environments;
            globs.is_empty() || globs.iter().any(|glob| matches!(glob.as_str(), "*" | "**"))
        };
        let mut rules = self.rules().iter().chain(&self.world.besides);
        rules.any(|rule| rule.gate == Gate::Deployment && rule.mode == Mode::Enforce && everywhere(rule))
    }

    fn workflows(&mut self) {
        for (path, text) in &self.world.workflows {
            match deployments(text) {
                Ok(uses) => uses.iter().for_each(|used| self.used(path, used)),
                Err(error) => {
                    let message = format!("{}; where it deploys to is not known", error.message);
                    let error = PolicyError { message, ..error };
                    self.remarks.push(Remark { kind: Kind::UnreadableWorkflow, file: Some(path.clone()), error });
                }
            }
        }
    }

    fn used(&mut self, path: &str, used: &Use) {
        let Use { job, to, .. } = used;
        let (kind, message) = match to {
            To::Foreign(workflow) => (
                Kind::ForeignWorkflow,
                format!("job `{job}` runs `{workflow}`; to which environments that deploys is not looked at"),
            ),
            To::Computed(_) if self.covers_all() => return,
            To::Computed(expression) => (
                Kind::ComputedEnvironment,
                format!(
                    "job `{job}` deploys to whatever `{expression}` is; a rule for `\"*\"` would cover it, whatever it is"
                ),
            ),
            To::Named(name) => {
                let found =
                    self.world.environments.iter().find(|environment| environment.name.eq_ignore_ascii_case(name));
                match found {
                    None => (
                        Kind::NewEnvironment,
                        format!(
                            "{} has no environment `{name}`; GitHub makes it when job `{job}` runs, without any protection",
                            self.world.repository
                        ),
                    ),
                    Some(environment) if used.takes_secrets_only => {
                        let happens = match environment.is_guarded {
                            true => "GitHub fails it at once, because a protection rule is on there",
                            false => "no rule can hold it there",
                        };
                        (Kind::NoDeployment, format!("job `{job}` says `deployment: false` for `{name}`: {happens}"))
                    }
                    Some(environment) if !environment.is_guarded && !self.is_covered(name) => (
                        Kind::Unguarded,
                        format!(
                            "job `{job}` deploys to `{name}`; no rule of {PATH} covers it, and Seconder is not switched on for it"
                        ),
                    ),
                    Some(_) => return,
                }
            }
        };
        self.remarks.push(Remark { kind, file: Some(path.to_owned()), error: used.error(message) });
    }
}

/// What a name looks like: without case, scripts, and the difference between letters and figures drawn alike.
fn look(name: &str) -> String {
    let plain = |c: char| match c {
        '0' => 'o',
        '1' | 'i' => 'l',
        '_' | ' ' | '.' => '-',
        c => c,
    };
    fold(name).to_lowercase().trim().chars().map(plain).collect()
}

/// A name, and which of its characters are not what they look like.
fn spelled(name: &str) -> String {
    let odd: Vec<String> = name.chars().filter(|c| !c.is_ascii()).map(|c| format!("U+{:04X}", u32::from(c))).collect();
    if odd.is_empty() { format!("`{name}`") } else { format!("`{name}` (with {})", odd.join(", ")) }
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

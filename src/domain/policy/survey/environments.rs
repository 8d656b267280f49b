//! The repository's side of it: environments and workflows that rules cover, miss or mistake.

use std::collections::BTreeMap;

use super::{Environment, Kind, Remark, Surveyor, listed};
use crate::domain::attribution::fold::fold;
use crate::domain::policy::rule::{Gate, Mode, Rule};
use crate::domain::policy::scope::Target;
use crate::domain::policy::workflows::{To, Use, deployments};
use crate::domain::policy::{PATH, PolicyError, words};

impl Surveyor<'_> {
    pub(super) fn environments(&mut self) {
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

    pub(super) fn workflows(&mut self) {
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
pub(super) fn look(name: &str) -> String {
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

//! What a rule covers: environments, branches, workflows, jobs, commands and paths, each by glob.
//!
//! What is not known counts as covered, and never as excepted (P2).

use serde::{Deserialize, Serialize};

use super::glob::{self, Glob};
use super::rule::Gate;

/// What is judged, as far as rules look at it. What is `None` is not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// What kind of thing it is.
    pub gate: Gate,
    /// The environment it goes to.
    pub environment: Option<&'a str>,
    /// The branch or tag it was started for.
    pub git_ref: Option<&'a str>,
    /// Which of the two it is; a run does not say, so it is only known where a rule asked.
    pub ref_kind: Option<RefKind>,
    /// The workflow's file, without its folder.
    pub workflow: Option<&'a str>,
    /// The job's name.
    pub job: Option<&'a str>,
    /// The command and its arguments, as one would type them.
    pub command: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// A deployment to an environment.
    #[must_use]
    pub fn deployment(environment: &'a str) -> Self {
        Self { environment: Some(environment), ..Self::default() }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefKind {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
}

/// What distinguishes one thing from another for a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Deployment, job or command.
    Gate,
    /// The environment.
    Environment,
    /// The branch or tag.
    Ref,
    /// The workflow's file.
    Workflow,
    /// The job.
    Job,
    /// The command.
    Command,
    /// The changed files.
    Path,
}

impl Dimension {
    /// For people: one of them.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Environment => "environment",
            Self::Ref => "branch or tag",
            Self::Workflow => "workflow",
            Self::Job => "job",
            Self::Command => "command",
            Self::Path => "changed file",
        }
    }
}

/// What a rule covers. A dimension without patterns is not looked at; all others must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Environments.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::loose")]
    pub environments: Vec<Glob>,
    /// Branches.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::folders")]
    pub branches: Vec<Glob>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::folders")]
    pub tags: Vec<Glob>,
    /// Files of workflows.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::exact")]
    pub workflows: Vec<Glob>,
    /// Names of jobs.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::exact")]
    pub jobs: Vec<Glob>,
    /// Commands.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::exact")]
    pub commands: Vec<Glob>,
    /// Changed files.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::folders")]
    pub paths: Vec<Glob>,
    /// Names of the classes whose paths and commands are meant besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Changed files those classes mean.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::folders")]
    pub class_paths: Vec<Glob>,
    /// Commands those classes mean.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "glob::exact")]
    pub class_commands: Vec<Glob>,
}

/// Why a rule does not cover something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside(pub Dimension);

impl Scope {
    /// Whether no dimension is looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing but the environment decides what is covered.
    #[must_use]
    pub fn looks_at_environments_only(&self) -> bool {
        let Self { environments: _, branches, tags, workflows, jobs, commands, paths, classes, .. } = self;
        let others = [branches, tags, workflows, jobs, commands, paths];
        others.iter().all(|patterns| patterns.is_empty()) && classes.is_empty()
    }

    /// Whether, as an exception, it leaves nothing of what a rule covers: known environments and any changed files.
    #[must_use]
    pub(super) fn takes_all_of(&self, rule: &Self) -> bool {
        let Self { environments, branches, tags, workflows, jobs, commands, paths, classes, .. } = self;
        let has = |globs: &[Glob], all: &[&str]| globs.iter().any(|glob| all.contains(&glob.as_str()));
        let same = |glob: &Glob| environments.iter().any(|other| other.as_str().eq_ignore_ascii_case(glob.as_str()));
        let are_all_named = !rule.environments.is_empty() && rule.environments.iter().all(same);
        let others = [branches, tags, commands];
        !self.is_empty()
            && others.iter().all(|globs| globs.is_empty())
            && classes.is_empty()
            && [workflows, jobs].iter().all(|globs| globs.is_empty() || has(globs, &["*", "**"]))
            && (environments.is_empty() || has(environments, &["*", "**"]) || are_all_named)
            && (paths.is_empty() || has(paths, &["**", "**/*"]))
    }

    /// Whether the target is covered. `files` are the changed files; `is_partial` says that there may be more.
    ///
    /// # Errors
    /// The first dimension that is outside.
    pub fn covers(&self, target: &Target<'_>, files: &[String], is_partial: bool) -> Result<(), Outside> {
        self.match_all(target, files, is_partial, true)
    }

    /// Whether the target is known to be covered, in all that is looked at.
    #[must_use]
    pub fn surely_covers(&self, target: &Target<'_>, files: &[String], is_partial: bool) -> bool {
        !self.is_empty() && self.match_all(target, files, is_partial, false).is_ok()
    }

    fn match_all(
        &self,
        target: &Target<'_>,
        files: &[String],
        is_partial: bool,
        if_unknown: bool,
    ) -> Result<(), Outside> {
        let one = |patterns: &[Glob], value: Option<&str>, dimension| {
            let matches = patterns.is_empty()
                || value.map_or(if_unknown, |value| patterns.iter().any(|pattern| pattern.matches(value)));
            if matches { Ok(()) } else { Err(Outside(dimension)) }
        };
        one(&self.environments, target.environment, Dimension::Environment)?;
        if self.looks_at_refs() && !target.git_ref.map_or(if_unknown, |name| self.means(name, target, if_unknown)) {
            return Err(Outside(Dimension::Ref));
        }
        one(&self.workflows, target.workflow, Dimension::Workflow)?;
        one(&self.jobs, target.job, Dimension::Job)?;
        self.commands_or_paths(target, files, is_partial, if_unknown)
    }

    /// Whether a pattern means this branch or tag. Where it is not known which of the two it is, either counts as covered, and
    /// none as excepted. What is covered does not depend on it at all: a branch can be made to look like a tag that is gone.
    fn means(&self, name: &str, target: &Target<'_>, if_unknown: bool) -> bool {
        let any = |patterns: &[Glob]| patterns.iter().any(|pattern| pattern.matches(name));
        match target.ref_kind {
            _ if if_unknown => any(&self.branches) || any(&self.tags),
            Some(RefKind::Branch) => any(&self.branches),
            Some(RefKind::Tag) => any(&self.tags),
            None => false,
        }
    }

    /// Whether the branch or tag matters.
    #[must_use]
    pub fn looks_at_refs(&self) -> bool {
        !self.branches.is_empty() || !self.tags.is_empty()
    }

    fn commands_or_paths(
        &self,
        target: &Target<'_>,
        files: &[String],
        is_partial: bool,
        if_unknown: bool,
    ) -> Result<(), Outside> {
        let any = |patterns: [&Vec<Glob>; 2], values: &[&str]| {
            values.iter().any(|value| patterns.iter().flat_map(|p| p.iter()).any(|pattern| pattern.matches(value)))
        };
        if target.gate == Gate::Command && (!self.commands.is_empty() || !self.classes.is_empty()) {
            let command = target.command.map(|command| [command]);
            if !command.map_or(if_unknown, |command| any([&self.commands, &self.class_commands], &command)) {
                return Err(Outside(Dimension::Command));
            }
        }
        // Classes of commands say nothing of files when a command is judged.
        let of_classes = target.gate != Gate::Command && !self.classes.is_empty();
        if self.paths.is_empty() && !of_classes {
            return Ok(());
        }
        let is_meant = |file: &String| {
            self.paths.iter().any(|pattern| pattern.matches(file))
                || (of_classes && self.class_paths.iter().any(|pattern| pattern.matches(file)))
        };
        let matches = if if_unknown {
            is_partial || files.iter().any(is_meant)
        } else {
            // An exception holds only when nothing else is changed besides.
            !is_partial && !files.is_empty() && files.iter().all(is_meant)
        };
        if matches { Ok(()) } else { Err(Outside(Dimension::Path)) }
    }

    /// Whether changed files matter.
    #[must_use]
    pub fn looks_at_files(&self) -> bool {
        !self.paths.is_empty() || !self.classes.is_empty()
    }

    /// What a rule for such gates covers in a dimension, in a few words.
    #[must_use]
    pub fn patterns_in_words(&self, dimension: Dimension, gate: Gate) -> String {
        if dimension == Dimension::Gate {
            return gate.as_str().to_owned();
        }
        let mut words = String::with_capacity(32);
        for pattern in self.patterns(dimension) {
            if !words.is_empty() {
                words.push_str(", ");
            }
            words.push_str(pattern);
        }
        words
    }

    /// The patterns of a dimension, as they are written.
    pub fn patterns(&self, dimension: Dimension) -> impl Iterator<Item = &str> {
        let none: &[Glob] = &[];
        let (some, more): (&[Glob], &[Glob]) = match dimension {
            Dimension::Gate => (none, none),
            Dimension::Environment => (&self.environments, none),
            Dimension::Ref => (&self.branches, &self.tags),
            Dimension::Workflow => (&self.workflows, none),
            Dimension::Job => (&self.jobs, none),
            Dimension::Command => (&self.commands, &self.class_commands),
            Dimension::Path => (&self.paths, &self.class_paths),
        };
        some.iter().chain(more).map(Glob::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::super::glob::Spelling;
    use super::*;

    fn globs(spelling: Spelling, patterns: &[&str]) -> Vec<Glob> {
        patterns.iter().map(|pattern| Glob::new(pattern, spelling).unwrap()).collect()
    }

    #[test]
    fn what_is_not_known_is_covered_and_never_excepted() {
        let scope = Scope { branches: globs(Spelling::Folders, &["main"]), ..Scope::default() };
        let unknown = Target::deployment("production");
        assert!(scope.covers(&unknown, &[], false).is_ok());
        assert!(!scope.surely_covers(&unknown, &[], false));
        let main = Target { git_ref: Some("main"), ref_kind: Some(RefKind::Branch), ..unknown };
        assert!(scope.covers(&main, &[], false).is_ok() && scope.surely_covers(&main, &[], false));
        let paths = Scope { paths: globs(Spelling::Folders, &["docs/**"]), ..Scope::default() };
        assert!(paths.covers(&main, &[], true).is_ok(), "files are missing");
        assert!(!paths.surely_covers(&main, &["docs/a.md".into()], true));
    }

    #[test]
    fn an_exception_for_a_branch_is_none_for_a_tag_of_that_name_nor_for_what_may_be_one() {
        let docs = Scope { branches: globs(Spelling::Folders, &["docs"]), ..Scope::default() };
        for (ref_kind, is_excepted) in [(Some(RefKind::Branch), true), (Some(RefKind::Tag), false), (None, false)] {
            let target = Target { git_ref: Some("docs"), ref_kind, ..Target::deployment("production") };
            assert_eq!(docs.surely_covers(&target, &[], false), is_excepted, "{ref_kind:?}");
            assert!(docs.covers(&target, &[], false).is_ok(), "a rule about it holds all the same");
        }
    }

    #[test]
    fn an_exception_for_files_holds_only_when_nothing_else_is_changed() {
        let docs = Scope { paths: globs(Spelling::Folders, &["docs/**"]), ..Scope::default() };
        let target = Target::deployment("production");
        let both = ["docs/a.md".to_owned(), "src/main.rs".to_owned()];
        assert!(docs.surely_covers(&target, &both[..1], false));
        assert!(!docs.surely_covers(&target, &both, false));
        assert!(docs.covers(&target, &both, false).is_ok(), "a rule about files holds when any of them is changed");
    }
}

//! What a rule covers: environments, branches, workflows, jobs, commands and paths, each by glob.
//!
//! What is not known counts as covered, and never as excepted (P2).

use std::fmt;
use std::sync::OnceLock;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::classes::Class;
use super::rule::Gate;
use crate::domain::attribution::fold::fold;

/// What is judged, as far as rules look at it. What is `None` is not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// What kind of thing it is.
    pub gate: Gate,
    /// The environment it goes to.
    pub environment: Option<&'a str>,
    /// The branch or tag it was started for; GitHub does not always say which of the two.
    pub git_ref: Option<&'a str>,
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
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "loose")]
    pub environments: Vec<Glob>,
    /// Branches.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "folders")]
    pub branches: Vec<Glob>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "folders")]
    pub tags: Vec<Glob>,
    /// Files of workflows.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "exact")]
    pub workflows: Vec<Glob>,
    /// Names of jobs.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "exact")]
    pub jobs: Vec<Glob>,
    /// Commands.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "exact")]
    pub commands: Vec<Glob>,
    /// Changed files.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "folders")]
    pub paths: Vec<Glob>,
    /// Names of the classes whose paths and commands are meant besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Changed files those classes mean.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "folders")]
    pub class_paths: Vec<Glob>,
    /// Commands those classes mean.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "exact")]
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
        if !self.branches.is_empty() || !self.tags.is_empty() {
            let mut refs = self.branches.iter().chain(&self.tags);
            if !target.git_ref.map_or(if_unknown, |name| refs.any(|pattern| pattern.matches(name))) {
                return Err(Outside(Dimension::Ref));
            }
        }
        one(&self.workflows, target.workflow, Dimension::Workflow)?;
        one(&self.jobs, target.job, Dimension::Job)?;
        self.commands_or_paths(target, files, is_partial, if_unknown)
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

/// What a class of changes or commands means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meant {
    /// Changed files.
    pub paths: Vec<Glob>,
    /// Commands.
    pub commands: Vec<Glob>,
}

impl Meant {
    /// What a preset means. That its patterns are good is held by a test.
    #[must_use]
    pub fn of(preset: &Class) -> Self {
        let globs = |patterns: &mut dyn Iterator<Item = &str>, spelling| {
            patterns.filter_map(|pattern| Glob::new(pattern, spelling).ok()).collect()
        };
        Self {
            paths: globs(&mut preset.paths(), Spelling::Folders),
            commands: globs(&mut preset.commands(), Spelling::Exact),
        }
    }
}

/// How a pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Case does not matter, nor do letters that only look alike: so for environments, as GitHub takes them.
    Loose,
    /// Exact; `*` crosses everything. So for commands and jobs.
    Exact,
    /// Exact; `*` stays within a folder, `**` does not. So for files and branches, as GitHub's filters.
    Folders,
}

/// A pattern, compiled when it is first needed.
#[derive(Clone)]
pub struct Glob {
    source: String,
    spelling: Spelling,
    compiled: OnceLock<Option<GlobMatcher>>,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(source: &str, spelling: Spelling) -> Result<Self, String> {
        let glob = Self { source: source.to_owned(), spelling, compiled: OnceLock::new() };
        if glob.is_plain() {
            return Ok(glob);
        }
        glob.build().map(|_| glob).map_err(|error| error.kind().to_string())
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it matches. A pattern that does not compile matches everything: a broken rule holds (P2).
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        if self.source == "*" && self.spelling != Spelling::Folders {
            return true;
        }
        if let Some(begin) = self.begin()
            && text.is_ascii()
        {
            let found = text.get(..begin.len());
            return match self.spelling {
                Spelling::Loose => found.is_some_and(|found| found.eq_ignore_ascii_case(begin)),
                _ => found == Some(begin),
            };
        }
        let is_match = |text: &str| match (self.is_plain(), self.spelling) {
            (true, Spelling::Loose) if text.is_ascii() => self.source.eq_ignore_ascii_case(text),
            (true, Spelling::Exact | Spelling::Folders) => self.source == text,
            _ => self.compiled().is_none_or(|compiled| compiled.is_match(text)),
        };
        is_match(text) || (self.spelling == Spelling::Loose && !text.is_ascii() && is_match(&fold(text)))
    }

    /// Most are plain names, and a pattern takes long to compile.
    fn is_plain(&self) -> bool {
        is_literal(&self.source)
    }

    /// What texts begin with, when nothing else is asked: `prod-*`.
    fn begin(&self) -> Option<&str> {
        let begin = self.source.strip_suffix('*').filter(|_| self.spelling != Spelling::Folders)?;
        is_literal(begin).then_some(begin)
    }

    fn compiled(&self) -> Option<&GlobMatcher> {
        self.compiled.get_or_init(|| self.build().ok().map(|glob| glob.compile_matcher())).as_ref()
    }

    fn build(&self) -> Result<globset::Glob, globset::Error> {
        GlobBuilder::new(&self.source)
            .case_insensitive(self.spelling == Spelling::Loose)
            .literal_separator(self.spelling == Spelling::Folders)
            .build()
    }
}

fn is_literal(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii() && !matches!(b, b'*' | b'?' | b'[' | b']' | b'{' | b'}' | b'\\'))
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.spelling) == (&other.source, other.spelling)
    }
}

impl Eq for Glob {}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

fn loose<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Glob>, D::Error> {
    spelt(deserializer, Spelling::Loose)
}

fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Glob>, D::Error> {
    spelt(deserializer, Spelling::Exact)
}

fn folders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Glob>, D::Error> {
    spelt(deserializer, Spelling::Folders)
}

fn spelt<'de, D: Deserializer<'de>>(deserializer: D, spelling: Spelling) -> Result<Vec<Glob>, D::Error> {
    let sources = Vec::<String>::deserialize(deserializer)?;
    Ok(sources.into_iter().map(|source| Glob { source, spelling, compiled: OnceLock::new() }).collect())
}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(spelling: Spelling, patterns: &[&str]) -> Vec<Glob> {
        patterns.iter().map(|pattern| Glob::new(pattern, spelling).unwrap()).collect()
    }

    #[test]
    fn environments_match_without_case_and_by_how_they_look() {
        let [production] = globs(Spelling::Loose, &["production"]).try_into().unwrap();
        for name in ["production", "Production", "prоduction", "ｐroduction"] {
            assert!(production.matches(name), "{name}");
        }
        assert!(!production.matches("production-eu"));
        assert!(!production.matches("生产"));
    }

    #[test]
    fn a_star_stays_within_a_folder_and_two_do_not() {
        let [flat, deep] = globs(Spelling::Folders, &["migrations/*", "migrations/**"]).try_into().unwrap();
        assert!(flat.matches("migrations/1.sql") && !flat.matches("migrations/old/1.sql"));
        assert!(deep.matches("migrations/old/1.sql") && !deep.matches("src/migrations/1.sql"));
        let [everything] = globs(Spelling::Folders, &["**"]).try_into().unwrap();
        assert!(everything.matches("a/b/c"));
    }

    #[test]
    fn what_is_not_known_is_covered_and_never_excepted() {
        let scope = Scope { branches: globs(Spelling::Folders, &["main"]), ..Scope::default() };
        let unknown = Target::deployment("production");
        assert!(scope.covers(&unknown, &[], false).is_ok());
        assert!(!scope.surely_covers(&unknown, &[], false));
        let main = Target { git_ref: Some("main"), ..unknown };
        assert!(scope.covers(&main, &[], false).is_ok() && scope.surely_covers(&main, &[], false));
        let paths = Scope { paths: globs(Spelling::Folders, &["docs/**"]), ..Scope::default() };
        assert!(paths.covers(&main, &[], true).is_ok(), "files are missing");
        assert!(!paths.surely_covers(&main, &["docs/a.md".into()], true));
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

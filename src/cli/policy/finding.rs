//! What was found, whoever shows it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::file::Source;
use crate::app::system_clock;
use crate::domain::policy::{Kind, Places, PolicyError, PolicyFile, Remark, Severity, parse};

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Report {
    /// The worst first within each file.
    pub remarks: Vec<Remark>,
    /// The policy file, by its path in the repository.
    pub policy: String,
    /// Rules of the file.
    pub rules: usize,
    /// Named groups of approvers.
    pub groups: usize,
    /// Environments of the repository, when it was looked at.
    pub environments: Option<usize>,
    /// By their path in the repository: what each file is called here, and its text.
    pub sources: BTreeMap<String, Source>,
}

impl Report {
    /// What can be said of a file by itself; and the file, if it can be understood.
    pub fn of(source: Source) -> (Self, Option<PolicyFile>) {
        let places = Places::of(&source.text);
        let parsed = parse(&source.text);
        let remark = |kind, error: &PolicyError| Remark { kind, file: None, error: error.clone() };
        let mut remarks: Vec<Remark> = match &parsed {
            Ok(file) => file.warnings.iter().map(|error| remark(Kind::Advice, error)).collect(),
            Err(errors) => errors.iter().map(|error| remark(Kind::Invalid, error)).collect(),
        };
        let now = system_clock()();
        for (index, freeze) in
            parsed.iter().flat_map(|file| &file.freezes).enumerate().filter(|(_, one)| one.is_over(now))
        {
            let message = format!("the freeze `{}` is over and holds nothing any more; take it out", freeze.name());
            let place = ["freeze", &index.to_string()];
            remarks.push(remark(Kind::Advice, &places.error(&place, |text| text.trim() == freeze.to(), message)));
        }
        let mut report = Self {
            remarks,
            policy: source.in_repository.clone(),
            rules: places.count(&["rules"]),
            groups: places.count(&["approvers"]),
            environments: None,
            sources: BTreeMap::from([(source.in_repository.clone(), source)]),
        };
        report.sort();
        (report, parsed.ok())
    }

    /// Something about the whole file.
    pub fn say(&mut self, kind: Kind, message: impl Into<String>) {
        let error = PolicyError { line: 0, column: 0, message: message.into() };
        self.remarks.push(Remark { kind, file: None, error });
    }

    /// The policy file first, each file from its beginning.
    pub fn sort(&mut self) {
        self.remarks.sort_by(|a, b| {
            (&a.file, a.error.line, a.error.column, a.kind).cmp(&(&b.file, b.error.line, b.error.column, b.kind))
        });
    }

    pub fn count(&self, severity: Severity) -> usize {
        self.remarks.iter().filter(|remark| remark.kind.severity() == severity).count()
    }

    /// The file a remark is about, by its path in the repository.
    pub fn file<'a>(&'a self, remark: &'a Remark) -> &'a str {
        remark.file.as_ref().unwrap_or(&self.policy)
    }

    /// What that file is called here.
    pub fn shown<'a>(&'a self, remark: &'a Remark) -> &'a str {
        let file = self.file(remark);
        self.sources.get(file).map_or(file, |source| &source.shown)
    }

    /// The text of that file.
    pub fn text(&self, remark: &Remark) -> &str {
        self.sources.get(self.file(remark)).map_or("", |source| &source.text)
    }

    /// `3 rules, 2 groups, no errors`
    pub fn summary(&self) -> String {
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let mut parts = match (self.sources.contains_key(&self.policy), errors) {
            (true, _) => vec![many(self.rules, "rule"), many(self.groups, "group")],
            (false, 0) => vec![format!("no {}, the built-in policy holds", self.policy)],
            (false, _) => Vec::new(),
        };
        parts.extend(self.environments.map(|number| many(number, "environment")));
        parts.push(if errors == 0 { "no errors".to_owned() } else { many(errors, "error") });
        parts.extend((warnings > 0).then(|| many(warnings, "warning")));
        parts.join(", ")
    }

    /// Whether it passes; when one is strict, without warnings, too.
    pub fn is_ok(&self, is_strict: bool) -> bool {
        self.count(Severity::Error) == 0 && !(is_strict && self.count(Severity::Warning) > 0)
    }

    /// For programs: one object.
    pub fn json(&self, is_strict: bool) -> Value {
        let findings = self.remarks.iter().map(|remark| {
            let PolicyError { line, column, message } = &remark.error;
            let end = remark.error.span(self.text(remark)).map(|span| span.before + span.width + 1);
            json!({
                "severity": remark.kind.severity(), "code": remark.kind.code(), "file": self.file(remark),
                "line": (*line > 0).then_some(line), "column": (*line > 0).then_some(column), "end_column": end,
                "message": message,
            })
        });
        json!({
            "file": self.policy,
            "ok": self.is_ok(is_strict),
            "rules": self.rules,
            "groups": self.groups,
            "environments": self.environments,
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "findings": findings.collect::<Vec<_>>(),
        })
    }
}

fn many(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

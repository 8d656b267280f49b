//! What the check run of a broken policy file says.

use super::{Page, code, cut, safe, shorten};
use crate::domain::case::{Also, Case, Whose};
use crate::domain::policy::{self, Origin, PolicyErrors};
use crate::github::checks::State;

/// The failing check run for broken policy files: every error, each where it stands.
#[must_use]
pub fn policy_page(case: &Case) -> Option<Page> {
    let own = case.policy.errors().map(|errors| (policy::PATH.to_owned(), &case.policy, errors));
    let name = |also: &Also| match also.whose {
        Whose::Organization => format!("seconder.yml of {}/.github", case.subject.tenant.login),
        Whose::Before if case.base.is_none() => format!("{} before this", policy::PATH),
        Whose::Before => format!("{} at the last good deployment", policy::PATH),
    };
    let others = case.also.iter().filter_map(|also| Some((name(also), &also.origin, also.origin.errors()?)));
    let broken: Vec<(String, &Origin, &PolicyErrors)> = own.into_iter().chain(others).collect();
    let (name, _, errors) = broken.first()?;
    let first = errors.first();
    let title = match first.line {
        0 => format!("{name} is broken"),
        line => format!("{name}:{line}:{} is broken", first.column),
    };
    let told: Vec<String> = broken.iter().map(|(name, origin, errors)| broken_file(name, origin, errors)).collect();
    Some(Page {
        title: shorten(&safe::visible(&title), 120),
        summary: cut(told.join("\n\n")),
        text: None,
        state: State::Failure,
        buttons: Vec::new(),
        points_at: case
            .policy
            .errors()
            .into_iter()
            .flat_map(PolicyErrors::iter)
            .filter(|error| error.line > 0)
            .map(|error| (error.line, error.column, safe::visible(&error.message)))
            .collect(),
    })
}

fn broken_file(name: &str, origin: &Origin, errors: &PolicyErrors) -> String {
    let holds = match origin {
        Origin::LastGood { commit, .. } => {
            format!("Until it is mended, the last good file (of {}) holds.", safe::prefix(commit, 12))
        }
        _ => "Until it is mended, the repository's admins must second every deployment.".into(),
    };
    let told = errors.iter().map(|error| match error.line {
        0 => safe::block(&error.message),
        line => format!("Line {line}, column {}:\n\n{}", error.column, safe::block(&error.message)),
    });
    format!("{}\n\n{}\n\n{holds}", code(name), told.collect::<Vec<_>>().join("\n\n"))
}

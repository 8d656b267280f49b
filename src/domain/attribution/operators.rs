//! The humans a commit names.

use std::collections::HashSet;

use super::catalogue::Catalogue;
use super::fold::fold;
use super::names::on_behalf;
use super::{marks, note, trailers};
use crate::domain::facts::Commit;
use crate::domain::people::{AccountKind, Identity};

/// Everybody human, whoever most likely had the agent work first.
pub(super) fn of(catalogue: &Catalogue, commit: &Commit, co_authors: &[Identity]) -> Vec<Identity> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut add = |identity: Identity| {
        let Some(human) = human(catalogue, identity) else { return };
        if seen.insert(human.spelling()) {
            found.push(human);
        }
    };
    add(commit.author.clone());
    commit.co_authors.iter().cloned().for_each(&mut add);
    co_authors.iter().cloned().for_each(&mut add);
    trailers::signers_off(&commit.message).into_iter().for_each(&mut add);
    if commit.committer != commit.author {
        add(commit.committer.clone());
    }
    if let Some(text) = &commit.ai_note {
        note::humans(text).into_iter().for_each(&mut add);
    }
    found
}

/// The human an identity is; `Ann (aider)` is Ann.
fn human(catalogue: &Catalogue, identity: Identity) -> Option<Identity> {
    let name = fold(&identity.name);
    if identity.is_github_itself() || name.ends_with("[bot]") || identity.email.contains("[bot]@") {
        return None;
    }
    if let Some(account) = &identity.account
        && (account.kind != AccountKind::User
            || catalogue.account(account.id, &name).is_some()
            || catalogue.login(&account.login, account.kind).is_some())
    {
        return None;
    }
    if marks::beside_a_human(catalogue, &name, &identity.email).is_some() && catalogue.machine(&identity).is_none() {
        let name = marks::without_remark(&name).to_owned();
        return Some(Identity { name, ..identity });
    }
    if let Some((_, human)) = on_behalf(&name)
        && catalogue.machine(&identity).is_none()
        && catalogue.person(&name, &identity.email).is_some()
    {
        return Some(Identity { name: human.to_owned(), ..identity });
    }
    let is_program =
        catalogue.person(&name, &identity.email).is_some() && !catalogue.is_perhaps_somebody(&name, &identity.email);
    // A name without an address names nobody in particular; who calls itself a bot is none.
    let is_somebody = identity.account.is_some() || identity.email.contains('@');
    let lower = name.to_lowercase();
    let is_bot = lower.ends_with(" bot") || lower.ends_with("-bot") || identity.email == "noreply@github.com";
    (!is_program && is_somebody && !is_bot).then_some(identity)
}

/// The addresses on the commit that are agents'.
pub(super) fn agent_emails(catalogue: &Catalogue, commit: &Commit, co_authors: &[Identity]) -> Vec<String> {
    let mut emails: Vec<String> = [&commit.author, &commit.committer]
        .into_iter()
        .chain(&commit.co_authors)
        .chain(co_authors)
        .filter(|identity| catalogue.machine(identity).is_some_and(|(agent, _)| catalogue.is_ai(agent)))
        .map(|identity| identity.email.to_lowercase())
        .filter(|email| !email.is_empty())
        .collect();
    emails.sort();
    emails.dedup();
    emails
}

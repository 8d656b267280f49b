//! Who has a part, and who nobody can tell.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::domain::facts::{Attempt, PullRequest, Run};
use crate::domain::people::{AccountKind, People, Person};

fn user(id: u64, login: &str) -> Account {
    Account { id, login: login.to_owned(), kind: AccountKind::User }
}

fn identity(name: &str, email: &str) -> Identity {
    let spelled = Identity { name: name.to_owned(), email: email.to_owned(), account: None };
    // GitHub links the no-reply addresses of accounts that exist.
    let linked = spelled.resolved().filter(|account| account.kind == AccountKind::User).map(Cow::into_owned);
    Identity { account: linked, ..spelled }
}

fn commit(sha: &str, author: Identity, message: &str) -> Commit {
    let committer = identity("GitHub", "noreply@github.com");
    Commit { sha: sha.to_owned(), message: message.to_owned(), author, committer, ..Commit::default() }
}

fn facts(commits: Vec<Commit>, pull_requests: Vec<PullRequest>) -> Facts {
    let attempt = |number, actor, triggering| Attempt {
        number,
        actor: Some(user(actor, "actor")),
        triggering_actor: Some(user(triggering, "triggering")),
    };
    Facts {
        run: Run {
            id: 1,
            attempt: 2,
            head_sha: "a".to_owned(),
            status: "waiting".to_owned(),
            name: "deploy".to_owned(),
            event: "push".to_owned(),
            head_branch: None,
            is_from_fork: false,
            ref_kind: None,
            workflow: None,
            url: String::new(),
            attempts: vec![attempt(1, 1, 1), attempt(2, 1, 2)],
        },
        deployment_creator: None,
        sender: None,
        base: None,
        commits,
        files: Vec::new(),
        owners: None,
        pull_requests,
        gaps: Vec::new(),
        people: People::default(),
    }
}

/// The parties when all commits are gated.
fn parties(facts: &Facts) -> Parties {
    Parties::of(facts, &facts.commits.iter().map(|commit| (commit, None)).collect::<Vec<_>>())
}

#[test]
fn a_number_no_account_has_names_nobody() {
    let spelled = Identity { account: None, ..identity("x", "9007199254740992+x@users.noreply.github.com") };
    let parties = of_commit(spelled, "Fix");
    assert!(parties.find(1 << 53).is_none(), "the ledger could not hold it");
    assert_eq!(parties.unknown.len(), 1);
}

fn of_commit(author: Identity, message: &str) -> Parties {
    parties(&facts(vec![commit("c1", author, message)], Vec::new()))
}

fn unknown(parties: &Parties) -> Vec<&str> {
    parties.unknown.iter().map(|unknown| unknown.email.as_str()).collect()
}

const ANN: &str = "7+ann@users.noreply.github.com";

#[test]
fn whoever_started_any_attempt_has_a_part() {
    let parties = parties(&facts(Vec::new(), Vec::new()));
    assert_eq!(parties.find(1).unwrap().because.len(), 3, "actor of both attempts, and triggered the first");
    assert_eq!(parties.find(2).unwrap().because, [Part::TriggeringActor { attempt: 2 }]);
    assert_eq!(parties.find(3), None);
}

#[test]
fn authors_and_co_authors_have_a_part_and_github_itself_has_none() {
    let parties = of_commit(identity("Ann", ANN), "Fix\n\nCo-authored-by: Bob <8+bob@users.noreply.github.com>");
    assert_eq!(parties.find(7).unwrap().because, [Part::Author { sha: "c1".to_owned() }]);
    assert_eq!(parties.find(8).unwrap().because, [Part::CoAuthor { sha: "c1".to_owned() }]);
    assert_eq!(unknown(&parties), [] as [&str; 0]);
}

#[test]
fn a_co_author_is_found_above_the_last_paragraph_too() {
    let message = "Squash\n\n* one\n\nCo-authored-by: Bob <8+bob@users.noreply.github.com>\n\n* two\n\nThe end.";
    assert!(of_commit(identity("Ann", ANN), message).find(8).is_some());
}

#[test]
fn a_co_author_whom_github_resolved_is_not_unknown_for_being_in_the_message() {
    let bob = Identity { account: Some(user(8, "bob")), ..identity("Bob", "bob@example.com") };
    let mut commit = commit("c1", identity("Ann", ANN), "Fix\n\nCo-authored-by: Robert <BOB@example.com>");
    commit.co_authors.push(bob);
    let parties = parties(&facts(vec![commit], Vec::new()));
    assert!(parties.find(8).is_some());
    assert_eq!(unknown(&parties), [] as [&str; 0]);
}

#[test]
fn an_address_that_nobody_can_resolve_is_unknown_once() {
    let parties = of_commit(identity("Eve", "eve@example.com"), "Fix\n\nCo-authored-by: Eve <Eve@Example.com>");
    assert_eq!(unknown(&parties), ["eve@example.com"]);
}

#[test]
fn agents_and_automation_are_not_unknown_people() {
    let message = "Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>\nCo-authored-by: r <bot@renovateapp.com>";
    assert_eq!(unknown(&of_commit(identity("Ann", ANN), message)), [] as [&str; 0]);
    let impostor = of_commit(identity("claude[bot]", "me@example.com"), "Fix");
    assert_eq!(unknown(&impostor), ["me@example.com"], "a name makes nobody a machine");
}

/// GitHub links `cursoragent@cursor.com` to a personal account, and a policy may claim the address for somebody.
#[test]
fn an_agents_personal_account_does_not_hide_who_had_it_work() {
    let cursor = identity("Cursor Agent", "cursoragent@cursor.com");
    let linked = Identity { account: Some(user(199_161_495, "cursoragent")), ..cursor.clone() };
    let claimed = Person { emails: vec![cursor.email.clone()], accounts: vec![user(7, "ann")], ..Person::default() };
    for (author, people) in [(linked, People::default()), (cursor, People(vec![claimed]))] {
        let facts = Facts { people, ..facts(vec![commit("c1", author, "Fix")], Vec::new()) };
        let found = attribution::attribute(&facts.commits[0], &[]);
        let parties = Parties::of(&facts, &[(&facts.commits[0], found.as_ref())]);
        assert_eq!(parties.unknown.len(), 1, "{parties:?}");
    }
}

/// GitHub's account 81847 is called `claude` and is a `User`. What Anthropic's address commits is Claude's, whatever GitHub shows
/// beside it; a name alone makes nobody an agent.
#[test]
fn the_account_called_claude_vouches_for_nothing_that_claude_commits_and_is_a_person_under_another_address() {
    let called_claude = |email: &str| Identity { account: Some(user(81_847, "claude")), ..identity("Claude", email) };
    let claudes = commit("c1", called_claude("noreply@anthropic.com"), "Fix");
    let found = attribution::attribute(&claudes, &[]).unwrap();
    assert_eq!((found.agent.as_str(), found.operators.as_slice()), ("claude-code", &[][..]), "and nobody operated it");
    let facts = facts(vec![claudes], Vec::new());
    let parties = Parties::of(&facts, &[(&facts.commits[0], Some(&found))]);
    assert_eq!(parties.unknown.len(), 1, "somebody had it written: {parties:?}");
    assert!(parties.find(81_847).is_some(), "and whoever has that account does not second it");

    let persons = commit("c1", called_claude("claude@example.com"), "Fix");
    assert_eq!(attribution::attribute(&persons, &[]), None);
    assert!(!People::default().is_a_program(&user(81_847, "claude")));
}

#[test]
fn an_agent_named_without_an_address_is_nobody_and_a_persons_name_is_somebody() {
    for agent in ["Claude", "claude code", "Claude Opus 4.5", "Cursor", "GitHub Copilot", "Codex CLI"] {
        let parties = of_commit(identity("Ann", ANN), &format!("Fix\n\nCo-Authored-By: {agent}"));
        assert!(parties.unknown.is_empty(), "{agent}: {parties:?}");
    }
    for person in ["Devin", "Jules", "Claude Martin", "Cody"] {
        let parties = of_commit(identity("Ann", ANN), &format!("Fix\n\nCo-Authored-By: {person}"));
        assert_eq!(parties.unknown[0].name, person);
    }
}

#[test]
fn each_of_very_many_co_authors_has_a_part() {
    let named = |n: u64| format!("Co-authored-by: U{n} <{}+user-{n}@users.noreply.github.com>\n", 1_000 + n);
    let message = format!("Fix\n\n{}", (0..20_000).map(named).collect::<String>());
    let mut commit = commit("c1", identity("Ann", ANN), &message);
    // As read inside a pull request, and again from the message.
    commit.co_authors = attribution::trailers::co_authors(&message);
    let found = attribution::attribute(&commit, &[]);
    let facts = facts(vec![commit], Vec::new());
    let parties = Parties::of(&facts, &[(&facts.commits[0], found.as_ref())]);
    assert!((1_000..21_000).all(|id| parties.find(id).is_some_and(|party| party.because.len() == 1)));
    assert!(parties.unknown.is_empty());
}

/// Whoever has an agent write chooses whom its trailers name.
#[test]
fn a_stranger_named_as_co_author_does_not_hide_who_had_the_agent_write() {
    let claude = || identity("Claude", "noreply@anthropic.com");
    let stranger = Identity { account: Some(user(8, "bob")), ..identity("Bob", "bob@example.com") };
    let message = "Fix\n\nCo-authored-by: Bob <bob@example.com>";
    let unseen = |facts: &Facts| {
        let found = attribution::attribute_all(facts);
        let gated: Vec<_> = facts.commits.iter().zip(&found).map(|(commit, found)| (commit, found.as_ref())).collect();
        let parties = Parties::of(facts, &gated);
        assert!(parties.find(8).is_some(), "the stranger is barred all the same");
        parties.unknown.len()
    };
    let by_agent =
        Commit { co_authors: vec![stranger.clone()], pull_requests: vec![12], ..commit("c1", claude(), message) };
    let opened_by = |author: Account, sponsors: Vec<Account>| {
        let on_branch = Commit { sha: "p1".to_owned(), ..by_agent.clone() };
        PullRequest { number: 12, author: Some(author), sponsors, commits: vec![on_branch], ..PullRequest::default() }
    };
    let bot = Account { kind: AccountKind::Bot, ..user(90, "claude") };
    assert_eq!(unseen(&facts(vec![by_agent.clone()], Vec::new())), 1, "pushed");
    let brought = |pull_request| facts(vec![by_agent.clone()], vec![pull_request]);
    assert_eq!(unseen(&brought(opened_by(bot.clone(), Vec::new()))), 1, "brought by a bot that nobody asked");
    assert_eq!(unseen(&brought(opened_by(bot, vec![user(7, "ann")]))), 0, "somebody assigned it");
    assert_eq!(unseen(&brought(opened_by(user(7, "ann"), Vec::new()))), 0, "somebody opened it");
    // GitHub links its own address to an account of kind User.
    let web = Identity { account: Some(user(19_864_447, "web-flow")), ..identity("GitHub", "noreply@github.com") };
    assert_eq!(unseen(&facts(vec![Commit { committer: web, ..by_agent.clone() }], Vec::new())), 1, "GitHub is nobody");
    let marked = format!("{message}\nCo-Authored-By: Claude <noreply@anthropic.com>");
    let by_ann = Commit { co_authors: vec![stranger, claude()], ..commit("c1", identity("Ann", ANN), &marked) };
    assert_eq!(unseen(&facts(vec![by_ann], Vec::new())), 0, "an author GitHub knows");
}

#[test]
fn sponsors_beyond_those_that_were_read_are_somebody_unknown() {
    let machine = Person { accounts: vec![user(90, "acme-ci")], is_machine: true, ..Person::default() };
    let mut pull_request = PullRequest { number: 12, author: Some(user(90, "acme-ci")), ..PullRequest::default() };
    pull_request.has_more_sponsors = true;
    let commit = Commit { pull_requests: vec![12], ..commit("c1", identity("Ann", ANN), "Fix") };
    let mut facts = facts(vec![commit], vec![pull_request]);
    assert!(parties(&facts).unknown.is_empty(), "a human opened it: nobody else is asked for");
    facts.people = People(vec![machine]);
    assert_eq!(parties(&facts).unknown[0].because, [Part::Sponsor { number: 12 }]);
}

#[test]
fn whoever_opened_or_wrote_on_the_pull_request_of_a_squashed_commit_has_a_part() {
    let on_branch = commit("p1", identity("Bob", "8+bob@users.noreply.github.com"), "wip");
    let pull_request =
        PullRequest { number: 12, author: Some(user(9, "cleo")), commits: vec![on_branch], ..PullRequest::default() };
    let squashed = Commit { pull_requests: vec![12], ..commit("c1", identity("Ann", ANN), "Feature (#12)") };
    let parties = parties(&facts(vec![squashed], vec![pull_request]));
    assert_eq!(parties.find(9).unwrap().because, [Part::PullRequestAuthor { number: 12 }]);
    assert_eq!(parties.find(8).unwrap().because, [Part::Author { sha: "p1".to_owned() }]);
}

#[test]
fn commits_that_no_rule_holds_make_no_parties() {
    let facts = facts(vec![commit("c1", identity("Ann", ANN), "Fix")], Vec::new());
    assert_eq!(Parties::of(&facts, &[]).find(7), None);
}

proptest! {
    #[test]
    fn adding_a_co_author_never_removes_a_party(
        message in "(?s).{0,80}",
        author in 0..6usize,
        added in 0..6usize,
        resolved: bool,
    ) {
        let somebody = [
            identity("Ann", ANN),
            identity("Eve", "eve@example.com"),
            identity("Claude", "noreply@anthropic.com"),
            identity("", ""),
            identity("Bob", "8+bob@users.noreply.github.com"),
            identity("Dan", "dan@example.com"),
        ];
        let before = facts(vec![commit("c1", somebody[author].clone(), &message)], Vec::new());
        let mut after = before.clone();
        let added = &somebody[added];
        if resolved {
            let account = Some(user(40, "somebody"));
            after.commits[0].co_authors.push(Identity { account, ..added.clone() });
        }
        after.commits[0].message.push_str(&format!("\n\nCo-authored-by: {} <{}>", added.name, added.email));

        let (before, after) = (parties(&before), parties(&after));
        for party in &before.known {
            prop_assert!(after.find(party.account.id).is_some());
        }
        for unknown in &before.unknown {
            prop_assert!(after.unknown.iter().any(|other| other.email == unknown.email && other.name == unknown.name));
        }
    }
}

//! What the ledger holds is enough to judge again.

use serde_json::Value;

use super::*;
use crate::domain::decide::{Judgement, Layer, judge};
use crate::domain::facts::{Commit, PullRequest, Run, Signature};
use crate::domain::people::{AccountKind, Identity, People};
use crate::domain::record::{Record, to_json};
use crate::domain::request::{Detail, judged};

/// Judges, and once more from what an entry would hold: both must come to the same.
pub fn judge_twice(policy: &Policy, target: &Target<'_>, facts: &Facts) -> Judgement {
    let judgement = judge(policy, target, facts);
    let recorded = Record::without_nulls(to_json(&Basis::of(&layers(policy, facts), target, facts, &judgement)));
    let basis: Basis = serde_json::from_value(recorded).unwrap();
    assert_eq!(basis.overlooked(), [], "whoever was judged honestly");
    let again = basis.judge(target.environment.unwrap(), facts.gaps.clone()).unwrap();
    assert_eq!(without_marks(&again), without_marks(&judgement));
    assert_eq!(again.expires_after, judgement.expires_after);
    judgement
}

fn layers(policy: &Policy, facts: &Facts) -> [Layer; 1] {
    [Layer { policy: policy.clone(), people: facts.people.clone() }]
}

/// What an opening says, but for the marks on commits: they follow from messages.
fn without_marks(judgement: &Judgement) -> Value {
    let mut fields = judged(judgement, Detail::Agent);
    for commit in fields["commits"].as_array_mut().unwrap() {
        for of_marks in ["kind", "certainty", "stripped"] {
            commit.as_object_mut().unwrap().remove(of_marks);
        }
    }
    fields.into()
}

fn user(id: u64, login: &str) -> Account {
    Account { id, login: login.into(), kind: AccountKind::User }
}

fn linked(account: &Account) -> Identity {
    let email = format!("{}@example.com", account.login);
    Identity { name: account.login.clone(), email, account: Some(account.clone()) }
}

fn unlinked(name: &str) -> Identity {
    Identity { name: name.into(), email: format!("{name}@elsewhere.example"), account: None }
}

/// Everybody who can have a part in some way has one.
fn everybody() -> Facts {
    let [mona, bob, dora, zoe, kim] =
        [(1, "mona"), (2, "bob"), (3, "dora"), (4, "zoe"), (5, "kim")].map(|(id, login)| user(id, login));
    let agent = Account { kind: AccountKind::Bot, ..user(9, "agent[bot]") };
    let squashed = Commit {
        sha: "c1".into(),
        message: "Secret words\n\n* one\n\nCo-authored-by: far <far@elsewhere.example>\n\n* two\n\nCo-authored-by: Claude <noreply@anthropic.com>".into(),
        author: linked(&mona),
        committer: Identity { name: "GitHub".into(), email: "noreply@github.com".into(), account: None },
        co_authors: vec![Identity { name: "Claude".into(), email: "noreply@anthropic.com".into(), account: None }],
        pull_requests: vec![7],
        ..Commit::default()
    };
    let on_branch =
        Commit { sha: "b1".into(), author: unlinked("ghost"), committer: linked(&bob), ..Commit::default() };
    let signature = Signature { is_valid: true, signer: Some(kim.clone()), ..Signature::default() };
    let signed = Commit {
        sha: "c2".into(),
        message: "More secret words".into(),
        author: unlinked("kim"),
        committer: unlinked("kim"),
        signature: Some(signature),
        ..Commit::default()
    };
    let pull_request = PullRequest {
        number: 7,
        title: "Secret title".into(),
        body: "Secret body".into(),
        head_branch: "claude/fix".into(),
        base_sha: None,
        author: Some(agent),
        commits: vec![on_branch],
        sponsors: vec![dora],
        has_more_sponsors: true,
    };
    let person = |name: &str, accounts: &[&Account], emails: &[&str]| Person {
        name: name.into(),
        accounts: accounts.iter().map(|account| (*account).clone()).collect(),
        emails: emails.iter().map(|email| (*email).to_owned()).collect(),
        is_machine: false,
    };
    let people = [
        person("mona", &[&mona, &user(11, "mona-too")], &["mona@private.example"]),
        person("kim", &[&kim], &["kim@elsewhere.example"]),
        person("far", &[&user(12, "far-away")], &["far@elsewhere.example"]),
        Person { is_machine: true, ..person("robot", &[&user(13, "robot")], &[]) },
    ];
    let attempt =
        |number, by: &Account| Attempt { number, actor: Some(mona.clone()), triggering_actor: Some(by.clone()) };
    Facts {
        run: Run {
            id: 1,
            attempt: 2,
            head_sha: "c2".into(),
            status: "waiting".into(),
            name: "deploy".into(),
            event: "push".into(),
            head_branch: None,
            url: String::new(),
            is_from_fork: false,
            ref_kind: None,
            workflow: None,
            attempts: vec![attempt(1, &mona), attempt(2, &zoe)],
        },
        deployment_creator: Some(zoe.clone()),
        sender: Some(zoe),
        base: None,
        commits: vec![squashed, signed],
        files: Vec::new(),
        owners: None,
        pull_requests: vec![pull_request],
        gaps: Vec::new(),
        people: People(people.to_vec()),
    }
}

#[test]
fn everybody_who_had_a_part_has_it_again() {
    for authored_by in ["ai", "unproven", "anyone", "[claude-code]", "[devin]"] {
        let policy = format!(
            "version: 1\napprovers:\n  platform: [olga, bob]\nrules:\n  - name: production\n    environments: [production]\n    \
             authored_by: {authored_by}\n    require: [1 of platform, 2 of writers]\n    unattributed: deny\n"
        );
        let rules = crate::domain::policy::parse(&policy).unwrap();
        let policy = Policy { rules: rules.rules, approvers: rules.approvers, ..Policy::built_in() };
        let judgement = judge_twice(&policy, &Target::deployment("production"), &everybody());
        assert!(judgement.parties.find(11).is_some() && !judgement.parties.unknown.is_empty(), "{authored_by}");
        judge_twice(&policy, &Target::deployment("staging"), &everybody());
    }
}

#[test]
fn what_people_wrote_and_addresses_no_commit_carries_are_not_told() {
    let facts = everybody();
    let (policy, production) = (Policy::built_in(), Target::deployment("production"));
    let judgement = judge(&policy, &production, &facts);
    let told = to_json(&Basis::of(&layers(&policy, &facts), &production, &facts, &judgement)).to_string();
    assert!(!told.contains("ecret") && !told.contains("mona@private.example"), "{told}");
    assert!(told.contains("kim@elsewhere.example"), "{told}");
}

#[test]
fn facts_that_name_somebody_they_do_not_list_are_no_facts() {
    let facts = everybody();
    let (policy, production) = (Policy::built_in(), Target::deployment("production"));
    let judgement = judge(&policy, &production, &facts);
    let mut basis = Basis::of(&layers(&policy, &facts), &production, &facts, &judgement);
    basis.commits[0].author = 99;
    assert_eq!(basis.judge("production", Vec::new()), None);
}

#[test]
fn other_rules_rest_on_the_same_facts_and_whoever_swaps_an_author_between_two_judgements_is_found_out() {
    let basis = |policy: &Policy, facts: &Facts| {
        let target = target_of(facts, "production");
        Basis::of(&layers(policy, facts), &target, facts, &judge(policy, &target, facts))
    };
    let first = basis(&Policy::built_in(), &everybody());
    let text = "version: 1\nagents:\n  ghosts: { emails: [ghost@elsewhere.example] }\nrules:\n  - name: production\n    \
                environments: [production]\n    paths: [\"**\"]\n    reason: required\n    require: [1 of writers]\n";
    let rules = crate::domain::policy::parse(text).unwrap();
    let other = Policy { rules: rules.rules, catalogue: rules.catalogue, ..Policy::built_in() };
    let mut facts = everybody();
    facts.files = vec!["a".into()];
    facts.owners = Some(Vec::new());
    assert_eq!(
        basis(&other, &facts).changed_since(&first),
        Some(Vec::new()),
        "the rules differ, and all that hangs on them"
    );
    let changed = |change: fn(&mut Facts)| {
        let mut facts = everybody();
        change(&mut facts);
        basis(&other, &facts).changed_since(&first).unwrap().into_iter().map(|(what, ..)| what).collect::<Vec<_>>()
    };
    let commits = "commits, their authors and signatures";
    assert_eq!(changed(|facts| facts.commits[0].author = unlinked("bob")), [commits]);
    assert_eq!(changed(|facts| drop(facts.commits.pop())), [commits]);
    assert_eq!(changed(|facts| facts.pull_requests[0].author = None), ["pull requests"]);
    assert_eq!(changed(|facts| facts.pull_requests[0].body.push('!')), ["texts of pull requests"]);
    assert_eq!(changed(|facts| facts.run.attempts[1].triggering_actor = None), ["attempts"]);
    assert_eq!(changed(|facts| facts.sender = None), ["sender"]);
    assert_eq!(changed(|facts| facts.run.head_branch = Some("main".into())), ["branch or tag"]);
}

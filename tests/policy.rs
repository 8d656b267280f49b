//! The policy file: what it means, and what holds when it is missing, broken or gone.

use seconder::domain::digest::Digest;
use seconder::domain::policy::{
    Approvers, AuthoredBy, Consequence, Dimension, Found, Member, Origin, PATH, Policy, PolicyError, Requirement, Rule,
    Target, Text, in_force, parse,
};

const MINUTE: i64 = 60_000;

const GOOD: &str = r#"
version: 1
approvers:
  platform: ["@acme/Platform", Octocat]
  security: ["@acme/security"]
rules:
  - name: production
    gate: deployment
    environments: [production, "prod-*"]
    authored_by: ai
    require: [1 of platform, { approvals: 2, from: security }]
    expires: 4h
  - name: everything to the vault
    environments: [vault]
    authored_by: anyone
    require: ["1 of @acme/auditors", 1 of mona, 1 of admins]
  - name: two agents
    environments: ["*"]
    authored_by: [claude-code, devin]
    require: [1 of writers]
    expires: 30m
"#;

const BROKEN: &str = "version: 1\nrules:\n  - name: production\n    requires: [1 of writers]\n";

fn text(text: &str) -> Text {
    Text { commit: "c0ffee".to_owned(), blob: "b10b".to_owned(), text: text.to_owned() }
}

fn group(name: &str) -> Approvers {
    Approvers::Group(name.to_owned())
}

fn names_it(rule: &Rule, environment: &str) -> bool {
    rule.scope.covers(&Target::deployment(environment), &[], false).is_ok()
}

fn names<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Vec<&'a str> {
    rules.into_iter().map(|rule| rule.name.as_str()).collect()
}

#[test]
fn a_policy_reads_like_a_sentence_and_means_it() {
    let policy = parse(GOOD).unwrap();
    let production = &policy.rules[0];
    assert_eq!(production.scope.patterns(Dimension::Environment).collect::<Vec<_>>(), ["production", "prod-*"]);
    assert_eq!(production.authored_by, AuthoredBy::Ai);
    assert_eq!(production.expires_after, 240 * MINUTE);
    assert_eq!(
        production.consequence,
        Consequence::Require(vec![Requirement::of(1, group("platform")), Requirement::of(2, group("security"))])
    );
    let platform = Member::Team { org: "acme".to_owned(), slug: "platform".to_owned() };
    assert_eq!(policy.approvers["platform"], [platform, Member::User("octocat".to_owned())]);
    assert_eq!(policy.digest, Digest::of_bytes(GOOD.as_bytes()), "the digest is of the exact bytes");
}

#[test]
fn teams_and_users_can_be_named_on_the_spot() {
    let policy = parse(GOOD).unwrap();
    let require = [group("@acme/auditors"), group("mona"), Approvers::Admins].map(|from| Requirement::of(1, from));
    assert_eq!(policy.rules[1].consequence, Consequence::Require(require.to_vec()));
    let auditors = Member::Team { org: "acme".to_owned(), slug: "auditors".to_owned() };
    assert_eq!(policy.approvers["@acme/auditors"], [auditors]);
    assert_eq!(policy.approvers["mona"], [Member::User("mona".to_owned())]);
}

#[test]
fn what_a_rule_does_not_say_is_ai_and_a_day() {
    let policy = parse("version: 1\nrules: [{ name: a, environments: [b], require: [1 of writers] }]").unwrap();
    assert_eq!((&policy.rules[0].authored_by, policy.rules[0].expires_after), (&AuthoredBy::Ai, 1440 * MINUTE));
}

#[test]
fn environments_are_matched_by_pattern_and_without_case() {
    let policy = parse(GOOD).unwrap();
    let production = &policy.rules[0];
    for (environment, named) in [
        ("production", true),
        ("Production", true),
        ("prod-eu/west", true),
        ("preproduction", false),
        ("staging", false),
    ] {
        assert_eq!(names_it(production, environment), named, "{environment}");
    }
}

#[test]
fn without_a_file_the_built_in_policy_holds() {
    let policy = in_force(Found::Absent, None, PATH);
    assert_eq!(policy, Policy::built_in());
    assert_eq!(policy.origin, Origin::BuiltIn);
    assert_eq!(policy.rules[0].consequence, Consequence::Require(vec![Requirement::of(1, Approvers::Writers)]));
    assert_eq!(policy.rules[0].authored_by, AuthoredBy::Ai);
}

#[test]
fn a_good_file_is_in_force_with_its_commit_and_blob() {
    let policy = in_force(Found::File(text(GOOD)), Some(text("anything older")), PATH);
    assert_eq!(policy.origin, Origin::File { commit: "c0ffee".to_owned(), blob: "b10b".to_owned() });
    assert_eq!(names(&policy.rules), ["production", "everything to the vault", "two agents"]);
}

#[test]
fn a_broken_file_leaves_the_last_good_rules_in_force_and_says_what_is_wrong_where() {
    let policy = in_force(Found::File(text(BROKEN)), Some(text(GOOD)), PATH);
    let Origin::LastGood { commit, errors, .. } = &policy.origin else { panic!("{:?}", policy.origin) };
    let error = errors.first();
    assert_eq!(commit, "c0ffee");
    assert_eq!((error.line, error.column), (3, 5));
    assert_eq!(policy.digest, Digest::of_bytes(GOOD.as_bytes()));
}

#[test]
fn a_deleted_file_loosens_nothing() {
    let policy = in_force(Found::Absent, Some(text(GOOD)), PATH);
    let Origin::LastGood { errors, .. } = &policy.origin else { panic!("{:?}", policy.origin) };
    assert_eq!(errors.first().message, ".github/seconder.yml is gone from the default branch; put it back");
    assert_eq!(policy.rules.len(), 3);
}

#[test]
fn a_file_that_was_never_good_leaves_it_to_the_admins() {
    for last_good in [None, Some(text(BROKEN))] {
        let policy = in_force(Found::File(text(BROKEN)), last_good, PATH);
        assert!(matches!(policy.origin, Origin::AdminsOnly { .. }));
        assert_eq!(policy.rules.len(), 1);
        assert_eq!(policy.rules[0].authored_by, AuthoredBy::Anyone);
        assert_eq!(policy.rules[0].consequence, Consequence::Require(vec![Requirement::of(1, Approvers::Admins)]));
        assert!(names_it(&policy.rules[0], "anything/at all"));
    }
}

#[test]
fn an_environment_that_the_file_forgets_stays_under_the_built_in_rule() {
    let policy = in_force(Found::File(text(GOOD)), None, PATH);
    assert_eq!(
        names(policy.rules_for(&Target::deployment("staging"))),
        ["production", "everything to the vault", "two agents", "built-in"]
    );
    assert!(
        !names(policy.rules_for(&Target::deployment("production"))).contains(&"built-in"),
        "a rule for all agents stands in its place"
    );
    assert!(!names(policy.rules_for(&Target::deployment("vault"))).contains(&"built-in"));
}

#[test]
fn naming_two_agents_for_an_environment_does_not_let_the_others_through() {
    let policy = in_force(Found::File(text(GOOD)), None, PATH);
    let staging: Vec<_> = policy.rules_for(&Target::deployment("staging")).collect();
    assert!(staging.iter().any(|rule| rule.name == "two agents" && names_it(rule, "staging")));
    assert!(staging.iter().any(|rule| rule.name == "built-in"));
}

#[test]
fn an_error_is_shown_like_a_good_compiler_shows_it() {
    let error = PolicyError { line: 3, column: 5, message: "no".to_owned() };
    assert_eq!(error.render("a.yml", BROKEN), "a.yml:3:5: no\n  |\n3 |   - name: production\n  |     ^^^^");
    let whole_file = PolicyError { line: 0, column: 0, message: "gone".to_owned() };
    assert_eq!(whole_file.render("a.yml", ""), "a.yml:0:0: gone");
    let beyond = PolicyError { line: 9, column: 900, message: "no".to_owned() };
    assert_eq!(beyond.render("a.yml", BROKEN), "a.yml:9:900: no");
}

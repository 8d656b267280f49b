//! What the rules hold, and whose word counts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::attribution::Kind;
use crate::domain::basis::tests::judge_twice as judge;
use crate::domain::facts::{Attempt, Gap, Run};
use crate::domain::people::{Account, AccountKind, Identity, Person};
use crate::domain::policy::{Approvers, Assurance, Gate, Glob, Member, Origin, Requirement, Scope, Spelling};

/// What most of these stories deploy to.
const PRODUCTION: Target<'static> = Target {
    gate: Gate::Deployment,
    environment: Some("production"),
    git_ref: None,
    ref_kind: None,
    workflow: None,
    job: None,
    command: None,
};
const ANN: u64 = 7;
const BOB: u64 = 8;
const ACTOR: u64 = 9;

fn standing(id: u64, permission: Permission) -> Standing {
    let account = Account { id, login: format!("user-{id}"), kind: AccountKind::User };
    Standing { account, permission, teams: Vec::new() }
}

fn commit(sha: &str, author_email: &str, message: &str) -> Commit {
    let mut author = Identity { name: "Somebody".to_owned(), email: author_email.to_owned(), account: None };
    // GitHub links the no-reply addresses of accounts that exist.
    author.account = author.resolved().filter(|account| account.id < 1_000).map(Cow::into_owned);
    let committer = author.clone();
    Commit { sha: sha.to_owned(), message: message.to_owned(), author, committer, ..Commit::default() }
}

/// A commit by Ann, with or without Claude as co-author.
fn by_ann(sha: &str, ai: bool) -> Commit {
    let message = if ai { "Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>" } else { "Fix" };
    commit(sha, "7+ann@users.noreply.github.com", message)
}

fn facts(commits: Vec<Commit>) -> Facts {
    let actor = Some(standing(ACTOR, Permission::Write).account);
    Facts {
        run: Run {
            id: 1,
            attempt: 1,
            head_sha: "a".to_owned(),
            status: "waiting".to_owned(),
            name: "deploy".to_owned(),
            event: "push".to_owned(),
            head_branch: None,
            is_from_fork: false,
            ref_kind: None,
            workflow: None,
            url: String::new(),
            attempts: vec![Attempt { number: 1, actor: actor.clone(), triggering_actor: actor }],
        },
        deployment_creator: None,
        sender: None,
        base: None,
        commits,
        files: Vec::new(),
        owners: None,
        pull_requests: Vec::new(),
        gaps: Vec::new(),
        people: People::default(),
    }
}

fn rule(environment: &str, authored_by: AuthoredBy, require: &[(u32, Approvers)]) -> Rule {
    let require = require.iter().map(|(approvals, from)| Requirement::of(*approvals, from.clone()));
    Rule {
        name: environment.to_owned(),
        scope: Scope {
            environments: vec![Glob::new(environment, Spelling::Loose).unwrap_or_else(|_| anything())],
            ..Scope::default()
        },
        authored_by,
        consequence: Consequence::Require(require.collect()),
        ..Policy::built_in().rules.remove(0)
    }
}

fn anything() -> Glob {
    Glob::new("*", Spelling::Loose).unwrap()
}

/// How many persons the first requirement asks for.
fn need(judgement: &Judgement) -> u32 {
    judgement.quorum[0].groups()[0].need
}

fn group(name: &str) -> Approvers {
    Approvers::Group(name.to_owned())
}

fn policy(rules: Vec<Rule>) -> Policy {
    let team = Member::Team { org: "acme".to_owned(), slug: "platform".to_owned() };
    Policy {
        origin: Origin::File { commit: "c".to_owned(), blob: "b".to_owned() },
        digest: Digest::of_bytes(b""),
        approvers: BTreeMap::from([("platform".to_owned(), vec![Member::User("User-8".to_owned()), team])]),
        rules,
        ..Policy::built_in()
    }
}

fn judged(facts: &Facts) -> Judgement {
    judge(&Policy::built_in(), &PRODUCTION, facts)
}

fn approved_by(judgement: &Judgement, who: &[Standing]) -> bool {
    is_met(&counted(judgement, who))
}

fn counted(judgement: &Judgement, who: &[Standing]) -> Vec<Met> {
    let voices: Vec<_> = who.iter().map(|standing| Voice { standing, assurance: Assurance::Click }).collect();
    tally(judgement, &voices, 0)
}

#[test]
fn a_commit_an_agent_had_a_hand_in_is_held_and_one_without_passes() {
    let held = judged(&facts(vec![by_ann("c1", false), by_ann("c2", true)]));
    assert!(held.asks());
    assert_eq!(held.commits.iter().map(|commit| commit.gated).collect::<Vec<_>>(), [false, true]);
    assert_eq!(held.commits[1].attribution.as_ref().unwrap().kind, Kind::CoAuthored);
    let passes = judged(&facts(vec![by_ann("c1", false)]));
    assert!(!passes.asks());
    assert_eq!(passes.reasons.finding, Finding::NotHeld);
}

#[test]
fn the_author_cannot_second_it_and_a_colleague_can() {
    let held = judged(&facts(vec![by_ann("c1", true)]));
    assert!(!approved_by(&held, &[standing(ANN, Permission::Admin)]));
    assert!(!approved_by(&held, &[standing(ACTOR, Permission::Admin)]));
    assert!(!approved_by(&held, &[standing(BOB, Permission::Read)]));
    assert!(approved_by(&held, &[standing(BOB, Permission::Write)]));
    let Refusal::Party { because } = &obstacles(&held, &standing(ANN, Permission::Admin), Assurance::Click, 0)[0]
    else {
        panic!()
    };
    assert!(!because.is_empty(), "the reason is told");
}

#[test]
fn whoever_wrote_only_what_no_rule_holds_can_second_the_rest() {
    let by_bob = commit("c2", "8+bob@users.noreply.github.com", "By hand");
    let held = judged(&facts(vec![by_ann("c1", true), by_bob]));
    assert!(approved_by(&held, &[standing(BOB, Permission::Write)]));
}

#[test]
fn one_person_who_approves_twice_counts_once() {
    let policy = policy(vec![rule("*", AuthoredBy::Ai, &[(2, Approvers::Writers)])]);
    let held = judge(&policy, &PRODUCTION, &facts(vec![by_ann("c1", true)]));
    let bob = standing(BOB, Permission::Write);
    assert!(!approved_by(&held, &[bob.clone(), bob.clone()]));
    assert!(approved_by(&held, &[bob, standing(10, Permission::Write)]));
}

#[test]
fn groups_are_users_and_team_members_whatever_the_case() {
    let policy = policy(vec![rule("*", AuthoredBy::Ai, &[(1, group("platform"))])]);
    let held = judge(&policy, &PRODUCTION, &facts(vec![by_ann("c1", true)]));
    assert!(approved_by(&held, &[standing(BOB, Permission::None)]), "named as a user");
    let in_team = |team: &str| Standing { teams: vec![team.to_owned()], ..standing(10, Permission::Read) };
    assert!(approved_by(&held, &[in_team("acme/platform")]));
    for other in
        ["acme/platforms", "acme/plat", "acme-platform", "acm/eplatform", "beta/platform", "acme", "acméplatform"]
    {
        assert!(!approved_by(&held, &[in_team(other)]), "{other}");
    }
    assert!(!approved_by(&held, &[standing(10, Permission::Admin)]), "an admin is in no group for being admin");
}

#[test]
fn an_approver_whom_people_names_counts_by_the_number_of_the_account_and_not_by_who_has_the_login_now() {
    let policy = policy(vec![rule("*", AuthoredBy::Ai, &[(1, group("platform"))])]);
    let mut facts = facts(vec![by_ann("c1", true)]);
    let called = |id: u64, login: &str| {
        let account = Account { login: login.to_owned(), ..standing(id, Permission::None).account };
        Standing { account, ..standing(id, Permission::Write) }
    };
    let unnamed = judge(&policy, &PRODUCTION, &facts);
    assert!(approved_by(&unnamed, &[called(66, "User-8")]), "only the login is known");
    let accounts = vec![standing(BOB, Permission::None).account];
    facts.people = People(vec![Person { name: "bob".to_owned(), accounts, ..Person::default() }]);
    let held = judge(&policy, &PRODUCTION, &facts);
    assert!(approved_by(&held, &[called(BOB, "bob-renamed")]), "renamed since");
    let newcomer = called(66, "User-8");
    assert!(!approved_by(&held, std::slice::from_ref(&newcomer)), "took the login");
    assert_eq!(obstacles(&held, &newcomer, Assurance::Click, 0), [Refusal::NotAnApprover]);
}

#[test]
fn requirements_of_all_matching_rules_add_up() {
    let policy = policy(vec![
        rule("prod*", AuthoredBy::Ai, &[(1, Approvers::Writers)]),
        rule("production", AuthoredBy::Anyone, &[(1, Approvers::Admins)]),
    ]);
    let held = judge(&policy, &PRODUCTION, &facts(vec![by_ann("c1", true)]));
    assert_eq!(held.matched_rules, ["prod*", "production"]);
    assert!(!approved_by(&held, &[standing(BOB, Permission::Write)]));
    assert!(approved_by(&held, &[standing(BOB, Permission::Admin)]));
}

#[test]
fn an_environment_the_file_forgets_is_under_the_built_in_rule() {
    let policy = policy(vec![rule("production", AuthoredBy::Ai, &[(1, Approvers::Admins)])]);
    let held = judge(&policy, &Target::deployment("staging"), &facts(vec![by_ann("c1", true)]));
    assert_eq!(held.matched_rules, ["built-in"]);
}

#[test]
fn a_party_may_deny_and_so_may_any_writer_but_no_bot_and_no_stranger() {
    let held = judged(&facts(vec![by_ann("c1", true)]));
    assert!(may_deny(&held, &standing(ANN, Permission::Write), 0));
    assert!(may_deny(&held, &standing(BOB, Permission::Write), 0));
    assert!(!may_deny(&held, &standing(BOB, Permission::Read), 0));
    let mut bot = standing(BOB, Permission::Admin);
    bot.account.kind = AccountKind::Bot;
    assert!(!may_deny(&held, &bot, 0));
}

#[test]
fn no_requirement_is_no_approval() {
    assert!(!is_met(&[]));
}

#[test]
fn the_judgement_names_the_catalogue_it_was_made_with() {
    assert_eq!(judged(&facts(Vec::new())).catalogue, *CATALOGUE_VERSION);
}

fn any_approvers() -> impl Strategy<Value = Approvers> {
    prop_oneof![Just(Approvers::Writers), Just(Approvers::Admins), Just(group("platform")), Just(group("nobody"))]
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let environments = prop_oneof![Just("*"), Just("production"), Just("prod-*"), Just("staging"), Just("[")];
    let authored_by = prop_oneof![
        Just(AuthoredBy::Ai),
        Just(AuthoredBy::Anyone),
        Just(AuthoredBy::Agents(vec!["claude-code".to_owned()])),
        Just(AuthoredBy::Agents(vec!["devin".to_owned()])),
    ];
    (environments, authored_by, prop::collection::vec((0..3u32, any_approvers()), 1..3))
        .prop_map(|(environment, authored_by, require)| rule(environment, authored_by, &require))
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let commit = (0..5usize).prop_map(|n| match n {
        0 => by_ann("c0", false),
        1 => by_ann("c1", true),
        2 => commit("c2", "158243242+devin-ai-integration[bot]@users.noreply.github.com", "Fix"),
        3 => commit("c3", "eve@example.com", "Fix\n\nAssisted-by: Crush:glm"),
        _ => commit("c4", "8+bob@users.noreply.github.com", "Fix\n\nCo-authored-by: Dan <dan@example.com>"),
    });
    (prop::collection::vec(commit, 0..4), prop::option::of(Just(Gap::Diverged))).prop_map(|(commits, gap)| {
        let mut facts = facts(commits);
        facts.gaps.extend(gap);
        facts
    })
}

fn any_environment() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("production"), Just("prod-eu"), Just("staging"), Just("elsewhere")]
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let permission =
        prop_oneof![Just(Permission::None), Just(Permission::Read), Just(Permission::Write), Just(Permission::Admin)];
    let kind = prop_oneof![4 => Just(AccountKind::User), 1 => Just(AccountKind::Bot), 1 => Just(AccountKind::Other)];
    (6..14u64, permission, kind, any::<bool>()).prop_map(|(id, permission, kind, in_team)| {
        let mut standing = standing(id, permission);
        standing.account.kind = kind;
        standing.teams.extend(in_team.then(|| "acme/platform".to_owned()));
        standing
    })
}

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(any_rule(), 0..4)
}

proptest! {
    #[test]
    fn adding_a_rule_never_makes_a_held_deployment_pass(
        rules in any_rules(), added in any_rule(), at in 0..4usize, facts in any_facts(), environment in any_environment(),
    ) {
        let before = judge(&policy(rules.clone()), &Target::deployment(environment), &facts);
        let mut more = rules;
        more.insert(at.min(more.len()), added);
        let after = judge(&policy(more), &Target::deployment(environment), &facts);
        prop_assert!(after.asks() || !before.asks());
        prop_assert!(after.commits.iter().zip(&before.commits).all(|(after, before)| after.gated || !before.gated));
    }

    #[test]
    fn what_is_not_known_completely_is_always_held(
        rules in any_rules(), facts in any_facts(), environment in any_environment(),
    ) {
        let facts = Facts { gaps: vec![Gap::TooManyCommits { total: 900, read: 250 }], ..facts };
        let judgement = judge(&policy(rules), &Target::deployment(environment), &facts);
        prop_assert!(judgement.asks());
        prop_assert!(judgement.commits.iter().all(|commit| commit.gated));
    }

    #[test]
    fn parties_and_bots_never_meet_a_requirement(
        rules in any_rules(), facts in any_facts(), environment in any_environment(),
        approvals in prop::collection::vec(any_standing(), 0..8),
    ) {
        let judgement = judge(&policy(rules), &Target::deployment(environment), &facts);
        let (barred, others): (Vec<Standing>, Vec<Standing>) = approvals.iter().cloned().partition(|standing| {
            standing.account.kind != AccountKind::User || judgement.parties.find(standing.account.id).is_some()
        });
        prop_assert_eq!(counted(&judgement, &approvals), counted(&judgement, &others));
        prop_assert!(!approved_by(&judgement, &barred));
    }

    #[test]
    fn one_more_unknown_identity_asks_for_one_more_approver(
        rules in any_rules(), facts in any_facts(), environment in any_environment(),
    ) {
        let before = judge(&policy(rules.clone()), &Target::deployment(environment), &facts);
        let gated = before.commits.iter().position(|commit| commit.gated);
        prop_assume!(gated.is_some());
        let mut more = facts;
        more.commits[gated.unwrap()].message.push_str("\n\nCo-authored-by: Nobody <nobody-knows@example.com>");
        let after = judge(&policy(rules), &Target::deployment(environment), &more);
        prop_assert_eq!(after.quorum.len(), before.quorum.len());
        for (after, before) in after.quorum.iter().zip(&before.quorum) {
            let (after, before) = (after.groups()[0], before.groups()[0]);
            prop_assert_eq!((after.need, after.extra), (before.need + 1, before.extra + 1));
        }
    }

    #[test]
    fn a_party_who_is_a_writer_may_always_deny(facts in any_facts(), environment in any_environment()) {
        let judgement = judge(&Policy::built_in(), &Target::deployment(environment), &facts);
        for party in judgement.parties.known.iter().filter(|party| party.account.kind == AccountKind::User) {
            let standing = Standing { account: party.account.clone(), permission: Permission::Write, teams: Vec::new() };
            prop_assert!(may_deny(&judgement, &standing, 0));
        }
    }
}

/// `git config user.email` decides whether anybody is a party.
#[test]
fn a_forged_machine_or_noreply_address_earns_no_exemption() {
    for email in [
        "noreply@anthropic.com",
        "4000000000+nobody@users.noreply.github.com",
        "4000000000+x[bot]@users.noreply.github.com",
    ] {
        let facts = facts(vec![commit("c1", email, "Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>")]);
        let judgement = judge(&Policy::built_in(), &PRODUCTION, &facts);
        assert_eq!(need(&judgement), 2, "{email}: GitHub names no account, so whoever wrote it is unknown");
    }
}

/// the newest attempt's actor is null: a missing fact about a party.
#[test]
fn a_run_without_an_actor_asks_for_one_more() {
    let mut facts = facts(vec![by_ann("c1", true)]);
    facts.run.attempts[0].actor = None;
    facts.run.attempts[0].triggering_actor = None;
    let judgement = judge(&Policy::built_in(), &PRODUCTION, &facts);
    assert!(need(&judgement) > 1, "nobody knows who started it");
}

/// `git -c user.name=GitHub -c user.email=noreply@github.com commit` makes a commit nobody has a part in.
#[test]
fn an_author_who_calls_himself_github_is_unknown() {
    let mut by_nobody = commit("c1", "noreply@github.com", "Fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>");
    by_nobody.author.name = "GitHub".to_owned();
    by_nobody.committer.name = "GitHub".to_owned();
    let judgement = judge(&Policy::built_in(), &PRODUCTION, &facts(vec![by_nobody]));
    assert_eq!(need(&judgement), 2);
}

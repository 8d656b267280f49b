//! What no policy can do, whatever it says.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use seconder::domain::decide::{Judgement, Layer, Permission, Progress, Standing, Voice, is_met, judge, tally};
use seconder::domain::facts::{Facts, Gap};
use seconder::domain::people::{People, Person};
use seconder::domain::policy::{Assurance, Consequence, Member, Mode, Policy, Requirement, Rule, Scope, Target};
use serde_json::Value;

use super::any;
use super::stories::*;

/// Accounts 6 to 13 are `user-6` to `user-13`; 6 and 7 write commits, and so does 8 at times.
fn user(id: u64) -> seconder::domain::people::Account {
    account(id, &format!("user-{id}"))
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let one = (
        select(vec![6_u64, 7, 8]),
        option::of(select(vec![CLAUDE, DEVIN])),
        select(vec!["Fix", "Fix OPS-7"]),
        any::<bool>(),
    );
    let files =
        select(vec![&["docs/a.md"][..], &["src/main.rs", "docs/a.md"], &["migrations/1.sql"], &["main.tf"], &[]]);
    let owners = select(vec![
        None,
        Some(vec![]),
        Some(vec![vec![Member::User("user-9".into())], vec![Member::User("user-10".into())]]),
    ]);
    let gap = option::weighted(0.2, Just(Gap::Diverged));
    (vec(one, 0..4), files, owners, gap, select(vec![6_u64, 11])).prop_map(
        |(commits, files, owners, gap, started_by)| {
            let commits = (1..).zip(commits).map(|(n, (author, agent, subject, is_known))| {
                let mut commit = commit(&format!("c{n}"), &user(author), subject, agent);
                if !is_known {
                    commit.author.account = None;
                }
                commit
            });
            let mut facts = facts(&user(started_by), commits.collect(), files);
            facts.owners = owners;
            facts.gaps.extend(gap);
            facts
        },
    )
}

fn any_target() -> impl Strategy<Value = Target<'static>> {
    let environment = select(vec!["production", "prod-eu", "staging", "elsewhere"]);
    let git_ref = option::of(select(vec!["main", "release/1", "v1.0"]));
    let workflow = option::of(select(vec!["deploy.yml", "release.yaml"]));
    (environment, git_ref, workflow).prop_map(|(environment, git_ref, workflow)| Target {
        git_ref,
        workflow,
        ..Target::deployment(environment)
    })
}

type Approval = (Standing, Assurance);

fn any_approvals() -> impl Strategy<Value = Vec<Approval>> {
    use Assurance::{Click, Passkey, Session};
    use Permission::{Admin, Maintain, Read, Write};
    let teams: Vec<&[&str]> = vec![&[], &["acme/platform"], &["acme/security", "acme/auditors"]];
    let one =
        (6..14_u64, select(vec![Read, Write, Maintain, Admin]), select(teams), select(vec![Click, Session, Passkey]));
    let one = one.prop_map(|(id, access, teams, assurance)| (standing(user(id), access, teams), assurance));
    vec(one, 0..8)
}

fn voices(approvals: &[Approval]) -> Vec<Voice<'_>> {
    approvals.iter().map(|(standing, assurance)| Voice { standing, assurance: *assurance }).collect()
}

fn any_policy() -> impl Strategy<Value = Policy> {
    any::rules_of(vec(any::rule(), 1..5).boxed()).prop_map(|file| policy(&file.to_string()))
}

/// A rule that goes with the groups of any policy here.
fn any_rule() -> impl Strategy<Value = Rule> {
    any::rules_of(vec(any::rule(), 1).boxed()).prop_map(rule_of)
}

fn rule_of(file: Value) -> Rule {
    policy(&file.to_string()).rules.remove(0)
}

fn any_requirement() -> impl Strategy<Value = Requirement> {
    any::rules_of(any::rule_that_asks().prop_map(|rule| vec![rule]).boxed()).prop_map(|file| {
        match rule_of(file).consequence {
            Consequence::Require(mut all) => all.remove(0),
            Consequence::Deny(why) => panic!("{why}"),
        }
    })
}

/// The people an organization or a repository may name: several accounts of one, a program, an owner of an address.
fn any_people() -> impl Strategy<Value = People> {
    let person = |name: &str, ids: &[u64], is_machine| Person {
        name: name.into(),
        accounts: ids.iter().map(|id| user(*id)).collect(),
        emails: vec![format!("{name}@example.com")],
        is_machine,
    };
    select(vec![
        People::default(),
        People(vec![person("user-6", &[6, 9], false), person("user-12", &[12], true)]),
        People(vec![person("user-7", &[7], false), person("user-9", &[9, 10, 11], false)]),
    ])
}

const HOUR: i64 = 60 * 60 * 1000;

fn any_wait() -> impl Strategy<Value = i64> {
    select(vec![0, HOUR / 2, HOUR, 24 * HOUR])
}

fn is_built_in(judgement: &Judgement) -> bool {
    judgement.matched_rules.iter().any(|rule| rule == "built-in")
}

/// How many distinct persons each group needs, and has.
fn counts(judgement: &Judgement, approvals: &[Approval], waited: i64) -> Vec<(u32, u32)> {
    fn collect(progress: &Progress, all: &mut Vec<(u32, u32)>) {
        match progress {
            Progress::AnyOf { any_of: parts } | Progress::AllOf { all_of: parts } => {
                parts.iter().for_each(|part| collect(part, all));
            }
            Progress::Persons { need, have, .. } => all.push((*need, *have)),
        }
    }
    let mut all = Vec::new();
    tally(judgement, &voices(approvals), waited).iter().for_each(|met| collect(&met.progress, &mut all));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::with_cases(128) })]

    /// The built-in rule goes when a rule of the file covers all agents in its place: that is said on purpose, and what is asked
    /// then is what the file says. In all other cases more rules hold more.
    #[test]
    fn a_rule_more_releases_nothing_that_was_held(
        policy in any_policy(), rule in any_rule(), at in 0..5_usize, facts in any_facts(), target in any_target(),
        approvals in any_approvals(), waited in any_wait(),
    ) {
        let before = judge(&policy, &target, &facts);
        let mut more = policy;
        more.rules.insert(at.min(more.rules.len()), rule);
        let after = judge(&more, &target, &facts);
        prop_assume!(!is_built_in(&before) || is_built_in(&after));
        let [was, is] = [&before, &after].map(|judgement| outcome(judgement, &voices(&approvals), waited));
        prop_assert!(!is.is_released() || was.is_released(), "{was:?} became {is:?}");
        prop_assert!(was != Denied || is == Denied);
        prop_assert!(after.asks() || !before.asks());
        prop_assert!(after.parties.known.len() >= before.parties.known.len());
    }

    #[test]
    fn a_requirement_more_releases_nothing_that_was_held(
        policy in any_policy(), requirement in any_requirement(), at in 0..5_usize, facts in any_facts(), target in any_target(),
        approvals in any_approvals(), waited in any_wait(),
    ) {
        let was = outcome(&judge(&policy, &target, &facts), &voices(&approvals), waited);
        let mut more = policy;
        let at = at % more.rules.len();
        if let Consequence::Require(all) = &mut more.rules[at].consequence {
            all.push(requirement);
        }
        let is = outcome(&judge(&more, &target, &facts), &voices(&approvals), waited);
        prop_assert!(!is.is_released() || was.is_released(), "{was:?} became {is:?}");
        prop_assert!(was != Denied || is == Denied);
    }

    /// Whatever the repository's file says of people, agents, exceptions or shadows, the organization's holds as if it were alone.
    #[test]
    fn no_repository_loosens_what_the_organization_asks(
        organization in any_policy(), mut repository in any_policy(), theirs in any_people(), ours in any_people(),
        leans in any::<bool>(), facts in any_facts(), target in any_target(), approvals in any_approvals(), waited in any_wait(),
    ) {
        repository.leans_on_another = leans;
        let organization = Layer { policy: organization, people: theirs };
        let repository = Layer { policy: repository, people: ours };
        let alone = judged(std::slice::from_ref(&organization), &target, &facts);
        for both in [[organization.clone(), repository.clone()], [repository, organization]] {
            let both = judged(&both, &target, &facts);
            let [was, is] = [&alone, &both].map(|judgement| outcome(judgement, &voices(&approvals), waited));
            prop_assert!(!is.is_released() || was.is_released(), "{was:?} became {is:?}");
            prop_assert!(was != Denied || is == Denied);
            prop_assert!(alone.freezes.iter().all(|freeze| both.freezes.contains(freeze)));
            prop_assert!(alone.parties.known.iter().all(|party| both.parties.find(party.account.id).is_some()));
            let ends = |judgement: &Judgement| judgement.expires_after.unwrap_or(i64::MAX);
            prop_assert!(ends(&both) <= ends(&alone));
        }
    }

    #[test]
    fn escalation_lets_more_people_count_and_never_fewer_be_enough(
        policy in any_policy(), facts in any_facts(), target in any_target(), approvals in any_approvals(), waited in any_wait(),
    ) {
        let with = judge(&policy, &target, &facts);
        let mut without = policy;
        without.rules.iter_mut().for_each(|rule| rule.escalate.clear());
        let without = judge(&without, &target, &facts);
        prop_assert_eq!(counts(&with, &approvals, 0), counts(&without, &approvals, 0), "nothing escalates at once");
        let [early, late] = [0, waited].map(|waited| counts(&with, &approvals, waited));
        prop_assert!(early.iter().zip(&late).all(|(early, late)| early.0 == late.0 && early.1 <= late.1));
    }

    #[test]
    fn a_shadow_neither_holds_nor_releases(
        policy in any_policy(), shadow in any_rule(), at in 0..5_usize, facts in any_facts(), target in any_target(),
        approvals in any_approvals(), waited in any_wait(),
    ) {
        let before = judge(&policy, &target, &facts);
        let mut more = policy;
        more.rules.insert(at.min(more.rules.len()), Rule { mode: Mode::Shadow, name: "a shadow".into(), ..shadow });
        let after = judge(&more, &target, &facts);
        prop_assert_eq!(&after.quorum, &before.quorum);
        prop_assert_eq!(&after.denied_by, &before.denied_by);
        prop_assert_eq!(&after.matched_rules, &before.matched_rules);
        prop_assert_eq!(&after.parties, &before.parties);
        prop_assert_eq!(after.expires_after, before.expires_after);
        let [was, is] = [&before, &after].map(|judgement| outcome(judgement, &voices(&approvals), waited));
        prop_assert_eq!(was, is);
    }

    #[test]
    fn a_denial_wins_whoever_approves(
        policy in any_policy(), denial in any_rule(), at in 0..5_usize, facts in any_facts(), target in any_target(),
        approvals in any_approvals(), waited in any_wait(),
    ) {
        let denial = Rule { consequence: Consequence::Deny("no".into()), mode: Mode::Enforce, name: "no".into(), ..denial };
        let mut more = policy;
        more.rules.insert(at.min(more.rules.len()), denial);
        let judgement = judge(&more, &target, &facts);
        prop_assume!(judgement.matched_rules.iter().any(|rule| rule == "no"));
        prop_assert!(judgement.denied_by.iter().any(|rule| rule == "no"));
        prop_assert_eq!(outcome(&judgement, &voices(&approvals), waited), Denied);
    }

    #[test]
    fn what_is_not_known_exempts_nothing(
        policy in any_policy(), facts in any_facts(), target in any_target(), approvals in any_approvals(), waited in any_wait(),
        forget_ref in any::<bool>(), forget_workflow in any::<bool>(), gap in any::<bool>(),
    ) {
        let known = judge(&policy, &target, &facts);
        let target = Target {
            git_ref: target.git_ref.filter(|_| !forget_ref),
            workflow: target.workflow.filter(|_| !forget_workflow),
            ..target
        };
        let mut facts = facts;
        if gap {
            facts.gaps.push(Gap::TooManyFiles { read: 300 });
        }
        let unknown = judge(&policy, &target, &facts);
        prop_assert!(known.matched_rules.iter().all(|rule| unknown.matched_rules.contains(rule)));
        prop_assert!(known.commits.iter().zip(&unknown.commits).all(|(known, unknown)| unknown.gated || !known.gated));
        let [was, is] = [&known, &unknown].map(|judgement| outcome(judgement, &voices(&approvals), waited));
        prop_assert!(!is.is_released() || was.is_released(), "{was:?} became {is:?}");
        prop_assert!(!gap || unknown.asks() || !unknown.denied_by.is_empty());
        // Where something is missing, every commit is held, and no exception about files is known to apply.
        let is_open = |rule: &&Rule| {
            rule.mode == Mode::Enforce
                && rule.scope.covers(&target, &facts.files, true).is_ok()
                && rule.except.as_ref().is_none_or(Scope::looks_at_files)
        };
        let held = |rule: &Rule| unknown.matched_rules.contains(&rule.name);
        prop_assert!(!gap || policy.rules.iter().filter(is_open).all(held));
    }

    /// What the properties above rest on: enough of it is held, denied and released for them to mean something.
    #[test]
    fn a_quorum_is_met_by_different_people_only(
        policy in any_policy(), facts in any_facts(), target in any_target(), approvals in any_approvals(), waited in any_wait(),
    ) {
        let judgement = judge(&policy, &target, &facts);
        let mut twice = approvals.clone();
        twice.extend(approvals.iter().cloned());
        prop_assert_eq!(counts(&judgement, &twice, waited), counts(&judgement, &approvals, waited));
        let parties: Vec<Approval> =
            approvals.into_iter().filter(|(standing, _)| judgement.parties.find(standing.account.id).is_some()).collect();
        prop_assert!(!is_met(&tally(&judgement, &voices(&parties), waited)));
    }
}

/// GitHub links nobody to this address: whoever wrote the commit could be anybody, and costs one more approver.
#[test]
fn a_repository_cannot_call_a_humans_address_an_agents_where_the_organization_does_not() {
    let asks = "version: 1\nrules:\n  - name: all\n    environments: [\"*\"]\n    authored_by: anyone\n    require: [1 of writers]\n";
    let agent = format!("{asks}agents:\n  helper: {{ emails: [user-6@example.com] }}\n");
    let mut written = commit("c1", &user(6), "Fix", None);
    (written.author.account, written.committer.account) = (None, Some(user(7)));
    written.committer.email = "user-7@example.com".into();
    let facts = facts(&user(7), vec![written], &["src/main.rs"]);
    let target = Target::deployment("production");
    let need = |judgement: &Judgement| judgement.quorum.iter().flat_map(|q| q.groups()).map(|g| g.need).max();
    let alone = judged(&[layer(policy(asks))], &target, &facts);
    let both = judged(&[layer(policy(&agent)), layer(policy(asks))], &target, &facts);
    assert_eq!((need(&alone), need(&both)), (Some(2), Some(2)));
}

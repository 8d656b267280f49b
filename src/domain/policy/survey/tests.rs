use super::environments::look;
use super::*;
use crate::domain::policy::parse;

/// alice and bob may write, olga is an admin, rita may read; alice and bob are in the team.
fn world() -> World {
    let who = |id, login: &str| Account { id, login: login.to_owned(), kind: AccountKind::User };
    let (alice, bob, olga, rita) = (who(1, "alice"), who(2, "Bob"), who(3, "olga"), who(4, "rita"));
    let has = |account: &Account, permission| (account.login.to_lowercase(), (account.clone(), permission));
    World {
        repository: "acme/shop".into(),
        environments: vec![Environment { name: "production".into(), is_guarded: true }],
        accounts: [&alice, &bob, &olga, &rita].map(|a| (a.login.to_lowercase(), Some(a.clone()))).into(),
        teams: BTreeMap::from([("acme/platform".into(), Some(vec![alice.clone(), bob.clone()]))]),
        access: Some(BTreeMap::from([
            has(&alice, Permission::Write),
            has(&bob, Permission::Write),
            has(&olga, Permission::Admin),
            has(&rita, Permission::Read),
        ])),
        ..World::default()
    }
}

fn policy(before: &str, rule: &str) -> String {
    format!("version: 1\n{before}rules:\n  - name: production\n    environments: [production]\n    {rule}\n")
}

fn told(policy: &str, world: &World) -> Vec<(Kind, String)> {
    let remarks = survey(Some(&parse(policy).unwrap()), &Places::of(policy), world);
    remarks.into_iter().map(|remark| (remark.kind, remark.error.to_string())).collect()
}

fn kinds(policy: &str, world: &World) -> Vec<Kind> {
    told(policy, world).into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn one_of_several_ways_that_can_be_gone_is_enough() {
    let any = |second: &str| policy("", &format!("require: [{{ any_of: [2 of admins, {second}] }}]"));
    assert_eq!(kinds(&any("1 of writers"), &world()), []);
    assert_eq!(kinds(&any("1 of rita"), &world()), [Kind::NoAccess, Kind::NobodyCan]);
    let all = policy("", "require: [{ all_of: [1 of writers, 2 of admins] }]");
    let all = told(&all, &world());
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].1, "5:40: nobody can meet this: it asks 2 of `admins`, and only `olga` could approve");
}

#[test]
fn one_human_with_two_accounts_cannot_meet_a_requirement_for_two() {
    let two = "require: [\"2 of @acme/platform\"]";
    assert_eq!(kinds(&policy("", two), &world()), [Kind::BarelyEnough]);
    assert_eq!(kinds(&policy("people:\n  alice: { also: [bob] }\n", two), &world()), [Kind::NobodyCan]);
    let escalated = format!("{two}\n    escalate: [{{ after: 1h, to: admins }}]");
    assert_eq!(kinds(&policy("people:\n  alice: { also: [bob] }\n", &escalated), &world()), [Kind::BarelyEnough]);
}

#[test]
fn what_is_not_known_is_not_complained_about() {
    let blind = World { access: None, accounts: BTreeMap::new(), teams: BTreeMap::new(), ..world() };
    assert_eq!(kinds(&policy("", "require: [\"3 of @acme/platform\", 1 of alice, 1 of codeowners]"), &blind), []);
}

#[test]
fn an_environment_that_the_organizations_rules_cover_is_covered() {
    let text = policy("", "require: [1 of writers]");
    let mut world = world();
    world.environments.push(Environment { name: "billing".into(), is_guarded: true });
    assert_eq!(kinds(&text, &world), [Kind::OnlyBuiltIn]);
    world.besides = parse(&text.replace("[production]", "[\"*\"]")).unwrap().rules;
    assert_eq!(kinds(&text, &world), []);
}

#[test]
fn a_job_that_takes_secrets_without_a_deployment_is_pointed_out() {
    let job = "jobs:\n  dump:\n    environment:\n      name: production\n      deployment: false\n";
    let text = policy("", "require: [1 of writers]");
    let mut world = World { workflows: BTreeMap::from([("dump.yml".into(), job.into())]), ..world() };
    let happens = |world: &World| told(&text, world).pop().unwrap().1;
    assert_eq!(
        happens(&world),
        "4:13: job `dump` says `deployment: false` for `production`: GitHub fails it at once, because a protection rule is \
         on there"
    );
    world.environments[0].is_guarded = false;
    assert!(happens(&world).ends_with("no rule can hold it there"));
}

#[test]
fn names_look_alike_by_case_script_and_figures_and_others_do_not() {
    for (one, other) in [("pr\u{43e}d", "prod"), ("prod_eu", "prod-eu"), ("prod1", "prodl"), ("st\u{200b}age", "stage")]
    {
        assert_eq!(look(one), look(other), "{one} {other}");
    }
    assert_ne!(look("prod-eu"), look("prod-us"));
    assert_ne!(look("prod-1"), look("prod-2"));
}

#[test]
fn somebody_named_on_the_spot_is_complained_about_where_the_rule_asks() {
    let text = policy("", "require: [1 of writers, 1 of nobodyy]");
    let mut world = world();
    world.accounts.insert("nobodyy".into(), None);
    assert_eq!(told(&text, &world)[0].1, "5:29: GitHub knows no account `nobodyy`");
}

//! The policies of `docs/policies`, and what they do.

use seconder::domain::decide::{Permission, Standing};
use seconder::domain::policy::{Member, RefKind, Target, parse, schema};

use super::stories::*;

macro_rules! example {
    ($name:literal) => {
        ($name, include_str!(concat!("../../docs/policies/", $name)))
    };
}

pub const EXAMPLES: [(&str, &str); 4] = [
    example!("small-team.yml"),
    example!("regulated-company.organization.yml"),
    example!("regulated-company.yml"),
    example!("open-source.yml"),
];
const SMALL: &str = EXAMPLES[0].1;
const COMPANY: &str = EXAMPLES[1].1;
const BANK: &str = EXAMPLES[2].1;
const LIBRARY: &str = EXAMPLES[3].1;

#[test]
fn the_examples_are_read_without_a_warning() {
    for (name, text) in EXAMPLES {
        let file = parse(text).unwrap_or_else(|errors| panic!("{}", errors.render(name, text)));
        assert_eq!(file.warnings, [], "{name}");
    }
}

#[test]
fn every_policy_in_the_papers_is_one() {
    let mut count = 0;
    for (name, text) in
        [("README.md", include_str!("../../README.md")), ("docs/policy.md", include_str!("../../docs/policy.md"))]
    {
        for part in text.split("```yaml\n").skip(1) {
            let yaml = part.split("```").next().unwrap();
            // What is shown of a file may be a part of it: then it is put into one.
            let is_whole = yaml.contains("version: 1");
            let has_rules = yaml.contains("\nrules:") || yaml.starts_with("rules:");
            let is_rule = yaml.starts_with("- name:") || yaml.starts_with("  - name:");
            let rules = "rules: [{ name: a, environments: [b], require: [1 of writers] }]\n";
            let groups = "approvers: { platform: [octocat, mona], security: [\"@acme/security\"], leads: [octocat] }\n";
            let whole = match (is_whole, has_rules, is_rule) {
                (true, ..) => yaml.to_owned(),
                (_, true, _) => format!("version: 1\n{groups}{yaml}"),
                (_, _, true) => format!("version: 1\n{groups}rules:\n{yaml}"),
                _ => format!("version: 1\n{yaml}{rules}"),
            };
            parse(&whole).unwrap_or_else(|errors| panic!("{}", errors.render(name, &whole)));
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

/// Names of keys, in whatever table.
fn keys(schema: &serde_json::Value, all: &mut Vec<String>) {
    for (name, value) in schema.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(properties) if name == "properties" => all.extend(properties.keys().cloned()),
            _ => {}
        }
        keys(value, all);
    }
}

#[test]
fn every_key_is_in_the_papers() {
    let mut all = Vec::new();
    keys(&schema(), &mut all);
    let page = include_str!("../../docs/policy.md");
    let is_written = |key: &String| page.contains(&format!("`{key}`")) || page.contains(&format!("{key}:"));
    let missing: Vec<_> = all.iter().filter(|key| !is_written(key)).collect();
    assert!(all.len() > 50 && missing.is_empty(), "{missing:?}");
}

/// Something goes to an environment.
struct Gate {
    to: &'static str,
    from: &'static str,
    says: &'static str,
    by: &'static str,
    agent: Option<&'static str>,
    changes: &'static [&'static str],
}

impl Gate {
    /// From `main`, by Lena.
    fn to(to: &'static str) -> Self {
        Self { to, from: "main", says: "Fix", by: "lena", agent: None, changes: &["src/shop.rs"] }
    }

    fn agent(self, mark: &'static str) -> Self {
        Self { agent: Some(mark), ..self }
    }

    fn changes(self, changes: &'static [&'static str]) -> Self {
        Self { changes, ..self }
    }

    fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    fn from(self, from: &'static str) -> Self {
        Self { from, ..self }
    }

    fn by(self, by: &'static str) -> Self {
        Self { by, ..self }
    }
}

const HOUR: i64 = 60 * 60 * 1000;

/// Everybody there is, with their access and teams.
fn everybody() -> Vec<Standing> {
    use Permission::{Admin, Maintain, Read, Write};
    let all: [(&str, Permission, &[&str]); 9] = [
        ("lena", Write, &["corner/shop", "bank/payments"]),
        ("tom", Write, &["corner/shop", "bank/payments"]),
        ("maria", Admin, &["corner/shop", "bank/payments"]),
        ("sam", Write, &["bank/security"]),
        ("rita", Read, &["bank/risk"]),
        ("olga", Write, &[]),
        ("ada", Maintain, &[]),
        ("grace", Admin, &[]),
        ("stranger", Read, &[]),
    ];
    (1..).zip(all).map(|(id, (login, access, teams))| standing(account(id, login), access, teams)).collect()
}

/// Tells the story: what becomes of each gate when these people click Approve after so many hours.
fn tell(policies: &[&str], owners: Option<&str>, story: Vec<(Gate, &[&str], i64, Outcome)>) {
    let layers: Vec<_> = policies.iter().map(|text| layer(policy(text))).collect();
    let everybody = everybody();
    let named = |login: &str| everybody.iter().find(|one| one.account.login == login).unwrap();
    for (number, (gate, approve, hours, expected)) in (1..).zip(story) {
        let author = &named(gate.by).account;
        let mut facts = facts(author, vec![commit("c1", author, gate.says, gate.agent)], gate.changes);
        facts.owners = owners.map(|login| vec![vec![Member::User(login.to_owned())]]);
        let ref_kind = Some(if gate.from.starts_with('v') { RefKind::Tag } else { RefKind::Branch });
        let target = Target { git_ref: Some(gate.from), ref_kind, ..Target::deployment(gate.to) };
        let judgement = judged(&layers, &target, &facts);
        let voices: Vec<_> = approve.iter().map(|login| click(named(login))).collect();
        let found = outcome(&judgement, &voices, hours * HOUR);
        assert_eq!(found, expected, "gate {number}, to {} with {approve:?}: {:#?}", gate.to, judgement.reasons);
    }
}

#[test]
fn in_a_small_team_a_colleague_is_enough_and_a_migration_needs_an_admin() {
    let agent = || Gate::to("production").agent(CLAUDE);
    let migration = || Gate::to("production").changes(&["migrations/7.sql"]);
    tell(
        &[SMALL],
        None,
        vec![
            (Gate::to("production"), &[], 0, Passes),
            (agent(), &[], 0, Waits),
            (agent(), &["lena"], 0, Waits),
            (agent(), &["tom"], 0, Seconded),
            (agent(), &["olga"], 0, Waits),
            (agent(), &["olga"], 4, Seconded),
            (migration(), &["tom"], 0, Waits),
            (migration(), &["maria"], 0, Seconded),
            (migration().by("maria"), &["tom", "lena"], 0, Waits),
            (migration().by("maria"), &["tom", "grace"], 0, Seconded),
            (Gate::to("staging"), &[], 0, Passes),
            (Gate::to("staging").agent(CLAUDE), &[], 0, Waits),
            (Gate::to("staging").agent(CLAUDE), &["olga"], 0, Seconded),
        ],
    );
}

#[test]
fn in_a_regulated_company_both_files_hold() {
    const CHANGE: &str = "Fix CHG-004711";
    let prod = || Gate::to("prod-eu").says(CHANGE);
    let money = || prod().changes(&["src/transfer/sepa.rs"]);
    tell(
        &[COMPANY, BANK],
        Some("olga"),
        vec![
            (Gate::to("prod-eu"), &["tom", "olga"], 0, Denied), // no number of a change
            (prod(), &[], 0, Waits),
            (prod(), &["olga"], 0, Seconded), // by hand: the company's four eyes
            (prod().agent(CLAUDE), &["tom"], 0, Waits),
            (prod().agent(CLAUDE), &["tom", "olga"], 0, Seconded),
            (prod().agent(CLAUDE).changes(&["docs/a.md"]), &["sam"], 0, Seconded),
            (prod().agent(CLAUDE).changes(&["infra/iam.tf"]), &["tom", "olga"], 0, Waits),
            (prod().agent(CLAUDE).changes(&["infra/net.tf"]), &["tom", "olga", "sam"], 0, Seconded),
            (prod().agent(CLAUDE).changes(&[".github/workflows/deploy.yml"]), &["tom", "olga", "sam"], 0, Denied),
            (money(), &["tom"], 0, Waits),
            (money(), &["tom", "rita"], 0, Seconded),
            (money(), &["tom", "maria"], 0, Seconded),
            (money().by("rita"), &["tom", "lena"], 0, Waits),
            (prod().from("feature"), &["tom", "olga", "maria"], 0, Denied),
            (Gate::to("staging"), &[], 0, Passes),
        ],
    );
}

#[test]
fn in_an_open_source_project_two_maintainers_publish_what_strangers_wrote() {
    let package = || Gate::to("npm").from("v1.2.0").by("stranger");
    let page = || Gate::to("github-pages").changes(&["site/index.md"]);
    tell(
        &[LIBRARY],
        Some("olga"),
        vec![
            (package(), &["ada"], 0, Waits),
            (package(), &["ada", "olga"], 0, Waits),
            (package(), &["ada", "grace"], 0, Seconded),
            (package().by("ada"), &["ada", "grace"], 0, Waits),
            (package().from("main"), &["ada", "grace"], 0, Denied),
            (package().agent(DEVIN).by("ada"), &["grace"], 0, Waits),
            (package().agent(DEVIN), &["ada", "grace"], 0, Seconded),
            (page(), &[], 0, Passes),
            (page().agent(CLAUDE), &["tom"], 0, Waits),
            (page().agent(CLAUDE), &["olga"], 0, Seconded),
            (page().changes(&["package.json"]), &["olga"], 0, Waits),
            (page().changes(&["package.json"]), &["ada"], 0, Seconded),
        ],
    );
}

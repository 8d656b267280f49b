//! Policies that use the whole language, as JSON, which is YAML, too.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// A whole file. Its rules are of every gate.
pub fn file() -> impl Strategy<Value = Value> {
    file_of(vec(rule_of_any_gate(), 1..6).boxed())
}

/// A file with these rules and nothing else than the groups they name.
pub fn rules_of(rules: BoxedStrategy<Vec<Value>>) -> impl Strategy<Value = Value> {
    rules.prop_map(|rules| json!({ "version": 1, "approvers": approvers(), "rules": with_names(rules) }))
}

/// Names are unique.
fn with_names(mut rules: Vec<Value>) -> Vec<Value> {
    for (number, rule) in (1..).zip(&mut rules) {
        rule["name"] = format!("{} {number}", rule["name"].as_str().unwrap()).into();
    }
    rules
}

fn file_of(rules: BoxedStrategy<Vec<Value>>) -> impl Strategy<Value = Value> {
    let people = select(vec![
        json!({ "user-8": { "also": ["user-9"], "emails": ["Eve@example.com"] }, "release-robot": "machine" }),
        json!({ "@User-10": {}, "user-11": { "emails": ["dan@example.com", "d@example.com"] } }),
    ]);
    let agents = select(vec![
        json!({ "acme-bot": { "name": "Acme: Bot", "emails": ["bot@acme.example"], "branches": ["acme-bot/"] } }),
        json!({ "acme-bot": { "accounts": [4_000_000_001_u64], "logins": ["acme-bot[bot]"], "trailers": ["Acme-Run", "Made-With: Acme"] },
                "Other_bot": { "footers": ["🤖 Made with Other"], "bodies": ["Opened by \"Other\""] } }),
    ]);
    let classes = select(vec![
        json!({ "schema": { "paths": ["db/**"] } }),
        json!({ "payments": { "paths": ["src/pay/**", "*.{sql,ddl}"], "commands": ["pay *"] } }),
    ]);
    (rules, option::of(people), option::of(agents), option::of(classes), freezes(), option::weighted(0.1, sentence()))
        .prop_map(|(rules, people, agents, classes, freezes, stop)| {
            let mut file = json!({ "version": 1, "approvers": approvers(), "rules": with_names(rules) });
            let more = [("people", people), ("agents", agents), ("classes", classes), ("stop", stop.map(Value::from))];
            for (key, value) in more {
                if let Some(value) = value {
                    file[key] = value;
                }
            }
            if !freezes.is_empty() {
                file["freeze"] = freezes.into();
            }
            file
        })
}

fn approvers() -> Value {
    json!({
        "platform": ["user-8", "user-10", "User-12", "@acme/platform"],
        "security": ["@acme/Security", "user-11"],
        "leads": [{ "permission": "maintain" }, "user-13"],
        "owners": ["codeowners", "user-9"],
        "staff": [{ "permission": "write" }, { "permission": "admin" }],
        "readers": [{ "permission": "read" }, { "permission": "triage" }],
    })
}

fn freezes() -> impl Strategy<Value = Vec<Value>> {
    let all = vec![
        json!({ "name": "weekend", "zone": "Europe/Berlin", "from": "0 18 * * FRI", "to": "0 6 * * MON" }),
        json!({ "name": "year's end", "zone": "UTC", "from": "2026-12-20", "to": "2027-01-02T08:00", "environments": ["prod*"] }),
        json!({ "name": "nights", "zone": "America/New_York", "from": "30 22 * * *", "to": "0 6 * * *", "environments": ["production", "staging"] }),
    ];
    subsequence(all, 0..=3)
}

/// Words with everything that YAML could take for something else.
fn sentence() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["production", "no", "on", "1.5", "0x10", "~", "null", "a: b", "a #b", "- a", "1 of x", "{a}", "a, b", "* all"])
            .prop_map(str::to_owned),
        1 => "[a-zA-Z0-9:#&*!|>'\"%@`\\[\\]{},?~ äß→\u{85}\u{2028}\\\\/-]{1,12}".prop_filter("not blank", |text| !text.trim().is_empty()),
    ]
}

fn globs(from: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(from), 1..3)
}

const ENVIRONMENTS: &[&str] = &["*", "production", "prod-*", "Prod*", "staging", "[sp]*", "prod-{eu,us}"];
const REFS: &[&str] = &["main", "release/**", "v*", "**"];
const PATHS: &[&str] = &["**", "docs/**", "migrations/*.sql", "*.md", "src/**"];

fn classes() -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(vec!["schema", "data-export", "privilege", "infrastructure", "model-deploy"]), 1..3)
}

/// A rule about deployments.
pub fn rule() -> impl Strategy<Value = Value> {
    rule_of(Just("deployment").boxed())
}

/// A rule about deployments that covers the environment `production` and asks people.
pub fn rule_that_asks() -> impl Strategy<Value = Value> {
    (rule(), vec(requirement(), 1..3)).prop_map(|(mut rule, require)| {
        rule["environments"] = json!(["production"]);
        let fields = rule.as_object_mut().unwrap();
        ["deny", "mode", "except", "branches", "tags", "workflows", "paths", "classes"].iter().for_each(|key| {
            fields.remove(*key);
        });
        rule["authored_by"] = "anyone".into();
        rule["require"] = require.into();
        rule
    })
}

fn rule_of_any_gate() -> impl Strategy<Value = Value> {
    rule_of(select(vec!["deployment", "deployment", "job", "command"]).boxed())
}

fn rule_of(gate: BoxedStrategy<&'static str>) -> impl Strategy<Value = Value> {
    (gate, any::<bool>(), sentence()).prop_flat_map(|(gate, says_gate, name)| {
        (scope(gate), option::weighted(0.3, scope(gate)), consequence(), more()).prop_map(
            move |(mut scope, except, consequence, more)| {
                let needed = match gate {
                    "deployment" => ("environments", json!(["production"])),
                    "job" => ("workflows", json!(["deploy.yml"])),
                    _ => ("commands", json!(["pg_dump *"])),
                };
                scope.entry(needed.0).or_insert(needed.1);
                let mut rule = scope;
                rule.insert("name".to_owned(), name.trim().into());
                if says_gate || gate != "deployment" {
                    rule.insert("gate".to_owned(), gate.into());
                }
                if let Some(except) = except.filter(|except| !except.is_empty()) {
                    rule.insert("except".to_owned(), except.into());
                }
                rule.extend(more);
                if consequence.contains_key("deny") {
                    ["expires", "remind", "escalate", "assurance"].iter().for_each(|key| {
                        rule.remove(*key);
                    });
                }
                rule.extend(consequence);
                rule.into()
            },
        )
    })
}

fn scope(gate: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    let rarely = |from| option::weighted(0.2, globs(from));
    let of_jobs = (
        rarely(&["deploy.yml", "*.yaml"]),
        rarely(&["migrate*", "build / test"]),
        rarely(&["pg_dump *", "aws s3 cp *"]),
    );
    (
        option::of(globs(ENVIRONMENTS)),
        rarely(REFS),
        rarely(REFS),
        rarely(PATHS),
        option::weighted(0.2, classes()),
        of_jobs,
    )
        .prop_map(move |(environments, branches, tags, paths, classes, (workflows, jobs, commands))| {
            let all = [
                ("environments", environments, true),
                ("branches", branches, true),
                ("tags", tags, true),
                ("paths", paths, true),
                ("classes", classes, true),
                ("workflows", workflows, gate != "command"),
                ("jobs", jobs, gate == "job"),
                ("commands", commands, gate == "command"),
            ];
            let kept = all.into_iter().filter(|(.., fits)| *fits);
            kept.filter_map(|(key, globs, _)| Some((key.to_owned(), json!(globs?)))).collect()
        })
}

fn consequence() -> impl Strategy<Value = Map<String, Value>> {
    prop_oneof![
        6 => vec(requirement(), 1..4).prop_map(|require| Map::from_iter([("require".to_owned(), require.into())])),
        1 => sentence().prop_map(|deny| Map::from_iter([("deny".to_owned(), deny.trim().into())])),
    ]
}

fn from() -> impl Strategy<Value = (u32, &'static str)> {
    let groups = select(vec![
        "platform",
        "security",
        "leads",
        "owners",
        "staff",
        "readers",
        "writers",
        "admins",
        "codeowners",
        "@acme/auditors",
    ]);
    prop_oneof![5 => (1..4_u32, groups), 1 => (Just(1), select(vec!["user-8", "@user-12"]))]
}

/// What a rule may ask.
pub fn requirement() -> impl Strategy<Value = Value> {
    let short = from().prop_map(|(count, from)| format!("{count} of {from}").into());
    let long =
        (from(), option::of(select(vec!["click", "session", "passkey"]))).prop_map(|((count, from), assurance)| {
            let mut long = json!({ "approvals": count, "from": from });
            if let Some(assurance) = assurance {
                long["assurance"] = assurance.into();
            }
            long
        });
    let one = prop_oneof![4 => short, 1 => long];
    one.prop_recursive(4, 8, 3, |inner| {
        (select(vec!["any_of", "all_of"]), vec(inner, 1..3)).prop_map(|(key, parts)| json!({ key: parts }))
    })
}

/// What may stand in any rule.
fn more() -> impl Strategy<Value = Map<String, Value>> {
    let authored_by = select(vec![
        json!("ai"),
        json!("anyone"),
        json!("unproven"),
        json!(["claude-code"]),
        json!(["devin", "copilot"]),
    ]);
    let rarely = |all: Vec<Value>| option::weighted(0.2, select(all));
    (
        option::of(authored_by),
        rarely(vec![json!("required"), json!({ "pattern": "[A-Z]+-[0-9]+" }), json!({ "pattern": "\\bOPS: \"x\"" })]),
        rarely(vec![json!("4h"), json!("90m"), json!("7d"), json!("24h")]),
        rarely(vec![json!("30m"), json!(["1h", "15m"])]),
        rarely(vec![
            json!([{ "after": "1h", "to": "admins" }]),
            json!([{ "after": "45m", "to": "leads" }, { "after": "30m", "to": "user-13" }]),
        ]),
        rarely(vec![json!("deny"), json!("extra_approval")]),
        rarely(vec![json!("shadow"), json!("enforce")]),
        rarely(vec![json!("session"), json!("click"), json!("passkey")]),
    )
        .prop_map(|(authored_by, reason, expires, remind, escalate, unattributed, mode, assurance)| {
            let all = [
                ("authored_by", authored_by),
                ("reason", reason),
                ("expires", expires),
                ("remind", remind),
                ("escalate", escalate),
                ("unattributed", unattributed),
                ("mode", mode),
                ("assurance", assurance),
            ];
            all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
        })
}

//! Broken policy files and what their authors are told. Read them aloud: would you know what to do?

use proptest::prelude::*;

use super::{Consequence, Rule, parse};

/// A good policy in which a line of the rule is replaced or added.
fn rule(line: &str) -> String {
    let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let mut lines = vec!["name: production", "environments: [production]", "require: [1 of platform]"];
    match lines.iter().position(|other| key(other) == key(line)) {
        Some(same) => lines[same] = line,
        None => lines.push(line),
    }
    let approvers = "platform: [\"@acme/platform\", octocat]";
    format!("version: 1\napprovers:\n  {approvers}\nrules:\n  - {}\n", lines.join("\n    "))
}

/// A good policy with these approvers.
fn approvers(line: &str) -> String {
    let rule = "name: production\n    environments: [production]\n    require: [1 of writers]";
    format!("version: 1\napprovers:\n  {line}\nrules:\n  - {rule}\n")
}

fn complaint(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    parse(text).expect_err("a complaint").render("seconder.yml", text)
}

#[test]
fn an_unknown_group_is_answered_with_the_nearest() {
    insta::assert_snapshot!(complaint(rule("require: [1 of plattform]")), @r#"
    seconder.yml:7:15: there is no group `plattform`; did you mean `platform`?
      |
    7 |     require: [1 of plattform]
      |               ^^^^^^^^^^^^^^
    "#);
}

#[test]
fn an_unknown_reserved_group_too() {
    insta::assert_snapshot!(complaint(rule("require: [1 of writer]")), @r#"
    seconder.yml:7:15: there is no group `writer`; did you mean `writers`?
      |
    7 |     require: [1 of writer]
      |               ^^^^^^^^^^^
    "#);
}

#[test]
fn what_is_neither_group_nor_login_nor_team() {
    insta::assert_snapshot!(complaint(rule("require: [1 of acme/security]")), @r#"
    seconder.yml:7:15: there is no group `acme/security`, and `acme/security` looks like a team; write `"@acme/security"`
      |
    7 |     require: [1 of acme/security]
      |               ^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_bot_never_approves() {
    insta::assert_snapshot!(complaint(rule(r#"require: ["1 of renovate[bot]"]"#)), @r#"
    seconder.yml:7:15: there is no group `renovate[bot]`, and `renovate[bot]` is a bot; bots never approve
      |
    7 |     require: ["1 of renovate[bot]"]
      |               ^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn none_of_a_group_is_no_requirement() {
    insta::assert_snapshot!(complaint(rule("require: [0 of platform]")), @r#"
    seconder.yml:7:15: 0 approvals are not possible; ask for 1 to 100
      |
    7 |     require: [0 of platform]
      |               ^^^^^^^^^^^^^
    "#);
}

#[test]
fn more_than_the_group_has() {
    insta::assert_snapshot!(complaint(rule("require: [2 of octocat]")), @r#"
    seconder.yml:7:15: nobody can meet this: 2 approvals from `octocat`, which is 1 person
      |
    7 |     require: [2 of octocat]
      |               ^^^^^^^^^^^^
    "#);
}

#[test]
fn a_word_for_a_number() {
    insta::assert_snapshot!(complaint(rule("require: [two of platform]")), @r#"
    seconder.yml:7:15: `two` is not a number; a requirement reads like `1 of platform`
      |
    7 |     require: [two of platform]
      |               ^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_requirement_that_is_no_sentence() {
    insta::assert_snapshot!(complaint(rule("require: [platform]")), @r#"
    seconder.yml:7:15: a requirement reads like `1 of writers`, not `platform`
      |
    7 |     require: [platform]
      |               ^^^^^^^^
    "#);
}

#[test]
fn a_requirement_outside_a_list() {
    insta::assert_snapshot!(complaint(rule("require: 1 of platform")), @r#"
    seconder.yml:7:14: `require` is a list, not `1 of platform`; write for example `[1 of writers]`
      |
    7 |     require: 1 of platform
      |              ^^^^^^^^^^^^^
    "#);
}

#[test]
fn no_requirement() {
    insta::assert_snapshot!(complaint(rule("require: []")), @r#"
    seconder.yml:7:14: `require` is empty; write for example `[1 of writers]`
      |
    7 |     require: []
      |              ^^
    "#);
}

#[test]
fn a_long_form_without_a_group() {
    insta::assert_snapshot!(complaint(rule("require: [{ approvals: 2 }]")), @r#"
    seconder.yml:7:15: the requirement has no `from`; write for example `from: writers`
      |
    7 |     require: [{ approvals: 2 }]
      |               ^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_long_form_with_a_slip() {
    insta::assert_snapshot!(complaint(rule("require: [{ aprovals: 2, from: platform }]")), @r#"
    seconder.yml:7:17: a requirement has no key `aprovals`; did you mean `approvals`?
      |
    7 |     require: [{ aprovals: 2, from: platform }]
      |                 ^^^^^^^^
    "#);
}

#[test]
fn a_long_form_with_a_text_for_a_number() {
    insta::assert_snapshot!(complaint(rule(r#"require: [{ approvals: "two", from: platform }]"#)), @r#"
    seconder.yml:7:28: `approvals` is a number, not `two`
      |
    7 |     require: [{ approvals: "two", from: platform }]
      |                            ^^^^^
    "#);
}

#[test]
fn an_unknown_assurance() {
    insta::assert_snapshot!(complaint(rule("require: [{ approvals: 1, from: platform, assurance: passkeys }]")), @r#"
    seconder.yml:7:58: `assurance` is `click` or `session` or `passkey`, not `passkeys`; did you mean `passkey`?
      |
    7 |     require: [{ approvals: 1, from: platform, assurance: passkeys }]
      |                                                          ^^^^^^^^
    "#);
}

#[test]
fn no_environment() {
    insta::assert_snapshot!(complaint(rule("environments: []")), @r#"
    seconder.yml:6:19: `environments` is empty; write for example `[production, "prod-*"]`
      |
    6 |     environments: []
      |                   ^^
    "#);
}

#[test]
fn one_environment_outside_a_list() {
    insta::assert_snapshot!(complaint(rule("environments: production")), @r#"
    seconder.yml:6:19: `environments` is a list, not `production`; write for example `[production, "prod-*"]`
      |
    6 |     environments: production
      |                   ^^^^^^^^^^
    "#);
}

#[test]
fn a_broken_pattern() {
    insta::assert_snapshot!(complaint(rule(r#"environments: ["prod-[a"]"#)), @r#"
    seconder.yml:6:20: `prod-[a` is no pattern: unclosed character class; missing ']'
      |
    6 |     environments: ["prod-[a"]
      |                    ^^^^^^^^^
    "#);
}

#[test]
fn a_number_for_an_environment() {
    insta::assert_snapshot!(complaint(rule("environments: [2024]")), @r#"
    seconder.yml:6:20: an entry of `environments` is a text; put the number 2024 in quotes
      |
    6 |     environments: [2024]
      |                    ^^^^
    "#);
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(complaint(rule("enviroments: [production]")), @r#"
    seconder.yml:8:5: a rule has no key `enviroments`; did you mean `environments`?
      |
    8 |     enviroments: [production]
      |     ^^^^^^^^^^^
    "#);
}

#[test]
fn a_key_of_later() {
    insta::assert_snapshot!(complaint(rule("break_glass: [octocat]")), @r#"
    seconder.yml:8:5: `break_glass` is not supported yet by this version
      |
    8 |     break_glass: [octocat]
      |     ^^^^^^^^^^^
    "#);
}

#[test]
fn an_unknown_agent() {
    insta::assert_snapshot!(complaint(rule("authored_by: [claude-cod]")), @r#"
    seconder.yml:8:19: the catalogue has no agent `claude-cod`; did you mean `claude-code`?
      |
    8 |     authored_by: [claude-cod]
      |                   ^^^^^^^^^^
    "#);
}

#[test]
fn an_agent_outside_a_list() {
    insta::assert_snapshot!(complaint(rule("authored_by: devin")), @r#"
    seconder.yml:8:18: agents are a list; write `[devin]`
      |
    8 |     authored_by: devin
      |                  ^^^^^
    "#);
}

#[test]
fn a_word_that_is_no_author() {
    insta::assert_snapshot!(complaint(rule("authored_by: anybody")), @r#"
    seconder.yml:8:18: `authored_by` is `ai`, `unproven`, `anyone` or a list of agents, not `anybody`
      |
    8 |     authored_by: anybody
      |                  ^^^^^^^
    "#);
}

#[test]
fn automation_is_no_agent() {
    insta::assert_snapshot!(complaint(rule("authored_by: [dependabot]")), @r#"
    seconder.yml:8:19: `dependabot` is automation, not AI; `authored_by: anyone` holds its commits, too
      |
    8 |     authored_by: [dependabot]
      |                   ^^^^^^^^^^
    "#);
}

#[test]
fn a_gate_of_later() {
    insta::assert_snapshot!(complaint(rule("gate: merge")), @r#"
    seconder.yml:8:11: gate `merge` is not supported yet by this version
      |
    8 |     gate: merge
      |           ^^^^^
    "#);
}

#[test]
fn an_unknown_gate() {
    insta::assert_snapshot!(complaint(rule("gate: deploymnet")), @r#"
    seconder.yml:8:11: there is no gate `deploymnet`; did you mean `deployment`?
      |
    8 |     gate: deploymnet
      |           ^^^^^^^^^^
    "#);
}

#[test]
fn an_expiry_without_a_unit() {
    insta::assert_snapshot!(complaint(rule("expires: 30")), @r#"
    seconder.yml:8:14: `expires` reads like `30m`, `4h` or `7d`, not the number 30
      |
    8 |     expires: 30
      |              ^^
    "#);
}

#[test]
fn an_expiry_in_words() {
    insta::assert_snapshot!(complaint(rule("expires: two hours")), @r#"
    seconder.yml:8:14: `expires` reads like `30m`, `4h` or `7d`, not `two hours`
      |
    8 |     expires: two hours
      |              ^^^^^^^^^
    "#);
}

#[test]
fn an_expiry_too_short() {
    insta::assert_snapshot!(complaint(rule("expires: 1m")), @r#"
    seconder.yml:8:14: `1m` is outside 5m to 29d
      |
    8 |     expires: 1m
      |              ^^
    "#);
}

#[test]
fn an_expiry_too_long() {
    insta::assert_snapshot!(complaint(rule("expires: 30d")), @r#"
    seconder.yml:8:14: `30d` is outside 5m to 29d
      |
    8 |     expires: 30d
      |              ^^^
    "#);
}

#[test]
fn a_rule_without_a_name() {
    insta::assert_snapshot!(complaint("version: 1\nrules:\n  - environments: [production]\n    require: [1 of writers]\n"), @r#"
    seconder.yml:3:5: the rule has no `name`; write for example `name: production`
      |
    3 |   - environments: [production]
      |     ^^^^^^^^^^^^
    "#);
}

#[test]
fn two_rules_of_one_name() {
    insta::assert_snapshot!(complaint("version: 1\nrules:\n  - name: prod\n    environments: [production]\n    require: [1 of writers]\n  - name: prod\n    environments: [staging]\n    require: [1 of writers]\n"), @r#"
    seconder.yml:6:11: two rules are called `prod`
      |
    6 |   - name: prod
      |           ^^^^
    "#);
}

#[test]
fn a_rule_that_is_no_table() {
    insta::assert_snapshot!(complaint("version: 1\nrules:\n  - production\n"), @r#"
    seconder.yml:3:5: a rule is a table (`name: …`), not `production`
      |
    3 |   - production
      |     ^^^^^^^^^^
    "#);
}

#[test]
fn no_rules() {
    insta::assert_snapshot!(complaint("version: 1\n"), @r#"
    seconder.yml:1:1: `rules` is missing; without rules the file would hold nothing
      |
    1 | version: 1
      | ^^^^^^^
    "#);
}

#[test]
fn an_empty_list_of_rules() {
    insta::assert_snapshot!(complaint("version: 1\nrules: []\n"), @r#"
    seconder.yml:2:8: `rules` is empty; write for example `- name: production`
      |
    2 | rules: []
      |        ^^
    "#);
}

#[test]
fn no_version() {
    insta::assert_snapshot!(complaint("rules:\n  - name: prod\n    environments: [production]\n    require: [1 of writers]\n"), @r#"
    seconder.yml:1:1: `version: 1` is missing
      |
    1 | rules:
      | ^^^^^
    "#);
}

#[test]
fn a_version_of_later() {
    insta::assert_snapshot!(complaint("version: 2\nrules:\n  - name: prod\n    environments: [production]\n    require: [1 of writers]\n"), @r#"
    seconder.yml:1:10: this version reads `version: 1`, not the number 2
      |
    1 | version: 2
      |          ^
    "#);
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(complaint(""), @r#"
    seconder.yml:1:1: the file is empty; without the file the built-in policy holds, with it there must be rules
    "#);
}

#[test]
fn a_file_with_comments_only() {
    insta::assert_snapshot!(complaint("# to be done\n"), @r#"
    seconder.yml:1:1: the file is empty; without the file the built-in policy holds, with it there must be rules
      |
    1 | # to be done
      | ^^^^^^^^^^^^
    "#);
}

#[test]
fn a_tab() {
    insta::assert_snapshot!(complaint("version: 1\nrules:\n\t- name: prod\n"), @r#"
    seconder.yml:3:1: a tab; YAML is indented with spaces
      |
    3 | 	- name: prod
      | ^^^^^^^
    "#);
}

#[test]
fn broken_yaml() {
    insta::assert_snapshot!(complaint("version: 1\nrules:\n  - name: prod\n    environments: [production\n    require: [1 of writers]\n"), @r#"
    seconder.yml:5:12: this is not YAML: illegal placement of ':' indicator
      |
    5 |     require: [1 of writers]
      |            ^
    "#);
}

#[test]
fn a_key_twice() {
    insta::assert_snapshot!(complaint("version: 1\nversion: 1\nrules: []\n"), @r#"
    seconder.yml:2:1: `version` is written twice
      |
    2 | version: 1
      | ^^^^^^^
    "#);
}

#[test]
fn two_documents() {
    insta::assert_snapshot!(complaint("version: 1\n---\nversion: 1\n"), @r#"
    seconder.yml:3:1: a second document; a policy file has one
      |
    3 | version: 1
      | ^^^^^^^
    "#);
}

#[test]
fn a_group_that_takes_a_reserved_name() {
    insta::assert_snapshot!(complaint(approvers("writers: [octocat]")), @r#"
    seconder.yml:3:3: `writers` always means repository access; choose another name
      |
    3 |   writers: [octocat]
      |   ^^^^^^^
    "#);
}

#[test]
fn an_empty_group() {
    insta::assert_snapshot!(complaint(approvers("platform: []")), @r#"
    seconder.yml:3:13: group `platform` is empty; write for example `[octocat, "@acme/platform"]`
      |
    3 |   platform: []
      |             ^^
    "#);
}

#[test]
fn a_group_of_one_outside_a_list() {
    insta::assert_snapshot!(complaint(approvers("platform: octocat")), @r#"
    seconder.yml:3:13: group `platform` is a list, not `octocat`; write for example `[octocat, "@acme/platform"]`
      |
    3 |   platform: octocat
      |             ^^^^^^^
    "#);
}

#[test]
fn a_team_without_its_sign() {
    insta::assert_snapshot!(complaint(approvers("platform: [acme/platform]")), @r#"
    seconder.yml:3:14: `acme/platform` looks like a team; write `"@acme/platform"`
      |
    3 |   platform: [acme/platform]
      |              ^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_member_twice() {
    insta::assert_snapshot!(complaint(approvers("platform: [octocat, Octocat]")), @r#"
    seconder.yml:3:23: `Octocat` is in group `platform` twice
      |
    3 |   platform: [octocat, Octocat]
      |                       ^^^^^^^
    "#);
}

#[test]
fn a_login_that_cannot_be() {
    insta::assert_snapshot!(complaint(approvers(r#"platform: ["octo cat"]"#)), @r#"
    seconder.yml:3:14: `octo cat` is no GitHub login; write `octocat` or `"@acme/platform"`
      |
    3 |   platform: ["octo cat"]
      |              ^^^^^^^^^^
    "#);
}

#[test]
fn a_group_name_with_a_space() {
    insta::assert_snapshot!(complaint(approvers("plat form: [octocat]")), @r#"
    seconder.yml:3:3: `plat form` is no name for a group; use letters, digits, `-` and `_`
      |
    3 |   plat form: [octocat]
      |   ^^^^^^^^^
    "#);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let errors = parse(&rule("require: [1 of plattform, 0 of platform]").replace("environments", "enviroments"))
        .expect_err("complaints");
    insta::assert_snapshot!(errors.to_string(), @r"
    6:5: a rule has no key `enviroments`; did you mean `environments`?
    7:15: there is no group `plattform`; did you mean `platform`?
    7:31: 0 approvals are not possible; ask for 1 to 100
    ");
    insta::assert_snapshot!(
        errors.first(),
        @"6:5: a rule has no key `enviroments`; did you mean `environments`? (and 2 more errors)"
    );
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in "(?s).{0,200}") {
        if let Err(errors) = parse(&text) {
            prop_assert!(!errors.render("seconder.yml", &text).is_empty());
        }
    }

    #[test]
    fn a_damaged_policy_is_refused_or_still_has_rules_that_ask(at in 0..2000usize, with in "[ \\t\\n:\\[\\]{},#&*\"'@0-9a-z-]{0,3}") {
        let mut text = rule("expires: 4h");
        let at = at % text.len();
        text.replace_range(at..=at, &with);
        if let Ok(policy) = parse(&text) {
            let asks = |rule: &Rule| matches!(&rule.consequence, Consequence::Require(all) if !all.is_empty());
            prop_assert!(policy.rules.iter().all(|rule| asks(rule) && !rule.scope.environments.is_empty()));
            prop_assert!(!policy.rules.is_empty());
        }
    }
}

#[test]
fn the_policy_in_the_readme_is_one() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("```yaml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let file = parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((file.people.len(), file.rules.len()), (2, 1));
    assert!(file.catalogue.get().slugs().any(|slug| slug == "acme-bot"));
}

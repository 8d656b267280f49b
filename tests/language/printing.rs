//! A policy that is printed and read again is the same.

use proptest::prelude::*;
use seconder::domain::policy::{PolicyFile, parse, print};

use super::any;

/// What a file says, wherever it says so.
fn said(mut file: PolicyFile, of: &PolicyFile) -> PolicyFile {
    file.digest = of.digest.clone();
    file.warnings = of.warnings.clone();
    file
}

proptest! {
    // Agents and freezes take long to read without optimization.
    #![proptest_config(ProptestConfig { max_shrink_iters: 100, ..ProptestConfig::with_cases(32) })]
    #[test]
    fn what_is_printed_says_the_same_and_is_printed_so_again(file in any::file()) {
        let text = file.to_string();
        let read = parse(&text).map_err(|errors| TestCaseError::fail(errors.render("any", &text)))?;
        let printed = print(&read);
        let again = parse(&printed).map_err(|errors| TestCaseError::fail(errors.render("printed", &printed)))?;
        prop_assert_eq!(&said(again.clone(), &read), &read, "{}", printed);
        prop_assert_eq!(again.warnings.is_empty(), read.warnings.is_empty());
        prop_assert_eq!(print(&again), printed);
    }
}

#[test]
fn a_printed_policy_is_one_that_somebody_could_have_written() {
    let text = r#"{ version: 1, approvers: { platform: ["@acme/Platform", Octocat], "leads": [{ permission: maintain }] },
        people: { Octocat: { also: [octocat-work] }, robot: machine }, stop: "incident 42: ask @acme/oncall",
        rules: [{ name: production, environments: [production, "prod-*"], except: { paths: ["docs/**"] }, expires: 240m,
                  require: [1 of platform, { any_of: [1 of admins, { approvals: 2, from: leads, assurance: passkey }] }] },
                { name: "no", environments: ["*"], authored_by: anyone, deny: not here }] }"#;
    insta::assert_snapshot!(print(&parse(text).unwrap()), @r#"
    version: 1
    approvers:
      leads: [{ permission: maintain }]
      platform: ["@acme/platform", octocat]
    people:
      Octocat: { also: [octocat-work] }
      robot: machine
    stop: "incident 42: ask @acme/oncall"
    rules:
      - name: production
        environments: [production, "prod-*"]
        except: { paths: ["docs/**"] }
        require: [1 of platform, { any_of: [1 of admins, { approvals: 2, from: leads, assurance: passkey }] }]
        expires: 4h
      - name: "no"
        environments: ["*"]
        authored_by: anyone
        deny: not here
    "#);
}

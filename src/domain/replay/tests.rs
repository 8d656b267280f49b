//! Recorded requests under other rules.

use super::*;
use crate::domain::decide::{Layer, Permission, Standing};
use crate::domain::event::Channel;
use crate::domain::people::{Account, AccountKind, People};
use crate::domain::policy::{Found, PATH, RefKind, Text, in_force};
use crate::domain::request::Approval;

fn layer(rule: &str) -> Layer {
    let text = format!("version: 1\nrules:\n  - name: production\n    environments: [production]\n    {rule}\n");
    let found = Found::File(Text { commit: "c".into(), blob: "b".into(), text });
    Layer { policy: in_force(found, None, PATH), people: People::default() }
}

/// A writer seconded an agent's commit under the built-in policy.
fn seconded() -> (Request, Facts) {
    let (mut request, facts) = crate::domain::request::sequences::an_agents_commit();
    let account = Account { id: 6, login: "alice".into(), kind: AccountKind::User };
    let by = Standing { account, permission: Permission::Write, teams: Vec::new() };
    request.life.approvals.push(Approval { by, via: Channel::CheckRun, at: 1 });
    (request, facts)
}

fn becomes(rule: &str) -> Replayed {
    let (request, facts) = seconded();
    replay(&request, &facts, &[layer(rule)])
}

#[test]
fn the_same_rules_change_nothing() {
    let same = becomes("require: [1 of writers]");
    assert_eq!((same.then.clone(), same.is_changed()), (Fate::Seconded, false), "{same:?}");
}

#[test]
fn stricter_rules_would_have_gone_on_waiting_and_the_approval_is_lost() {
    let stricter = becomes("require: [1 of admins]");
    assert_eq!(stricter.proposed, Fate::Waits { rules: vec!["production".into()] });
    assert_eq!(stricter.lost, ["alice"]);
}

#[test]
fn a_rule_that_denies_flips_it_and_so_does_one_that_does_not_hold_it() {
    assert_eq!(becomes("deny: no agents").proposed, Fate::Denied { rules: vec!["production".into()] });
    let looser = becomes("authored_by: unproven\n    mode: enforce\n    require: [1 of writers]");
    assert!(!looser.is_flipped(), "the commit is not proven to be a human's");
}

#[test]
fn what_a_fork_calls_its_branch_takes_nothing_out_of_a_rule() {
    let (request, mut facts) = seconded();
    facts.run.head_branch = Some("main".into());
    facts.run.ref_kind = Some(RefKind::Branch);
    let excepting = layer("except: { branches: [main] }\n    require: [1 of admins]");
    let proposed = |facts: &Facts| replay(&request, facts, std::slice::from_ref(&excepting)).proposed;
    assert_eq!(proposed(&facts), Fate::Seconded, "only the built-in rule asks");
    facts.run.is_from_fork = true;
    assert_eq!(proposed(&facts), Fate::Waits { rules: vec!["production".into()] });
}

#[test]
fn where_nobody_noted_whether_it_was_a_branch_or_a_tag_it_is_told_that_the_exception_hangs_on_it() {
    let (request, mut facts) = seconded();
    facts.run.head_branch = Some("main".into());
    let replayed = |facts: &Facts, rule: &str| replay(&request, facts, &[layer(rule)]);
    let main = "except: { branches: [main] }\n    require: [1 of admins]";
    let unknown = replayed(&facts, main);
    assert!(unknown.hangs_on_ref_kind && unknown.is_flipped(), "{unknown:?}");
    assert!(!replayed(&facts, &main.replace("main]", "docs]")).hangs_on_ref_kind, "it is called otherwise");
    assert!(!replayed(&facts, "require: [1 of admins]").hangs_on_ref_kind, "nothing is excepted");
    facts.run.ref_kind = Some(RefKind::Branch);
    assert!(!replayed(&facts, main).hangs_on_ref_kind, "it is known");
}

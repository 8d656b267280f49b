//! What accounts are called in the entries of one request: by its login somebody is in a group.
use std::collections::BTreeMap;

use serde_json::Value;

use crate::ledger::sealing::is_commitment;
use crate::ledger::verify::violation::Violation;

/// Whether one account has two logins there. Accounts get renamed while a request waits, though seldom. A program's does not matter, which
/// is in no group: GitHub itself calls it `NAME[bot]` here and `NAME` there.
pub(super) fn by_two_names(life: &[Value]) -> Result<bool, Violation> {
    let mut called = BTreeMap::new();
    life.iter().try_fold(false, |so_far, entry| Ok(look(entry, &mut called)? || so_far))
}

fn look<'v>(value: &'v Value, called: &mut BTreeMap<u64, (&'v str, bool)>) -> Result<bool, Violation> {
    let mut by_two = false;
    match value {
        Value::Array(items) => {
            for item in items {
                by_two |= look(item, called)?;
            }
        }
        Value::Object(fields) => {
            let login = fields.get("login").filter(|login| !is_commitment(login));
            if let Some((id, login)) = fields.get("id").and_then(Value::as_u64).zip(login) {
                let no_text = || Violation::Unreadable(format!("the login of {id} is no text"));
                let login = login.as_str().ok_or_else(no_text)?;
                let is_bot = fields.get("kind").is_some_and(|kind| kind == "Bot");
                let (before, was_bot) = called.entry(id).or_insert((login, is_bot));
                let is_like = before.eq_ignore_ascii_case(login) || (*was_bot && is_bot);
                by_two |= !is_like;
            }
            for field in fields.values() {
                by_two |= look(field, called)?;
            }
        }
        _ => {}
    }
    Ok(by_two)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_program_has_the_names_that_github_gives_it_and_a_person_has_one() {
        let by_two = |one: &str, other: &str| {
            let named = |login: &str, kind: &str| json!({"id": 7, "login": login, "kind": kind});
            by_two_names(&[json!({"actor": named("builder", one)}), json!([named("builder[bot]", other)])]).unwrap()
        };
        assert!(!by_two("Bot", "Bot"));
        assert!(by_two("User", "User") && by_two("Bot", "User") && by_two("User", "Bot"));
    }
}

//! What accounts are called in the entries of one request: by its login somebody is in a group.
use std::collections::BTreeMap;

use serde_json::Value;

use crate::ledger::sealing::is_commitment;
use crate::ledger::verify::violation::Violation;

/// Whether one account has two logins there. Accounts get renamed while a request waits, though seldom.
pub(super) fn by_two_names(life: &[Value]) -> Result<bool, Violation> {
    let mut called = BTreeMap::new();
    life.iter().try_fold(false, |so_far, entry| Ok(look(entry, &mut called)? || so_far))
}

fn look<'v>(value: &'v Value, called: &mut BTreeMap<u64, &'v str>) -> Result<bool, Violation> {
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
                by_two |= !called.entry(id).or_insert(login).eq_ignore_ascii_case(login);
            }
            for field in fields.values() {
                by_two |= look(field, called)?;
            }
        }
        _ => {}
    }
    Ok(by_two)
}

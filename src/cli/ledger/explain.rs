//! `seconder ledger verify --explain REQUEST`: one decision as a story, from nothing but the entries that verified. They
//! hold what commits say: nothing of it may move the cursor or hide.

use std::io::{self, BufRead};

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

use crate::domain::text::visible;
use crate::ledger::sealing::is_commitment;

/// Every entry of a request among these.
///
/// # Errors
/// If the entries cannot be read.
pub fn entries_of(lines: impl BufRead, request: &str) -> io::Result<Vec<Value>> {
    let mut entries = Vec::new();
    for line in lines.lines() {
        let line = line?;
        if !line.contains(request) {
            continue;
        }
        let Ok(entry) = serde_json::from_str::<Value>(&line) else { continue };
        if entry["corr"] == request {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The entries of a request, in words.
pub fn explain(entries: &[Value]) -> String {
    let mut story = String::new();
    entries.iter().for_each(|entry| tell(entry, &mut story));
    story
}

fn tell(entry: &Value, story: &mut String) {
    let at = entry["time"].as_i64().and_then(DateTime::from_timestamp_millis);
    let at = at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
    let mut say = |text: &str| story.extend([text, "\n"]);
    say(&format!("{at}  entry {}: {}", entry["seq"], headline(entry)));
    let mut point = |text: String| say(&format!("    {text}"));
    match entry["type"].as_str() {
        Some("request.opened" | "request.rejudged") => opened(entry, &mut point),
        Some("review.recorded") => {
            point(format!("access: {}; by way of {}", word(&entry["permission"]), word(&entry["via"])))
        }
        Some("attempt.refused" | "review.struck") => {
            list(&entry["why"]).for_each(|why| point(format!("because: {}", reason(why))));
        }
        Some("decision.recorded") => {
            for met in list(&entry["quorum"]) {
                point(format!("rule {}: {}", word(&met["rule"]), need(met)));
            }
            point(format!("by policy {}", policy(&entry["policy"])));
        }
        _ => {}
    }
}

fn headline(entry: &Value) -> String {
    let reviewer = || name(&entry["reviewer"]);
    match entry["type"].as_str().unwrap_or_default() {
        "request.opened" => format!(
            "{} of {} waits; run {}, attempt {}, commit {}",
            word(&entry["environment"]),
            word(&entry["repository"]["name"]),
            entry["run"]["id"],
            entry["run"]["attempt"],
            word(&entry["head_sha"]),
        ),
        "review.recorded" if entry["verdict"] == "deny" => format!("{} denied", reviewer()),
        "review.recorded" => format!("{} approved", reviewer()),
        "review.struck" => format!("the approval of {} was struck", reviewer()),
        "attempt.refused" => format!("{} could not {}", reviewer(), word(&entry["verdict"])),
        "decision.recorded" => {
            let names: Vec<String> = list(&entry["approvers"]).map(name).collect();
            let by = match &entry["denied_by"] {
                who @ Value::Object(_) => format!(" by {}", name(who)),
                _ if names.is_empty() => String::new(),
                _ => format!(" by {}", names.join(", ")),
            };
            format!("decided: {}{by}", word(&entry["outcome"]).replace('_', " "))
        }
        "request.rejudged" => "judged again, because the rules changed".to_owned(),
        "request.unmeetable" => {
            let rules: Vec<String> = list(&entry["rules"]).map(word).collect();
            format!("nobody is left to meet rule {}", rules.join(", "))
        }
        "request.escalated" => format!("others may approve, too, after {} minutes", minutes(&entry["waited"])),
        "request.reminded" => format!("people are reminded, after {} minutes", minutes(&entry["waited"])),
        "review.weighed" => format!("the approval of {} counts for what they are now", reviewer()),
        "release.held" if entry["by"] == "stop" => format!("nothing is released now: {}", word(&entry["why"])),
        "release.held" => format!("nothing is released now: freeze {}", word(&entry["name"])),
        "decision.voided" => format!("the decision was taken back: {}", word(&entry["why"])),
        "callback.sent" => format!("GitHub is told: {}", word(&entry["state"])),
        "callback.result" if entry["status"] == 0 => "GitHub had the answer already".to_owned(),
        "callback.result" => format!("GitHub answered {}", entry["status"]),
        "redaction.performed" => format!("openings of {} were erased", word(&entry["subject"])),
        "facts.recorded" => format!("more of what it rests on, piece {}", entry["piece"]),
        "effect.failed" => format!("given up: {} ({})", word(&entry["effect"]), word(&entry["error"])),
        other => visible(other),
    }
}

/// What was known when it was opened: whoever has the commits can judge them again by it.
fn opened(entry: &Value, point: &mut impl FnMut(String)) {
    match &entry["base"]["sha"] {
        Value::String(sha) => point(format!("compared with the last good deployment, {}", visible(sha))),
        _ => point("there was no earlier deployment to compare it with".into()),
    }
    for commit in list(&entry["commits"]) {
        let evidence = &commit["evidence"];
        let held = if commit["gated"] == true { "held" } else { "not held" };
        let agent = match &commit["agent"] {
            Value::String(agent) => {
                let mut words = vec![visible(agent), word(&commit["kind"]), word(&commit["certainty"])];
                words.extend((commit["stripped"] == true).then(|| "mark lost at the merge".to_owned()));
                words.retain(|word| !word.is_empty());
                words.join(", ")
            }
            _ => "no agent's mark".into(),
        };
        point(format!("commit {}: {held}; {agent}", word(&commit["sha"])));
        if is_commitment(evidence) {
            point("  its marks are sealed".to_owned());
        }
        for evidence in list(evidence) {
            point(format!("  {}: {}", word(&evidence["marker"]), word(&evidence["found"])));
        }
    }
    if let Value::String(left_out) = &entry["abridged"] {
        point(format!(
            "left out for want of room: {}; judgement {}",
            visible(left_out),
            word(&entry["judgement_digest"])
        ));
    }
    list(&entry["partial"]).for_each(|gap| point(format!("not known: {}", pairs(gap))));
    for party in list(&entry["parties"]) {
        let facts: Vec<String> = list(&party["because"]).map(pairs).collect();
        point(format!("party: {} (account {}): {}", name(party), word(&party["id"]), facts.join("; ")));
    }
    for unknown in list(&entry["unknown"]) {
        let facts: Vec<String> = list(&unknown["because"]).map(pairs).collect();
        point(format!("unknown: {} <{}>: {}", word(&unknown["name"]), word(&unknown["email"]), facts.join("; ")));
    }
    for owner in list(&entry["people"]) {
        let who = if owner["is_machine"] == true { "a program" } else { "one person" };
        let accounts: Vec<String> = list(&owner["accounts"]).map(|account| word(&account["id"])).collect();
        point(format!("{who}: accounts {}", accounts.join(", ")));
    }
    rules(entry, point);
    for asked in list(&entry["quorum"]) {
        point(format!("rule {} asks {}", word(&asked["rule"]), need(asked)));
    }
    list(&entry["denied_by"]).for_each(|rule| point(format!("rule {} denies", word(rule))));
    for rule in list(&entry["shadow"]) {
        point(format!("rule {} is in shadow mode: it would hold it, and does not", word(rule)));
    }
    point(format!("by policy {}, catalogue {}", policy(&entry["policy"]), word(&entry["catalogue"])));
}

/// What a requirement asks, or how far it is met.
fn need(asked: &Value) -> String {
    for (key, between) in [("any_of", " or "), ("all_of", " and ")] {
        if asked[key].is_array() {
            let parts: Vec<String> = list(&asked[key]).map(need).collect();
            return format!("({})", parts.join(between));
        }
    }
    let have = asked["have"].as_u64().map(|have| format!("{have} of ")).unwrap_or_default();
    let extra = asked["extra"].as_u64().filter(|extra| *extra > 0);
    let extra = extra.map(|extra| format!(", {extra} of them for unknown identities")).unwrap_or_default();
    format!("{have}{} from {}{extra}", asked["need"], from(&asked["from"]))
}

/// The rules that were looked at, whether they hold it or not.
fn rules(entry: &Value, point: &mut impl FnMut(String)) {
    for rule in list(&entry["facts"]["policies"]).flat_map(|policy| list(&policy["rules"])) {
        let is_matched = list(&entry["matched_rules"]).any(|name| *name == rule["name"]);
        let holds = if is_matched { "holds it" } else { "does not hold it" };
        let unattributed = rule["unattributed"].as_str().map(|does| format!("; for unknown people: {}", visible(does)));
        point(format!(
            "rule {} {holds}: commits by {}{}",
            word(&rule["name"]),
            rule["authored_by"].get("agents").map_or_else(|| word(&rule["authored_by"]), pairs),
            unattributed.unwrap_or_default()
        ));
    }
}

fn minutes(millis: &Value) -> i64 {
    millis.as_i64().unwrap_or_default() / 60_000
}

fn policy(policy: &Value) -> String {
    let commit = policy["commit"].as_str().map(|commit| format!(" at commit {}", visible(commit))).unwrap_or_default();
    format!("{}{commit}, digest {}", word(&policy["origin"]).replace('_', " "), word(&policy["digest"]))
}

fn from(from: &Value) -> String {
    from.get("group").map_or_else(|| word(from), |group| format!("group {}", word(group)))
}

fn reason(why: &Value) -> String {
    match why["refusal"].as_str() {
        Some("party") => {
            let facts: Vec<String> = list(&why["because"]).map(pairs).collect();
            format!("had a part in it: {}", facts.join("; "))
        }
        _ => pairs(why),
    }
}

/// `actor, attempt 1`: the values of an object, the tag first; names of fields only beside numbers.
fn pairs(value: &Value) -> String {
    let Value::Object(fields) = value else {
        return list(value).map(word).collect::<Vec<_>>().join(", ");
    };
    let tag = ["fact", "gap", "refusal"].into_iter().find_map(|tag| fields.get(tag));
    let rest = fields.iter().filter(|(_, value)| Some(*value) != tag).map(|(name, value)| match value {
        Value::Number(number) => format!("{name} {number}"),
        other => word(other),
    });
    tag.map(|tag| word(tag).replace('_', " ")).into_iter().chain(rest).collect::<Vec<_>>().join(", ")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What somebody is called; who they are to the log, when that is sealed.
fn name(account: &Value) -> String {
    match &account["login"] {
        login @ Value::String(_) if !is_commitment(login) => word(login),
        _ if account.is_object() => word(&account["id"]),
        _ => word(account), // Only the id, where there was no room.
    }
}

fn word(value: &Value) -> String {
    match value {
        sealed if is_commitment(sealed) => "(sealed)".to_owned(),
        Value::String(text) => visible(text),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

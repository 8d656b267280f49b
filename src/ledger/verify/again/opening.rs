//! What an opening says, held against what follows from its facts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::excused::Explained;
use super::{Again, JudgedBy, seq};
use crate::domain::attribution::CATALOGUE_VERSION;
use crate::domain::basis::Basis;
use crate::domain::decide::Judgement;
use crate::domain::facts::Gap;
use crate::domain::record::{Record, to_json};
use crate::domain::request::{Detail, judged};

const GAPS: &str = "what could not be learned";
const POLICIES: &str = "how many policies hold";

impl Again {
    /// Whether the facts have everything that a server reads, and the marks are of the agents that were found.
    pub(super) fn is_whole(&mut self, opening: &Value, basis: &Basis, gaps: &[Gap]) {
        let attempt =
            opening["run"]["attempt"].as_u64().and_then(|attempt| attempt.try_into().ok()).unwrap_or_default();
        let all: Vec<Gap> = gaps.iter().cloned().chain(basis.left_out(attempt, gaps)).collect();
        self.compare(opening, GAPS, &opening["partial"], to_json(&all));
        let recorded = opening["commits"].as_array().into_iter().flatten();
        let marked: BTreeMap<&str, &Value> =
            recorded.filter_map(|commit| Some((commit["sha"].as_str()?, &commit["evidence"]))).collect();
        let mut met = BTreeSet::new();
        for (sha, agents) in basis.found() {
            if let Some(marks) = marked.get(sha).and_then(|marks| marks.as_array()) {
                let mut named: Vec<&Value> = Vec::new();
                for mark in marks {
                    if !named.contains(&&mark["agent"]) {
                        named.push(&mark["agent"]);
                    }
                }
                self.compare(opening, &format!("whose marks are on {sha}"), &to_json(&named), to_json(&agents));
            }
            if !met.insert(sha) {
                self.compare(opening, &format!("how often {sha} is there"), &json!(2), json!(1));
            }
        }
    }

    /// Whether what the opening says follows from the facts.
    pub(super) fn opening(
        &mut self,
        opening: &Value,
        opened_at: Option<i64>,
        basis: &Basis,
        judgement: &Judgement,
    ) -> Result<(), String> {
        let detail = Detail::of(opening["abridged"].as_str()).ok_or("it left out something unknown")?;
        for (name, value) in judged(judgement, detail) {
            match name.as_str() {
                "commits" => {
                    let recorded = verdicts(&opening["commits"]);
                    self.compare_what(Explained::of_field(&name), opening, &name, &recorded, verdicts(&value));
                }
                "catalogue" if opening["catalogue"] != value => {
                    self.has_other_catalogue = true;
                    self.note(&format!(
                        "recorded with catalogue {}, judged again with {}: which accounts and addresses are programs' may differ",
                        opening["catalogue"].as_str().unwrap_or("-"),
                        CATALOGUE_VERSION.as_str(),
                    ));
                }
                "catalogue" => {}
                // By the facts they are counted all the same.
                "people" if opening["people"].get("omitted").is_some() => {}
                _ => self.compare_what(Explained::of_field(&name), opening, &name, &opening[&name], value),
            }
        }
        for (sha, recorded, all) in basis.overlooked() {
            let what = format!("agents on {sha}");
            self.compare_what(Explained::Always, opening, &what, &to_json(&recorded), to_json(&all));
        }
        let newest = basis.attempts().flatten().find(|attempt| opening["run"]["attempt"] == attempt.number);
        let (actor, triggering_actor) = newest.map(|it| (it.actor, it.triggering_actor)).unwrap_or_default();
        self.compare(opening, "actor", &opening["actor"], to_json(&actor));
        self.compare(opening, "triggering_actor", &opening["triggering_actor"], to_json(&triggering_actor));
        let expires = judgement.expires_after.and_then(|after| opened_at?.checked_add(after));
        self.compare(opening, "expires_at", &opening["expires_at"], to_json(&expires));
        match opening["policy"]["origin"].as_str() {
            Some("built_in" | "admins_only") if opening["policy"]["also"].is_null() => {
                self.compare(opening, "policy digest", &opening["policy"]["digest"], to_json(&basis.rules_digest()));
            }
            _ => self.note(&format!(
                "the rules are as recorded: whoever has the repository can hold them against its policy file, blob {}",
                opening["policy"]["blob"].as_str().unwrap_or("-")
            )),
        }
        Ok(())
    }

    /// Which policies it was judged by: the repository's, unless it has none and an organization's holds, and the others.
    pub(super) fn judged_by(&mut self, opening: &Value, basis: &Basis) {
        let policy = &opening["policy"];
        let others: Vec<&Value> = policy["also"].as_array().into_iter().flatten().collect();
        let has_organization = others.iter().any(|other| other["whose"] == "organization");
        let own = Some(policy).filter(|policy| !has_organization || policy["origin"] != "built_in");
        let named: Vec<&Value> = own.into_iter().chain(others).collect();
        let rules = basis.policies();
        self.compare(opening, POLICIES, &named.len().into(), rules.len().into());
        let sw = opening["sw"].as_str().unwrap_or_default();
        for (policy, rules) in named.into_iter().zip(rules) {
            let policy =
                json!([policy["digest"], opening["environment"], has_organization, policy["whose"]]).to_string();
            self.policies.push(JudgedBy { entry: seq(opening), sw: sw.to_owned(), policy, rules });
        }
    }
}

/// Which commits are held, and the agent on each. How the agent was found follows from the message, which is not recorded.
fn verdicts(commits: &Value) -> Value {
    let commits = commits.as_array().into_iter().flatten();
    commits
        .map(|commit| json!({ "sha": commit["sha"], "gated": commit["gated"], "agent": commit["agent"] }))
        .map(Record::without_nulls)
        .collect()
}

//! The entries a request leaves in the ledger.

use serde_json::{Value, json};

use super::{Outcome, Request};
use crate::domain::case::Case;
use crate::domain::decide::Standing;
use crate::domain::digest::Digest;
use crate::domain::event::{Channel, Verdict};
use crate::domain::people::Person;
use crate::domain::record::{Record, to_json};

/// An entry holds at most 65,535 bytes (C2SP tlog-tiles); this leaves room for the fields all entries have.
const ENTRY_BUDGET: usize = 60_000;

/// How much an entry tells of each commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Everything.
    Evidence,
    /// Which agent, without the evidence.
    Agent,
    /// Only commits on which an agent was found.
    GatedOnly,
    /// Nothing: how many they are is told elsewhere.
    None,
}

impl Detail {
    fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "nothing",
            Self::Agent => "evidence",
            Self::GatedOnly => "commits_without_agent",
            Self::None => "commits",
        }
    }
}

impl Request {
    pub(super) fn opened_record(&self) -> Record {
        let case = &self.case;
        let judgement = &case.judgement;
        let mut fields = json!({
            "request_digest": self.digest,
            "repository": self.repository(),
            "environment": case.subject.environment,
            "run": { "id": case.subject.run_id, "attempt": case.subject.run_attempt },
            "head_sha": case.subject.head_sha,
            "deployment_id": case.deployment_id,
            "base": to_json(&case.base),
            "actor": to_json(&case.actor),
            "triggering_actor": to_json(&case.triggering_actor),
            "parties": self.parties(),
            "unknown": to_json(&judgement.parties.unknown),
            "people": self.persons(),
            "commits": self.commits(Detail::Evidence),
            "ai_commits": judgement.ai_commits().count(),
            "partial": to_json(&case.gaps),
            "catalogue": to_json(&judgement.catalogue),
            "policy": self.policy(),
            "matched_rules": judgement.matched_rules,
            "quorum": to_json(&judgement.quorum),
            "denied_by": some(&judgement.denied_by),
            "delivery": case.delivery,
            "expires_at": self.life.expires_at,
        });
        // A release of hundreds of commits does not fit: the whole judgement is then named by its digest, and what is
        // left out is left out in full, evidence first.
        for detail in [Detail::Agent, Detail::GatedOnly, Detail::None] {
            if fields.to_string().len() <= ENTRY_BUDGET {
                break;
            }
            fields["commits"] = self.commits(detail);
            fields["abridged"] = json!(detail.as_str());
            fields["judgement_digest"] = to_json(&Digest::of_json(&to_json(judgement)));
            if detail == Detail::None {
                fields["parties"] = self.parties_without_reasons();
                fields["unknown"] = json!([]);
                fields["unknown_count"] = json!(judgement.parties.unknown.len());
            }
        }
        Record::new("request.opened", fields)
    }

    fn commits(&self, detail: Detail) -> Value {
        let commits = self.case.judgement.commits.iter();
        let shown = commits.filter(|commit| match detail {
            Detail::Evidence | Detail::Agent => true,
            Detail::GatedOnly => commit.attribution.is_some(),
            Detail::None => false,
        });
        let shown = shown.map(|commit| {
            let found = commit.attribution.as_ref();
            json!({
                "sha": commit.sha,
                "gated": commit.gated,
                "agent": found.map(|a| &a.agent),
                "kind": found.map(|a| to_json(&a.kind)),
                "certainty": found.map(|a| to_json(&a.certainty)),
                "stripped": found.filter(|a| a.stripped).map(|a| a.stripped),
                "evidence": found.filter(|_| detail == Detail::Evidence).map(|a| to_json(&a.evidence)),
            })
        });
        Value::Array(shown.collect())
    }

    /// Accounts that are one human's, for whoever counts approvers again; addresses are not told.
    fn persons(&self) -> Value {
        let several = self.case.judgement.people.0.iter().filter(|person| person.accounts.len() > 1);
        let ids = |person: &Person| person.accounts.iter().map(|account| account.id).collect::<Vec<_>>();
        some(&several.map(ids).collect::<Vec<_>>())
    }

    fn parties(&self) -> Value {
        to_json(&self.case.judgement.parties.known)
    }

    fn parties_without_reasons(&self) -> Value {
        let known = &self.case.judgement.parties.known;
        Value::Array(known.iter().map(|party| json!({ "id": party.account.id })).collect())
    }

    pub(super) fn review_record(&self, by: &Standing, verdict: Verdict, via: Channel) -> Record {
        Record::new(
            "review.recorded",
            json!({
                "request_digest": self.digest,
                "reviewer": to_json(&by.account),
                "verdict": to_json(&verdict),
                "via": to_json(&via),
                "permission": to_json(&by.permission),
                "teams": by.teams,
            }),
        )
    }

    pub(super) fn decision_record(&self, outcome: Outcome) -> Record {
        let approvers: Vec<Value> = match outcome {
            Outcome::Approved => self.life.approvals.iter().map(|a| to_json(&a.by.account)).collect(),
            _ => Vec::new(),
        };
        Record::new(
            "decision.recorded",
            json!({
                "request_digest": self.digest,
                "outcome": outcome.as_str(),
                "approvers": approvers,
                "denied_by": match outcome {
                    Outcome::Denied => to_json(&self.life.denied_by),
                    _ => Value::Null,
                },
                "quorum": to_json(&self.tally()),
                "policy": self.policy(),
            }),
        )
    }

    pub(super) fn voided_record(&self, why: &str) -> Record {
        Record::new("decision.voided", json!({ "request_digest": self.digest, "why": why }))
    }

    fn repository(&self) -> Value {
        repository(&self.case)
    }

    fn policy(&self) -> Value {
        policy(&self.case)
    }
}

/// A list, unless it is empty.
fn some<T: serde::Serialize>(list: &[T]) -> Value {
    if list.is_empty() { Value::Null } else { to_json(&list) }
}

/// The rules that came into force.
pub(super) fn policy_record(case: &Case) -> Record {
    Record::new("policy.loaded", json!({ "repository": repository(case), "policy": policy(case) }))
}

fn repository(case: &Case) -> Value {
    let repository = &case.subject.repository;
    json!({ "id": repository.id, "name": repository.full_name() })
}

fn policy(case: &Case) -> Value {
    let mut policy = to_json(&case.policy);
    if let Value::Object(fields) = &mut policy {
        fields.insert("digest".to_owned(), to_json(&case.policy_digest));
    }
    policy
}

//! The entries a request leaves in the ledger.

use serde_json::{Value, json};

use super::{Outcome, Request};
use crate::domain::decide::Standing;
use crate::domain::event::{Channel, Verdict};
use crate::domain::record::{Record, to_json};

impl Request {
    pub(super) fn policy_record(&self) -> Record {
        Record::new("policy.loaded", json!({ "repository": self.repository(), "policy": self.policy() }))
    }

    pub(super) fn opened_record(&self) -> Record {
        let case = &self.case;
        let judgement = &case.judgement;
        let commits: Vec<Value> = judgement
            .commits
            .iter()
            .map(|commit| {
                let found = commit.attribution.as_ref();
                json!({
                    "sha": commit.sha,
                    "gated": commit.gated,
                    "agent": found.map(|a| &a.agent),
                    "kind": found.map(|a| to_json(&a.kind)),
                    "evidence": found.map(|a| to_json(&a.evidence)),
                })
            })
            .collect();
        Record::new(
            "request.opened",
            json!({
                "request_digest": self.digest,
                "repository": self.repository(),
                "environment": case.subject.environment,
                "run": { "id": case.subject.run_id, "attempt": case.subject.run_attempt },
                "head_sha": case.subject.head_sha,
                "deployment_id": case.deployment_id,
                "base": to_json(&case.base),
                "actor": to_json(&case.actor),
                "triggering_actor": to_json(&case.triggering_actor),
                "parties": to_json(&judgement.parties.known),
                "unknown": to_json(&judgement.parties.unknown),
                "commits": commits,
                "ai_commits": judgement.ai_commits().count(),
                "partial": to_json(&case.gaps),
                "policy": self.policy(),
                "matched_rules": judgement.matched_rules,
                "quorum": to_json(&judgement.quorum),
                "delivery": case.delivery,
                "expires_at": self.life.expires_at,
            }),
        )
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

    pub(super) fn voided_record(&self, why: &Value) -> Record {
        Record::new("decision.voided", json!({ "request_digest": self.digest, "why": why }))
    }

    fn repository(&self) -> Value {
        let repository = &self.case.subject.repository;
        json!({ "id": repository.id, "name": repository.full_name() })
    }

    fn policy(&self) -> Value {
        let mut policy = to_json(&self.case.policy);
        if let Value::Object(fields) = &mut policy {
            fields.insert("digest".to_owned(), to_json(&self.case.policy_digest));
        }
        policy
    }
}

//! The entries a request leaves in the ledger.

use serde_json::{Map, Value, json};

use super::{Outcome, Request};
use crate::domain::basis::Basis;
use crate::domain::case::{Case, Whose};
use crate::domain::decide::{Judgement, Refusal, Standing};
use crate::domain::digest::{Digest, canonical};
use crate::domain::event::{Channel, Verdict};
use crate::domain::parties::Parties;
use crate::domain::people::{Account, AccountKind};
use crate::domain::record::{Record, to_json};

/// An entry holds at most 65,535 bytes (C2SP tlog-tiles); this leaves room for the fields all entries have.
const ENTRY_BUDGET: usize = 60_000;

/// Facts of more bytes than this in all are only named by their digest.
const MOST_FACTS: usize = 1_000_000;

/// How many bytes of facts an entry of their own holds. They are JSON in a string: at worst each becomes two.
const FACTS_PIECE: usize = ENTRY_BUDGET / 2;

/// How much an entry tells of each commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
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
    const ALL: [Self; 4] = [Self::Evidence, Self::Agent, Self::GatedOnly, Self::None];

    fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "nothing",
            Self::Agent => "evidence",
            Self::GatedOnly => "commits_without_agent",
            Self::None => "commits",
        }
    }

    /// By what an opening says it left out.
    #[must_use]
    pub fn of(abridged: Option<&str>) -> Option<Self> {
        let left_out = abridged.unwrap_or(Self::Evidence.as_str());
        Self::ALL.into_iter().find(|detail| detail.as_str() == left_out)
    }
}

/// What an opening says of a judgement.
#[must_use]
pub fn judged(judgement: &Judgement, detail: Detail) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut say = |name: &str, value| fields.insert(name.to_owned(), value);
    let Parties { known, unknown } = &judgement.parties;
    if detail == Detail::None {
        say("parties", known.iter().map(|party| bare(&party.account)).collect());
        say("unknown", json!([]));
        say("unknown_count", json!(unknown.len()));
    } else {
        say("parties", to_json(known));
        say("unknown", to_json(unknown));
    }
    say("people", some(&persons(judgement)));
    say("commits", commits(judgement, detail));
    say("ai_commits", json!(judgement.ai_commits().count()));
    say("matched_rules", to_json(&judgement.matched_rules));
    say("quorum", to_json(&judgement.quorum));
    say("denied_by", some(&judgement.denied_by));
    say("shadow", some(&judgement.shadow));
    say("would_ask", some(&judgement.would_ask));
    say("freezes", some(&judgement.freezes));
    say("stopped", to_json(&judgement.stopped));
    say("catalogue", to_json(&judgement.catalogue));
    fields
}

fn commits(judgement: &Judgement, detail: Detail) -> Value {
    let shown = judgement.commits.iter().filter(|commit| match detail {
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

/// An account in still fewer words: only the id of a person, of whom there may be very many.
fn bare(account: &Account) -> Value {
    match account.kind {
        AccountKind::User => json!(account.id),
        _ => who(account),
    }
}

/// An account in the fewest words: its id, and its kind where it is not a person's.
fn who(account: &Account) -> Value {
    match account.kind {
        AccountKind::User => json!({ "id": account.id }),
        kind => json!({ "id": account.id, "kind": to_json(&kind) }),
    }
}

/// How long fields will be in an entry: a name and an id each become a digest there.
fn length(fields: &Value) -> usize {
    let text = canonical(fields);
    if text.len() < ENTRY_BUDGET / 4 {
        return text.len(); // No name is so short that they could become too long.
    }
    let grow = |what: &str, by: usize| text.matches(what).count() * by;
    text.len() + grow("\"login\":", 72) + grow("\"email\":", 2 * 72) + grow("\"id\":", 36) + grow("\"group\":", 72)
}

/// Accounts that are one human's, or a program's, or that a group means whatever they are called now, for whoever counts approvers
/// again.
fn persons(judgement: &Judgement) -> Vec<Value> {
    let telling = judgement
        .people
        .0
        .iter()
        .filter(|person| person.accounts.len() > 1 || person.is_machine || judgement.means(person));
    let told = telling.map(|person| {
        let accounts: Vec<Value> = person.accounts.iter().map(who).collect();
        json!({ "accounts": accounts, "is_machine": Some(person.is_machine).filter(|is| *is) })
    });
    told.collect()
}

impl Request {
    /// The opening, and what it rests on: in the opening, in entries of its own where there is no room, or by its digest.
    pub(super) fn judged_records(&self, kind: &'static str, judgement: &Digest, basis: Option<&Basis>) -> Vec<Record> {
        let mut fields = self.opened(judgement);
        let mut records = Vec::new();
        if let Some(facts) = basis.map(|basis| Record::without_nulls(to_json(basis))) {
            let text = canonical(&facts);
            if length(&fields) + text.len() <= ENTRY_BUDGET {
                fields["facts"] = facts;
            } else {
                fields["facts_digest"] = to_json(&Digest::of_bytes(text.as_bytes()));
                let pieces = if text.len() <= MOST_FACTS { pieces(&text) } else { Vec::new() };
                fields["facts_pieces"] = json!(pieces.len());
                records.extend((1..).zip(pieces).map(|(n, piece)| {
                    let fields = json!({ "request_digest": self.digest, "piece": n, "text": piece });
                    Record::new("facts.recorded", fields)
                }));
            }
        }
        records.insert(0, Record::new(kind, fields));
        records
    }

    fn opened(&self, judgement_digest: &Digest) -> Value {
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
            "partial": to_json(&case.gaps),
            "policy": self.policy(),
            "delivery": case.delivery,
            "expires_at": self.life.expires_at,
            "judgement": to_json(judgement_digest),
        });
        // A release of hundreds of commits does not fit: the whole judgement is then named by its digest, and what is
        // left out is left out in full, evidence first.
        for detail in Detail::ALL {
            if let Value::Object(fields) = &mut fields {
                fields.extend(judged(judgement, detail));
            }
            if detail != Detail::Evidence {
                fields["abridged"] = json!(detail.as_str());
                fields["judgement_digest"] = fields["judgement"].clone();
            }
            if length(&fields) <= ENTRY_BUDGET {
                break;
            }
        }
        fields
    }

    pub(super) fn refused_record(&self, by: &Standing, verdict: Verdict, via: Channel, why: &[Refusal]) -> Record {
        Record::new(
            "attempt.refused",
            json!({
                "request_digest": self.digest,
                "reviewer": to_json(&by.account),
                "verdict": to_json(&verdict),
                "via": to_json(&via),
                "why": to_json(&why),
                "permission": to_json(&by.permission),
                "teams": by.teams,
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

/// A text in pieces that fit into entries of their own.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(FACTS_PIECE));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// A list, unless it is empty.
fn some<T: serde::Serialize>(list: &[T]) -> Value {
    if list.is_empty() { Value::Null } else { to_json(&list) }
}

/// The rules that came into force.
pub(super) fn policy_records(case: &Case) -> impl Iterator<Item = Record> {
    let own = case
        .policy_is_new
        .then(|| Record::new("policy.loaded", json!({ "repository": repository(case), "policy": policy(case) })));
    let organization = case.also.iter().find(|also| case.organization_is_new && also.whose == Whose::Organization);
    let organization = organization.map(|also| {
        let login = &case.subject.tenant.login;
        Record::new("policy.loaded", json!({ "organization": login, "policy": to_json(also) }))
    });
    own.into_iter().chain(organization)
}

fn repository(case: &Case) -> Value {
    let repository = &case.subject.repository;
    json!({ "id": repository.id, "name": repository.full_name() })
}

fn policy(case: &Case) -> Value {
    let mut policy = to_json(&case.policy);
    if let Value::Object(fields) = &mut policy {
        fields.insert("digest".to_owned(), to_json(&case.policy_digest));
        fields.insert("also".to_owned(), some(&case.also));
    }
    policy
}

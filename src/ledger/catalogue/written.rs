//! The types that are written.

use super::About::{Log, Request};
use super::Kind::{Bool, Integer, List, Object, Sealed, Text, Word};
use super::shapes::{
    ACCOUNT, COMMITS, DIGEST, FREEZES, GAPS, LATER, OWNERS, PARTIES, POLICY, QUORUM, REPOSITORY, RUN, STATES, UNKNOWN,
    VERDICTS, WHY,
};
use super::{About, Entry, Field, may, need};

const fn entry(name: &'static str, about: About, meaning: &'static str, fields: &'static [Field]) -> Entry {
    Entry { name, meaning, about, fields }
}

const REVIEWER: Field = need("reviewer", ACCOUNT, "who spoke");
const PERMISSION: Field = need("permission", Text, "their access to the repository, as GitHub said then");
const TEAMS: Field = need("teams", Sealed, "the teams of the policy that they were in, as GitHub said then");

/// What is held, who had a part in it and what the rules say: at the opening, and when it is judged again.
const OPENED: &[Field] = &[
    DIGEST,
    need("repository", REPOSITORY, "where what is held belongs"),
    need("environment", Text, "where it goes"),
    need("run", RUN, "the run that waits"),
    need("head_sha", Text, "its commit"),
    may("deployment_id", Integer, "the deployment GitHub made for it"),
    may(
        "base",
        Object(&[need("sha", Text, "its commit"), need("deployment", Text, "its deployment, by GraphQL node id")]),
        "the last good deployment, which it was compared with",
    ),
    may("actor", ACCOUNT, "who started the run"),
    may("triggering_actor", ACCOUNT, "who started this attempt"),
    need("partial", GAPS, "what could not be learned: the more, the more people are asked"),
    need("policy", POLICY, "the rules it was judged by"),
    need("delivery", Text, "the webhook delivery that brought it"),
    may("expires_at", Integer, "when it is denied if nobody decides, in milliseconds since 1970 UTC"),
    need("parties", PARTIES, "everybody with a part in it, who can therefore not second it"),
    need("unknown", UNKNOWN, "whoever had a part and could not be tied to an account"),
    may("unknown_count", Integer, "how many they are, where there is no room for them"),
    may("people", OWNERS, "accounts that are one human's, or a program's"),
    need("commits", COMMITS, "what was found on each commit"),
    need("ai_commits", Integer, "how many commits an agent touched"),
    need("matched_rules", List(&Text), "the rules that hold it"),
    need("quorum", QUORUM, "what they ask"),
    may("denied_by", List(&Text), "the rules that deny it, whatever anybody says"),
    may("shadow", List(&Text), "rules that would hold it and only tell so"),
    may("would_ask", QUORUM, "what those would ask"),
    may("freezes", FREEZES, "times in which it is not released"),
    may("stopped", Sealed, "why nothing may be released now"),
    need("catalogue", Text, "digest of the catalogue of agents"),
    may("abridged", Text, "what was left out for want of room"),
    may("judgement", Text, "digest of the whole judgement, which `request_digest` is over"),
    may("judgement_digest", Text, "the same, where something was left out"),
    may("facts", Sealed, "all that the judgement rests on: enough to judge again"),
    may("facts_digest", Text, "digest of those facts, where they stand elsewhere"),
    may("facts_pieces", Integer, "in how many entries they stand"),
];

pub(super) static ENTRIES: &[Entry] = &[
    entry(
        "ledger.genesis",
        Log,
        "The log begins. The customer's own login stands in clear here, and later where a repository is named with its owner.",
        &[
            need("origin", Text, "the log's name for ever"),
            need("vkey", Text, "the key that checks it"),
            need(
                "tenant",
                Object(&[need("account_id", Integer, "the account's id"), need("login", Text, "its login")]),
                "the account it belongs to",
            ),
        ],
    ),
    entry(
        "policy.loaded",
        Log,
        "Rules came into force, or a policy file could not be understood.",
        &[
            may("repository", REPOSITORY, "whose rules, when they are a repository's"),
            may("organization", Text, "whose rules, when they are the organization's"),
            need("policy", POLICY, "which rules, and where they came from"),
        ],
    ),
    entry(
        "request.opened",
        Request,
        "Something is held: what it is, who had a part in it, what the rules ask.",
        OPENED,
    ),
    entry(
        "request.rejudged",
        Request,
        "Something held was judged again, because the rules changed or who is who.",
        OPENED,
    ),
    entry(
        "request.unmeetable",
        Request,
        "Everybody who could approve was counted, and nobody is left to meet some rules.",
        &[DIGEST, need("rules", List(&Text), "which rules")],
    ),
    entry(
        "request.escalated",
        Request,
        "It has waited so long that others may approve, too.",
        &[DIGEST, need("waited", Integer, "how long, in milliseconds"), need("let_in", LATER, "who may approve now")],
    ),
    entry(
        "request.reminded",
        Request,
        "People were reminded of it.",
        &[DIGEST, need("waited", Integer, "how long it had waited, in milliseconds")],
    ),
    entry(
        "facts.recorded",
        Request,
        "A piece of the facts that were too many for the opening.",
        &[DIGEST, need("piece", Integer, "which piece, counted from 1"), need("text", Sealed, "the piece")],
    ),
    entry(
        "review.recorded",
        Request,
        "One human's verdict, which counts.",
        &[
            DIGEST,
            REVIEWER,
            need("verdict", VERDICTS, "what they said"),
            need("via", Text, "by which way they spoke: check_run"),
            PERMISSION,
            TEAMS,
        ],
    ),
    entry(
        "review.weighed",
        Request,
        "An approver's access or teams changed: the approval counts for what they are now.",
        &[REVIEWER, PERMISSION, TEAMS],
    ),
    entry(
        "review.struck",
        Request,
        "An approval no longer counts.",
        &[REVIEWER, need("why", WHY, "what stands against it now")],
    ),
    entry(
        "attempt.refused",
        Request,
        "Somebody tried to give a verdict and may not.",
        &[
            DIGEST,
            REVIEWER,
            need("verdict", VERDICTS, "what they said"),
            need("via", Text, "by which way they spoke: check_run"),
            need("why", WHY, "everything that stands against it"),
            PERMISSION,
            TEAMS,
        ],
    ),
    entry(
        "decision.recorded",
        Request,
        "The outcome. It is on disk before anything is done about it.",
        &[
            DIGEST,
            need(
                "outcome",
                Word(&["approved", "denied", "expired", "not_required", "superseded", "withdrawn"]),
                "what was decided",
            ),
            need("approvers", List(&ACCOUNT), "who seconded it"),
            may("denied_by", ACCOUNT, "who denied it"),
            need("quorum", QUORUM, "what was needed and what was there"),
            need("policy", POLICY, "the rules it was decided by"),
        ],
    ),
    entry(
        "decision.voided",
        Request,
        "A decision is taken back before anything was done about it; the request waits as before.",
        &[
            DIGEST,
            need(
                "why",
                Word(&["judged_again", "approval_struck", "denied", "superseded", "withdrawn"]),
                "what for: the request's next entry, in the same transaction",
            ),
        ],
    ),
    entry(
        "release.held",
        Request,
        "A decision to release waits, because nothing may be released now.",
        &[
            DIGEST,
            need("by", Word(&["stop", "freeze"]), "what holds it"),
            may("why", Sealed, "why somebody threw the switch"),
            may("name", Text, "which freeze"),
            may("until", Integer, "when it ends, in milliseconds since 1970 UTC"),
        ],
    ),
    entry(
        "callback.sent",
        Request,
        "GitHub is about to be told.",
        &[
            DIGEST,
            need("state", STATES, "what it is told"),
            need(
                "attempt_checked",
                Object(&[
                    need("attempt", Integer, "its attempt"),
                    need("head_sha", Text, "its commit"),
                    need("status", Text, "its status"),
                ]),
                "the run, as it was a moment before",
            ),
        ],
    ),
    entry(
        "callback.result",
        Request,
        "What GitHub answered.",
        &[
            DIGEST,
            may("state", STATES, "what it was told"),
            need("status", Integer, "HTTP status"),
            may("github_request_id", Text, "the answer's X-GitHub-Request-Id"),
        ],
    ),
    entry(
        "effect.failed",
        Request,
        "An outward call was given up.",
        &[DIGEST, need("effect", Text, "which: callback, check_run, note, policy_check"), need("error", Sealed, "why")],
    ),
    entry(
        "redaction.performed",
        Log,
        "Openings were erased: what they told cannot be told any more, and everything is proven as before.",
        &[
            may("subject", Text, "whose they were, as entries name them; left out when they had no subject"),
            need(
                "entries",
                List(&Object(&[
                    need("seq", Integer, "the entry"),
                    need("paths", List(&Text), "what of it, as JSON Pointers (RFC 6901)"),
                ])),
                "what was erased",
            ),
            need("part", Integer, "which part of the list, counted from 1"),
            need("parts", Integer, "how many parts there are"),
            need("openings", Integer, "how many openings were erased in all"),
            need("key_erased", Bool, "whether the key was erased that ties the subject to an account"),
            may("reason", Sealed, "why it was asked for"),
        ],
    ),
];

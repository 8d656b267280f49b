//! Types with a place of their own that this version does not write yet. A verifier refuses them: it cannot tell what they
//! would allow.

use super::About::{Log, Request};
use super::Kind::{Integer, List, Object, Sealed, Text};
use super::shapes::{ACCOUNT, DIGEST, REPOSITORY, RUN};
use super::{About, Entry, Field, may, need};

const fn entry(name: &'static str, about: About, meaning: &'static str, fields: &'static [Field]) -> Entry {
    Entry { name, meaning, about, fields }
}

const PERIOD: [Field; 2] = [
    need("from", Integer, "when the period begins, in milliseconds since 1970 UTC"),
    need("to", Integer, "when it ends: its first moment that no longer belongs to it"),
];

pub(super) static ENTRIES: &[Entry] = &[
    entry(
        "ledger.sealed",
        Log,
        "The log ends; another goes on.",
        &[need("successor", Text, "origin of the log that goes on")],
    ),
    entry(
        "context.snapshot",
        Request,
        "What somebody saw when they decided: the diff, the plan, the command line.",
        &[
            DIGEST,
            need("kind", Text, "what it is: diff, plan, argv"),
            need("digest", Text, "its SHA-256"),
            need("bytes", Integer, "its length"),
        ],
    ),
    entry(
        "command.authorized",
        Request,
        "One run of one command is let through.",
        &[
            DIGEST,
            need("command_digest", Text, "digest of command line, folder and the environment variables it may see"),
            need("nonce", Text, "what it is good for once"),
            need("expires_at", Integer, "until when, in milliseconds since 1970 UTC"),
        ],
    ),
    entry(
        "command.finished",
        Request,
        "The command has ended.",
        &[
            DIGEST,
            need("nonce", Text, "which run"),
            need("exit_code", Integer, "how"),
            need("duration", Integer, "after how long, in milliseconds"),
        ],
    ),
    entry(
        "deployment.observed",
        Log,
        "A deployment was seen, whether it was held or not.",
        &[
            need("repository", REPOSITORY, "where"),
            need("environment", Text, "where it went"),
            need("deployment_id", Integer, "its id on GitHub"),
            may("run", RUN, "the run that made it"),
            need("sha", Text, "its commit"),
            may("creator", ACCOUNT, "who made it"),
            need("source", Text, "where it was seen: webhook, sweep, audit_log"),
            may("request", Text, "the request that held it; none: nobody was asked"),
        ],
    ),
    entry(
        "population.closed",
        Log,
        "A period's deployments were counted, and held against the decisions.",
        &[
            need("period", Object(&PERIOD), "which period"),
            need("source", Text, "where they were counted: webhook, sweep, audit_log"),
            need("query", Text, "what was asked"),
            need("pages", Integer, "in how many pages it was answered"),
            may("first_id", Text, "the first id"),
            may("last_id", Text, "the last id"),
            need("responses_digest", Text, "digest of the answers as they came"),
            need("matched", Integer, "deployments with a decision"),
            need("unmatched", List(&Text), "deployments without one"),
        ],
    ),
    entry(
        "config.changed",
        Log,
        "A setting was changed.",
        &[
            need("setting", Text, "which"),
            may("before", Text, "digest of its value before"),
            may("after", Text, "digest of its value now"),
            may("by", ACCOUNT, "who changed it"),
        ],
    ),
    entry(
        "member.mapped",
        Log,
        "Somebody's account elsewhere was tied to their account on GitHub, or untied.",
        &[
            need("member", ACCOUNT, "who"),
            need("provider", Text, "where else: slack, teams, webauthn"),
            may("account", Sealed, "their account there; none: it was untied"),
            may("by", ACCOUNT, "who did it"),
        ],
    ),
    entry(
        "break_glass.used",
        Request,
        "Something was let through without a second human, in an emergency.",
        &[
            DIGEST,
            need("by", ACCOUNT, "who"),
            need("reason", Sealed, "why"),
            need("review_by", Integer, "until when it must be looked at, in milliseconds since 1970 UTC"),
        ],
    ),
    entry(
        "break_glass.reviewed",
        Request,
        "Somebody looked at it afterwards.",
        &[
            DIGEST,
            need("reviewer", ACCOUNT, "who"),
            need("verdict", Text, "what they found: justified, not_justified"),
            may("comment", Sealed, "what they said"),
        ],
    ),
    entry(
        "export.created",
        Log,
        "Entries were exported.",
        &[
            need("from", Integer, "the first entry"),
            need("to", Integer, "the entry after the last"),
            need("sha256", Text, "digest of what was exported"),
        ],
    ),
];

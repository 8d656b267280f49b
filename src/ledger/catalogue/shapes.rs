//! Shapes that stand in several entries.

use super::Kind::{Account, Bool, Either, Integer, List, Named, Object, Sealed, Text};
use super::{Field, Kind, may, need};

pub(super) const DIGEST: Field = need("request_digest", Text, "digest of what was shown to whoever decides");

pub(super) const VERDICTS: Kind = Kind::Word(&["approve", "deny"]);

/// What GitHub is told.
pub(super) const STATES: Kind = Kind::Word(&["approved", "rejected"]);

/// An account, and nothing besides.
pub(super) const ACCOUNT: Kind = Named("account", &Account(&[]));

pub(super) const REPOSITORY: Kind = Named(
    "repository",
    &Object(&[need("id", Integer, "its id on GitHub"), need("name", Text, "owner and name when it was read")]),
);

pub(super) const RUN: Kind = Named(
    "run",
    &Object(&[
        need("id", Integer, "the run's id on GitHub"),
        need("attempt", Integer, "which attempt, counted from 1"),
    ]),
);

/// The facts that gave somebody a part.
pub(super) const PART: Kind = Named(
    "part",
    &Object(&[
        need("fact", Text, "what made them a party: actor, author, pull_request_author, …"),
        may("attempt", Integer, "of which attempt"),
        may("sha", Text, "of which commit"),
        may("number", Integer, "of which pull request"),
        may("login", Sealed, "whose other account it is"),
    ]),
);

pub(super) const PARTIES: Kind = List(&Named(
    "party",
    &Account(&[may("because", List(&PART), "every fact that made them a party; left out where there is no room")]),
));

pub(super) const UNKNOWN: Kind = List(&Named(
    "unknown",
    &Object(&[
        need("name", Sealed, "as the commit spells it"),
        need("email", Sealed, "as the commit spells it"),
        need("because", List(&PART), "every fact that made them a party"),
    ]),
));

pub(super) const OWNERS: Kind = List(&Named(
    "owner",
    &Object(&[
        need("accounts", List(&ACCOUNT), "accounts that are one's, by the policy's word"),
        may("is_machine", Bool, "whether the one is a program"),
    ]),
));

/// Who may meet a requirement. A group may be called like the one person in it.
const FROM: Kind = Either(
    &["writers", "admins", "code_owners"],
    &Object(&[need("group", Sealed, "the policy's group, or the one person it names")]),
);

pub(super) const LATER: Kind = List(&Named(
    "later",
    &Object(&[
        need("after", Integer, "after how long, in milliseconds"),
        need("from", FROM, "who"),
        may("members", Sealed, "the members of the group"),
    ]),
));

static NEED: Kind = Named("need", &NEED_SHAPE);

static NEED_SHAPE: Kind = Object(&[
    may("rule", Text, "the rule that asks"),
    may("from", FROM, "from whom"),
    may("members", Sealed, "the members of the group"),
    may("need", Integer, "how many different persons"),
    may("extra", Integer, "how many of them for unknown identities"),
    may("assurance", Text, "how sure it must be that it was them"),
    may("later", LATER, "who may besides, after some time"),
    may("have", Integer, "how many approved"),
    may("any_of", List(&NEED), "one of these"),
    may("all_of", List(&NEED), "all of these"),
]);

pub(super) const QUORUM: Kind = List(&NEED);

/// A policy, and others that hold besides.
pub(super) const POLICY: Kind = Named("policy", &POLICY_SHAPE);

static OTHER_POLICY: Kind = Named("policy", &POLICY_SHAPE);

static POLICY_SHAPE: Kind = Object(&[
    need("origin", Text, "where the rules came from: built_in, file, last_good, admins_only"),
    may("commit", Text, "head of the default branch when the file was read"),
    may("blob", Text, "blob id of the file"),
    may("errors", Sealed, "what is wrong with the file: it quotes the file"),
    need("digest", Text, "digest of the rules"),
    may("whose", Text, "whose policy it is, when it holds besides: organization, or before"),
    may("also", List(&OTHER_POLICY), "other policies that hold besides"),
]);

pub(super) const WHY: Kind = List(&Named(
    "refusal",
    &Object(&[
        need(
            "refusal",
            Text,
            "what stands against it: party, not_human, already_approved, saw_another (page than the one that was asked), …",
        ),
        may("because", List(&PART), "the facts that made them a party"),
        may("needs", Text, "how sure it would have to be that it was them"),
    ]),
));

pub(super) const GAPS: Kind = List(&Named(
    "gap",
    &Object(&[
        need("gap", Text, "what could not be learned"),
        may("total", Integer, "how many there are"),
        may("read", Integer, "how many were read"),
        may("number", Integer, "of which pull request, or attempt"),
        may("sha", Text, "of which commit"),
        may("login", Sealed, "which account the policy names"),
    ]),
));

pub(super) const COMMITS: Kind = List(&Named(
    "commit",
    &Object(&[
        need("sha", Text, "the commit"),
        need("gated", Bool, "whether a rule holds it"),
        may("agent", Text, "the agent that wrote it, by its name in the catalogue of agents"),
        may("kind", Text, "how much of it the agent wrote"),
        may("certainty", Text, "how sure that is"),
        may("stripped", Bool, "whether the mark was lost at the merge"),
        may("evidence", Sealed, "the marks that were found: they quote the commit"),
    ]),
));

pub(super) const FREEZES: Kind = List(&Named(
    "freeze",
    &Object(&[
        need("name", Text, "how the policy calls it"),
        need("zone", Text, "its time zone"),
        need("from", Text, "when it begins"),
        need("to", Text, "when it ends"),
        may("environments", List(&Text), "the environments it is about"),
    ]),
));

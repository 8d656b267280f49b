//! The rules of the domain that a log can break although it signs every entry.
use thiserror::Error;

use super::keys::KeyFault;
use super::miscalled::Miscalled;
use super::unfounded::Unfounded;
use super::unreal::Unreal;
use super::who::AccountId;
use super::why::Refusal;
use crate::domain::decide::Permission;
use crate::ledger::merkle::Hash;
use crate::ledger::record::RecordType;

/// A rule that the log broke, though it signed the entry.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Violation {
    /// The log does not begin with its own description.
    #[error("the first entry must be ledger.genesis, and no other may be")]
    Genesis,
    /// The description is of another log.
    #[error("ledger.genesis names the origin {found}, but the log is {log}")]
    GenesisOrigin {
        /// What it names.
        found: String,
        /// The log.
        log: String,
    },
    /// A field a rule needs is missing or of the wrong kind.
    #[error("the entry's own fields cannot be read: {0}")]
    Unreadable(String),
    /// An entry about a request does not say which.
    #[error("{0} must name its request in corr")]
    NoRequest(RecordType),
    /// Something about a request that was never opened.
    #[error("{0} comes before request.opened")]
    NotOpened(RecordType),
    /// Opened again.
    #[error("the request was opened before")]
    OpenedTwice,
    /// Decided again.
    #[error("the request is decided twice; one request has one decision")]
    DecidedTwice,
    /// A decision was taken back that was not there, or that had left already.
    #[error("decision.voided takes back a decision that is not there or has been acted on")]
    VoidedTooLate,
    /// A verdict came too late to count.
    #[error("{0} comes after decision.recorded")]
    AfterDecision(RecordType),
    /// About something else than what was shown.
    #[error(
        "its request_digest is {found}, but request.opened says {opened}: it is about something else than what was shown"
    )]
    Digest {
        /// In this entry.
        found: String,
        /// In `request.opened`.
        opened: String,
    },
    /// P1.
    #[error("the reviewer {0} had a part in the request and cannot second it")]
    PartyApproves(AccountId),
    /// P1.
    #[error("{0} seconds, whose word did not count before because they had a part; nothing was judged again since")]
    RefusedApproves(AccountId),
    /// One person under two ids.
    #[error("the person {0} is told by the number of their account, in a log that names persons by subjects (sub_...)")]
    InClear(AccountId),
    /// P1.
    #[error("the reviewer {id} is a {kind}; only a person (User) can second or deny")]
    NotAPerson {
        /// The account.
        id: AccountId,
        /// Its kind.
        kind: String,
    },
    /// P1.
    #[error("by its own facts {0} had a part, but is not among the parties")]
    PartyMissing(AccountId),
    /// P1.
    #[error("{0} seconds, whom request.opened lists as a program")]
    ProgramApproves(AccountId),
    /// A refusal without a reason.
    #[error("it does not say why the word of its reviewer does not count")]
    RefusedForNothing,
    /// An approval is lost for what its reviewer is, never for a click.
    #[error("review.struck strikes an approval for {0}, for which no approval that counted is struck")]
    NoReasonToStrike(Refusal),
    /// Nothing was there.
    #[error("review.struck strikes an approval of {0}, who has none that stands")]
    NothingToStrike(AccountId),
    /// The decision names somebody who did not approve, or no longer.
    #[error("the decision names {0} as an approver, who has no standing approval before it")]
    NoApproval(AccountId),
    /// P1.
    #[error("the decision names {0} as an approver, who had a part in the request")]
    PartyApprover(AccountId),
    /// One person counted twice.
    #[error("the decision names {0} as an approver twice; a person counts once")]
    CountedTwice(AccountId),
    /// Nothing was asked for, so nothing was fulfilled.
    #[error("approved without a quorum: the decision must say what was needed")]
    NoQuorum,
    /// Fewer than were asked for when the request was opened.
    #[error("the decision counts against a lower quorum than request.opened asked for")]
    QuorumLowered,
    /// Too few.
    #[error("approved with {have} of {need} approvals needed, and {approvers} approvers named")]
    Quorum {
        /// Needed.
        need: u64,
        /// Counted.
        have: u64,
        /// Named.
        approvers: usize,
    },
    /// A rule denied.
    #[error("approved although a rule denies it, or it was rejected before")]
    RuleOverruled,
    /// P3.
    #[error(
        "the request's id does not follow from the account, repository, environment, run, attempt and commit it is said to be about"
    )]
    OtherId,
    /// P3.
    #[error(
        "its request_digest is {found}, but what it says was shown has {computed}: subject, policy, base, gaps or judgement were changed"
    )]
    OtherDigest {
        /// Of what it says.
        computed: String,
        /// What it says of itself.
        found: String,
    },
    /// P3.
    #[error(
        "request.rejudged is about another repository, environment, run, commit or deployment than request.opened, or compares it \
         with another base"
    )]
    OtherSubject,
    /// P3.
    #[error("request.rejudged tells of other commits than request.opened: what is held is what it was")]
    OtherCommits,
    /// What the same software found with the same rules.
    #[error("request.rejudged says {now} commits by an agent, but by the same rules the same software found {before}")]
    OtherAgents {
        /// How many there were.
        before: u64,
        /// How many there are.
        now: u64,
    },
    /// What the same rules asked.
    #[error("request.rejudged asks otherwise than before, though by the same policy the same rules matched")]
    AskedOtherwise,
    /// When the same rules ended it.
    #[error("request.rejudged expires at another time than before, though by the same policy the same rules matched")]
    OtherExpiry,
    /// A matched rule without consequence.
    #[error("the rule {0:?} matched, but asks nobody and denies nothing")]
    RuleAsksNobody(String),
    /// A requirement that no policy can have.
    #[error("what it says the rule {0:?} asks, no matching rule can ask")]
    AskedByNobody(String),
    /// All commits are new, and nobody says why.
    #[error("it was compared with nothing (base), and partial does not say that no deployment was found before it")]
    ComparedWithNothing,
    /// Not what the run brings.
    #[error("the commit of the run (head_sha) is not among its commits, though nothing is said to be missing")]
    HeadLeftOut,
    /// GitHub asks once about a deployment.
    #[error("the deployment {0} was one of another repository, environment or run before")]
    DeploymentElsewhere(u64),
    /// GitHub asks once about a deployment.
    #[error("another request was opened about the deployment {0} in the same attempt of the run")]
    DeploymentTwice(u64),
    /// The first of two has no answer.
    #[error(
        "by its id it is about a second deployment of the same, but the request about the first is not decided before it"
    )]
    SecondDeployment,
    /// The reviewer is nobody the rules ask.
    #[error("{id} seconds with {} access to the repository, which no requirement of the request asks for", word(*.access))]
    NotAsked {
        /// The account.
        id: AccountId,
        /// Its access, as recorded.
        access: Permission,
    },
    /// The reviewer is in none of the groups the rules ask.
    #[error("{0} seconds, who by the access and the teams that were recorded is in no group that the request asks")]
    NotInAGroup(AccountId),
    /// More are counted than may count.
    #[error(
        "the decision counts {have} toward a requirement that only {may} of its approvers may meet, by what was recorded of them"
    )]
    Overcounted {
        /// Counted.
        have: u64,
        /// How many there are.
        may: u64,
    },
    /// Others are counted than were asked for.
    #[error("the decision counts people from another group than request.opened asks for")]
    OtherGroup,
    /// Others are let in too early.
    #[error("says that it waited {waited} milliseconds, but the request was opened only {passed} milliseconds before")]
    WaitedLonger {
        /// What it says, in milliseconds.
        waited: u64,
        /// Since the opening, in milliseconds.
        passed: u64,
    },
    /// Seconded too late.
    #[error("seconded at {time}, but the request expired at {expires_at} (milliseconds since 1970 UTC)")]
    ApprovedLate {
        /// When, in milliseconds since 1970 UTC.
        time: u64,
        /// When it expired, in milliseconds since 1970 UTC.
        expires_at: u64,
    },
    /// Decided too late.
    #[error(
        "decided {outcome} at {time}, but the request expired at {expires_at} (milliseconds since 1970 UTC) and nothing that \
         was decided in time is taken back"
    )]
    DecidedLate {
        /// What was decided.
        outcome: &'static str,
        /// When, in milliseconds since 1970 UTC.
        time: u64,
        /// When it expired, in milliseconds since 1970 UTC.
        expires_at: u64,
    },
    /// Expired too early.
    #[error("decided expired at {time} (milliseconds since 1970 UTC), but the request {}",
        .expires_at.map_or("never expires".to_owned(), |at| format!("expires only at {at}")))]
    ExpiredEarly {
        /// When, in milliseconds since 1970 UTC.
        time: u64,
        /// When it expires, in milliseconds since 1970 UTC, if it does.
        expires_at: Option<u64>,
    },
    /// Nobody denied it.
    #[error("the decision names {0} as who denied it, who has not before it")]
    NoDenial(AccountId),
    /// Neither a person nor a rule.
    #[error("decided denied, but the decision names nobody who denied it, and no rule does")]
    DeniedByNobody,
    /// Decided by other rules than it was judged by.
    #[error("the decision names another policy than request.opened, or the request.rejudged after it")]
    OtherPolicy,
    /// A piece of the facts is missing, or not in its place.
    #[error("is piece {} of the facts, but {expected} of {all} comes next", .found.map_or("none".to_owned(), |piece| piece.to_string()))]
    OtherPiece {
        /// Which it says it is.
        found: Option<u64>,
        /// Which comes next.
        expected: u64,
        /// How many there are.
        all: u64,
    },
    /// Some are missing.
    #[error("the facts stand in {all} entries, of which {there} are there before the decision")]
    PiecesMissing {
        /// How many there are.
        all: u64,
        /// How many were there.
        there: u64,
    },
    /// One digest, two files.
    #[error(
        "its policy has the digest of rules that came into force before, and another blob: of one file's bytes there is one"
    )]
    OtherBlob,
    /// One happening is told twice.
    #[error(
        "its id says that it is number {number} of the request, but number {next} comes next: an entry is repeated or moved"
    )]
    Number {
        /// What it says.
        number: u64,
        /// The one that comes next.
        next: u64,
    },
    /// One happening is told twice.
    #[error("its id {0:?} was that of another entry of the request: an entry is repeated")]
    Repeated(String),
    /// No policy.
    #[error("the decision does not name its policy's digest")]
    NoPolicy,
    /// Agents are counted otherwise than they are told.
    #[error("ai_commits says {ai_commits}, but {told} of its commits have an agent")]
    AgentsUncounted {
        /// On how many commits one is told.
        told: u64,
        /// How many are counted.
        ai_commits: u64,
    },
    /// What it leaves out would have had room.
    #[error(
        "abridged says that there was no room for commits, but it tells why each party is one, which is left out with them"
    )]
    LeftOutForNothing,
    /// Held for good, by what it says.
    #[error("rules hold it, but it does not say when it expires (expires_at)")]
    NeverExpires,
    /// What tied what was shown to the judgement is gone.
    #[error("it does not say of what judgement its request_digest is (judgement), though an opening before it does")]
    JudgementLeftOut,
    /// Whoever set it going could be left out of the parties.
    #[error("it does not say who set the run going: it has neither actor nor triggering_actor, and no facts")]
    StartedByNobody,
    /// Released unseconded though an agent wrote it.
    #[error(
        "decided not_required, but a rule matched or the facts call for one: {ai_commits} commits by an agent and {partial} gaps in the facts"
    )]
    Required {
        /// Commits an agent touched.
        ai_commits: u64,
        /// Facts that are incomplete.
        partial: usize,
    },
    /// What is published was recorded before.
    #[error("says that the entries from {from} to {to} were published: there must be some, and all of them before it")]
    PublishedAhead {
        /// The first.
        from: u64,
        /// The one after the last.
        to: u64,
    },
    /// Another log was published.
    #[error("says that {to} entries were published with another root than {computed}, which these have")]
    PublishedOther {
        /// How many.
        to: u64,
        /// What they have.
        computed: Hash,
    },
    /// An entry about keys that the rules of taking over do not allow.
    #[error(transparent)]
    Key(KeyFault),
    /// An opening that rests on nothing.
    #[error(
        "it names its judgement and none of the facts that rests on, so that nobody can judge again: every server records them"
    )]
    FactsLeftOut,
    /// What it rests on is not what any server records.
    #[error("it cannot be judged again: {0}")]
    Unjudgeable(String),
    /// What is recorded does not follow from what it rests on.
    #[error("judged again from its own facts, this comes out otherwise: {0}; --explain shows how")]
    JudgedOtherwise(String),
    /// One policy, and two sets of rules.
    #[error(
        "the rules it was judged by are not those that were recorded of the same policy before, for the same environment"
    )]
    OtherRules,
    /// The same, and it may be by a catalogue that this program does not have.
    #[error(
        "judged again from its own facts, this comes out otherwise: {what}; it says that it was judged with the catalogue of agents \
         {catalogue}, which this build has not: verify with the build that wrote it, which has it; --explain shows how"
    )]
    JudgedByAnother {
        /// What comes out otherwise.
        what: String,
        /// The digest of the catalogue.
        catalogue: String,
    },
    /// A word that does not count, or a decision that does not follow.
    #[error(transparent)]
    Unfounded(#[from] Unfounded),
    /// GitHub was told otherwise than it can be.
    #[error(transparent)]
    Miscalled(#[from] Miscalled),
    /// Something is told that never was.
    #[error(transparent)]
    Unreal(#[from] Unreal),
}

pub(super) fn word(access: Permission) -> &'static str {
    if access == Permission::None { "no" } else { access.as_str() }
}

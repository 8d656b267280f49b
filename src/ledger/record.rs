//! The kinds of entry a ledger holds.
use std::fmt;

macro_rules! record_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What an entry says happened. A verifier refuses a type it does not know: it cannot tell what it would allow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RecordType {
            $($(#[$doc])* $variant,)*
        }

        impl RecordType {
            /// Every type, in the order of a request's life.
            pub const ALL: &[RecordType] = &[$(RecordType::$variant,)*];

            /// The value of the entry's `type` field.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(RecordType::$variant => $name,)*
                }
            }

            /// The type with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<RecordType> {
                match name {
                    $($name => Some(RecordType::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

record_types! {
    /// The first entry of every log: its origin, its key, the account it belongs to.
    Genesis = "ledger.genesis",
    /// A key is announced: from here on it signs beside the one before it, which vouches for it.
    KeyAdded = "key.added",
    /// An announced key takes over.
    KeyActivated = "key.activated",
    /// A key's signature counts no more for checkpoints above a size.
    KeyRevoked = "key.revoked",
    /// A policy was read, or could not be.
    PolicyLoaded = "policy.loaded",
    /// A gate is held: what is held, who had a part in it, which rules matched.
    RequestOpened = "request.opened",
    /// Everybody who could approve was counted, and nobody is left to meet some rules.
    RequestUnmeetable = "request.unmeetable",
    /// A request that waits was judged again, because the rules or who is who changed.
    RequestRejudged = "request.rejudged",
    /// A request has waited so long that others may approve it, too.
    RequestEscalated = "request.escalated",
    /// People were reminded of a request.
    RequestReminded = "request.reminded",
    /// A piece of the facts that were too many for the opening.
    FactsRecorded = "facts.recorded",
    /// One human's verdict.
    ReviewRecorded = "review.recorded",
    /// An approver's access or teams changed: the approval counts for what they are now.
    ReviewWeighed = "review.weighed",
    /// A verdict no longer counts, because its reviewer is no longer eligible.
    ReviewStruck = "review.struck",
    /// Somebody tried to give a verdict and may not.
    AttemptRefused = "attempt.refused",
    /// The outcome. Durable before anything is done about it.
    DecisionRecorded = "decision.recorded",
    /// A decision is taken back before anything was done about it; the request waits as before.
    DecisionVoided = "decision.voided",
    /// A decision to release waits, because nothing may be released now.
    ReleaseHeld = "release.held",
    /// GitHub is about to be told.
    CallbackSent = "callback.sent",
    /// What GitHub answered.
    CallbackResult = "callback.result",
    /// An outward call was given up.
    EffectFailed = "effect.failed",
    /// Openings were erased.
    RedactionPerformed = "redaction.performed",
    /// Entries before this one are public, in a release that anybody who may can download.
    LedgerPublished = "ledger.published",
    /// Entries before this one could not be published.
    LedgerPublicationFailed = "ledger.publication_failed",
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_own_name_and_nothing_else_is() {
        for &record_type in RecordType::ALL {
            assert_eq!(RecordType::from_name(record_type.as_str()), Some(record_type));
        }
        assert_eq!(RecordType::from_name("request.opened "), None);
    }
}

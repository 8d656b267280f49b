//! What can be wrong with the keys of a log.
use thiserror::Error;

use crate::ledger::record::RecordType;
use crate::ledger::succession::SuccessionError;

/// What is wrong with an entry about keys, or with who signed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyFault {
    /// Not the fields it should have.
    #[error("the entry's own fields cannot be read: {0}")]
    Unreadable(String),
    /// Not a key of this log.
    #[error("{0} is not a verifier key of this log")]
    NotAKey(String),
    /// Added again.
    #[error("key.added announces {0}, which the log had before; a key that was taken out never comes back")]
    AddedTwice(String),
    /// Announced by nobody.
    #[error("key.added of {new} names {by} as the key that vouches for it, which does not count here")]
    Voucher {
        /// The key announced.
        new: String,
        /// Who should vouch for it.
        by: String,
    },
    /// The statement is not worth anything.
    #[error("key.added of {new}: {why}")]
    Statement {
        /// The key announced.
        new: String,
        /// What is wrong.
        why: SuccessionError,
    },
    /// Activated or revoked, but never added, or revoked before.
    #[error("{kind} of {key}, which is not a key of the log at this point")]
    NotInForce {
        /// What was to be done with it.
        kind: RecordType,
        /// The key.
        key: String,
    },
    /// Revoked while it is the log's own.
    #[error("key.revoked of {0}, which is the log's key: another has to be activated before")]
    RevokedCurrent(String),
    /// Valid for more than there is.
    #[error("key.revoked says that the key counts up to size {valid_to}, but there are only {size} entries before it")]
    ValidTo {
        /// What it says.
        valid_to: u64,
        /// How many there are.
        size: u64,
    },
    /// The reader's key is none of the log's.
    #[error(
        "the key you trust is none of this log's: its own entries name {0}. A log that changes its key says so in \
         key.added, signed by the old key and the new one; get the key anew from the people who run it"
    )]
    Stranger(String),
    /// The reader's key was taken back, and nothing it vouched for signs.
    #[error("the key you trust was revoked and vouches for no key that signs now: only {0} does")]
    NotVouched(String),
    /// What came before tells whether the key that signs may be trusted.
    #[error(
        "the key you trust was revoked, and whether it vouches for the one that signs instead{by} is said before entry {from}: \
         give the segments before, too, or get the key the log has now from the people who run it"
    )]
    NotTold {
        /// Who signs, if that is told.
        by: String,
        /// The entry that is read first.
        from: u64,
    },
    /// The reader's key may have been taken back before.
    #[error(
        "the checkpoint of {size} entries is not signed by the key you trust, {key}. If the log has changed its key before entry \
         {from}, give the segments that say so, too, or get the new key from the people who run it"
    )]
    UnsignedFrom {
        /// Its size.
        size: u64,
        /// The key.
        key: String,
        /// The entry that is read first.
        from: u64,
    },
    /// Somebody who has to sign has not.
    #[error("the checkpoint of {size} entries must be signed by {key}, a key of the log at that size, and is not")]
    Unsigned {
        /// Its size.
        size: u64,
        /// The key.
        key: String,
    },
    /// Nobody who counts was there to sign.
    #[error(
        "no key of the log counts for a checkpoint of {0} entries: the one it had was revoked up to a smaller size"
    )]
    NoKey(u64),
}

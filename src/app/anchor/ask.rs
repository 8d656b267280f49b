//! One witness and one checkpoint: from what it knows to what it says.

use crate::ledger::cosignature::{self, Cosignature};
use crate::ledger::quorum::Witness;
use crate::store::{self, Contradiction, LogHead, Store};
use crate::witness::{Answer, Courier};

/// A witness that has been told of the log by somebody else meanwhile says where it stands; so often that is followed.
const TRIES: usize = 4;

/// What a witness says.
pub(super) enum Said {
    /// It vouches for the checkpoint.
    Cosigned(Cosignature),
    /// It vouches for something that contradicts the checkpoint: the log was rolled back or rewritten.
    Against(Contradiction),
    /// Nothing that counts.
    Nothing(String),
}

/// Asks a witness to cosign the newest checkpoint of a log. `known` is the size it vouched for last, or 0. Returns the size it
/// vouches for, as far as it said so, and what it says.
pub(super) async fn ask(store: &Store, courier: &Courier, witness: &Witness, log: &LogHead, known: u64) -> (u64, Said) {
    let mut old = known.min(log.size);
    for _ in 0..TRIES {
        let proof = match store.tree(log, &[old]).await {
            Ok(tree) => tree.consistency(old, log.size).unwrap_or_default(),
            Err(error @ store::Error::Unreadable { .. }) => {
                // Nothing that was accepted covers this.
                return (old, Said::Against(Contradiction { size: u64::MAX, what: error.to_string() }));
            }
            Err(error) => return (old, Said::Nothing(error.to_string())),
        };
        let request = cosignature::request(old, &proof, &log.checkpoint);
        match courier.add_checkpoint(witness.url.as_deref().unwrap_or_default(), request).await {
            Ok(Answer::Cosigned(lines)) => return (old, cosigned(witness, log, &lines)),
            Ok(Answer::Conflict(size)) if size > log.size => return (size, ahead(store, log, size).await),
            Ok(Answer::Conflict(size)) if size == old && old == log.size => {
                return (old, forked(log, old, "it has cosigned another root at this size"));
            }
            Ok(Answer::Conflict(size)) if size == old => {
                return (old, Said::Nothing(format!("it has {size} entries, and does not take a proof from there")));
            }
            Ok(Answer::Conflict(size)) => old = size,
            Ok(Answer::Inconsistent(why)) => return (old, forked(log, old, &why)),
            Err(error) => return (old, Said::Nothing(error.to_string())),
        }
    }
    (old, Said::Nothing("it is told of this log by somebody else all the time".to_owned()))
}

fn cosigned(witness: &Witness, log: &LogHead, lines: &str) -> Said {
    let text = cosignature::split(&log.checkpoint).map_or("", |(text, _)| text);
    witness.key.find(text, lines).map_or_else(
        || Said::Nothing("its answer has no cosignature by the key in the witness policy".to_owned()),
        Said::Cosigned,
    )
}

fn forked(log: &LogHead, old: u64, why: &str) -> Said {
    let what = format!(
        "FORK: it vouches for {old} entries that are not the first of these {}; the log was rewritten ({why})",
        log.size
    );
    Said::Against(Contradiction { size: old, what })
}

/// The witness knows more entries than we brought: another replica was faster, or entries are gone.
async fn ahead(store: &Store, log: &LogHead, size: u64) -> Said {
    match store.ledger().log(log.tenant).await {
        Ok(Some(now)) if now.size >= size => Said::Nothing("another replica has just asked it".to_owned()),
        Ok(now) => {
            let what = format!(
                "ROLLBACK: it has cosigned {size} entries, but the database has only {}; it was restored from a backup, \
                 or entries were taken away",
                now.map_or(0, |now| now.size)
            );
            Said::Against(Contradiction { size, what })
        }
        Err(error) => Said::Nothing(error.to_string()),
    }
}

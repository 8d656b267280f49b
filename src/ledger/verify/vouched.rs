//! Those who vouch for a checkpoint from outside: whether they are enough, and what of theirs lies beside it.
use super::read_text;
use super::refusal::Refusal;
use super::segment::Segment;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::layout::Artifact;
use crate::ledger::note::VerifierKey;
use crate::ledger::quorum::Policy;
use crate::ledger::segment::{GUIDE, Guide, TIMESTAMP, WITNESS_POLICY};

/// Checks that a checkpoint has the quorum. A policy that lists logs may list this one by the key that is trusted, or by one
/// that took over from it and is in force now.
pub(super) fn quorum(policy: &Policy, note: &str, trusted: &VerifierKey, now: &[String]) -> Result<(), Refusal> {
    let now: Vec<VerifierKey> = now.iter().filter_map(|key| key.parse().ok()).collect();
    policy.check(note, std::iter::once(trusted).chain(&now)).map_err(Refusal::Quorum)
}

/// Files that are in a segment by agreement, and say nothing that the log has signed.
pub(super) fn unvouched(segment: &Segment, artifact: &impl Artifact, checkpoint: &Checkpoint) -> Vec<&'static str> {
    let has = |name: &str| segment.digests.contains_key(name);
    let guide = Guide {
        origin: &checkpoint.origin,
        from: segment.from,
        to: segment.to,
        has_witnesses: has(WITNESS_POLICY),
        has_timestamp: has(TIMESTAMP),
    };
    // Another version of this program may have written another guide, and so may anybody else.
    let is_ours = read_text(artifact, GUIDE).is_ok_and(|text| text == guide.text());
    let others = [(GUIDE, !is_ours), (WITNESS_POLICY, true), (TIMESTAMP, true)];
    others.into_iter().filter(|(name, is_foreign)| *is_foreign && has(name)).map(|(name, _)| name).collect()
}

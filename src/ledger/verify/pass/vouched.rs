//! Those who vouch for a checkpoint from outside: whether they are enough, and what of theirs lies beside it.
use std::io::ErrorKind;

use super::read_text;
use super::segment::Segment;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::layout::Artifact;
use crate::ledger::note::VerifierKey;
use crate::ledger::quorum::Policy;
use crate::ledger::segment::{GUIDE, Guide, TIMESTAMP, WITNESS_POLICY};
use crate::ledger::timestamp::{self, MAX_RESPONSE_BYTES};
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::report::Report;

/// Checks that a checkpoint has the quorum. A policy that lists logs may list this one by the key that is trusted, or by one
/// that took over from it and is in force now.
pub(super) fn quorum(policy: &Policy, note: &str, trusted: &VerifierKey, now: &[String]) -> Result<(), Refusal> {
    let now: Vec<VerifierKey> = now.iter().filter_map(|key| key.parse().ok()).collect();
    policy.check(note, std::iter::once(trusted).chain(&now)).map_err(Refusal::Quorum)
}

/// Looks at the files that are there by agreement, and say nothing that the log has signed: the report names those of which
/// nothing the reader trusts, and no form they must have, says that they are what they should be.
pub(super) fn look(
    segment: Option<&Segment>,
    artifact: &impl Artifact,
    (note, checkpoint): (&str, &Checkpoint),
    trusted: Option<&Policy>,
    report: &mut Report,
) {
    let policy = read_text(artifact, WITNESS_POLICY);
    let has_witnesses = !matches!(policy, Err(Refusal::Missing(_)));
    // The same witnesses and the same quorum: keys of the log and addresses of witnesses are not what is asked.
    let asked = |policy: &Policy| policy.for_log(&checkpoint.origin);
    let is_trusted = |text: &String| text.parse().is_ok_and(|policy| trusted.map(asked) == Some(asked(&policy)));
    let mut stamp = Vec::new();
    let read = artifact.read(TIMESTAMP, MAX_RESPONSE_BYTES, &mut stamp);
    let has_timestamp = !read.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    if let Some(&Segment { from, to, .. }) = segment {
        let guide = Guide { origin: &checkpoint.origin, from, to, has_witnesses, has_timestamp };
        match read_text(artifact, GUIDE) {
            Ok(text) if text == guide.text() => {}
            Err(Refusal::Missing(_)) => report.warnings.push(format!("{GUIDE} is missing, which every segment has")),
            // Another version of this program may have written another guide, and so may anybody else.
            _ => report.unvouched.push(GUIDE),
        }
    }
    if has_witnesses && !policy.is_ok_and(|text| is_trusted(&text)) {
        report.unvouched.push(WITNESS_POLICY);
    }
    report.is_stamped = read.is_ok() && timestamp::is_over(&stamp, note.as_bytes());
    if has_timestamp && !report.is_stamped {
        report.unvouched.push(TIMESTAMP);
    }
}

//! Those who vouch for a checkpoint from outside: whether they are enough, and what of theirs lies beside it.
use std::io::ErrorKind;

use super::read_text;
use super::segment::Segment;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::MAX_INTEGER;
use crate::ledger::layout::Artifact;
use crate::ledger::note::VerifierKey;
use crate::ledger::quorum::Policy;
use crate::ledger::segment::{GUIDE, Guide, TIMESTAMP, WITNESS_POLICY};
use crate::ledger::timestamp::{self, MAX_RESPONSE_BYTES};
use crate::ledger::verify::refusal::Refusal;
use crate::ledger::verify::report::Report;

/// So much may a witness's clock and the log's differ, in milliseconds, before it is worth a word.
const SKEW: u64 = 86_400_000;

/// Checks that a checkpoint has the quorum. A policy that lists logs may list this one by the key that is trusted, or by one
/// that took over from it and is in force now. A witness is the only clock that is not the log's: what it has cosigned was written
/// before; so a quorum of witnesses must have cosigned no earlier than `latest`, the latest time of an entry.
pub(super) fn quorum(
    policy: &Policy,
    note: &str,
    trusted: &VerifierKey,
    latest: u64,
    report: &mut Report,
) -> Result<(), Refusal> {
    let now: Vec<VerifierKey> = report.keys.iter().filter_map(|key| key.parse().ok()).collect();
    let cosigned = policy.check(note, std::iter::once(trusted).chain(&now)).map_err(Refusal::Quorum)?;
    let millis = |seconds: u64| seconds.checked_mul(1_000).filter(|millis| *millis <= MAX_INTEGER);
    let in_time = cosigned.iter().filter(|(_, at)| millis(**at).is_some_and(|at| latest <= at + SKEW));
    if !policy.is_satisfied_by(&in_time.map(|(witness, _)| *witness).collect()) {
        report.warnings.push(format!(
            "entries are later than their witnesses: the latest says {latest} (milliseconds since 1970 UTC), and no quorum cosigned \
             it at a time that is no more than a day earlier; either clock was wrong, or the times of entries are forged"
        ));
    }
    report.cosigned = cosigned.into_iter().map(|(witness, at)| (witness.to_owned(), at)).collect();
    Ok(())
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

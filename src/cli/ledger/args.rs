//! What `seconder ledger verify` is asked.

use std::path::PathBuf;

use clap::Args;

use crate::ledger::Hash;

/// Check a ledger: signature, tree, chain, tiles, receipts and rules.
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP)]
pub struct VerifyArgs {
    /// A folder that `seconder ledger export` wrote, the files of a release in a folder, or a .tar or .tar.gz of either; several
    /// segments in their order, each of which continues the one before; or the address of a ledger that a server serves:
    /// https:// and its origin
    #[arg(value_name = "TARGET", required = true)]
    pub targets: Vec<PathBuf>,

    /// A file with the token that a server wants to see
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// The verifier key you trust, or a file that holds it, from anywhere but TARGET
    #[arg(long, value_name = "FILE_OR_KEY", required_unless_present = "trust_artifact_key")]
    pub vkey: Option<String>,

    /// A checkpoint of the same log kept from earlier, which TARGET has to continue
    #[arg(long, value_name = "CHECKPOINT")]
    pub old: Option<PathBuf>,

    /// Remember here the newest checkpoint of each log that verified, and its keys, and refuse what does not continue it: a ledger cut
    /// back (rollback), rewritten (fork), or signed by a key that was taken out. Made when it is not there; leave it out to look at an older segment again
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Size and root that a check run showed, which TARGET has to continue
    #[arg(long, value_name = "SIZE:ROOT", value_parser = seen)]
    pub seen: Option<(u64, Hash)>,

    /// A witness policy (c2sp.org/tlog-policy) from anywhere but TARGET: its quorum must have cosigned the checkpoint
    #[arg(long, value_name = "FILE")]
    pub witness_policy: Option<PathBuf>,

    /// Take the key from TARGET; proves only that TARGET agrees with itself, so that nothing of it is remembered
    #[arg(long, conflicts_with = "state")]
    pub trust_artifact_key: bool,

    /// Tell what became of this request and why, and judge it again from the facts that were recorded; the first digits of its
    /// id, at least eight, are enough
    #[arg(long, value_name = "REQUEST")]
    pub explain: Option<String>,

    /// Refuse what is only a warning otherwise, a file that nothing vouches for, and every entry that is not in canonical form or tells in clear what its
    /// catalogue does not; takes longer
    #[arg(long)]
    pub strict: bool,

    /// What tells the names that are sealed, as `seconder ledger export --openings` wrote it: checked against DIR, and used
    /// to explain and to judge again
    #[arg(long, value_name = "FILE")]
    pub openings: Option<PathBuf>,

    /// Print the report as JSON; where there is none, an object with `ok`, `exit_code` and `message`
    #[arg(long)]
    pub json: bool,
}

const HELP: &str = "\
Exit codes:
  0  verified (with --explain: and judged again it comes out the same)
  1  NOT VERIFIED: the message says what is wrong (with --explain: or it comes out otherwise; with --strict: or there is a warning)
  2  cannot be said: a file could not be read, the key is not usable or the one that took over from it was announced in a segment
     that was not given, the command line is wrong (with --explain: or it cannot be judged again, or not all of it, because something
     is sealed or was erased, or it comes out otherwise by another catalogue of agents)

Nothing is written but --state, and that only with exit code 0. No network is used but for a TARGET that is an address. One segment
alone is checked from what the segments before it left behind: of requests opened before it, who had a part in them is not known, and
the report says how many there are. Give all segments in their order, and requests are followed from one to the next.";

/// Reads `SIZE:ROOT`.
fn seen(text: &str) -> Result<(u64, Hash), String> {
    let read = |(size, root): (&str, &str)| Some((size.parse().ok()?, Hash::from_base64(root)?));
    text.split_once(':').and_then(read).ok_or_else(|| "expected SIZE:ROOT, as the check run shows them".to_owned())
}

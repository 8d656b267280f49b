//! A part of a ledger as a handful of flat files: what a release carries. `[from, to)` are its entries; with what the part
//! before it left behind (`frontier`, `checkpoint.prev`) it can be checked alone.
use std::fmt::Write as _;

use super::layout::{self, Place};
pub use super::layout::{TIMESTAMP, WITNESS_POLICY};
use super::merkle::Hash;

/// The signed checkpoint at `from`; absent when the segment begins the ledger.
pub const CHECKPOINT_PREV: &str = "checkpoint.prev";
/// A C2SP tlog-witness add-checkpoint body; absent when the segment begins the ledger.
pub const CONSISTENCY: &str = "consistency.add-checkpoint";
/// The right edge of the tree at `from`.
pub const FRONTIER: &str = "frontier";
/// Hash tiles of the whole tree, and the bundles the segment touches.
pub const TILES: &str = "tiles.tar";
/// Proof and entry of each decision.
pub const RECEIPTS: &str = "receipts.tar";
/// The log's key for openssl.
pub const PEM: &str = "log.pub.pem";
/// Every decision that stands.
pub const DECISIONS: &str = "decisions.csv";
/// Everything that did not go the usual way.
pub const EXCEPTIONS: &str = "exceptions.csv";
/// The digests of all other files, as `sha256sum --check` reads them.
pub const MANIFEST: &str = "MANIFEST.sha256";
/// How to check it all.
pub const GUIDE: &str = "VERIFY.md";
/// For the guide: computes the root anew from the entries. Nothing but Python's standard library.
const ROOT: &str = include_str!("segment/root.py");
/// For the guide: follows receipts to the root.
const FOLLOW: &str = include_str!("segment/receipts.py");
/// For the guide: holds the decisions against what came before them, and the table against the entries.
const RULES: &str = include_str!("segment/rules.py");

/// The name of the file of entries.
#[must_use]
pub fn entries_name(from: u64, to: u64) -> String {
    format!("entries-{from}-{to}.jsonl.gz")
}

/// Which entries a file of this name holds, if it is one of entries.
#[must_use]
pub fn entries_span(name: &str) -> Option<(u64, u64)> {
    let (from, to) = name.strip_prefix("entries-")?.strip_suffix(".jsonl.gz")?.split_once('-')?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from < to && entries_name(from, to) == name).then_some((from, to))
}

/// Whether the segment of these entries has a file of this name that a whole export does not have.
#[must_use]
pub fn has_file(from: u64, to: u64, name: &str) -> bool {
    match name {
        CHECKPOINT_PREV | CONSISTENCY => from > 0,
        FRONTIER | TILES | RECEIPTS | PEM | DECISIONS | EXCEPTIONS | MANIFEST | GUIDE => true,
        _ => entries_span(name) == Some((from, to)),
    }
}

/// Whether the segment of these entries may have a file of this name.
#[must_use]
pub fn may_have(from: u64, to: u64, name: &str) -> bool {
    let is_in_both = name != layout::ENTRIES && matches!(layout::place(name), Place::Fixed);
    is_in_both || has_file(from, to, name)
}

/// Whether a file of this name grows with the entries. All others are a few lines.
#[must_use]
pub fn is_long(name: &str) -> bool {
    matches!(name, TILES | RECEIPTS | DECISIONS | EXCEPTIONS) || entries_span(name).is_some()
}

/// Reads a request by which a witness is asked to cosign: the size it has seen, and the proof. `None` unless it is one, in its
/// one form, for this checkpoint.
#[must_use]
pub fn parse_add_checkpoint(body: &str, checkpoint: &str) -> Option<(u64, Vec<Hash>)> {
    let (proof, rest) = body.split_once("\n\n")?;
    let mut lines = proof.lines();
    let old: u64 = lines.next()?.strip_prefix("old ")?.parse().ok()?;
    let proof: Vec<Hash> = lines.map(Hash::from_base64).collect::<Option<_>>()?;
    (rest == checkpoint && add_checkpoint(old, &proof, checkpoint) == body).then_some((old, proof))
}

/// The request by which a witness is asked to cosign `checkpoint`, having seen the tree of the first `old` entries
/// (<https://c2sp.org/tlog-witness>).
#[must_use]
pub fn add_checkpoint(old: u64, proof: &[Hash], checkpoint: &str) -> String {
    let mut body = format!("old {old}\n");
    proof.iter().for_each(|hash| body.extend([hash.to_base64().as_str(), "\n"]));
    body.extend(["\n", checkpoint]);
    body
}

/// The line of a file in `MANIFEST.sha256`.
#[must_use]
pub fn manifest_line(name: &str, sha256: &str) -> String {
    format!("{sha256}  {name}\n")
}

/// What the guide has to know.
#[derive(Debug, Clone, Copy)]
pub struct Guide<'a> {
    /// The log.
    pub origin: &'a str,
    /// First entry.
    pub from: u64,
    /// The entry after the last.
    pub to: u64,
    /// Whether witnesses cosigned it.
    pub has_witnesses: bool,
    /// Whether it is time-stamped.
    pub has_timestamp: bool,
}

impl Guide<'_> {
    /// `VERIFY.md`: commands that work as pasted, in the folder of the files.
    #[must_use]
    pub fn text(self) -> String {
        let Guide { origin, from, to, .. } = self;
        let mut text = format!(
            "# How to check this ledger\n\
             \n\
             Entries {from} to {last} of the log `{origin}`. Nothing here asks the people who run it, but for\n\
             one thing: **the log's key, which you must have from anywhere but this folder**. Whoever could change the folder\n\
             could change a key inside it. Save the key (one line, `{origin}+…`) as `../trusted.vkey`. Then, in this folder:\n",
            last = to - 1,
        );
        let mut section = |title: &str, prose: &str, commands: &str| {
            write!(text, "\n## {title}\n\n{prose}\n\n```sh\n{commands}\n```\n").ok();
        };
        section(
            "Everything at once",
            "Signature, tree, chain, tiles, receipts, tables, and the rules: no approver had a part in what they approved, quorums were met,\n\
             decisions came before GitHub was told. `--state` remembers the newest checkpoint you saw, and the log's keys; a ledger cut back,\n\
             rewritten or signed by a key that was taken out since then is refused: give older releases first, or look at them without it.",
            "seconder ledger verify . --vkey ../trusted.vkey --state ../seen.json",
        );
        section(
            "Nothing was lost on the way",
            "Who wrote the files, this does not say.",
            "sha256sum --check --strict MANIFEST.sha256",
        );
        section(
            "The signature, with openssl 3",
            "The text above the empty line is what was signed: the log's name, how many entries it has, and the root of their tree. While\n\
             a key takes over from another both sign; the first 4 bytes of a signature say whose it is, the last 64 are the Ed25519 signature.\n\
             That these entries are under that root, the next section tells.",
            &format!(
                "W=$(mktemp -d)\n\
                 {{ printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; cut -d+ -f3- ../trusted.vkey | base64 -d | tail -c 32; }} |\n  \
                 openssl pkey -pubin -inform DER -out \"$W/trusted.pem\"\n\
                 sed -n '/^$/q;p' checkpoint > \"$W/body\"\n\
                 for sig in $(awk -v origin='{origin}' '$1 == \"—\" && $2 == origin {{ print $3 }}' checkpoint); do\n  \
                 id=$(printf %s \"$sig\" | base64 -d | od -An -tx1 -N4 | tr -d ' \\n')\n  \
                 if [ \"$id\" = \"$(cut -d+ -f2 ../trusted.vkey)\" ]; then printf %s \"$sig\" | base64 -d | tail -c 64 > \"$W/sig\"; fi\n\
                 done\n\
                 if [ -s \"$W/sig\" ]; then\n  \
                 openssl pkeyutl -verify -pubin -inkey \"$W/trusted.pem\" -rawin -in \"$W/body\" -sigfile \"$W/sig\"\n\
                 else\n  \
                 echo 'FAILED: the key in ../trusted.vkey did not sign this checkpoint; if the log has changed its key, get the new one' >&2; false\n\
                 fi"
            ),
        );
        section(
            "The root, with python3",
            "Every entry's exact line is hashed (RFC 6962), and the tree of those before them, `frontier`, continued. The result must be the\n\
             root in `checkpoint`, whose signature you have just checked; where there is a `checkpoint.prev`, this segment must begin there.",
            &format!("python3 - <<'END'\n{ROOT}END"),
        );
        section(
            "The entries, by eye",
            "One JSON object a line. The hash of a line, after a zero byte, is its leaf in the tree, and the `prev` of the line after it.",
            &format!(
                "gzip -dc {name} | wc -l\ngzip -dc {name} | sed -n 1p\n{{ printf '\\000'; gzip -dc {name} | sed -n 1p | tr -d '\\n'; }} | sha256sum",
                name = entries_name(from, to)
            ),
        );
        section(
            "The rules and the table, with python3",
            "Entries and table by themselves, without a program of ours: nobody with a part in it approved it, whoever approved has spoken, what\n\
             was asked for is met, GitHub was told after that, and what was decided; and each decision that stands is in `decisions.csv` as it is.\n\
             `seconder ledger verify` looks at more. Of what was opened before this segment, only the one before tells who had a part.",
            &format!("python3 - <<'END'\n{RULES}END"),
        );
        section(
            "The receipts, with python3",
            "`decisions.csv` names, for each decision, its leaf hash and its proof (<https://c2sp.org/tlog-proof>): entry, proof and key\n\
             suffice to show that one to somebody. All of `receipts.tar` is followed to the root in `checkpoint`, and held against the entries:\n\
             each decision that was not taken back has its receipt. For one decision alone, put its request after `python3 -`; whether it was\n\
             taken back later, only the entries tell.",
            &format!("head -n 4 decisions.csv\npython3 - <<'END'\n{FOLLOW}END"),
        );
        if self.has_witnesses {
            text.push_str(
                "\n## Witnesses\n\n`checkpoint` carries cosignatures (<https://c2sp.org/tlog-cosignature>); `witness.policy` says whose and how many. Take the\n\
                 witnesses' keys from the witnesses, not from that file.\n",
            );
        }
        if self.has_timestamp {
            text.push_str(
                "\n## Time stamp\n\nWith the certificate of the time-stamp authority in `../tsa.pem`:\n\n```sh\n\
                 openssl ts -verify -data checkpoint -in checkpoint.tsr -CAfile ../tsa.pem\n```\n",
            );
        }
        if from > 0 {
            text.push_str(
                "\n## The release before this one\n\nWhere you have it, this one goes on where that one ends:\n\n```\n\
                 cmp checkpoint.prev ../PREVIOUS/checkpoint\n```\n",
            );
        }
        text.push_str(
            "\n## With a program of your own\n\n\
             The formats are public: [tlog-tiles](https://c2sp.org/tlog-tiles), [tlog-checkpoint](https://c2sp.org/tlog-checkpoint),\n\
             [signed-note](https://c2sp.org/signed-note), RFC 6962. In Go, `golang.org/x/mod/sumdb/note` opens `checkpoint`, and\n\
             `golang.org/x/mod/sumdb/tlog` does the rest: `StoredHashes` over the leaves gives the tree, `TreeHash` its root, `CheckTree` the\n\
             step from `checkpoint.prev` by `consistency.add-checkpoint`, `CheckRecord` a receipt.\n\
             \n\
             Cells of the tables that a spreadsheet would take for a formula begin with `'`. A cell is empty where the answer lies outside this\n\
             segment: what was opened before it, or told to GitHub after it.\n",
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_entries_tells_which_they_are_in_one_form_only() {
        assert_eq!(entries_span("entries-256-1000.jsonl.gz"), Some((256, 1000)));
        for wrong in ["entries-0256-1000.jsonl.gz", "entries-5-5.jsonl.gz", "entries-1-.jsonl.gz", "entries-1-2.jsonl"]
        {
            assert_eq!(entries_span(wrong), None, "{wrong}");
        }
    }
}

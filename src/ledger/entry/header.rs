//! What a reader needs of an entry.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::named::Named;

/// What a reader needs of an entry, borrowed from its bytes in one pass. A field given twice is refused.
///
/// The common fields are read; the record's own fields that the rules of a verifier look at are only found, and parsed by
/// whoever needs them; those that two need, once.
#[derive(Debug, Deserialize)]
pub struct Header<'a> {
    /// Format version.
    pub v: u64,
    /// Origin of the log.
    pub log: &'a str,
    /// Place in the log.
    pub seq: u64,
    /// Leaf hash of the entry before it, in hexadecimal.
    pub prev: Option<&'a str>,
    /// Milliseconds since 1970 UTC.
    pub time: u64,
    /// The name of its [`RecordType`].
    #[serde(rename = "type")]
    pub record_type: &'a str,
    /// Idempotency key.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The request it belongs to.
    pub corr: Option<&'a str>,
    /// The software that wrote it.
    #[serde(borrow)]
    pub sw: Cow<'a, str>,
    /// The origin a log describes itself by.
    #[serde(borrow)]
    pub origin: Option<&'a RawValue>,
    /// Where what is held belongs.
    #[serde(borrow)]
    pub repository: Option<&'a RawValue>,
    /// Where it goes.
    #[serde(borrow)]
    pub environment: Option<&'a RawValue>,
    /// Its run.
    #[serde(borrow)]
    pub run: Option<&'a RawValue>,
    /// Its commit.
    #[serde(borrow)]
    pub head_sha: Option<&'a RawValue>,
    /// Who started the run.
    #[serde(borrow)]
    pub actor: Option<&'a RawValue>,
    /// Who started this attempt of it.
    #[serde(borrow)]
    pub triggering_actor: Option<&'a RawValue>,
    /// What run GitHub was asked about, a moment before it was told.
    #[serde(borrow)]
    pub attempt_checked: Option<&'a RawValue>,
    /// The digest of what was shown.
    #[serde(borrow)]
    pub request_digest: Option<&'a RawValue>,
    /// The people who had a part.
    #[serde(borrow)]
    pub parties: Option<&'a RawValue>,
    /// What was found on each commit.
    #[serde(borrow)]
    pub commits: Option<&'a RawValue>,
    /// What was left out of an opening for want of room.
    #[serde(borrow)]
    pub abridged: Option<&'a RawValue>,
    /// What the opening rests on.
    #[serde(borrow)]
    pub facts: Option<&'a RawValue>,
    /// The digest of that, where it stands elsewhere.
    #[serde(borrow)]
    pub facts_digest: Option<&'a RawValue>,
    /// In how many entries it stands, where these follow.
    #[serde(borrow)]
    pub facts_pieces: Option<&'a RawValue>,
    /// Which of them this is.
    #[serde(borrow)]
    pub piece: Option<&'a RawValue>,
    /// Accounts that are one human's, or a program's.
    #[serde(borrow)]
    pub people: Option<&'a RawValue>,
    /// How many commits an agent touched.
    #[serde(borrow)]
    pub ai_commits: Option<&'a RawValue>,
    /// Which facts are incomplete.
    #[serde(borrow)]
    pub partial: Option<&'a RawValue>,
    /// The rules that matched.
    #[serde(borrow)]
    pub matched_rules: Option<&'a RawValue>,
    /// The rules that deny whatever anybody says; in a decision, who denied.
    #[serde(borrow)]
    pub denied_by: Option<&'a RawValue>,
    /// Who gave a verdict.
    #[serde(borrow)]
    pub reviewer: Option<&'a RawValue>,
    /// What stands against one.
    #[serde(borrow)]
    pub why: Option<&'a RawValue>,
    /// The verdict.
    #[serde(borrow)]
    pub verdict: Option<&'a RawValue>,
    /// By which way it came.
    #[serde(borrow)]
    pub via: Option<&'a RawValue>,
    /// How the request ended.
    #[serde(borrow)]
    pub outcome: Option<&'a RawValue>,
    /// Who seconded it.
    #[serde(borrow)]
    pub approvers: Option<&'a RawValue>,
    /// What was needed and what was there.
    #[serde(borrow)]
    pub quorum: Option<&'a RawValue>,
    /// The policy it was decided by.
    #[serde(borrow)]
    pub policy: Option<&'a RawValue>,
    /// What GitHub is told.
    #[serde(borrow)]
    pub state: Option<&'a RawValue>,
    /// What it answered.
    #[serde(borrow)]
    pub status: Option<&'a RawValue>,
    /// When it is denied if nobody decides.
    #[serde(borrow)]
    pub expires_at: Option<&'a RawValue>,
    /// A reviewer's access to the repository.
    #[serde(borrow)]
    pub permission: Option<&'a RawValue>,
    /// How long a request had waited when others were let in.
    #[serde(borrow)]
    pub waited: Option<&'a RawValue>,
    /// The account a log belongs to.
    #[serde(borrow)]
    pub tenant: Option<&'a RawValue>,
    /// The deployment that is held.
    #[serde(borrow)]
    pub deployment_id: Option<&'a RawValue>,
    /// What it was compared with.
    #[serde(borrow)]
    pub base: Option<&'a RawValue>,
    /// Times in which it is not released.
    #[serde(borrow)]
    pub freezes: Option<&'a RawValue>,
    /// Why nothing may be released.
    #[serde(borrow)]
    pub stopped: Option<&'a RawValue>,
    /// The catalogue of agents it was judged with.
    #[serde(borrow)]
    pub catalogue: Option<&'a RawValue>,
    /// The digest of the whole judgement.
    #[serde(borrow)]
    pub judgement: Option<&'a RawValue>,
    /// The first entry that was published.
    #[serde(borrow)]
    pub from: Option<&'a RawValue>,
    /// The one after the last.
    #[serde(borrow)]
    pub to: Option<&'a RawValue>,
    /// The root there.
    #[serde(borrow)]
    pub root: Option<&'a RawValue>,
    /// The outward call that was given up.
    #[serde(borrow)]
    pub effect: Option<&'a RawValue>,
    /// What was read of it already.
    #[serde(skip)]
    named: OnceCell<Named<'a>>,
}

impl<'a> Header<'a> {
    /// Reads an entry.
    ///
    /// # Errors
    /// If the bytes are not a JSON object with these fields.
    pub fn parse(line: &'a str) -> Result<Header<'a>, serde_json::Error> {
        serde_json::from_str(line)
    }

    /// Whom and what an opening names.
    pub(in crate::ledger) fn named(&self) -> &Named<'a> {
        self.named.get_or_init(|| Named::of(self))
    }
}

//! Which witnesses must have cosigned a checkpoint: a policy in the text form of <https://c2sp.org/tlog-policy>.
//!
//! Not supported, and said so: ML-DSA-44 keys. Names must be UTF-8, which the specification only recommends.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::str::FromStr;

use thiserror::Error;

use super::cosignature::{self, CosignerKey};
use super::note::{KeyError, VerifierKey};

/// More lines than this are no policy of ours.
const MAX_LINES: usize = 1_000;
/// What a quorum of nobody is called.
const NONE: &str = "none";

/// A witness, as the policy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its name in the policy.
    pub name: String,
    /// Its key.
    pub key: CosignerKey,
    /// Where it is asked: the submission prefix, without a slash at the end.
    pub url: Option<String>,
}

/// Logs, witnesses, and how many of them must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<String>,
}

/// What is wrong with a policy, and in which line (from 1; 0: in all of it).
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct PolicyError {
    /// The line.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// The policy asks for more than there is.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NoQuorum {
    /// The policy is for other logs.
    #[error("the witness policy lists logs, and the key you trust is none of theirs")]
    OtherLog,
    /// Not enough witnesses have cosigned.
    #[error("the witness policy asks for {quorum}, but the checkpoint is cosigned by {}", if .by.is_empty() { "no witness it knows".to_owned() } else { .by.join(", ") + " only" })]
    Missing {
        /// The name of the quorum.
        quorum: String,
        /// Who has cosigned, by their names in the policy.
        by: Vec<String>,
    },
}

impl Policy {
    /// The witnesses, in the order of the policy.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Whether no witness at all is enough: `quorum none`, or a group that comes to the same.
    #[must_use]
    pub fn asks_nobody(&self) -> bool {
        self.is_satisfied_by(&BTreeSet::new())
    }

    /// Whether these witnesses, by their names in the policy, are enough.
    #[must_use]
    pub fn is_satisfied_by(&self, cosigned: &BTreeSet<&str>) -> bool {
        let mut agreed: BTreeSet<&str> = cosigned.clone();
        agreed.insert(NONE); // No witness and no group can be called that.
        for group in &self.groups {
            if group.members.iter().filter(|member| agreed.contains(member.as_str())).count() >= group.threshold {
                agreed.insert(&group.name);
            }
        }
        agreed.contains(self.quorum.as_str())
    }

    /// The witnesses that have cosigned a note, with the time each says (seconds since 1970 UTC).
    #[must_use]
    pub fn cosigned<'a>(&'a self, note: &str) -> BTreeMap<&'a str, u64> {
        let Some((text, lines)) = cosignature::split(note) else { return BTreeMap::new() };
        let found = |witness: &'a Witness| Some((witness.name.as_str(), witness.key.find(text, lines)?.time));
        self.witnesses.iter().filter_map(found).collect()
    }

    /// Checks that a log's note has the quorum, and says who cosigned it when. Its own signatures are somebody else's business; these
    /// are keys the log may have.
    ///
    /// # Errors
    /// If it has not, or the policy is for other logs.
    pub fn check<'a, 'k>(
        &'a self,
        note: &str,
        mut log: impl Iterator<Item = &'k VerifierKey>,
    ) -> Result<BTreeMap<&'a str, u64>, NoQuorum> {
        if !self.logs.is_empty() && !log.any(|key| self.logs.contains(key)) {
            return Err(NoQuorum::OtherLog);
        }
        let cosigned = self.cosigned(note);
        let by: BTreeSet<&str> = cosigned.keys().copied().collect();
        if self.is_satisfied_by(&by) {
            return Ok(cosigned);
        }
        Err(NoQuorum::Missing { quorum: self.quorum.clone(), by: by.into_iter().map(str::to_owned).collect() })
    }

    /// The policy for those who verify this log: without the addresses, which are nobody else's business.
    #[must_use]
    pub fn for_log(&self, log: &str) -> String {
        let mut text = format!("log {log}\n");
        // Writing to a String does not fail.
        for Witness { name, key, .. } in &self.witnesses {
            let _ = writeln!(text, "witness {name} {key}");
        }
        for Group { name, threshold, members } in &self.groups {
            let _ = writeln!(text, "group {name} {threshold} {}", members.join(" "));
        }
        let _ = writeln!(text, "quorum {}", self.quorum);
        text
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Policy, PolicyError> {
        let mut reading = Reading::default();
        for (n, line) in text.split('\n').enumerate() {
            let error = |what: String| PolicyError { line: n + 1, what };
            if n == MAX_LINES {
                return Err(error(format!("a policy has at most {MAX_LINES} lines")));
            }
            if line.bytes().any(|b| (b < 0x20 && b != b'\t') || b == 0x7f) {
                return Err(error("control characters other than tab and newline are not allowed".to_owned()));
            }
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if !words.first().is_none_or(|word| word.starts_with('#')) {
                reading.line(&words).map_err(error)?;
            }
        }
        let Reading { logs, witnesses, groups, quorum, .. } = reading;
        let missing = || PolicyError {
            line: 0,
            what: "there is no `quorum` line; write `quorum NAME` last, or `quorum none`".to_owned(),
        };
        Ok(Policy { logs, witnesses, groups, quorum: quorum.ok_or_else(missing)? })
    }
}

#[derive(Default)]
struct Reading {
    logs: Vec<VerifierKey>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<String>,
    names: BTreeSet<String>,
    /// Names that are a member of something.
    members: BTreeSet<String>,
}

impl Reading {
    fn line(&mut self, words: &[&str]) -> Result<(), String> {
        match *words {
            ["log", vkey] | ["log", vkey, _] => {
                let key: VerifierKey = vkey.parse().map_err(|error: KeyError| error.to_string())?;
                if self.logs.iter().any(|log| log.is_same_key(&key)) {
                    return Err("this log key is listed twice".to_owned());
                }
                self.logs.push(key);
            }
            ["witness", name, vkey] => self.witness(name, vkey, None)?,
            ["witness", name, vkey, url] => self.witness(name, vkey, Some(url))?,
            ["group", name, threshold, ref members @ ..] if !members.is_empty() => {
                self.group(name, threshold, members)?;
            }
            ["quorum", name] => {
                if name != NONE && !self.names.contains(name) {
                    return Err(format!("`quorum {name}`: no witness and no group of that name was defined before"));
                }
                if self.quorum.replace(name.to_owned()).is_some() {
                    return Err("there must be one `quorum` line only".to_owned());
                }
            }
            _ => {
                return Err("expected `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME all|any|K MEMBER…` or \
                            `quorum NAME|none`"
                    .to_owned());
            }
        }
        Ok(())
    }

    fn witness(&mut self, name: &str, vkey: &str, url: Option<&str>) -> Result<(), String> {
        let key: CosignerKey = vkey.parse().map_err(|error| match error {
            KeyError::Algorithm => "a witness's key must be for Ed25519 cosignatures (type 0x04)".to_owned(),
            error => error.to_string(),
        })?;
        if self.witnesses.iter().any(|witness| witness.key.is_same_key(&key)) {
            return Err("this witness key is listed twice".to_owned());
        }
        self.name(name)?;
        let url = url.map(|url| url.trim_end_matches('/').to_owned());
        self.witnesses.push(Witness { name: name.to_owned(), key, url });
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), String> {
        for member in members {
            if !self.names.contains(*member) {
                return Err(format!("{member}: no witness and no group of that name was defined before"));
            }
            if !self.members.insert((*member).to_owned()) {
                return Err(format!("{member} is a member twice; whoever agrees counts once"));
            }
        }
        let threshold = match threshold {
            "all" => members.len(),
            "any" => 1,
            k => {
                let is_decimal = k.bytes().all(|b| b.is_ascii_digit());
                k.parse().ok().filter(|k| is_decimal && (1..=members.len()).contains(k)).ok_or_else(|| {
                    format!("{k}: expected all, any, or a number from 1 to the {} members", members.len())
                })?
            }
        };
        self.name(name)?;
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.groups.push(Group { name: name.to_owned(), threshold, members });
        Ok(())
    }

    fn name(&mut self, name: &str) -> Result<(), String> {
        if name == NONE || !self.names.insert(name.to_owned()) {
            return Err(format!("the name {name} is taken"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

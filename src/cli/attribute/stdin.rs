//! Commits as JSON Lines.

use std::io::{self, BufRead, Write};

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Failure, Looked, output};
use crate::domain::facts::{Commit, Signature};
use crate::domain::people::{Account, AccountKind, Identity};

#[derive(Deserialize)]
struct Line {
    sha: String,
    commit: Body,
    /// What GitHub's REST says of whose addresses the commit's are; `null` or `{}` where it knows nobody.
    author: Option<GitHubAccount>,
    committer: Option<GitHubAccount>,
    author_login: Option<String>,
}

#[derive(Deserialize)]
struct GitHubAccount {
    id: Option<u64>,
    login: Option<String>,
    #[serde(rename = "type")]
    kind: Option<AccountKind>,
}

impl GitHubAccount {
    fn account(self) -> Option<Account> {
        let login = self.login?;
        let kind = self.kind.unwrap_or_else(|| kind_of(&login));
        Some(Account { id: self.id.unwrap_or_default(), login, kind })
    }
}

#[derive(Deserialize)]
struct Body {
    author: Option<Who>,
    committer: Option<Who>,
    message: String,
    verification: Option<Verification>,
}

/// What GitHub says of a signature.
#[derive(Deserialize)]
struct Verification {
    #[serde(default)]
    verified: bool,
    signature: Option<String>,
}

impl Verification {
    /// Whether GitHub signed it itself REST does not say.
    fn signature(self) -> Option<Signature> {
        let text = self.signature?;
        let ssh_key = ssh_key(&text);
        Some(Signature { is_valid: self.verified, by_github: false, signer: None, ssh_key })
    }
}

/// The fingerprint of the key in an armoured SSH signature, as `ssh-keygen -l` writes it, without `SHA256:`.
fn ssh_key(armoured: &str) -> Option<String> {
    let inside = armoured.trim().strip_prefix("-----BEGIN SSH SIGNATURE-----")?.split("-----").next()?;
    let letters: String = inside.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD.decode(letters).ok()?;
    // The sign, a version, then the key behind its length.
    let rest = bytes.strip_prefix(b"SSHSIG")?.get(4..)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let key = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some(STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

fn kind_of(login: &str) -> AccountKind {
    if login.ends_with("[bot]") { AccountKind::Bot } else { AccountKind::User }
}

#[derive(Default, Deserialize)]
struct Who {
    name: Option<String>,
    email: Option<String>,
    date: Option<String>,
}

pub fn run(mut input: impl BufRead, out: &mut impl Write) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut has_commits = false;
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line).context("cannot read standard input")? == 0 {
            break;
        }
        // Some programs put a byte order mark before all they write.
        let json = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        if json.trim_ascii().is_empty() {
            continue;
        }
        let read: Line = match serde_json::from_slice(json) {
            Ok(read) => read,
            // Python writes so what no encoding could read.
            Err(error) => match without_lone_surrogates(json).map(|json| serde_json::from_slice(&json)) {
                Some(Ok(read)) => read,
                _ => return Err(refusal(number, json, &error)),
            },
        };
        has_commits = true;
        let was_verified = read.commit.verification.is_some();
        let (commit, date) = commit(read);
        output::json(out, &Looked::at(&commit, &date, was_verified))?;
    }
    if !has_commits {
        writeln!(io::stderr(), "No commits on standard input.")?;
    }
    Ok(())
}

/// Why a line cannot be read, and what to do about it.
fn refusal(number: u64, json: &[u8], error: &serde_json::Error) -> Failure {
    if json.trim_ascii_start().starts_with(b"[") {
        return Failure::Usage(anyhow!(
            "line {number} of standard input begins an array, and --stdin takes one object a line: put `jq -c '.[]'` in between"
        ));
    }
    let hint = match json {
        [0x1f, 0x8b, ..] => " (this is gzip: put `zcat` in between)",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => " (this is UTF-16: `iconv -f UTF-16 -t UTF-8` makes UTF-8 of it)",
        _ if error.is_eof() => " (one object a line: `jq -c .` makes it so)",
        _ => "",
    };
    // The parser saw one line only: its "line 1" is this one.
    let whole = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = whole.strip_suffix(place.as_str()).unwrap_or(&whole);
    let column = if error.column() > 0 { format!(", column {}", error.column()) } else { String::new() };
    Failure::Usage(anyhow!(
        "line {number}{column} of standard input is not a commit: {what}{hint}. See seconder attribute --help"
    ))
}

/// The line with `\\ufffd` for every half of a surrogate pair without the other, if there is one.
fn without_lone_surrogates(json: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (mut mended, mut at, mut is_mended) = (Vec::with_capacity(json.len()), 0, false);
    while let Some(byte) = json.get(at) {
        let length = match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                is_mended = true;
                mended.extend_from_slice(b"\\ufffd");
                at += 6;
                continue;
            }
            // A backslash and what it stands before are one.
            _ if *byte == b'\\' => 2,
            _ => 1,
        };
        mended.extend_from_slice(json.get(at..at + length).unwrap_or_default());
        at += length;
    }
    is_mended.then_some(mended)
}

fn commit(line: Line) -> (Commit, String) {
    let committer = line.commit.committer.unwrap_or_default();
    let date = committer.date.clone().unwrap_or_default();
    let mut author = identity(line.commit.author.unwrap_or_default());
    let mut committer = identity(committer);
    // A login alone: there is no id to go by.
    let by_login = || line.author_login.map(|login| Account { id: 0, kind: kind_of(&login), login });
    author.account = line.author.and_then(GitHubAccount::account).or_else(by_login);
    // Of what was made on GitHub's pages GitHub is the committer, whoever it was.
    committer.account = line.committer.and_then(GitHubAccount::account).filter(|_| !committer.is_github_itself());
    if committer.account.is_none() && (&committer.name, &committer.email) == (&author.name, &author.email) {
        committer.account.clone_from(&author.account);
    }
    let signature = line.commit.verification.and_then(Verification::signature);
    let message = line.commit.message;
    (Commit { sha: line.sha, message, author, committer, signature, ..Commit::default() }, date)
}

fn identity(who: Who) -> Identity {
    Identity { name: who.name.unwrap_or_default(), email: who.email.unwrap_or_default(), account: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_replaced_and_a_whole_one_stays() {
        let mended = |json: &str| without_lone_surrogates(json.as_bytes()).map(|json| String::from_utf8(json).unwrap());
        assert_eq!(mended(r#""a\ud800b\udc00\n""#).as_deref(), Some(r#""a\ufffdb\ufffd\n""#));
        assert_eq!(mended(r#""\ud83e\udd16""#), None);
        assert_eq!(mended(r#""\\ud800""#), None, "a backslash and letters");
        assert_eq!(mended("\\"), None);
    }

    #[test]
    fn the_key_of_an_ssh_signature_is_known_by_its_fingerprint() {
        let signature = "-----BEGIN SSH SIGNATURE-----\n\
         U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAglmn/JUxU0lunt0VsuFDgW8aKY8\n\
         BwEC/46jbxFcXR4uQAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\n\
         AAAAQGRP2Mx51Z7Y6FpOuAFxlmgJUr2Tp8EPzUEWUgqsWyqQF8n0miSG0x4gZntkqrfjEo\n\
         GpWHpcQWAcjV3/ESyyNQ8=\n\
         -----END SSH SIGNATURE-----";
        assert_eq!(ssh_key(signature).as_deref(), Some("SRVfkyYRa8frLnGv70AsspucJPz3bLwBzlDWNPziBoY"));
        for other in ["", "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----", &signature[..60]] {
            assert_eq!(ssh_key(other), None, "{other}");
        }
    }
}

//! Whether the rules of a decision came into force before it: what a file says is told when it is new (`policy.loaded`), and what
//! holds where there is none, or none that can be read, is known.
//!
//! A server tells it before it remembers the file, and forgets it only for a newer one. It remembers the files of a repository
//! wherever that goes: in the log of an account to which a repository was transferred nothing may be told of its file. So this is
//! told and not refused.
use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;

use super::open::Open;
use crate::domain::digest::Digest;
use crate::domain::policy::{self, PolicyErrors};
use crate::ledger::verify::read::policy::{Loaded, Origin, Whose};
use crate::ledger::verify::report::counted;
use crate::ledger::verify::violation::Violation;

/// The digests of the rules of this version that come from no file.
static FIXED: LazyLock<[Digest; 2]> = LazyLock::new(|| {
    let admins_only = policy::Policy::admins_only(PolicyErrors::whole_file(String::new()));
    [policy::Policy::built_in().digest, admins_only.digest]
});

/// So long after a file came into force, in milliseconds, nobody judges any more by what was found before there was one: facts are
/// gathered in seconds.
const STILL_GATHERING: u64 = 60 * 60 * 1_000;

/// The rules that came into force until now, each by its hash: a log may have very many.
#[derive(Debug, Default)]
pub(super) struct InForce {
    /// The blob of each file, by its hash.
    told: HashMap<u64, Option<u64>>,
    /// When the first file of each repository came into force.
    since: HashMap<u64, u64>,
    /// Decisions by rules of which nothing was told.
    untold: u64,
    /// Decisions as if there had never been a file.
    forgotten: u64,
}

impl InForce {
    pub(super) fn load(&mut self, Loaded { repository, digest, blob, is_a_file }: &Loaded, time: u64) {
        if !is_a_file {
            return;
        }
        let blob = blob.as_ref().map(|blob| self.told.hasher().hash_one(blob));
        self.told.insert(self.hash(*repository, digest), blob);
        if let Some(repository) = repository {
            self.since.entry(*repository).or_insert(time);
        }
    }

    /// Looks at the rules by which a request is decided. One digest is of one file's bytes, and so is one blob.
    pub(super) fn decide(&mut self, open: &Open) -> Result<(), Violation> {
        let Open { policy, repository, is_by_this_version, judged_at, .. } = open;
        // What older versions did without a file is not known any more.
        let is_fixed = |fixed: &Digest, digest: &str| !is_by_this_version || fixed.as_str() == digest;
        let [built_in, admins_only] = &*FIXED;
        let is_known = |owner: Option<u64>, origin: Origin, digest: &str, blob: Option<&str>| match origin {
            Origin::File | Origin::LastGood => {
                let told = self.told.get(&self.hash(owner, digest));
                let blobs = told.copied().flatten().zip(blob.map(|blob| self.told.hasher().hash_one(blob)));
                match blobs.filter(|(told, now)| told != now) {
                    Some(_) => Err(Violation::OtherBlob),
                    None => Ok(told.is_some()),
                }
            }
            Origin::BuiltIn => Ok(is_fixed(built_in, digest)),
            Origin::AdminsOnly => Ok(is_fixed(admins_only, digest)),
        };
        let mut are_known = is_known(*repository, policy.origin, &policy.digest, policy.blob.as_deref())?;
        // Rules from before are of a commit at which nobody may have looked: they come besides, and only add.
        for also in policy.also.iter().filter(|also| also.whose == Whose::Organization) {
            are_known &= is_known(None, also.origin, &also.digest, also.blob.as_deref())?;
        }
        self.untold += u64::from(!are_known);
        // Whoever takes the file away is held to the last one that was good.
        let since = repository.and_then(|repository| self.since.get(&repository));
        let is_late = since.is_some_and(|since| judged_at.saturating_sub(*since) > STILL_GATHERING);
        self.forgotten += u64::from(is_late && policy.origin == Origin::BuiltIn);
        Ok(())
    }

    /// Forgets what was counted: whatever follows is counted anew.
    pub(super) fn are_carried(&mut self) {
        (self.untold, self.forgotten) = (0, 0);
    }

    /// What is to be said of it.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let decisions = |n| counted(n, "decision", "decisions");
        let untold = (self.untold > 0).then(|| {
            format!(
                "{} by rules of which the log does not say that they came into force (policy.loaded): a repository that came from \
                 another account, or rules that nobody wrote, look like that",
                decisions(self.untold)
            )
        });
        let forgotten = (self.forgotten > 0).then(|| {
            format!(
                "{} by the built-in rules in a repository whose own came into force long before: whoever takes the file away is \
                 held to the last one that was good",
                decisions(self.forgotten)
            )
        });
        untold.into_iter().chain(forgotten)
    }

    fn hash(&self, owner: Option<u64>, digest: &str) -> u64 {
        self.told.hasher().hash_one((owner, digest))
    }
}

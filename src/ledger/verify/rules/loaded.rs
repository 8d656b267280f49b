//! Whether the rules of a decision came into force before it: what a file says is told when it is new (`policy.loaded`), and what
//! holds where there is none, or none that can be read, is known.
//!
//! A server tells it before it remembers the file, and forgets it only for a newer one. It remembers the files of a repository
//! wherever that goes: in the log of an account to which a repository was transferred nothing may be told of its file. So this is
//! told and not refused.
use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;

use super::open::Open;
use crate::domain::digest::Digest;
use crate::domain::policy::{self, PolicyErrors};
use crate::ledger::verify::read::policy::{Loaded, Origin, Whose};
use crate::ledger::verify::report::counted;

/// The digests of the rules of this version that come from no file.
static FIXED: LazyLock<[Digest; 2]> = LazyLock::new(|| {
    let admins_only = policy::Policy::admins_only(PolicyErrors::whole_file(String::new()));
    [policy::Policy::built_in().digest, admins_only.digest]
});

/// The rules that came into force until now, each by its hash: a log may have very many.
#[derive(Debug, Default)]
pub(super) struct InForce {
    told: HashSet<u64>,
    /// Decisions by rules of which nothing was told.
    untold: u64,
}

impl InForce {
    pub(super) fn load(&mut self, Loaded { repository, digest }: &Loaded) {
        self.told.insert(self.hash(*repository, digest));
    }

    /// Looks at the rules by which a request is decided.
    pub(super) fn decide(&mut self, Open { policy, repository, is_by_this_version, .. }: &Open) {
        // What older versions did without a file is not known any more.
        let is_fixed = |fixed: &Digest, digest: &str| !is_by_this_version || fixed.as_str() == digest;
        let [built_in, admins_only] = &*FIXED;
        let is_known = |owner: Option<u64>, origin: Origin, digest: &str| match origin {
            Origin::File | Origin::LastGood => self.told.contains(&self.hash(owner, digest)),
            Origin::BuiltIn => is_fixed(built_in, digest),
            Origin::AdminsOnly => is_fixed(admins_only, digest),
        };
        // Rules from before are of a commit at which nobody may have looked: they come besides, and only add.
        let mut others = policy.also.iter().filter(|also| also.whose == Whose::Organization);
        let are_known = is_known(*repository, policy.origin, &policy.digest)
            && others.all(|also| is_known(None, also.origin, &also.digest));
        self.untold += u64::from(!are_known);
    }

    /// Forgets what was counted: whatever follows is counted anew.
    pub(super) fn are_carried(&mut self) {
        self.untold = 0;
    }

    /// What is to be said of it.
    pub(super) fn warning(&self) -> Option<String> {
        (self.untold > 0).then(|| {
            format!(
                "{} by rules of which the log does not say that they came into force (policy.loaded): a repository that came from \
                 another account, or rules that nobody wrote, look like that",
                counted(self.untold, "decision", "decisions")
            )
        })
    }

    fn hash(&self, owner: Option<u64>, digest: &str) -> u64 {
        self.told.hasher().hash_one((owner, digest))
    }
}

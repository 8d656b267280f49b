//! Settings of who publishes.

use std::time::Duration;

use super::Reader;
use crate::config::settings::help_of;
use crate::config::{ConfigError, Publish, Publisher};

impl Reader {
    pub(super) fn publish(&mut self) -> Option<Publish> {
        let schedule = self.get("SECONDER_PUBLISH_SCHEDULE");
        let repository = self.get("SECONDER_PUBLISH_REPOSITORY");
        if schedule.is_some() && repository.is_none() {
            self.problems.push(format!(
                "SECONDER_PUBLISH_SCHEDULE is set and SECONDER_PUBLISH_REPOSITORY is not: {}",
                help_of("SECONDER_PUBLISH_REPOSITORY")
            ));
        }
        let branch = self.get("SECONDER_CHECKPOINT_BRANCH").map(|name| name.trim().to_owned());
        if branch.is_some() && repository.is_none() {
            self.problems.push(format!(
                "SECONDER_CHECKPOINT_BRANCH is set and SECONDER_PUBLISH_REPOSITORY is not: {}",
                help_of("SECONDER_PUBLISH_REPOSITORY")
            ));
        }
        if branch.as_ref().is_some_and(|name| !is_branch(name)) {
            self.problems.push("SECONDER_CHECKPOINT_BRANCH: must be the name of a branch, like checkpoints".into());
        }
        Some(Publish { repository: repository?.trim().to_owned(), schedule, branch })
    }

    /// All that is needed to publish.
    pub(in crate::config) fn publisher(mut self) -> Result<Publisher, ConfigError> {
        let ledger = self.ledger();
        let lease: u64 = self.parse("SECONDER_LEASE_SECONDS", "a whole number of seconds, at least 1", 30);
        let log = self.log();
        let (app, publish, anchors) = (self.app(), self.publish(), self.anchors());
        if publish.is_none() {
            self.problems
                .push(format!("SECONDER_PUBLISH_REPOSITORY is not set: {}", help_of("SECONDER_PUBLISH_REPOSITORY")));
        }
        let (Some(app), Some(publish)) = (app, publish) else { return Err(ConfigError(self.problems)) };
        let lease = Duration::from_secs(lease.max(1));
        self.finish(Publisher { app, ledger, publish, anchors, lease, log })
    }
}

/// Whether git would take it for a branch's name (a little stricter than `git check-ref-format`).
fn is_branch(name: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\@".contains(c);
    !name.is_empty()
        && !name.contains(is_odd)
        && !name.contains("..")
        && !name.starts_with(['/', '.', '-'])
        && !name.ends_with(['/', '.'])
        && !name.starts_with("refs/")
}

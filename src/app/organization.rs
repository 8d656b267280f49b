//! The organization's rules: the file as it is now, and the last one that was good.

use super::{App, Error};
use crate::domain::gate::Tenant;
use crate::github::organization::OrganizationFile;
use crate::store::StoredPolicy;

impl App {
    /// What GitHub says of the organization's file, and the last good one. The domain decides what a file that cannot be
    /// seen means: to whoever never had one, nothing; to whoever had one, an alarm, and the last good one holds.
    pub async fn organization_file(&self, tenant: &Tenant) -> Result<(OrganizationFile, Option<StoredPolicy>), Error> {
        let found = self.github.organization_policy(tenant).await?;
        let last_good = self.store.organization_policy(tenant.account_id).await?;
        Ok((found, last_good))
    }
}

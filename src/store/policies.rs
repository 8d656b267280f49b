//! What is remembered of repositories: that they exist, and their last good policy.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use sqlx::AnyConnection;

use super::sql::{Statement, Value, id, text};
use super::{Error, Shared, Store, with_retries};
use crate::domain::Millis;
use crate::domain::gate::{Repository, Tenant};
use crate::domain::request::Request;

/// A repository is written down again when it was last seen this long ago.
const FRESH: Millis = 60 * 60 * 1000;
/// How many repositories are remembered as just seen.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// A policy file that was good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Head of the default branch when it was read.
    pub commit: String,
    /// Blob id of the file.
    pub blob: String,
    /// The file.
    pub text: String,
}

/// The last good policies, as far as there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoodPolicies {
    /// The repository's.
    pub repository: Option<StoredPolicy>,
    /// The organization's.
    pub organization: Option<StoredPolicy>,
}

impl Store {
    /// The repositories that had requests last, newest first.
    ///
    /// # Errors
    /// If they could not be read.
    pub async fn recent_repositories(&self, limit: usize) -> Result<Vec<(Tenant, Repository)>, Error> {
        recent(&self.shared, limit).await
    }

    /// The last good policies of a repository and of its organization.
    ///
    /// # Errors
    /// If they could not be read.
    pub async fn good_policies(&self, repository_id: u64, account_id: u64) -> Result<GoodPolicies, Error> {
        let read = load(&self.shared, repository_id, account_id);
        self.shared.memory.good_policies.get((repository_id, account_id), read).await
    }

    /// Remembers a policy that was good.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn remember_policy(&self, repository_id: u64, policy: &StoredPolicy) -> Result<(), Error> {
        let written = with_retries(|| remember(&self.shared, Owner::Repository(repository_id), policy)).await;
        self.shared.memory.good_policies.forget_all();
        written
    }

    /// Remembers an organization's policy that was good.
    ///
    /// # Errors
    /// If it could not be written.
    pub async fn remember_organization_policy(&self, account_id: u64, policy: &StoredPolicy) -> Result<(), Error> {
        let written = with_retries(|| remember(&self.shared, Owner::Organization(account_id), policy)).await;
        self.shared.memory.good_policies.forget_all();
        written
    }
}

/// Repositories that need not be written down again for a while.
pub(super) struct Repositories(Mutex<LruCache<u64, Millis>>);

impl Repositories {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    /// To be called after the commit.
    pub(super) fn saw(&self, repositories: &[u64], now: Millis) {
        let mut seen = self.lock();
        for repository in repositories {
            seen.put(*repository, now);
        }
    }

    fn is_fresh(&self, repository: u64, now: Millis) -> bool {
        self.lock().get(&repository).is_some_and(|at| now.saturating_sub(*at) < FRESH)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<u64, Millis>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes down the repositories of requests that were opened, unless that was done lately. Returns which were written.
pub(super) async fn see(
    repositories: &Repositories,
    opened: &[Request],
    now: Millis,
    connection: &mut AnyConnection,
) -> Result<Vec<u64>, Error> {
    let mut seen = std::collections::BTreeMap::new();
    for subject in opened.iter().map(|request| &request.case.subject) {
        if !repositories.is_fresh(subject.repository.id, now) {
            seen.insert(subject.repository.id, subject);
        }
    }
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let rows = seen.iter().map(|(id, subject)| -> [Value; 7] {
        [
            (*id).into(),
            subject.tenant.account_id.into(),
            subject.tenant.login.as_str().into(),
            subject.tenant.installation_id.into(),
            subject.repository.owner.as_str().into(),
            subject.repository.name.as_str().into(),
            now.into(),
        ]
    });
    Statement::new("INSERT INTO repositories (id, tenant, login, installation_id, owner, name, seen_at) ")
        .rows(rows)
        .sql(
            " ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, login = excluded.login, \
             installation_id = excluded.installation_id, owner = excluded.owner, name = excluded.name, \
             seen_at = excluded.seen_at",
        )
        .execute(connection)
        .await?;
    Ok(seen.into_keys().collect())
}

/// The repositories that had requests last.
pub(super) async fn recent(shared: &Shared, limit: usize) -> Result<Vec<(Tenant, Repository)>, Error> {
    let mut session = shared.readers.open().await?;
    let rows = Statement::new(
        "SELECT tenant, login, installation_id, id, owner, name FROM repositories ORDER BY seen_at DESC, id LIMIT ",
    )
    .bind(limit as u64)
    .fetch(session.connection()?)
    .await?;
    session.end();
    rows.iter()
        .map(|row| {
            let tenant = Tenant { account_id: id(row, 0)?, login: text(row, 1)?, installation_id: id(row, 2)? };
            Ok((tenant, Repository { id: id(row, 3)?, owner: text(row, 4)?, name: text(row, 5)? }))
        })
        .collect()
}

/// Whose policy.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    Repository(u64),
    Organization(u64),
}

impl Owner {
    fn id(self) -> u64 {
        match self {
            Self::Repository(id) | Self::Organization(id) => id,
        }
    }
}

/// The last good policies, in one statement: every judgement asks for both.
async fn load(shared: &Shared, repository_id: u64, account_id: u64) -> Result<GoodPolicies, Error> {
    let mut session = shared.readers.open().await?;
    let rows = Statement::new("SELECT 'repository', commit_sha, blob_sha, body FROM policies WHERE repository_id = ")
        .bind(repository_id)
        .sql(" UNION ALL SELECT 'organization', commit_sha, blob_sha, body FROM organization_policies WHERE tenant = ")
        .bind(account_id)
        .fetch(session.connection()?)
        .await?;
    session.end();
    let mut good = GoodPolicies::default();
    for row in &rows {
        let policy = StoredPolicy { commit: text(row, 1)?, blob: text(row, 2)?, text: text(row, 3)? };
        match text(row, 0)?.as_str() {
            "repository" => good.repository = Some(policy),
            _ => good.organization = Some(policy),
        }
    }
    Ok(good)
}

/// Remembers a policy that was good.
pub(super) async fn remember(shared: &Shared, owner: Owner, policy: &StoredPolicy) -> Result<(), Error> {
    let row: [Value; 5] = [
        owner.id().into(),
        policy.commit.as_str().into(),
        policy.blob.as_str().into(),
        policy.text.as_str().into(),
        (shared.clock)().into(),
    ];
    let (insert, conflict) = match owner {
        Owner::Repository(_) => (
            "INSERT INTO policies (repository_id, commit_sha, blob_sha, body, read_at) ",
            " ON CONFLICT (repository_id) ",
        ),
        Owner::Organization(_) => (
            "INSERT INTO organization_policies (tenant, commit_sha, blob_sha, body, read_at) ",
            " ON CONFLICT (tenant) ",
        ),
    };
    let mut session = shared.chores.open().await?;
    Statement::new(insert)
        .rows([row])
        .sql(conflict)
        .sql(
            "DO UPDATE SET commit_sha = excluded.commit_sha, blob_sha = excluded.blob_sha, body = excluded.body, \
             read_at = excluded.read_at",
        )
        .execute(session.connection()?)
        .await?;
    session.end();
    Ok(())
}

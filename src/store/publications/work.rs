//! Who works on a batch, and how that ends.

use super::batch::COLUMNS;
use super::{Batch, BatchState, Publications};
use crate::domain::Millis;
use crate::domain::gate::Tenant;
use crate::domain::record::Record;
use crate::store::connection::Session;
use crate::store::ledger::{About, Appendix, Pending, append, locking};
use crate::store::sql::{Statement, Value, id, int, text};
use crate::store::{Error, with_retries};

/// What to plan.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// Whose log.
    pub tenant: u64,
    /// Where to: `owner/name`.
    pub repository: &'a str,
    /// What tags begin with; the number follows.
    pub tag_prefix: &'a str,
    /// What others vouch for, to end there; the log as it is now when absent.
    pub vouched: Option<&'a Vouched>,
}

/// A checkpoint that others vouch for, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vouched {
    /// As [`Batch::to`].
    pub size: u64,
    /// As [`Batch::checkpoint`].
    pub checkpoint: String,
    /// As [`Batch::witness_policy`].
    pub witness_policy: String,
    /// As [`Batch::tsr`].
    pub tsr: String,
}

impl Publications {
    /// Leases the unfinished batch of a log; nothing when there is none, or somebody works on it.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn claim(&self, tenant: u64) -> Result<Option<Batch>, Error> {
        let now = self.now();
        let statement = Statement::new("UPDATE publications SET lease = ")
            .bind(lease())
            .sql(", leased_until = ")
            .bind(now.saturating_add(self.lease_for))
            .sql(" WHERE state IN ('planned', 'publishing') AND tenant = ")
            .bind(tenant)
            .sql(" AND leased_until <= ")
            .bind(now)
            .sql(" RETURNING ")
            .sql(COLUMNS);
        with_retries(|| async {
            let mut session = self.line.open().await?;
            let rows = statement.clone().fetch(session.connection()?).await?;
            session.end();
            rows.first().map(Batch::read).transpose()
        })
        .await
    }

    /// Plans everything that was not published yet as one batch, and leases it. Nothing when somebody else has just done
    /// so, or there is nothing.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn plan(&self, plan: &Plan<'_>) -> Result<Option<Batch>, Error> {
        with_retries(|| async {
            let mut session = self.line.begin().await?;
            match self.insert(plan, &mut session).await {
                Ok(batch) => {
                    session.commit().await?;
                    Ok(batch)
                }
                Err(error) => {
                    session.roll_back().await;
                    Err(error)
                }
            }
        })
        .await
    }

    async fn insert(&self, plan: &Plan<'_>, session: &mut Session<'_>) -> Result<Option<Batch>, Error> {
        // Under the log's lock: whoever ends a batch holds it, too.
        let lock = locking("size, checkpoint", &[plan.tenant], self.several_writers);
        let heads = lock.fetch(session.connection()?).await?;
        let Some(head) = heads.first() else { return Ok(None) };
        let head = Vouched { size: id(head, 0)?, checkpoint: text(head, 1)?, ..Vouched::default() };
        // Nobody vouches for more than there is: what says so is of another database.
        let end = plan.vouched.filter(|vouched| vouched.size <= head.size).unwrap_or(&head);
        let rows = Statement::new(
            "SELECT COALESCE(MAX(CASE WHEN state = 'published' THEN to_size ELSE 0 END), 0), \
             COUNT(CASE WHEN state IN ('planned', 'publishing') THEN 1 END) FROM publications WHERE tenant = ",
        )
        .bind(plan.tenant)
        .fetch(session.connection()?)
        .await?;
        let (from, unfinished) = rows.first().map_or(Ok((0, 0)), |row| Ok::<_, Error>((id(row, 0)?, int(row, 1)?)))?;
        if unfinished > 0 || from >= end.size {
            return Ok(None);
        }
        let repository = plan.repository.to_lowercase();
        let number = self.next_number(&repository, session).await?;
        let now = self.now();
        let row: [Value; 13] = [
            repository.into(),
            number.into(),
            plan.tenant.into(),
            tag(plan.tag_prefix, number).into(),
            from.into(),
            end.size.into(),
            end.checkpoint.as_str().into(),
            end.witness_policy.as_str().into(),
            end.tsr.as_str().into(),
            BatchState::Planned.as_str().into(),
            lease().into(),
            now.saturating_add(self.lease_for).into(),
            now.into(),
        ];
        // Another log may take the same number at the same moment: then this one is planned at the next look.
        let rows = Statement::new(
            "INSERT INTO publications (repository, number, tenant, tag, from_size, to_size, checkpoint, witness_policy, tsr, \
             state, lease, leased_until, planned_at) ",
        )
        .rows([row])
        .sql(" ON CONFLICT DO NOTHING RETURNING ")
        .sql(COLUMNS)
        .fetch(session.connection()?)
        .await?;
        rows.first().map(Batch::read).transpose()
    }

    async fn next_number(&self, repository: &str, session: &mut Session<'_>) -> Result<u64, Error> {
        let rows = Statement::new("SELECT COALESCE(MAX(number), 0) + 1 FROM publications WHERE repository = ")
            .bind(repository)
            .fetch(session.connection()?)
            .await?;
        rows.first().map_or(Ok(1), |row| id(row, 0))
    }

    /// Keeps a batch for one more lease from now. Returns whether it was still ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn renew(&self, batch: &Batch) -> Result<bool, Error> {
        self.change(batch, |row| row.sql("leased_until = ").bind(self.now().saturating_add(self.lease_for))).await
    }

    /// Remembers the release's id. Returns whether the batch was still ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn made(&self, batch: &Batch, release_id: u64) -> Result<bool, Error> {
        self.change(batch, |row| row.sql("release_id = ").bind(release_id)).await
    }

    /// GitHub is about to be told to make the batch public. Returns whether it was still ours: if not, GitHub must not be
    /// told.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn publishing(&self, batch: &Batch) -> Result<bool, Error> {
        self.change(batch, |row| row.sql("state = 'publishing'")).await
    }

    /// Gives a batch the next number that is free, and the tag that goes with it. Nothing when it was no longer ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn renumber(&self, batch: &Batch, tag_prefix: &str) -> Result<Option<Batch>, Error> {
        with_retries(|| async {
            let mut session = self.line.begin().await?;
            // Write first, as everywhere.
            let held = held("UPDATE publications SET state = 'planned'", batch).execute(session.connection()?).await?;
            if held == 0 {
                session.roll_back().await;
                return Ok(None);
            }
            let number = self.next_number(&batch.repository, &mut session).await?;
            let rows = Statement::new("UPDATE publications SET number = ")
                .bind(number)
                .sql(", tag = ")
                .bind(tag(tag_prefix, number))
                .sql(" WHERE repository = ")
                .bind(batch.repository.as_str())
                .sql(" AND number = ")
                .bind(batch.number)
                .sql(" RETURNING ")
                .sql(COLUMNS)
                .fetch(session.connection()?)
                .await?;
            let renumbered = rows.first().map(Batch::read).transpose()?;
            session.commit().await?;
            Ok(renumbered)
        })
        .await
    }

    /// The batch is public: the log says so, and the row ends, together or not at all. Returns whether it was still ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn published(&self, batch: &Batch, record: Record) -> Result<bool, Error> {
        let end = |row: Statement| {
            row.sql("state = 'published', last_error = '', lease = '', leased_until = 0, ended_at = ").bind(self.now())
        };
        self.end(batch, format!("publication:{}:published", batch.planned_at), Some(record), end).await
    }

    /// An attempt failed; it is tried again at `not_before`. With a record the log says so. Returns whether it was ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn failed(
        &self,
        batch: &Batch,
        error: &str,
        not_before: Millis,
        record: Option<Record>,
    ) -> Result<bool, Error> {
        let told = i64::from(batch.told || record.is_some());
        let name = format!("publication:{}:failed", batch.planned_at);
        self.end(batch, name, record, |row| {
            row.sql("attempts = attempts + 1, lease = '', leased_until = 0, not_before = ")
                .bind(not_before)
                .sql(", last_error = ")
                .bind(error)
                .sql(", told = ")
                .bind(told)
        })
        .await
    }

    /// The batch will not be published. Returns whether it was ours.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn give_up(&self, batch: &Batch, error: &str, record: Record) -> Result<bool, Error> {
        let name = format!("publication:{}:given_up", batch.planned_at);
        self.end(batch, name, Some(record), |row| {
            row.sql("state = 'given_up', attempts = attempts + 1, lease = '', leased_until = 0, last_error = ")
                .bind(error)
                .sql(", ended_at = ")
                .bind(self.now())
        })
        .await
    }

    /// Puts a batch back as if nobody had touched it, to be taken up at `not_before`.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn put_back(&self, batch: &Batch, not_before: Millis) -> Result<bool, Error> {
        self.change(batch, |row| row.sql("lease = '', leased_until = 0, not_before = ").bind(not_before)).await
    }

    async fn end(
        &self,
        batch: &Batch,
        name: String,
        record: Option<Record>,
        set: impl Fn(Statement) -> Statement,
    ) -> Result<bool, Error> {
        with_retries(|| async {
            let mut session = self.line.begin().await?;
            let ended = self.write_end(batch, &name, record.clone(), &set, &mut session).await;
            match ended {
                Ok(true) => {
                    session.commit().await?;
                    Ok(true)
                }
                Ok(false) => {
                    session.roll_back().await;
                    Ok(false)
                }
                Err(error) => {
                    session.roll_back().await;
                    Err(error)
                }
            }
        })
        .await
    }

    async fn write_end(
        &self,
        batch: &Batch,
        name: &str,
        record: Option<Record>,
        set: &impl Fn(Statement) -> Statement,
        session: &mut Session<'_>,
    ) -> Result<bool, Error> {
        if let Some(record) = record {
            // The log's lock comes first, as where a batch is planned; if the batch is not ours, nothing stays of this.
            let tenant = Tenant { account_id: batch.tenant, login: String::new(), installation_id: 0 };
            let pending = Pending { about: About::Log(name.to_owned()), record };
            let appendix = Appendix::from([(batch.tenant, (tenant, vec![pending]))]);
            append(&self.signer, appendix, self.several_writers, self.now(), session.connection()?).await?;
        }
        let changed = set(Statement::new("UPDATE publications SET "));
        Ok(holding(changed, batch).execute(session.connection()?).await? > 0)
    }

    async fn change(&self, batch: &Batch, set: impl Fn(Statement) -> Statement) -> Result<bool, Error> {
        with_retries(|| async {
            let mut session = self.line.open().await?;
            let statement = holding(set(Statement::new("UPDATE publications SET ")), batch);
            let changed = statement.execute(session.connection()?).await?;
            session.end();
            Ok(changed > 0)
        })
        .await
    }
}

/// The statement for this batch, as long as it is ours.
fn holding(statement: Statement, batch: &Batch) -> Statement {
    statement
        .sql(" WHERE state IN ('planned', 'publishing') AND repository = ")
        .bind(batch.repository.as_str())
        .sql(" AND number = ")
        .bind(batch.number)
        .sql(" AND lease = ")
        .bind(batch.lease.as_str())
}

fn held(sql: &'static str, batch: &Batch) -> Statement {
    holding(Statement::new(sql), batch)
}

fn tag(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:04}")
}

/// A lease nobody had before.
fn lease() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

//! What was released where. A success GitHub shows proves nothing by itself: anybody with `deployments: write` can make one.

use std::collections::BTreeSet;

use sqlx::AnyConnection;

use super::sql::{Statement, Value, text};
use super::{Error, Shared, Store};
use crate::domain::Millis;
use crate::domain::request::{Answer, Callback, Outcome, Request};

/// A repository and the name of one of its environments in lower case: GitHub tells environments apart without regard to case.
pub(super) type Environment = (u64, String);

/// Writes down which of these requests are about to be released: before GitHub hears of it, so that there is no moment in
/// which a release is out and not remembered. One that was given up is forgotten again: nobody knows that it was released.
/// Returns which environments this is about.
pub(super) async fn remember<'a>(
    told: impl Iterator<Item = &'a Request>,
    now: Millis,
    connection: &mut AnyConnection,
) -> Result<Vec<Environment>, Error> {
    let (mut released, mut given_up) = (BTreeSet::new(), BTreeSet::new());
    for request in told.filter(|r| r.life.outcome.and_then(Outcome::answer) == Some(Answer::Release)) {
        let subject = &request.case.subject;
        let key = (subject.repository.id, subject.environment.to_lowercase(), subject.head_sha.as_str());
        match request.life.callback {
            Callback::Sent | Callback::Delivered => released.insert(key),
            Callback::Failed => given_up.insert(key),
            Callback::None | Callback::Owed => continue,
        };
    }
    let about = |(repository, environment, _): &(u64, String, &str)| (*repository, environment.clone());
    let written = released.iter().chain(&given_up).map(about).collect();
    for (repository, environment, sha) in &given_up {
        Statement::new("DELETE FROM releases WHERE repository_id = ")
            .bind(*repository)
            .sql(" AND environment = ")
            .bind(environment.as_str())
            .sql(" AND sha = ")
            .bind(*sha)
            .execute(connection)
            .await?;
    }
    if released.is_empty() {
        return Ok(written);
    }
    let rows = released.iter().map(|(repository, environment, sha)| -> [Value; 4] {
        [(*repository).into(), environment.as_str().into(), (*sha).into(), now.into()]
    });
    Statement::new("INSERT INTO releases (repository_id, environment, sha, released_at) ")
        .rows(rows)
        .sql(" ON CONFLICT (repository_id, environment, sha) DO UPDATE SET released_at = excluded.released_at")
        .execute(connection)
        .await?;
    Ok(written)
}

impl Store {
    /// The commits this server released to an environment, newest first; at most a hundred.
    ///
    /// # Errors
    /// If they could not be read.
    pub async fn released(&self, repository_id: u64, environment: &str) -> Result<Vec<String>, Error> {
        let environment = environment.to_lowercase();
        let read = of(&self.shared, repository_id, &environment);
        self.shared.memory.releases.get((repository_id, environment.clone()), read).await
    }
}

async fn of(shared: &Shared, repository_id: u64, environment: &str) -> Result<Vec<String>, Error> {
    let mut session = shared.readers.open().await?;
    let rows = Statement::new("SELECT sha FROM releases WHERE repository_id = ")
        .bind(repository_id)
        .sql(" AND environment = ")
        .bind(environment)
        // The limit is part of the text: SQLite prepares a statement anew each time its limit is bound.
        .sql(" ORDER BY released_at DESC LIMIT 100")
        .fetch(session.connection()?)
        .await?;
    session.end();
    rows.iter().map(|row| text(row, 0)).collect()
}

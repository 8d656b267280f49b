//! What was released where. A success GitHub shows proves nothing by itself: anybody with `deployments: write` can make one.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::sql::{Statement, Value, text};
use super::{Error, Shared};
use crate::domain::Millis;
use crate::domain::request::{Answer, Callback, Outcome, Request};

/// How many of the newest releases of an environment are remembered when asked.
const NEWEST: u64 = 100;

/// Writes down which of these requests are about to be released: before GitHub hears of it, so that there is no moment in
/// which a release is out and not remembered. One that never arrives ran nowhere, and no success of its will be seen.
pub(super) async fn remember<'a>(
    sent: impl Iterator<Item = &'a Request>,
    now: Millis,
    connection: &mut AnyConnection,
) -> Result<(), Error> {
    let mut released = BTreeMap::new();
    for request in sent {
        let answer = request.life.outcome.and_then(Outcome::answer);
        if request.life.callback != Callback::None && answer == Some(Answer::Release) {
            let subject = &request.case.subject;
            released.insert((subject.repository.id, subject.environment.to_lowercase(), &subject.head_sha), ());
        }
    }
    if released.is_empty() {
        return Ok(());
    }
    let rows = released.keys().map(|(repository, environment, sha)| -> [Value; 4] {
        [(*repository).into(), environment.as_str().into(), sha.as_str().into(), now.into()]
    });
    Statement::new("INSERT INTO releases (repository_id, environment, sha, released_at) ")
        .rows(rows)
        .sql(" ON CONFLICT (repository_id, environment, sha) DO UPDATE SET released_at = excluded.released_at")
        .execute(connection)
        .await?;
    Ok(())
}

/// The commits released to an environment, newest first.
pub(super) async fn of(shared: &Shared, repository_id: u64, environment: &str) -> Result<Vec<String>, Error> {
    let rows = Statement::new("SELECT sha FROM releases WHERE repository_id = ")
        .bind(repository_id)
        .sql(" AND environment = ")
        .bind(environment.to_lowercase().as_str())
        .sql(" ORDER BY released_at DESC LIMIT ")
        .bind(NEWEST)
        .fetch(&mut *shared.readers.acquire().await?)
        .await?;
    rows.iter().map(|row| text(row, 0)).collect()
}

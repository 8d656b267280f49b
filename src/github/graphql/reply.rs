//! The envelope every answer comes in, and what it means when the repository is not in it.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::domain::Millis;
use crate::github::client::{Answer, Error, RATE_LIMIT_PAUSE};
use crate::github::wire;

/// What an answer says of the repository that was asked about, and whether GitHub left something out.
pub(in crate::github) fn in_repository<R: DeserializeOwned>(
    answer: &Answer,
    what: &'static str,
    now: Millis,
) -> Result<(R, bool), Error> {
    let reply: Reply<R> = answer.json(what)?;
    let errors = reply.errors.unwrap_or_default();
    if errors.iter().any(Failure::is_rate_limit) {
        let pause = now.saturating_add(RATE_LIMIT_PAUSE);
        return Err(Error::RateLimited { until: answer.quota.reset.unwrap_or(now).max(pause) });
    }
    match reply.data.and_then(|data| data.repository) {
        Some(repository) => Ok((repository, !errors.is_empty())),
        None => Err(refusal(answer.status, &errors)),
    }
}

/// The envelope of every answer. `data` may be there together with errors: then parts of it are null.
#[derive(Deserialize)]
struct Reply<R> {
    data: Option<InRepository<R>>,
    errors: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
struct InRepository<R> {
    repository: Option<R>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

impl Failure {
    /// GraphQL says so with status 200.
    fn is_rate_limit(&self) -> bool {
        matches!(self.kind.as_deref(), Some("RATE_LIMITED" | "RATE_LIMIT"))
    }
}

/// What an answer without the repository means.
fn refusal(status: u16, errors: &[Failure]) -> Error {
    let first = errors.first();
    let message = first.and_then(|error| error.message.as_deref()).unwrap_or("GraphQL answered without data");
    let message = wire::cut_chars(message, 300).to_owned();
    match first.and_then(|error| error.kind.as_deref()) {
        Some("NOT_FOUND") => Error::NotFound { message },
        Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => Error::Forbidden { message },
        Some(_) => Error::Unprocessable { status, message },
        // Without a type it is GraphQL's "something went wrong".
        None => Error::Server { status, message },
    }
}

//! What was asked of the fake, for tests and benchmarks to read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The newest calls kept; older ones are only counted.
const KEPT: usize = 50_000;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct ApiCall {
    /// The method.
    pub method: String,
    /// The route's template, as GitHub's documentation writes it; the GraphQL operation for GraphQL.
    pub route: Arc<str>,
    /// The path as it was sent.
    pub path: String,
    /// The status answered; 0 when the connection was dropped instead.
    pub status: u16,
    /// `app`, `nobody`, or the token's permissions, such as `checks:write,metadata:read`.
    pub caller: Arc<str>,
    /// How many repositories the token was narrowed to, if it was.
    pub repositories: Option<usize>,
    /// When it was answered, in microseconds since the Unix epoch.
    pub at_micros: u64,
}

/// The log of calls.
#[derive(Default)]
pub(super) struct Journal {
    pub calls: VecDeque<ApiCall>,
    pub unknown: Vec<String>,
    /// By method, route and status.
    pub counts: BTreeMap<(String, Arc<str>, u16), u64>,
    /// Requests other than `GET` and GraphQL that took effect, tokens not counted.
    pub writes: u64,
}

impl Journal {
    /// Writes a call down.
    pub fn record(&mut self, call: ApiCall) {
        *self.counts.entry((call.method.clone(), call.route.clone(), call.status)).or_default() += 1;
        let writing =
            call.method != "GET" && !call.path.ends_with("/graphql") && !call.path.ends_with("/access_tokens");
        self.writes += u64::from(writing && (200..300).contains(&call.status));
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }
}

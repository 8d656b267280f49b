//! The routes the fake knows, each beside the permission it needs, and the answers they give.

mod actions;
mod app;
mod checks;
mod code;
mod contents;
mod deployments;
mod people;
mod pulls;
mod releases;
mod reply;
mod table;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use super::auth::{Caller, Level};
use super::state::{Repository, State};
use Access::{Anybody, Anyone, App, Token};
pub(super) use reply::{Problem, Reply};

/// Who may use a route.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    /// Even without a token.
    Anybody,
    /// Any valid token.
    Anyone,
    /// The App's own JSON Web Token.
    App,
    /// An installation token with this permission, for this repository or organization.
    Token(&'static str, Level),
}

type Handler = fn(&mut Call<'_>) -> Result<Reply, Reply>;

/// One route.
pub(super) struct Route {
    pub method: &'static str,
    pub template: &'static str,
    pub access: Access,
    pub handler: Handler,
    segments: Vec<&'static str>,
    /// `METHOD /template`.
    pub name: Arc<str>,
}

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let build = |&(method, template, access, handler): &table::Row| Route {
        method,
        template,
        access,
        handler,
        segments: template.split('/').skip(1).collect(),
        name: format!("{method} {template}").into(),
    };
    table::TABLE.iter().map(build).collect()
});

/// The route a request is for, and the values of its template's variables in order.
pub(super) fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
    ROUTES.iter().filter(|route| route.method == method).find_map(|route| Some((route, route.capture(&parts)?)))
}

impl Route {
    fn capture(&self, parts: &[&str]) -> Option<Vec<String>> {
        let open_ended = self.segments.last().is_some_and(|segment| segment.starts_with("{+"));
        if parts.len() != self.segments.len() && !(open_ended && parts.len() > self.segments.len()) {
            return None;
        }
        let fixed = |segment: &str| !segment.starts_with('{');
        if self.segments.iter().zip(parts).any(|(segment, part)| fixed(segment) && segment != part) {
            return None;
        }
        let mut values = Vec::with_capacity(4);
        for (place, segment) in self.segments.iter().enumerate().filter(|(_, segment)| !fixed(segment)) {
            let value = if segment.starts_with("{+") {
                Cow::Owned(parts[place..].join("/"))
            } else {
                Cow::Borrowed(parts[place])
            };
            values.push(decode(&value));
        }
        Some(values)
    }

    /// Refuses callers this route is not for. Repositories the token does not reach do not exist, as on GitHub.
    pub fn authorize(&self, call: &mut Call<'_>) -> Result<(), Reply> {
        let (name, level) = match (self.access, call.caller) {
            (Anybody, _) | (App, Caller::App) | (Anyone, Caller::App | Caller::Installation(_)) => {
                return Ok(());
            }
            (_, Caller::Nobody) => return Err(Reply::error(401, "Requires authentication")),
            (App, Caller::Installation(_)) => {
                return Err(Reply::error(401, "A JSON web token could not be decoded"));
            }
            (Token(..), Caller::App) => {
                return Err(Reply::error(403, "Resource not accessible by integration"));
            }
            (Token(name, level), Caller::Installation(_)) => (name, level),
        };
        if self.template.starts_with("/repos/") || self.template.starts_with("/uploads/repos/") {
            call.place = call.reach(&format!("{}/{}", call.values[0], call.values[1])).ok_or_else(Reply::not_found)?;
        } else if self.template.starts_with("/orgs/") && !call.is_account(&call.values[0]) {
            return Err(Reply::error(403, "Resource not accessible by integration"));
        }
        if call.holds(name, level) { Ok(()) } else { Err(Reply::error(403, "Resource not accessible by integration")) }
    }
}

/// A request on its way to a handler.
pub(super) struct Call<'a> {
    pub state: &'a mut State,
    pub caller: &'a Caller,
    /// The values of the template's variables, in order.
    pub values: Vec<String>,
    pub query: &'a str,
    pub body: &'a [u8],
    /// The `Accept` header.
    pub accept: &'a str,
    /// The repository, for routes below one.
    pub place: usize,
    /// What the log calls this request, when the route says too little.
    pub label: Option<Arc<str>>,
}

impl Call<'_> {
    /// The repository the route is below.
    pub fn repository(&self) -> &Repository {
        &self.state.repositories[self.place]
    }

    /// The repository of this name, if the token reaches it.
    pub fn reach(&self, full_name: &str) -> Option<usize> {
        let Caller::Installation(grant) = self.caller else {
            return None;
        };
        let place = self.state.repository(full_name)?;
        let repository = &self.state.repositories[place];
        let listed = grant.repositories.as_ref().is_none_or(|ids| ids.contains(&repository.id));
        let is_its_own = repository.owner.eq_ignore_ascii_case(&grant.account);
        (listed && is_its_own && !repository.is_hidden).then_some(place)
    }

    /// Whether the token has this permission.
    pub fn holds(&self, permission: &str, level: Level) -> bool {
        let Caller::Installation(grant) = self.caller else {
            return false;
        };
        grant.permissions.get(permission).is_some_and(|&held| held >= level)
    }

    fn is_account(&self, login: &str) -> bool {
        matches!(self.caller, Caller::Installation(grant) if grant.account.eq_ignore_ascii_case(login))
    }

    /// A variable of the template that is a number.
    pub fn number(&self, place: usize) -> Result<u64, Reply> {
        self.values.get(place).and_then(|text| text.parse().ok()).ok_or_else(Reply::not_found)
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(&value.replace('+', " "))).next()
    }

    /// The part of a list that the query asks for: items to skip, items to take (GitHub's default is 30, at most 100).
    pub fn page(&self) -> (usize, usize) {
        let number = |name: &str| self.parameter(name).and_then(|text| text.parse::<usize>().ok());
        let size = number("per_page").unwrap_or(30).clamp(1, 100);
        (number("page").unwrap_or(1).saturating_sub(1) * size, size)
    }

    /// The body as a JSON object.
    pub fn object(&self) -> Result<Map<String, Value>, Reply> {
        match serde_json::from_slice(if self.body.is_empty() { b"{}" } else { self.body }) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(Reply::error(400, "Problems parsing JSON")),
        }
    }
}

/// Undoes percent-encoding; bytes that are not UTF-8 become replacement characters.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let mut byte = [0_u8];
        let escaped = bytes[place] == b'%'
            && bytes.get(place + 1..place + 3).is_some_and(|pair| hex::decode_to_slice(pair, &mut byte).is_ok());
        decoded.push(if escaped { byte[0] } else { bytes[place] });
        place += if escaped { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

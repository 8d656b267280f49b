//! Answers, and refusals in GitHub's words.

use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub(in crate::demo) struct Reply {
    pub status: u16,
    pub body: String,
    /// Sent in the place of `body`, as it is.
    pub file: Option<Vec<u8>>,
    pub link: Option<Box<str>>,
    pub retry_after: Option<u64>,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: impl Into<String>) -> Self {
        Self::new(200, body)
    }

    /// Any status with a body.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), file: None, link: None, retry_after: None }
    }

    /// An error as GitHub writes it.
    pub fn error(status: u16, message: &str) -> Self {
        let body = json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string() });
        Self::new(status, body.to_string())
    }

    /// 404: there is no such thing, or not for you.
    pub fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// 422, with what is wrong in the body of the request.
    pub fn unprocessable(problems: &[Problem]) -> Self {
        let errors: Vec<Value> = problems.iter().map(|problem| problem.0.clone()).collect();
        let body = json!({
            "message": "Validation Failed", "errors": errors, "documentation_url": "https://docs.github.com/rest", "status": "422",
        });
        Self::new(422, body.to_string())
    }

    /// A 422 about one field.
    pub fn invalid(resource: &str, field: &str, message: &str) -> Self {
        Self::unprocessable(&[Problem::invalid(resource, field, message)])
    }
}

/// One error of a 422.
pub(in crate::demo) struct Problem(Value);

impl Problem {
    /// A field that is there and wrong.
    pub fn invalid(resource: &str, field: &str, message: &str) -> Self {
        Self(json!({ "resource": resource, "field": field, "code": "custom", "message": format!("{field} {message}") }))
    }

    /// A field that is not there.
    pub fn missing(resource: &str, field: &str) -> Self {
        Self(json!({ "resource": resource, "field": field, "code": "missing_field" }))
    }
}

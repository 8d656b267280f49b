//! GraphQL: the few types Seconder reads. Only what a query selects is answered, and a field GitHub's type does not
//! have, a list without `first`, or too large a query is refused as GitHub refuses it.

mod execute;
mod query;

use serde_json::{Map, Value, json};

use self::execute::Executor;
use self::query::{Document, Selection};
use super::routes::{Call, Reply};

/// GitHub's limit: nodes a single query may ask for.
const NODE_LIMIT: u64 = 500_000;

struct Refusal {
    kind: &'static str,
    message: String,
}

fn refuse<T>(kind: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { kind, message: message.into() })
}

/// `POST /graphql`. Errors are 200 with an `errors` list, as on GitHub.
pub(super) fn handle(call: &mut Call<'_>) -> Result<Reply, Reply> {
    let body = Value::Object(call.object()?);
    let operation = body["operationName"].as_str().unwrap_or("anonymous");
    call.label = Some(format!("POST /graphql {operation}").into());
    let Some(text) = body["query"].as_str() else {
        return Err(Reply::error(400, "A query attribute must be specified and must be a string."));
    };
    let answer = query::parse(text, &body["variables"])
        .or_else(|message| refuse("PARSE_ERROR", message))
        .and_then(|document| run(call, &document));
    Ok(Reply::ok(match answer {
        Ok(data) => json!({ "data": data }).to_string(),
        Err(Refusal { kind, message }) => {
            let error = json!({ "type": kind, "path": ["repository"], "locations": [{ "line": 1, "column": 1 }], "message": message });
            json!({ "data": { "repository": null }, "errors": [error] }).to_string()
        }
    }))
}

fn run(call: &Call<'_>, document: &Document) -> Result<Value, Refusal> {
    let nodes = document.nodes();
    if nodes > NODE_LIMIT {
        let message =
            format!("This query requests up to {nodes} possible nodes which exceeds the maximum limit of 500,000.");
        return refuse("MAX_NODE_LIMIT_EXCEEDED", message);
    }
    let mut data = Map::new();
    for selection in &document.operation {
        match selection {
            Selection::Field { key, name, arguments, inner } if name == "repository" => {
                let word = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
                let full_name = format!("{}/{}", word("owner"), word("name"));
                let Some(place) = call.reach(&full_name) else {
                    return refuse(
                        "NOT_FOUND",
                        format!("Could not resolve to a Repository with the name '{full_name}'."),
                    );
                };
                let executor =
                    Executor { call, document, state: call.state, repository: &call.state.repositories[place] };
                data.insert(key.clone(), executor.repository(inner)?);
            }
            Selection::Field { key, name, .. } if name == "rateLimit" => {
                let [limit, remaining, used, _] = call.state.limits.headers();
                data.insert(key.clone(), json!({ "cost": 1, "limit": limit, "remaining": remaining, "used": used }));
            }
            other => return undefined(other, "Query"),
        }
    }
    Ok(Value::Object(data))
}

fn undefined<T>(selection: &Selection, type_name: &str) -> Result<T, Refusal> {
    match selection {
        Selection::Field { name, .. } => {
            refuse("undefinedField", format!("Field '{name}' doesn't exist on type '{type_name}'"))
        }
        other => refuse("undefinedField", format!("{other:?} does not fit type '{type_name}'")),
    }
}

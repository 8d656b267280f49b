//! Answers selections from the state: a repository, its commits, their pull requests, its deployments.

use serde_json::{Map, Value, json};

use super::query::{Document, Selection};
use super::{Refusal, refuse, undefined};
use crate::demo::auth::Level;
use crate::demo::git::{Tree, blob_id};
use crate::demo::pulls::Pull;
use crate::demo::render::{extend, node_id};
use crate::demo::routes::Call;
use crate::demo::runs::Deployment;
use crate::demo::state::{Repository, State};

/// Above this a blob's text is cut off, in bytes.
const TEXT_LIMIT: usize = 512_000;
/// How the place of something in a list begins; the rest is nobody's business.
const CURSOR: &str = "Y3Vyc29y";

/// Answers within one repository.
pub(super) struct Executor<'a> {
    pub call: &'a Call<'a>,
    pub document: &'a Document,
    pub state: &'a State,
    pub repository: &'a Repository,
}

impl<'a> Executor<'a> {
    fn needs(&self, permission: &str) -> Result<(), Refusal> {
        if self.call.holds(permission, Level::Read) {
            Ok(())
        } else {
            refuse("FORBIDDEN", "Resource not accessible by integration")
        }
    }

    /// The fields of a selection that apply to a type, fragments unfolded.
    fn fields(&self, selections: &'a [Selection], type_name: &str, into: &mut Vec<&'a Selection>) {
        for selection in selections {
            match selection {
                Selection::Field { .. } => into.push(selection),
                Selection::On { type_name: on, inner } if is_a(type_name, on) => self.fields(inner, type_name, into),
                Selection::On { .. } => {}
                Selection::Spread(name) => {
                    let found =
                        self.document.fragments.iter().find(|(known, on, _)| known == name && is_a(type_name, on));
                    if let Some((_, _, inner)) = found {
                        self.fields(inner, type_name, into);
                    }
                }
            }
        }
    }

    /// The fields of the repository itself.
    pub fn repository(&self, selections: &'a [Selection]) -> Result<Value, Refusal> {
        let mut answer = Map::new();
        let mut fields = Vec::new();
        self.fields(selections, "Repository", &mut fields);
        for field in fields {
            let Selection::Field { key, name, arguments, inner } = field else {
                continue;
            };
            let value = match name.as_str() {
                "__typename" => json!("Repository"),
                "databaseId" => json!(self.repository.id),
                "nameWithOwner" => json!(self.repository.full_name),
                "isEmpty" => json!(self.repository.history.commits.is_empty()),
                "owner" => {
                    let owner = self.state.people.by_login(&self.repository.owner).map_or(Value::Null, |owner| {
                        json!({ "__typename": owner.kind.as_str(), "login": owner.login, "databaseId": owner.id })
                    });
                    self.project(inner, &owner)?
                }
                "defaultBranchRef" => {
                    let name = &self.repository.default_branch;
                    let tip = self
                        .repository
                        .history
                        .branches
                        .get(name)
                        .map(|&tip| self.repository.history.commits[tip].sha.as_str());
                    self.project(
                        inner,
                        &json!({ "__typename": "Ref", "name": name, "target": { "__typename": "Commit", "oid": tip } }),
                    )?
                }
                "ref" => {
                    self.needs("contents")?;
                    self.project(inner, &self.reference(arguments))?
                }
                "object" => {
                    self.needs("contents")?;
                    self.object(arguments, inner)?
                }
                "deployments" => {
                    self.needs("deployments")?;
                    let ids = self.deployments(arguments);
                    let nodes = ids.iter().filter_map(|id| self.state.deployments.get(id));
                    self.connection(arguments, inner, ids.len(), nodes, &|node, inner| self.deployment(node, inner))?
                }
                _ => return undefined(field, "Repository"),
            };
            answer.insert(key.clone(), value);
        }
        Ok(Value::Object(answer))
    }

    /// A branch or tag by its full name, or else by its short one.
    fn reference(&self, arguments: &Map<String, Value>) -> Value {
        let name = arguments.get("qualifiedName").and_then(Value::as_str).unwrap_or_default();
        let history = &self.repository.history;
        let named = |prefix: &str, name: &str, target: Value| json!({ "__typename": "Ref", "prefix": prefix, "name": name, "target": target });
        let commit = |index: usize| json!({ "__typename": "Commit", "oid": history.commits[index].sha });
        let branch = |name: &str| history.branches.get(name).map(|&tip| named("refs/heads/", name, commit(tip)));
        let tag = |name: &str| {
            let tag = history.tags.get(name)?;
            let target = commit(tag.commit);
            let object = json!({ "__typename": "Tag", "oid": blob_id(name), "target": target });
            Some(named("refs/tags/", name, if tag.is_annotated { object } else { target }))
        };
        let full = |prefix: &str| name.strip_prefix(prefix);
        let found = full("refs/heads/").and_then(branch).or_else(|| full("refs/tags/").and_then(tag));
        found.or_else(|| branch(name)).or_else(|| tag(name)).unwrap_or_default()
    }

    fn object(&self, arguments: &Map<String, Value>, inner: &'a [Selection]) -> Result<Value, Refusal> {
        let word = |key: &str| arguments.get(key).and_then(Value::as_str);
        let resolve = |name: &str| self.repository.history.resolve(name, &self.repository.default_branch);
        let expression = word("oid").or_else(|| word("expression")).unwrap_or_default();
        let Some((reference, path)) = expression.split_once(':') else {
            return resolve(expression).map_or(Ok(Value::Null), |index| self.commit(index, inner));
        };
        let Some(index) = resolve(reference) else { return Ok(Value::Null) };
        let tree = &self.repository.history.commits[index].tree;
        self.project(inner, &tree.get(path).map_or_else(|| folder(tree, path), |content| blob(content)))
    }

    fn commit(&self, index: usize, selections: &'a [Selection]) -> Result<Value, Refusal> {
        let commit = &self.repository.history.commits[index];
        let mut answer = Map::new();
        let mut fields = Vec::new();
        self.fields(selections, "Commit", &mut fields);
        for field in fields {
            let Selection::Field { key, name, arguments, inner } = field else {
                continue;
            };
            let value = if name == "associatedPullRequests" {
                self.needs("pull_requests")?;
                let numbers = self.repository.pulls_by_commit.get(&commit.sha).map(Vec::as_slice).unwrap_or_default();
                let pulls = numbers.iter().filter_map(|number| self.repository.pulls.get(number));
                self.connection(arguments, inner, numbers.len(), pulls, &|pull, inner| self.pull(pull, inner))?
            } else {
                self.field(field, &commit.graphql)?
            };
            answer.insert(key.clone(), value);
        }
        Ok(Value::Object(answer))
    }

    fn pull(&self, pull: &Pull, selections: &'a [Selection]) -> Result<Value, Refusal> {
        let mut answer = Map::new();
        let mut fields = Vec::new();
        self.fields(selections, "PullRequest", &mut fields);
        for field in fields {
            let Selection::Field { key, name, arguments, inner } = field else {
                continue;
            };
            let value = if name == "commits" {
                let known = |sha: &String| self.repository.history.resolve(sha, &self.repository.default_branch);
                let commits = pull.request.commits.iter().take(250).filter_map(known);
                self.connection(arguments, inner, pull.request.commits.len(), commits, &|index, inner| {
                    self.pull_commit(index, inner)
                })?
            } else {
                self.field(field, &pull.graphql)?
            };
            answer.insert(key.clone(), value);
        }
        Ok(Value::Object(answer))
    }

    fn pull_commit(&self, index: usize, selections: &'a [Selection]) -> Result<Value, Refusal> {
        let mut answer = Map::new();
        for selection in selections {
            match selection {
                Selection::Field { key, name, inner, .. } if name == "commit" => {
                    answer.insert(key.clone(), self.commit(index, inner)?)
                }
                other => return undefined(other, "PullRequestCommit"),
            };
        }
        Ok(Value::Object(answer))
    }

    /// What a selection takes from a value that is there in full.
    fn project(&self, selections: &'a [Selection], value: &Value) -> Result<Value, Refusal> {
        if selections.is_empty() || value.is_null() {
            return Ok(value.clone());
        }
        let mut answer = Map::new();
        let mut fields = Vec::new();
        self.fields(selections, value["__typename"].as_str().unwrap_or_default(), &mut fields);
        for field in fields {
            if let Selection::Field { key, .. } = field {
                answer.insert(key.clone(), self.field(field, value)?);
            }
        }
        Ok(Value::Object(answer))
    }

    fn field(&self, field: &'a Selection, value: &Value) -> Result<Value, Refusal> {
        let Selection::Field { name, arguments, inner, .. } = field else {
            return Ok(Value::Null);
        };
        let Some(found) = value.get(name) else {
            return undefined(field, value["__typename"].as_str().unwrap_or_default());
        };
        if let Some(items) = found.as_array().filter(|items| items.iter().any(Value::is_object)) {
            return items.iter().map(|item| self.project(inner, item)).collect::<Result<_, _>>().map(Value::Array);
        }
        if found.is_object() && inner.is_empty() {
            return refuse(
                "selectionMismatch",
                format!("Field must have selections (field '{name}' returns an object)"),
            );
        }
        match found.get("nodes").and_then(Value::as_array) {
            Some(nodes) => {
                self.connection(arguments, inner, nodes.len(), nodes.iter(), &|node, inner| self.project(inner, node))
            }
            None => self.project(inner, found),
        }
    }

    /// The first so many of a list. `first` is not optional.
    fn connection<T>(
        &self,
        arguments: &Map<String, Value>,
        selections: &'a [Selection],
        total: usize,
        nodes: impl Iterator<Item = T>,
        each: &dyn Fn(T, &'a [Selection]) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let Some(first) = arguments.get("first").and_then(Value::as_u64) else {
            return refuse(
                "MISSING_PAGINATION_BOUNDARIES",
                "You must provide a `first` or `last` value to properly paginate the connection.",
            );
        };
        if first > 100 {
            return refuse(
                "EXCESSIVE_PAGINATION",
                format!("Requesting {first} records exceeds the `first` limit of 100 records."),
            );
        }
        let first = usize::try_from(first).unwrap_or(100);
        let passed = match arguments.get("after") {
            None | Some(Value::Null) => 0,
            Some(after) => match after.as_str().and_then(|cursor| cursor.strip_prefix(CURSOR)?.parse::<usize>().ok()) {
                Some(passed) => passed,
                None => {
                    return refuse(
                        "INVALID_CURSOR_ARGUMENTS",
                        format!("{after} does not appear to be a valid cursor."),
                    );
                }
            },
        };
        let end = total.min(passed.saturating_add(first));
        let mut nodes = Some(nodes);
        let mut answer = Map::new();
        for field in selections {
            let Selection::Field { key, name, inner, .. } = field else {
                return undefined(field, "Connection");
            };
            let value = match name.as_str() {
                "totalCount" => json!(total),
                "pageInfo" => self.project(inner, &json!({ "hasNextPage": total > end, "endCursor": (end > passed).then(|| format!("{CURSOR}{end}")) }))?,
                "nodes" => {
                    let taken = nodes.take().into_iter().flatten().skip(passed).take(first);
                    Value::Array(taken.map(|node| each(node, inner)).collect::<Result<_, _>>()?)
                }
                _ => return undefined(field, "Connection"),
            };
            answer.insert(key.clone(), value);
        }
        Ok(Value::Object(answer))
    }

    /// The deployments asked for; oldest first unless `orderBy` says otherwise.
    fn deployments(&self, arguments: &Map<String, Value>) -> Vec<u64> {
        let wanted = arguments.get("environments").and_then(Value::as_array);
        let environments = self.repository.environments.iter();
        let chosen = environments
            .filter(|(name, _)| wanted.is_none_or(|wanted| wanted.iter().any(|wanted| wanted == name.as_str())));
        let mut ids: Vec<u64> = chosen.flat_map(|(_, environment)| environment.deployments.iter().copied()).collect();
        ids.sort_unstable();
        if arguments.get("orderBy").is_some_and(|order| order["direction"] == "DESC") {
            ids.reverse();
        }
        ids
    }

    fn deployment(&self, deployment: &Deployment, selections: &'a [Selection]) -> Result<Value, Refusal> {
        let mut answer = Map::new();
        let mut fields = Vec::new();
        self.fields(selections, "Deployment", &mut fields);
        for field in fields {
            let Selection::Field { key, name, arguments, inner } = field else {
                continue;
            };
            let statuses = deployment.statuses.iter().rev();
            let value = match name.as_str() {
                "__typename" => json!("Deployment"),
                "id" => json!(node_id("DE", deployment.id)),
                "databaseId" => json!(deployment.id),
                "commitOid" => json!(deployment.sha),
                "environment" => json!(deployment.environment),
                "createdAt" => json!(deployment.created_at),
                // A successful deployment that nothing has replaced is called active.
                "state" if deployment.state() == "success" => json!("ACTIVE"),
                "state" => json!(deployment.state().to_uppercase()),
                "latestStatus" => {
                    deployment.statuses.last().map_or(Ok(Value::Null), |status| deployment_status(status, inner))?
                }
                "statuses" => {
                    self.connection(arguments, inner, deployment.statuses.len(), statuses, &deployment_status)?
                }
                _ => return undefined(field, "Deployment"),
            };
            answer.insert(key.clone(), value);
        }
        Ok(Value::Object(answer))
    }
}

fn blob(content: &str) -> Value {
    let cut = content.floor_char_boundary(TEXT_LIMIT.min(content.len()));
    json!({
        "__typename": "Blob", "oid": blob_id(content), "text": &content[..cut], "isTruncated": cut < content.len(),
        "isBinary": content.contains('\0'), "byteSize": content.len(),
    })
}

/// What lies directly in a folder; nothing when there is no such folder.
fn folder(tree: &Tree, path: &str) -> Value {
    let prefix = format!("{path}/");
    let inside = tree.iter().filter_map(|(known, content)| Some((known.strip_prefix(&prefix)?, content)));
    let mut entries = std::collections::BTreeMap::new();
    for (rest, content) in inside {
        let (name, entry) = match rest.split_once('/') {
            Some((name, _)) => (name, json!({ "type": "tree", "object": { "__typename": "Tree" } })),
            None => (rest, json!({ "type": "blob", "object": blob(content) })),
        };
        entries.insert(name, entry);
    }
    if entries.is_empty() {
        return Value::Null;
    }
    let entries = entries.into_iter().map(|(name, mut entry)| {
        extend(&mut entry, json!({ "__typename": "TreeEntry", "name": name }));
        entry
    });
    json!({ "__typename": "Tree", "entries": entries.collect::<Vec<_>>() })
}

/// Whether a type is another, or has that interface.
fn is_a(type_name: &str, other: &str) -> bool {
    type_name == other
        || other == "Actor" && ["User", "Bot", "Organization", "Mannequin"].contains(&type_name)
        || other == "GitObject" && ["Blob", "Commit", "Tag", "Tree"].contains(&type_name)
}

fn deployment_status(status: &(u64, &'static str, String), selections: &[Selection]) -> Result<Value, Refusal> {
    let mut answer = Map::new();
    for field in selections {
        let Selection::Field { key, name, .. } = field else { return undefined(field, "DeploymentStatus") };
        let value = match name.as_str() {
            "__typename" => json!("DeploymentStatus"),
            "state" => json!(status.1.to_uppercase()),
            "createdAt" => json!(status.2),
            _ => return undefined(field, "DeploymentStatus"),
        };
        answer.insert(key.clone(), value);
    }
    Ok(Value::Object(answer))
}

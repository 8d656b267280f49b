//! Check runs, with every limit GitHub puts on them.

use serde_json::{Map, Value, json};

use super::clock;
use super::render::{node_id, object};
use super::routes::{Problem, Reply};
use super::state::State;

/// A check run as people see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckRun {
    /// The numeric id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The commit it is on.
    pub head_sha: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// How it ended, once completed.
    pub conclusion: Option<String>,
    /// The App's own reference.
    pub external_id: Option<String>,
    /// Where "Details" leads.
    pub details_url: Option<String>,
    /// The headline of its output.
    pub title: Option<String>,
    /// The Markdown below the headline.
    pub summary: Option<String>,
    /// The Markdown below the summary.
    pub text: Option<String>,
    /// The buttons: identifier and label. GitHub never echoes them.
    pub actions: Vec<(String, String)>,
    /// How many times it was written.
    pub revisions: u32,
    /// When it was created, in microseconds since the Unix epoch.
    pub created_micros: u64,
    pub(super) repository: usize,
    pub(super) started_at: Option<String>,
    pub(super) completed_at: Option<String>,
}

const CONCLUSIONS: [&str; 7] =
    ["action_required", "cancelled", "failure", "neutral", "skipped", "success", "timed_out"];
const TEXT_LIMIT: usize = 65_535;

/// Applies a create or update body; every broken rule is one problem.
pub(super) fn apply(check: &mut CheckRun, body: &Map<String, Value>) -> Result<(), Reply> {
    let mut problems = Vec::new();
    let mut text = |key: &str, into: &mut Option<String>| match body.get(key) {
        None => {}
        Some(Value::String(value)) => *into = Some(value.clone()),
        Some(_) => problems.push(Problem::invalid("CheckRun", key, "is not a string")),
    };
    text("external_id", &mut check.external_id);
    text("details_url", &mut check.details_url);
    text("started_at", &mut check.started_at);
    text("completed_at", &mut check.completed_at);
    let (mut name, mut status, mut conclusion) = (None, None, None);
    text("name", &mut name);
    text("status", &mut status);
    text("conclusion", &mut conclusion);
    check.name = name.unwrap_or_else(|| std::mem::take(&mut check.name));

    if let Some(status) = status {
        if !["queued", "in_progress", "completed"].contains(&status.as_str()) {
            problems.push(Problem::invalid("CheckRun", "status", "is not one an App may set"));
        }
        if status == "completed" && conclusion.is_none() {
            problems.push(Problem::invalid("CheckRun", "conclusion", "is required when the status is completed"));
        }
        check.status = status;
        check.conclusion = None;
    }
    if let Some(conclusion) = conclusion {
        if !CONCLUSIONS.contains(&conclusion.as_str()) {
            problems.push(Problem::invalid("CheckRun", "conclusion", "is not a conclusion"));
        }
        check.status = "completed".to_owned();
        check.completed_at.get_or_insert_with(clock::now);
        check.conclusion = Some(conclusion);
    }
    if let Some(output) = body.get("output") {
        apply_output(check, output, &mut problems);
    }
    if let Some(actions) = body.get("actions") {
        check.actions = read_actions(actions, &mut problems);
    }
    check.revisions += 1;
    if problems.is_empty() { Ok(()) } else { Err(Reply::unprocessable(&problems)) }
}

fn apply_output(check: &mut CheckRun, output: &Value, problems: &mut Vec<Problem>) {
    let mut part = |key: &str, required: bool| {
        let value = output.get(key).and_then(Value::as_str).map(str::to_owned);
        match &value {
            None if required => problems.push(Problem::missing("CheckRunOutput", key)),
            Some(text) if text.len() > TEXT_LIMIT => {
                problems.push(Problem::invalid("CheckRunOutput", key, "is too long (maximum is 65535 bytes)"));
            }
            _ => {}
        }
        value
    };
    check.title = part("title", true);
    check.summary = part("summary", true);
    check.text = part("text", false).or_else(|| check.text.take());
}

fn read_actions(actions: &Value, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let list = actions.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.len() > 3 || !actions.is_array() {
        problems.push(Problem::invalid("CheckRun", "actions", "must be a list of at most 3 actions"));
    }
    let mut read = |action: &Value, key: &str, limit: usize| {
        let value = action.get(key).and_then(Value::as_str).unwrap_or_default();
        if value.is_empty() {
            problems.push(Problem::missing("CheckRunAction", key));
        } else if value.chars().count() > limit {
            problems.push(Problem::invalid(
                "CheckRunAction",
                key,
                &format!("is too long (maximum is {limit} characters)"),
            ));
        }
        value.to_owned()
    };
    list.iter()
        .map(|action| {
            read(action, "description", 40);
            (read(action, "identifier", 20), read(action, "label", 20))
        })
        .collect()
}

impl State {
    /// REST `check-run`: without its buttons.
    pub fn check_json(&self, check: &CheckRun) -> String {
        let repository = &self.repositories[check.repository];
        let url = format!("{}/check-runs/{}", repository.url, check.id);
        let suite = repository.suite(&check.head_sha);
        let fresh = json!({
            "id": check.id, "node_id": node_id("CR", check.id), "head_sha": check.head_sha,
            "external_id": check.external_id.as_deref().unwrap_or_default(), "url": url,
            "html_url": format!("https://github.com/{}/runs/{}", repository.full_name, check.id),
            "details_url": check.details_url, "status": check.status, "conclusion": check.conclusion,
            "started_at": check.started_at, "completed_at": check.completed_at, "name": check.name,
            "output": {
                "title": check.title, "summary": check.summary, "text": check.text, "annotations_count": 0,
                "annotations_url": format!("{url}/annotations"),
            },
            "check_suite": { "id": suite }, "pull_requests": [],
        });
        object(&fresh, &[("app", self.app.get())])
    }
}

//! Check runs: how a request looks on a commit.
//!
//! <https://docs.github.com/rest/checks/runs>

use http::Method;
use serde::{Deserialize, Serialize};

use super::client::Error;
use super::tokens::Purpose;
use super::wire::{cut, cut_chars};
use super::{GitHub, Place, wire};
use crate::domain::event::Receipt;

/// GitHub's limit for `summary` and for `text`, in bytes.
pub const LONGEST_TEXT: usize = 65_535;
/// Buttons a check run may have.
const BUTTONS: usize = 3;
/// Annotations a request may carry.
const ANNOTATIONS: usize = 50;

/// A check run as it shall look. What is longer than GitHub takes is cut when it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckRun {
    /// Its name, the same for all check runs of one kind.
    pub name: String,
    /// The commit it is about.
    pub head_sha: String,
    /// How we find the request again.
    pub external_id: String,
    /// One line.
    pub title: String,
    /// Markdown.
    pub summary: String,
    /// More Markdown, below the summary.
    pub text: Option<String>,
    /// Whether it is done, and how.
    pub state: State,
    /// Buttons, at most three.
    pub actions: Vec<Action>,
    /// Page for those who have no buttons.
    pub details_url: Option<String>,
    /// Notes on lines of files, at most fifty.
    pub annotations: Vec<Annotation>,
}

/// Status and conclusion. Buttons are only documented for completed check runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Waits to start.
    Queued,
    /// Under way.
    InProgress,
    /// Completed: a human must act. Blocks a merge that requires the check.
    #[default]
    ActionRequired,
    /// Completed: good.
    Success,
    /// Completed: bad.
    Failure,
    /// Completed: no longer of interest.
    Cancelled,
    /// Completed: nobody came.
    TimedOut,
    /// Completed, and neither good nor bad. Satisfies a required check: never for what is undecided.
    Neutral,
}

impl State {
    fn status(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            _ => "completed",
        }
    }

    fn conclusion(self) -> Option<&'static str> {
        match self {
            Self::Queued | Self::InProgress => None,
            Self::ActionRequired => Some("action_required"),
            Self::Success => Some("success"),
            Self::Failure => Some("failure"),
            Self::Cancelled => Some("cancelled"),
            Self::TimedOut => Some("timed_out"),
            Self::Neutral => Some("neutral"),
        }
    }
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// What is on it: at most 20 characters.
    pub label: String,
    /// What it does: at most 40 characters.
    pub description: String,
    /// What comes back when it is pressed: at most 20 characters.
    pub identifier: String,
}

/// A note on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// The file.
    pub path: String,
    /// First line, counted from 1.
    pub start_line: u64,
    /// Last line.
    pub end_line: u64,
    /// Column in `start_line`, counted from 1; only when it is one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_column: Option<u64>,
    /// Last column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u64>,
    /// How bad it is.
    pub annotation_level: Level,
    /// What is wrong.
    pub message: String,
}

/// How bad an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Notice,
    /// Worth a look.
    Warning,
    /// Must be changed.
    Failure,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha: Option<&'a str>,
    external_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details_url: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<&'static str>,
    output: Output<'a>,
    /// Sent even when empty: that is what takes the buttons away.
    actions: Vec<Button<'a>>,
}

#[derive(Serialize)]
struct Output<'a> {
    title: &'a str,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    annotations: &'a [Annotation],
}

#[derive(Serialize)]
struct Button<'a> {
    label: &'a str,
    description: &'a str,
    identifier: &'a str,
}

impl<'a> From<&'a Action> for Button<'a> {
    fn from(action: &'a Action) -> Self {
        Self {
            label: cut_chars(&action.label, 20),
            description: cut_chars(&action.description, 40),
            identifier: cut_chars(&action.identifier, 20),
        }
    }
}

impl CheckRun {
    fn body(&self, head_sha: Option<&str>) -> Result<Vec<u8>, Error> {
        super::body(&Body {
            name: &self.name,
            head_sha,
            external_id: &self.external_id,
            details_url: self.details_url.as_deref(),
            status: self.state.status(),
            conclusion: self.state.conclusion(),
            output: Output {
                title: &self.title,
                summary: cut(&self.summary, LONGEST_TEXT),
                text: self.text.as_deref().map(|text| cut(text, LONGEST_TEXT)),
                annotations: &self.annotations[..self.annotations.len().min(ANNOTATIONS)],
            },
            actions: self.actions.iter().take(BUTTONS).map(Button::from).collect(),
        })
    }
}

#[derive(Deserialize)]
struct Created {
    id: u64,
}

#[derive(Deserialize)]
struct Found {
    check_runs: Vec<FoundRun>,
}

#[derive(Deserialize)]
struct FoundRun {
    id: u64,
    external_id: Option<String>,
}

impl GitHub {
    /// Creates a check run; the receipt has its id.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_check_run(&self, place: Place<'_>, check: &CheckRun) -> Result<Receipt, Error> {
        let path = place.path(format_args!("/check-runs"));
        let answer = self.write(place, Method::POST, &path, &check.body(Some(&check.head_sha))?).await?;
        let created: Created = answer.json("the created check run")?;
        Ok(answer.receipt(Some(created.id)))
    }

    /// Makes an existing check run look like this; the receipt has no id, for none is new.
    ///
    /// # Errors
    /// [`Error`]; not found when it was deleted: then create another.
    pub async fn update_check_run(&self, place: Place<'_>, id: u64, check: &CheckRun) -> Result<Receipt, Error> {
        let path = place.path(format_args!("/check-runs/{id}"));
        let answer = self.write(place, Method::PATCH, &path, &check.body(None)?).await?;
        Ok(answer.receipt(None))
    }

    /// Finds our check run with this `external_id`, so that one is adopted that a process created and died before it
    /// could write down which.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn find_check_run(
        &self,
        place: Place<'_>,
        head_sha: &str,
        name: &str,
        external_id: &str,
    ) -> Result<Option<u64>, Error> {
        let (head_sha, name, app) = (wire::encode(head_sha), wire::encode(name), self.app.app_id());
        let path = place.path(format_args!(
            "/commits/{head_sha}/check-runs?check_name={name}&app_id={app}&filter=all&per_page=100"
        ));
        let found: Found = self.read(place, Purpose::Speak, &path).await?.json("the commit's check runs")?;
        let is_ours = |run: &&FoundRun| run.external_id.as_deref() == Some(external_id);
        Ok(found.check_runs.iter().filter(is_ours).map(|run| run.id).max())
    }
}

#[cfg(test)]
mod tests;

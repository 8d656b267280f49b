//! Where GitHub's workflow files deploy to.

use super::PolicyError;
use super::node::{self, Node, Place, Value};

/// A deployment a workflow makes, or may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The job.
    pub job: String,
    /// Line, counted from 1.
    pub line: u64,
    /// Column, counted from 1.
    pub column: u64,
    /// Where to.
    pub to: To,
    /// Whether it says `deployment: false`: it takes the environment's secrets and makes no deployment.
    pub takes_secrets_only: bool,
}

/// Where a job deploys to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// An environment.
    Named(String),
    /// Whatever an expression yields.
    Computed(String),
    /// Whatever a workflow of another repository says.
    Foreign(String),
}

impl Use {
    pub(super) fn error(&self, message: impl Into<String>) -> PolicyError {
        Place { line: self.line, column: self.column }.error(message)
    }
}

/// Every deployment of a workflow file.
///
/// # Errors
/// If it is no YAML.
pub fn deployments(text: &str) -> Result<Vec<Use>, PolicyError> {
    let root = node::tree(text)?;
    let Some(Value::Table(jobs)) = get(&root, "jobs").map(|jobs| &jobs.value) else { return Ok(Vec::new()) };
    Ok(jobs.iter().flat_map(|(name, job)| of_job(&name.text, job)).collect())
}

fn of_job(name: &str, job: &Node) -> Vec<Use> {
    let deployment = get(job, "environment").and_then(|environment| get(environment, "deployment"));
    let takes_secrets_only = matches!(deployment, Some(Node { value: Value::Odd(word), .. }) if word == "false");
    let used = |at: Place, to| Use { job: name.to_owned(), line: at.line, column: at.column, to, takes_secrets_only };
    let mut all = Vec::new();
    let environment = get(job, "environment").map(|node| get(node, "name").unwrap_or(node));
    if let Some(Node { at, value: Value::Text(text) }) = environment {
        let is_expression = text.contains("${{");
        all.push(used(*at, if is_expression { To::Computed(text.clone()) } else { To::Named(text.clone()) }));
    }
    if let Some(Node { at, value: Value::Text(workflow) }) = get(job, "uses")
        && !workflow.starts_with("./")
    {
        all.push(used(*at, To::Foreign(workflow.clone())));
    }
    all
}

fn get<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Table(entries) = &node.value else { return None };
    entries.iter().find(|(word, _)| word.text == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_environment_is_a_word_a_table_or_decided_while_it_runs() {
        let text = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n          a\n\n  ship:\n    environment: production\n  \
                    stage:\n    environment: { name: staging, url: https://example.com }\n  any:\n    environment: ${{ inputs.where }}\n  \
                    far:\n    uses: acme/infra/.github/workflows/deploy.yml@main\n  near:\n    uses: ./.github/workflows/other.yml\n";
        let found = deployments(text).unwrap();
        let told: Vec<_> = found.iter().map(|used| (used.job.as_str(), used.line, &used.to)).collect();
        assert_eq!(
            told,
            [
                ("ship", 10, &To::Named("production".into())),
                ("stage", 12, &To::Named("staging".into())),
                ("any", 14, &To::Computed("${{ inputs.where }}".into())),
                ("far", 16, &To::Foreign("acme/infra/.github/workflows/deploy.yml@main".into())),
            ]
        );
        assert!(deployments("jobs: [").is_err());
        assert_eq!(deployments("name: nothing\n"), Ok(Vec::new()));
    }
}

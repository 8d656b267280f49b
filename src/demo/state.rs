//! Everything the fake knows, behind one lock held for microseconds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::Options;
use super::auth::{Grant, Level};
use super::checks::CheckRun;
use super::git::{Commit, History, Stored};
use super::journal::Journal;
use super::limits::Limits;
use super::people::People;
use super::pulls::Pull;
use super::releases::Releases;
use super::render;
use super::runs::{Deployment, Run};
use super::webhooks::Hook;

/// What our App is subscribed to.
pub(super) const EVENTS: [&str; 11] = [
    "check_run",
    "deployment_protection_rule",
    "member",
    "membership",
    "organization",
    "pull_request",
    "push",
    "repository",
    "team",
    "team_add",
    "workflow_run",
];

/// An environment of a repository.
pub(super) struct Environment {
    pub id: u64,
    /// The id of our rule on it, when an administrator switched it on.
    pub rule: Option<u64>,
    /// The deployment whose success is the newest.
    pub active: Option<u64>,
    /// Oldest first.
    pub deployments: Vec<u64>,
}

/// A repository.
pub(super) struct Repository {
    pub id: u64,
    pub owner: String,
    pub full_name: String,
    pub default_branch: String,
    pub url: String,
    pub workflow: u64,
    pub minimal: Box<RawValue>,
    pub full: Box<RawValue>,
    pub history: History,
    pub pulls: BTreeMap<u64, Pull>,
    pub pulls_by_commit: HashMap<String, Vec<u64>>,
    pub environments: BTreeMap<String, Environment>,
    /// Login in lower case, role name.
    pub collaborators: HashMap<String, String>,
    pub runs: u64,
    pub releases: Releases,
    /// Whether it is deleted, or left out of the App's installation: to the App that is the same.
    pub is_hidden: bool,
}

impl Repository {
    /// The number of the check suite our App has on a commit.
    pub fn suite(&self, sha: &str) -> u64 {
        self.history.resolve(sha, &self.default_branch).map_or(0, |index| self.id * 1_000_000 + index as u64)
    }
}

/// Our App on one account.
pub(super) struct Installation {
    pub id: u64,
    pub account: String,
}

/// The whole world.
pub(super) struct State {
    pub options: Options,
    /// The API's address, without a trailing slash.
    pub base: String,
    last_id: u64,
    pub people: People,
    pub installations: Vec<Installation>,
    pub repositories: Vec<Repository>,
    repository_by_name: HashMap<String, usize>,
    pub tokens: HashMap<String, Arc<Grant>>,
    pub checks: HashMap<u64, CheckRun>,
    pub checks_by_commit: HashMap<(usize, String), Vec<u64>>,
    pub runs: BTreeMap<u64, Run>,
    pub deployments: HashMap<u64, Deployment>,
    pub hook: Hook,
    pub journal: Journal,
    pub limits: Limits,
    /// Our App, rendered.
    pub app: Box<RawValue>,
    /// GitHub Actions, the App behind every deployment made by a workflow.
    pub actions_app: Box<RawValue>,
}

impl State {
    /// An empty world at this address.
    pub fn new(options: Options, base: String) -> Self {
        let hook = Hook::new(options.webhook_url.clone(), options.webhook_secret.clone());
        let mut state = Self {
            base,
            // Beyond 32 bits from the start, and one sequence for all kinds: a mixed-up id is never right by luck.
            last_id: 5_000_000_000,
            people: People::default(),
            installations: Vec::new(),
            repositories: Vec::new(),
            repository_by_name: HashMap::new(),
            tokens: HashMap::new(),
            checks: HashMap::new(),
            checks_by_commit: HashMap::new(),
            runs: BTreeMap::new(),
            deployments: HashMap::new(),
            hook,
            journal: Journal::default(),
            limits: Limits::default(),
            app: RawValue::NULL.to_owned(),
            actions_app: RawValue::NULL.to_owned(),
            options,
        };
        state.populate_with_what_every_github_has();
        state
    }

    fn populate_with_what_every_github_has(&mut self) {
        use super::people::{User, UserKind};
        let slug = self.options.app_slug.clone();
        for (login, id, kind) in [
            ("github", Some(9_919), UserKind::Organization),
            ("github-actions[bot]", Some(41_898_282), UserKind::Bot),
            (&format!("{slug}[bot]"), None, UserKind::Bot),
        ] {
            let fresh = self.fresh_id();
            let user = User { login: login.to_owned(), id, kind, emails: Vec::new() };
            self.people.add(&user, fresh, &self.base);
        }
        let github = self.people.by_login("github").map_or(RawValue::NULL, |account| &*account.json);
        let permissions = serde_json::to_value(&self.options.permissions).unwrap_or_default();
        let events = serde_json::json!(EVENTS);
        self.actions_app = render::raw(&render::app(15_368, "github-actions", github, &permissions, &events));
        self.app = render::raw(&render::app(self.options.app_id, &slug, github, &permissions, &events));
    }

    /// A number nothing else has.
    pub fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The repository called `owner/name`, in any case.
    pub fn repository(&self, full_name: &str) -> Option<usize> {
        self.repository_by_name.get(&full_name.to_lowercase()).copied()
    }

    /// Adds a repository and returns its place.
    pub fn add_repository(&mut self, repository: Repository) -> usize {
        let place = self.repositories.len();
        self.repository_by_name.insert(repository.full_name.to_lowercase(), place);
        self.repositories.push(repository);
        place
    }

    /// A repository is found under its new name only.
    pub fn renamed(&mut self, old: &str, new: &str) {
        if let Some(place) = self.repository_by_name.remove(&old.to_lowercase()) {
            self.repository_by_name.insert(new.to_lowercase(), place);
        }
    }

    /// The name is free for another repository.
    pub fn forget_name(&mut self, place: usize) {
        self.repository_by_name.remove(&self.repositories[place].full_name.to_lowercase());
    }

    /// Our installation on an account.
    pub fn installation_of(&self, account: &str) -> Option<&Installation> {
        self.installations.iter().find(|installation| installation.account.eq_ignore_ascii_case(account))
    }

    /// What the App was granted.
    pub fn granted(&self) -> &BTreeMap<String, Level> {
        &self.options.permissions
    }

    /// Adds a commit to a repository and returns its SHA. Parents that do not exist are left out.
    pub fn commit(&mut self, place: usize, commit: &Commit) -> String {
        let salt = self.fresh_id();
        let repository = &mut self.repositories[place];
        let branch = commit.branch.as_deref().unwrap_or(&repository.default_branch).to_owned();
        let history = &mut repository.history;
        let tip =
            || history.branches.get(&branch).or_else(|| history.branches.get(&repository.default_branch)).copied();
        let parents: Vec<usize> = if commit.parents.is_empty() {
            tip().into_iter().collect()
        } else {
            commit.parents.iter().filter_map(|sha| history.resolve(sha, &repository.default_branch)).collect()
        };
        let parent_shas: Vec<String> = parents.iter().map(|&index| history.commits[index].sha.clone()).collect();
        let sha = History::name(commit, &parent_shas, salt);
        let now = super::clock::now();
        let json = render::raw(&render::commit(&sha, &parent_shas, commit, &self.people, &repository.url, &now));
        let graphql = render::graphql_commit(&sha, &parent_shas, commit, &self.people);
        let tree = history.tree_after(commit, &parents);
        history.push(&branch, Stored::new(sha.clone(), parents, commit, tree, json, graphql));
        sha
    }
}

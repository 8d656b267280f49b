//! Building a world: accounts, teams, repositories, history.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;

use super::GitHub;
use super::git::{Commit, History};
use super::people::{Team, User, UserKind};
use super::pulls::{Pull, PullRequest};
use super::releases::Releases;
use super::render;
use super::state::{Environment, Installation, Repository, State};

impl GitHub {
    /// Adds an organization that has installed the App; returns the installation's id.
    pub fn org(&self, login: &str) -> u64 {
        self.shared.with(|state| state.installed(login, UserKind::Organization))
    }

    /// Adds an account; returns its id. `LOGIN@example.com` is one of its addresses.
    pub fn user(&self, login: &str, kind: UserKind) -> u64 {
        self.add_user(&User { login: login.to_owned(), kind, ..User::default() })
    }

    /// Adds an account with a given id or further addresses; returns its id.
    pub fn add_user(&self, user: &User) -> u64 {
        self.shared.with(|state| state.account(user))
    }

    /// Makes people active members of a team, written `org/team`. Everybody else is no member.
    pub fn team(&self, name: &str, members: &[&str]) {
        let (org, slug) = name.split_once('/').unwrap_or(("", name));
        let members: Team = members.iter().map(|login| (login.to_lowercase(), ("active", "member"))).collect();
        self.shared.with(|state| *state.people.team_mut(org, slug) = members);
    }

    /// Invites somebody to a team: the membership is pending.
    pub fn invite(&self, name: &str, login: &str) {
        let (org, slug) = name.split_once('/').unwrap_or(("", name));
        self.shared.with(|state| state.people.team_mut(org, slug).insert(login.to_lowercase(), ("pending", "member")));
    }

    /// Adds a repository, written `owner/name`, with a first commit on `main`; the owner becomes an organization with
    /// the App installed, unless it is there already.
    pub fn repository(&self, full_name: &str) {
        self.shared.with(|state| state.new_repository(full_name));
    }

    /// Gives somebody a role in a repository: `read`, `triage`, `write`, `maintain`, `admin`, `none`, or a custom one
    /// with what it is built on: `release-captain:maintain`.
    pub fn collaborator(&self, repository: &str, login: &str, role: &str) {
        self.at(repository, |state, place| {
            state.account(&User { login: login.to_owned(), ..User::default() });
            state.repositories[place].collaborators.insert(login.to_lowercase(), role.to_owned());
        });
    }

    /// Adds an environment guarded by our rule.
    pub fn environment(&self, repository: &str, name: &str) {
        self.at(repository, |state, place| {
            let rule = state.fresh_id();
            state.environment(place, name).rule = Some(rule);
        });
    }

    /// Adds an environment nothing guards; or removes our rule from one.
    pub fn unguarded_environment(&self, repository: &str, name: &str) {
        self.at(repository, |state, place| state.environment(place, name).rule = None);
    }

    /// Adds a commit and moves its branch; returns the SHA.
    pub fn commit(&self, repository: &str, commit: &Commit) -> String {
        self.at(repository, |state, place| state.commit(place, commit)).unwrap_or_default()
    }

    /// Writes a file on the default branch in a commit of its own; `None` deletes it. Returns the SHA.
    pub fn file(&self, repository: &str, author: &str, path: &str, content: Option<&str>) -> String {
        let mut commit = Commit::by(author, format!("Change {path}")).touching(&[]);
        commit.contents = vec![(path.to_owned(), content.map(str::to_owned))];
        self.commit(repository, &commit)
    }

    /// The SHA a branch points to, or `HEAD` the default branch.
    pub fn tip(&self, repository: &str, branch: &str) -> Option<String> {
        self.shared.read(|state| {
            let repository = &state.repositories[state.repository(repository)?];
            let index = repository.history.resolve(branch, &repository.default_branch)?;
            Some(repository.history.commits[index].sha.clone())
        })
    }

    /// Adds a pull request; returns its number.
    pub fn pull_request(&self, repository: &str, pull: &PullRequest) -> u64 {
        self.at(repository, |state, place| state.pull_request(place, pull)).unwrap_or_default()
    }

    /// Works on a repository, which is created when it is new.
    pub(super) fn at<T>(&self, repository: &str, work: impl FnOnce(&mut State, usize) -> T) -> Option<T> {
        self.shared.with(|state| {
            let place = state.new_repository(repository);
            Some(work(state, place))
        })
    }
}

impl State {
    fn account(&mut self, user: &User) -> u64 {
        let fresh = self.fresh_id();
        self.people.add(user, fresh, &self.base)
    }

    fn installed(&mut self, login: &str, kind: UserKind) -> u64 {
        self.account(&User { login: login.to_owned(), kind, ..User::default() });
        if let Some(known) = self.installation_of(login) {
            return known.id;
        }
        let id = self.fresh_id();
        self.installations.push(Installation { id, account: login.to_owned() });
        id
    }

    fn new_repository(&mut self, full_name: &str) -> usize {
        if let Some(known) = self.repository(full_name) {
            return known;
        }
        let (owner, name) = full_name.split_once('/').unwrap_or(("acme", full_name));
        self.installed(owner, UserKind::Organization);
        let (id, workflow) = (self.fresh_id(), self.fresh_id());
        let (minimal, full) = self.repository_json(owner, name, id, "main");
        let repository = Repository {
            id,
            owner: owner.to_owned(),
            full_name: format!("{owner}/{name}"),
            default_branch: "main".to_owned(),
            url: format!("{}/repos/{owner}/{name}", self.base),
            workflow,
            minimal,
            full,
            history: History::default(),
            pulls: BTreeMap::new(),
            pulls_by_commit: HashMap::new(),
            environments: BTreeMap::new(),
            collaborators: HashMap::new(),
            runs: 0,
            releases: Releases::default(),
            is_hidden: false,
        };
        let place = self.add_repository(repository);
        self.commit(place, &Commit::by("GitHub <noreply@github.com>", "Initial commit").touching(&["README.md"]));
        place
    }

    fn repository_json(&self, owner: &str, name: &str, id: u64, branch: &str) -> (Box<RawValue>, Box<RawValue>) {
        let owner_json = self.people.by_login(owner).map(|account| account.json.clone()).unwrap_or_default();
        let minimal = render::minimal_repository(name, &owner_json, owner, id, &self.base);
        let full = render::full_repository(minimal.clone(), branch, &super::clock::now());
        (render::raw(&minimal), render::raw(&full))
    }

    /// Renders a repository again after it changed.
    pub(super) fn render_repository(&mut self, place: usize) {
        let Repository { id, owner, full_name, default_branch, .. } = &self.repositories[place];
        let name = full_name.rsplit('/').next().unwrap_or_default();
        let (minimal, full) = self.repository_json(owner, name, *id, default_branch);
        let repository = &mut self.repositories[place];
        (repository.minimal, repository.full) = (minimal, full);
    }

    /// Gives a repository another name; returns the old one.
    pub(super) fn rename(&mut self, place: usize, name: &str) -> String {
        let repository = &mut self.repositories[place];
        let old = repository.full_name.rsplit('/').next().unwrap_or_default().to_owned();
        repository.full_name = format!("{}/{name}", repository.owner);
        repository.url = format!("{}/repos/{}", self.base, repository.full_name);
        let known = (format!("{}/{old}", repository.owner), repository.full_name.clone());
        self.renamed(&known.0, &known.1);
        self.render_repository(place);
        old
    }

    /// The environment, created without a rule when it is new: as GitHub does for a name it has never seen.
    pub(super) fn environment(&mut self, place: usize, name: &str) -> &mut Environment {
        let id = self.fresh_id();
        let fresh = || Environment { id, rule: None, active: None, deployments: Vec::new() };
        self.repositories[place].environments.entry(name.to_owned()).or_insert_with(fresh)
    }

    pub(super) fn pull_request(&mut self, place: usize, pull: &PullRequest) -> u64 {
        self.account(&User { login: pull.author.clone(), ..User::default() });
        let id = self.fresh_id();
        let repository = &self.repositories[place];
        let number = repository.pulls.len() as u64 + 1;
        let history = &repository.history;
        let tip = || history.branches.get(&repository.default_branch).copied();
        // What it was begun from, or else where the default branch is.
        let first = pull.commits.first().and_then(|sha| history.resolve(sha, &repository.default_branch));
        let base = first.and_then(|first| history.commits[first].parents.first().copied()).or_else(tip);
        let base_sha = base.map(|base| history.commits[base].sha.clone()).unwrap_or_default();
        let mut graphql = self.pull_graphql(pull, number);
        super::render::extend(&mut graphql, serde_json::json!({ "baseRefOid": base_sha }));
        let repository = &mut self.repositories[place];
        let mut touched: Vec<&String> = pull.commits.iter().chain(&pull.merged_as).collect();
        touched.sort();
        touched.dedup();
        for sha in touched {
            repository.pulls_by_commit.entry(sha.clone()).or_default().push(number);
        }
        let (request, created_at) = (pull.clone(), super::clock::now());
        repository.pulls.insert(number, Pull { id, number, request, base_sha, created_at, graphql });
        number
    }
}

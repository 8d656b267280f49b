//! What changes the rules: pushes, teams, roles, repositories that come and go. Other than the building of a world, each
//! is told by webhook.

use serde_json::json;

use super::GitHub;
use super::clock;
use super::git::{Commit, Tag};
use super::pulls::PullRequest;
use super::render;
use super::state::State;

impl GitHub {
    /// Somebody pushes a commit; returns its SHA.
    pub fn push(&self, repository: &str, by: &str, commit: &Commit) -> String {
        self.at(repository, |state, place| state.push(place, by, commit)).unwrap_or_default()
    }

    /// Somebody makes a tag, an annotated one if it shall be. A webhook of no use to us tells it.
    pub fn tag(&self, repository: &str, name: &str, sha: &str, is_annotated: bool) {
        self.at(repository, |state, place| {
            let repository = &mut state.repositories[place];
            if let Some(commit) = repository.history.resolve(sha, &repository.default_branch) {
                repository.history.tags.insert(name.to_owned(), Tag { commit, is_annotated });
            }
        });
    }

    /// Somebody pushes a change of one file to the default branch; `None` deletes it. Returns the SHA.
    pub fn push_file(&self, repository: &str, by: &str, path: &str, content: Option<&str>) -> String {
        let mut commit = Commit::by(by, format!("Change {path}")).touching(&[]);
        commit.contents = vec![(path.to_owned(), content.map(str::to_owned))];
        self.push(repository, by, &commit)
    }

    /// Opens a pull request; returns its number.
    pub fn open_pull_request(&self, repository: &str, pull: &PullRequest) -> u64 {
        let opened = self.at(repository, |state, place| {
            let number = state.pull_request(place, pull);
            let found = &state.repositories[place];
            let json = found.pulls.get(&number).map(|pull| state.pull_json(found, pull, true)).unwrap_or_default();
            let fresh = json!({ "action": "opened", "number": number });
            let body = state.envelope(found, &pull.author, &fresh, &[("pull_request", &json)]);
            state.emit("pull_request", "opened", place, body);
            number
        });
        opened.unwrap_or_default()
    }

    /// Somebody becomes an active member of a team, written `org/team`.
    pub fn join_team(&self, name: &str, login: &str) {
        self.shared.with(|state| state.membership(name, login, true));
    }

    /// Somebody leaves a team.
    pub fn leave_team(&self, name: &str, login: &str) {
        self.shared.with(|state| state.membership(name, login, false));
    }

    /// Gives somebody another role in a repository.
    pub fn change_role(&self, repository: &str, login: &str, role: &str) {
        self.collaborator(repository, login, role);
        self.at(repository, |state, place| {
            let found = &state.repositories[place];
            let fresh = json!({ "action": "edited", "changes": { "role_name": { "to": role } } });
            let body = state.envelope(found, login, &fresh, &[("member", state.account_json(login))]);
            state.emit("member", "edited", place, body);
        });
    }

    /// Another branch becomes the default branch.
    pub fn change_default_branch(&self, repository: &str, by: &str, branch: &str) {
        self.at(repository, |state, place| {
            let old = std::mem::replace(&mut state.repositories[place].default_branch, branch.to_owned());
            state.render_repository(place);
            state.repository_changed(place, by, "edited", &json!({ "default_branch": { "from": old } }));
        });
    }

    /// Gives a repository another name.
    pub fn rename_repository(&self, repository: &str, by: &str, name: &str) {
        self.at(repository, |state, place| {
            let old = state.rename(place, name);
            state.repository_changed(place, by, "renamed", &json!({ "repository": { "name": { "from": old } } }));
        });
    }

    /// Deletes a repository.
    pub fn delete_repository(&self, repository: &str, by: &str) {
        self.at(repository, |state, place| {
            state.repositories[place].is_hidden = true;
            state.repository_changed(place, by, "deleted", &json!({}));
            state.forget_name(place);
        });
    }

    /// Leaves a repository out of the App's installation, or takes it in. No webhook of ours tells it.
    pub fn hide_repository(&self, repository: &str, is_hidden: bool) {
        self.at(repository, |state, place| state.repositories[place].is_hidden = is_hidden);
    }
}

impl State {
    fn push(&mut self, place: usize, by: &str, commit: &Commit) -> String {
        let repository = &self.repositories[place];
        let branch = commit.branch.as_deref().unwrap_or(&repository.default_branch).to_owned();
        let tip = |state: &Self| {
            let history = &state.repositories[place].history;
            history.branches.get(&branch).map(|&tip| history.commits[tip].sha.clone())
        };
        let before = tip(self);
        let sha = self.commit(place, commit);
        let zero = "0".repeat(40);
        let repository = &self.repositories[place];
        let (mut added, mut modified, mut removed) = (Vec::new(), commit.files.clone(), Vec::new());
        let parent = before.as_ref().and_then(|sha| repository.history.resolve(sha, &branch));
        let there = |path: &str| parent.is_some_and(|tip| repository.history.commits[tip].tree.contains_key(path));
        for (path, content) in &commit.contents {
            let list = match content {
                None => &mut removed,
                Some(_) if there(path) => &mut modified,
                Some(_) => &mut added,
            };
            list.push(path.clone());
        }
        let person = json!({ "name": commit.author.name, "email": commit.author.email });
        let one = json!({
            "id": sha, "tree_id": sha, "distinct": true, "message": commit.message, "timestamp": clock::now(),
            "url": format!("https://github.com/{}/commit/{sha}", repository.full_name),
            "author": person, "committer": person, "added": added, "removed": removed, "modified": modified,
        });
        let fresh = json!({
            "ref": format!("refs/heads/{branch}"), "before": before.as_ref().unwrap_or(&zero), "after": sha,
            "created": before.is_none(), "deleted": false, "forced": false, "base_ref": null,
            "compare": format!("https://github.com/{}/compare", repository.full_name),
            "commits": [one], "head_commit": one, "pusher": { "name": by, "email": null },
        });
        let body = self.envelope(repository, by, &fresh, &[]);
        self.emit("push", "", place, body);
        sha
    }

    fn membership(&mut self, name: &str, login: &str, joins: bool) {
        let (org, slug) = name.split_once('/').unwrap_or(("", name));
        let (team, member) = (self.people.team_mut(org, slug), login.to_lowercase());
        let action = if joins { "added" } else { "removed" };
        let changed = match joins {
            true => team.insert(member, ("active", "member")).is_none(),
            false => team.remove(&member).is_some(),
        };
        if changed {
            let url = format!("{}/organizations/1/team/1", self.base);
            let team = json!({
                "id": 1, "node_id": render::node_id("T", 1), "name": slug, "slug": slug, "description": null,
                "privacy": "closed", "notification_setting": "notifications_enabled", "permission": "pull", "url": url,
                "html_url": format!("https://github.com/orgs/{org}/teams/{slug}"), "parent": null,
                "members_url": format!("{url}/members{{/member}}"), "repositories_url": format!("{url}/repos"),
            });
            let fresh = json!({ "action": action, "scope": "team", "team": team });
            let body = self.account_envelope(org, login, &fresh, &[("member", self.account_json(login))]);
            self.send("membership", action, org, None, body);
        }
    }

    fn repository_changed(&mut self, place: usize, by: &str, action: &str, changes: &serde_json::Value) {
        let mut fresh = json!({ "action": action });
        if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
            fresh["changes"] = changes.clone();
        }
        let body = self.envelope(&self.repositories[place], by, &fresh, &[]);
        self.emit("repository", action, place, body);
    }
}

//! One repository's history: commits, branches, trees, and what lies between two commits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ring::digest;
use serde_json::Value;
use serde_json::value::RawValue;

use super::people::Identity;

/// A commit to create.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Who wrote it.
    pub author: Identity,
    /// Who committed it; the author when absent.
    pub committer: Option<Identity>,
    /// The whole message, trailers included.
    pub message: String,
    /// Paths it changes; their content does not matter.
    pub files: Vec<String>,
    /// Files whose content matters: written (`Some`) or deleted (`None`).
    pub contents: Vec<(String, Option<String>)>,
    /// Parents; the branch's tip when empty.
    pub parents: Vec<String>,
    /// The branch to put it on; the default branch when absent, created when new.
    pub branch: Option<String>,
    /// The login of whoever signed it with their own key.
    pub signed_by: Option<String>,
}

impl Commit {
    /// A commit by `author` (`Name <email>` or a login) on the default branch.
    pub fn by(author: &str, message: impl Into<String>) -> Self {
        Self {
            author: author.into(),
            committer: None,
            message: message.into(),
            files: vec!["src/main.rs".to_owned()],
            contents: Vec::new(),
            parents: Vec::new(),
            branch: None,
            signed_by: None,
        }
    }

    /// The same commit, signed with somebody's own SSH key.
    #[must_use]
    pub fn signed_by(mut self, login: &str) -> Self {
        self.signed_by = Some(login.to_owned());
        self
    }

    /// The same commit on another branch.
    #[must_use]
    pub fn on(mut self, branch: &str) -> Self {
        self.branch = Some(branch.to_owned());
        self
    }

    /// The same commit changing these paths.
    #[must_use]
    pub fn touching(mut self, paths: &[&str]) -> Self {
        self.files = paths.iter().map(|&path| path.to_owned()).collect();
        self
    }
}

/// File contents by path; shared between commits that do not change them.
pub(super) type Tree = Arc<BTreeMap<String, Arc<str>>>;

/// A commit as the fake keeps it.
pub(super) struct Stored {
    pub sha: String,
    pub parents: Vec<usize>,
    pub files: Vec<String>,
    pub tree: Tree,
    /// Longest distance from a root: a descendant's is always greater.
    generation: usize,
    /// GitHub's REST `commit`, rendered once.
    pub json: Box<RawValue>,
    /// GitHub's GraphQL `Commit`, without its pull requests.
    pub graphql: Value,
}

/// Commits and branches.
#[derive(Default)]
pub(super) struct History {
    pub commits: Vec<Stored>,
    by_sha: HashMap<String, usize>,
    pub branches: HashMap<String, usize>,
    pub tags: HashMap<String, Tag>,
}

/// A tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag {
    pub commit: usize,
    /// Whether it is an object of its own.
    pub is_annotated: bool,
}

/// What separates two commits.
pub(super) struct Comparison {
    /// On the head's side only, oldest first.
    pub ahead: Vec<usize>,
    /// How many are on the base's side only.
    pub behind: usize,
    /// The best common ancestor.
    pub merge_base: Option<usize>,
}

impl History {
    /// The commit a full SHA, a branch or `HEAD` (the default branch) stands for.
    pub fn resolve(&self, reference: &str, default_branch: &str) -> Option<usize> {
        let name = if reference == "HEAD" { default_branch } else { reference };
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        self.by_sha.get(name).or_else(|| self.branches.get(name)).copied()
    }

    /// The SHA the commit will have: forty hex digits derived from all of its content.
    pub fn name(commit: &Commit, parents: &[String], salt: u64) -> String {
        let text = format!("{commit:?} {parents:?} {salt}");
        hex::encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
    }

    /// The tree after the commit.
    pub fn tree_after(&self, commit: &Commit, parents: &[usize]) -> Tree {
        let before = parents.first().map(|&parent| self.commits[parent].tree.clone()).unwrap_or_default();
        if commit.contents.is_empty() {
            return before;
        }
        let mut tree = (*before).clone();
        for (path, content) in &commit.contents {
            match content {
                Some(text) => tree.insert(path.clone(), text.as_str().into()),
                None => tree.remove(path),
            };
        }
        Arc::new(tree)
    }

    /// Adds a commit and moves the branch to it.
    pub fn push(&mut self, branch: &str, mut stored: Stored) {
        if let Some(&known) = self.by_sha.get(&stored.sha) {
            self.branches.insert(branch.to_owned(), known);
            return;
        }
        stored.generation = stored.parents.iter().map(|&parent| self.commits[parent].generation + 1).max().unwrap_or(0);
        let index = self.commits.len();
        self.by_sha.insert(stored.sha.clone(), index);
        self.branches.insert(branch.to_owned(), index);
        self.commits.push(stored);
    }

    /// Walks from both ends, youngest first, until only common ancestors are left.
    /// The cost is the size of the answer, not of the history.
    pub fn compare(&self, base: usize, head: usize) -> Comparison {
        const HEAD: u8 = 1;
        const BASE: u8 = 2;
        let place = |index: usize| (self.commits[index].generation, index);
        let mut frontier: BTreeMap<(usize, usize), u8> = BTreeMap::new();
        *frontier.entry(place(head)).or_default() |= HEAD;
        *frontier.entry(place(base)).or_default() |= BASE;
        let mut answer = Comparison { ahead: Vec::new(), behind: 0, merge_base: None };
        while let Some(((_, index), sides)) = frontier.pop_last() {
            match sides {
                HEAD => answer.ahead.push(index),
                BASE => answer.behind += 1,
                _ => answer.merge_base = answer.merge_base.or(Some(index)),
            }
            if answer.merge_base.is_some() && frontier.values().all(|&sides| sides == HEAD | BASE) {
                break;
            }
            for &parent in &self.commits[index].parents {
                *frontier.entry(place(parent)).or_default() |= sides;
            }
        }
        answer.ahead.reverse();
        answer
    }

    /// The paths changed by these commits, each once.
    pub fn files(&self, commits: &[usize]) -> BTreeSet<&str> {
        commits.iter().flat_map(|&index| &self.commits[index].files).map(String::as_str).collect()
    }
}

impl Stored {
    /// A commit ready to be pushed; [`History::push`] fills in its place.
    pub fn new(
        sha: String,
        parents: Vec<usize>,
        commit: &Commit,
        tree: Tree,
        json: Box<RawValue>,
        graphql: Value,
    ) -> Self {
        let written = commit.contents.iter().map(|(path, _)| path.clone());
        let files = commit.files.iter().cloned().chain(written).collect();
        Self { sha, parents, files, tree, generation: 0, json, graphql }
    }
}

/// The id git gives a file of this content.
pub(super) fn blob_id(content: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(format!("blob {}\0", content.len()).as_bytes());
    context.update(content.as_bytes());
    hex::encode(context.finish())
}

/// The people named by `Co-authored-by:` trailers.
pub(super) fn co_authors(message: &str) -> Vec<Identity> {
    message
        .lines()
        .filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case("co-authored-by").then(|| Identity::from(value))
        })
        .collect()
}

//! What git-ai writes under `refs/notes/ai` (format authorship/3.0.0): lines of files, `---`, and JSON with the sessions.

use serde::Deserialize;
use std::collections::BTreeMap;

use super::catalogue::{AgentIndex, Catalogue};
use super::trailers;
use crate::domain::people::Identity;

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    prompts: BTreeMap<String, Session>,
    #[serde(default)]
    sessions: BTreeMap<String, Session>,
}

#[derive(Deserialize)]
struct Session {
    agent_id: Option<AgentId>,
    human_author: Option<String>,
}

#[derive(Deserialize)]
struct AgentId {
    #[serde(default)]
    tool: String,
    #[serde(default)]
    model: String,
}

fn sessions(note: &str) -> Vec<Session> {
    let json = note.find("\n---\n").map_or(note.strip_prefix("---\n"), |at| note.get(at + 5..)).unwrap_or(note);
    let Ok(log) = serde_json::from_str::<Log>(json) else { return Vec::new() };
    log.prompts.into_values().chain(log.sessions.into_values()).collect()
}

/// The agents a note names, and what it says of each. A note without any is a human's.
pub(super) fn agents(catalogue: &Catalogue, note: &str) -> Vec<(AgentIndex, String)> {
    let with_agent = sessions(note).into_iter().filter_map(|session| Some((session.agent_id?, session.human_author)));
    let said = with_agent.map(|(agent, human)| {
        let human = human.map(|human| format!(" for {human}")).unwrap_or_default();
        (catalogue.tool(&agent.tool), format!("{}, model {}{human}", agent.tool, agent.model))
    });
    said.collect()
}

/// The humans a note names.
pub(super) fn humans(note: &str) -> Vec<Identity> {
    let named = sessions(note).into_iter().filter_map(|session| session.human_author);
    named
        .filter_map(|human| {
            let (name, email) = trailers::people(&human).next()?;
            Some(Identity { name: name.to_owned(), email: email.to_owned(), account: None })
        })
        .collect()
}

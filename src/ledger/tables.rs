//! What a ledger says, as two spreadsheets: the decisions that stand, and what did not go the usual way. Both follow from the
//! entries alone, so that whoever has these can make them again and compare.
use std::collections::BTreeMap;

use self::csv::{CsvRow, time};
use self::event::{Event, Subject};
use super::merkle::Hash;

mod csv;
pub mod event;

/// The columns of `decisions.csv`.
const DECISION_COLUMNS: &str = "seq,leaf_hash,request,repository,environment,run,attempt,commit,deployment,\
     requested_by,parties,outcome,agents,approvers,via,quorum,rules,policy_digest,policy_commit,opened,decided,github_answered,proof\r\n";
/// The columns of `exceptions.csv`.
const EXCEPTION_COLUMNS: &str = "seq,leaf_hash,time,type,request,repository,environment,who,what\r\n";

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Its place.
    pub seq: u64,
    /// Its hash.
    pub leaf: Hash,
    /// Milliseconds since 1970 UTC.
    pub time: u64,
    /// The name of its type.
    pub name: &'a str,
    /// Its request.
    pub request: Option<&'a str>,
}

/// Makes the tables while the entries go by. Holds the requests that are not over.
#[derive(Debug)]
pub struct Tables {
    requests: BTreeMap<String, Request>,
    /// Rows finished and not yet taken.
    pub decisions: String,
    /// Rows finished and not yet taken.
    pub exceptions: String,
}

#[derive(Debug, Default)]
struct Request {
    opened: Option<u64>,
    subject: Subject,
    /// Who approved it, and by which way.
    approved: Vec<(String, String)>,
    decided: Option<Decided>,
}

#[derive(Debug)]
struct Decided {
    seq: u64,
    leaf: Hash,
    time: u64,
    what: event::Decision,
}

impl Default for Tables {
    fn default() -> Self {
        let (decisions, exceptions) = (DECISION_COLUMNS.to_owned(), EXCEPTION_COLUMNS.to_owned());
        Self { requests: BTreeMap::new(), decisions, exceptions }
    }
}

impl Tables {
    /// Takes the next entry; `event` is what the tables need of it.
    pub fn push(&mut self, at: At<'_>, event: Event) {
        let request = at.request.unwrap_or_default();
        match event {
            Event::Opened { is_again, subject, gaps } => {
                let life = self.requests.entry(request.to_owned()).or_default();
                life.subject = *subject;
                if !is_again {
                    life.opened = Some(at.time);
                }
                if let Some(gaps) = gaps {
                    self.exception(at, "", &gaps);
                }
            }
            Event::Approved { who, via } => {
                self.requests.entry(request.to_owned()).or_default().approved.push((who, via));
            }
            Event::Decided(what) => {
                let life = self.requests.entry(request.to_owned()).or_default();
                let tells = what.tells_github;
                life.decided = Some(Decided { seq: at.seq, leaf: at.leaf, time: at.time, what: *what });
                if !tells {
                    self.over(request, None);
                }
            }
            Event::Told { failure } => {
                if let Some(failure) = failure {
                    self.exception(at, "", &failure);
                } else if self.requests.get(request).is_some_and(|life| life.decided.is_some()) {
                    self.over(request, Some(at.time));
                }
            }
            Event::Exception { who, what, voids } => {
                self.exception(at, &who, &what);
                if voids && let Some(life) = self.requests.get_mut(request) {
                    life.decided = None;
                }
            }
        }
    }

    /// Ends: decisions that GitHub has not answered come last, in their order.
    pub fn finish(&mut self) {
        let mut rest: Vec<(u64, String)> = self
            .requests
            .iter()
            .filter_map(|(request, life)| Some((life.decided.as_ref()?.seq, request.clone())))
            .collect();
        rest.sort_unstable();
        rest.iter().for_each(|(_, request)| self.over(request, None));
    }

    fn over(&mut self, request: &str, answered: Option<u64>) {
        let Some(Request { opened, subject, approved, decided: Some(decided) }) = self.requests.remove(request) else {
            return;
        };
        let Decided { seq, leaf, time: at, what } = decided;
        let via = |approver: &str| approved.iter().rev().find(|(who, _)| who == approver).map_or("", |(_, via)| via);
        let via: Vec<&str> = what.approvers.split("; ").map(via).collect();
        CsvRow::in_table(&mut self.decisions)
            .number(seq)
            .ready(&leaf.to_string())
            .text(request)
            .ready(&subject.place)
            .ready(&subject.run)
            .ready(&what.outcome)
            .ready(&subject.agents)
            .text(&what.approvers)
            .text(&via.join("; "))
            .ready(&what.by)
            .text(&opened.map(time).unwrap_or_default())
            .text(&time(at))
            .text(&answered.map(time).unwrap_or_default())
            .text(&super::layout::receipt_proof(request))
            .end();
    }

    fn exception(&mut self, at: At<'_>, who: &str, what: &str) {
        let subject = at.request.and_then(|request| self.requests.get(request)).map(|life| &life.subject);
        CsvRow::in_table(&mut self.exceptions)
            .number(at.seq)
            .ready(&at.leaf.to_string())
            .text(&time(at.time))
            .text(at.name)
            .text(at.request.unwrap_or_default())
            .ready(subject.map_or(",", |subject| &subject.place))
            .text(who)
            .text(what)
            .end();
    }
}

#[cfg(test)]
mod tests;

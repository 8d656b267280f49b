//! One request among entries that verified: found by its id, told as a story, and judged again.
use std::collections::BTreeSet;
use std::io::BufRead as _;

use serde_json::{Value, json};

use super::args::VerifyArgs;
use super::explain::{entries_of, explain};
use super::failure::{Failure, cannot_read_entries};
use super::openings;
use super::reading::entries;
use crate::domain::text::visible;
use crate::ledger::entry::is_request_id;
use crate::ledger::verify::again::erased::erased_from;
use crate::ledger::verify::again::{Again, Difference, judge_again};
use crate::ledger::verify::report::Report;

/// Fewer digits might soon name another request, too.
const LEAST_DIGITS: usize = 8;

/// A request: its entries, and what came of judging it again.
pub(super) struct Explained {
    entries: Vec<Value>,
    again: Result<Again, String>,
}

impl Explained {
    pub(super) fn of(args: &VerifyArgs, reports: &[Report], asked: &str) -> Result<Self, Failure> {
        let request = &named(args, asked.trim())?;
        let entries = match &args.openings {
            None => entries_of(entries(&args.targets)?, request).map_err(cannot_read_entries)?,
            Some(file) => openings::entries_of(&args.targets, file, reports, request)?,
        };
        let mut again = judge_again(&entries).map_err(|cannot| cannot.to_string());
        let from = reports.first().map_or(0, |report| report.from);
        if let Err(why) = &mut again
            && from > 0
            && entries.iter().all(|entry| entry["type"] != "request.opened")
        {
            *why = format!(
                "it was opened before entry {from}, where what you gave begins: give the segments before it, too"
            );
        }
        if let (Err(why), Some(_)) = (&mut again, &args.openings) {
            let erased = erased_from(&entries, self::entries(&args.targets)?).map_err(cannot_read_entries)?;
            if !erased.is_empty() {
                why.push_str(&format!("; it told of {}, who was erased", erased.join(" and of ")));
            }
        }
        Ok(Self { again, entries })
    }

    pub(super) fn code(&self) -> u8 {
        match &self.again {
            Ok(again) => again.code(),
            Err(_) => 2,
        }
    }

    pub(super) fn in_words(&self) -> String {
        let verdict = match &self.again {
            Ok(again) => again_in_words(again),
            Err(why) => format!("cannot be judged again: {}\n", visible(why)),
        };
        let words = format!("{}\n{verdict}{}", explain(&self.entries), openings::how_to_open(&self.entries));
        words.lines().flat_map(|line| [visible(line), "\n".to_owned()]).collect()
    }

    pub(super) fn to_json(&self) -> Value {
        let (again, cannot) = (self.again.as_ref().ok(), self.again.as_ref().err());
        json!({ "entries": self.entries, "judged_again": again, "cannot_be_judged_again": cannot })
    }
}

/// The id of the one request that is called so, or begins so.
fn named(args: &VerifyArgs, asked: &str) -> Result<String, Failure> {
    let mark = format!("\"corr\":\"{asked}");
    let mut found = BTreeSet::new();
    for line in entries(&args.targets)?.lines().take_while(|_| is_request_id(asked)) {
        let line = line.map_err(cannot_read_entries)?;
        if !line.contains(&mark) {
            continue;
        }
        let id = serde_json::from_str::<Value>(&line).ok().and_then(|line| Some(line["corr"].as_str()?.to_owned()));
        let is_it = |id: &String| id == asked || (id.starts_with(asked) && asked.len() >= LEAST_DIGITS);
        found.extend(id.filter(is_it));
    }
    if found.len() < 2 || found.contains(asked) {
        let only = if found.contains(asked) { Some(asked.to_owned()) } else { found.pop_first() };
        return only.ok_or_else(|| {
            if is_request_id(asked) && asked.len() < LEAST_DIGITS {
                return Failure::Unusable(format!(
                    "{asked} is too short to tell a request from others: give at least {LEAST_DIGITS} digits of its id"
                ));
            }
            Failure::Unusable(format!(
                "the ledger says nothing of a request {asked}; its id, of which the first {LEAST_DIGITS} digits are enough, is on \
                 the check run, and in the name of its receipt"
            ))
        });
    }
    let some: Vec<String> = found.into_iter().take(5).collect();
    Err(Failure::Unusable(format!(
        "several requests begin with {asked}, {} among them; write more of its digits",
        some.join(", ")
    )))
}

/// What came of it, in words.
fn again_in_words(again: &Again) -> String {
    let mut words = if again.differences.is_empty() {
        let outcome = match again.outcome.as_deref() {
            None => "still undecided".to_owned(),
            Some(outcome) if again.outcome_came_from_outside => {
                format!("{outcome}, for what happened elsewhere")
            }
            Some(outcome) => format!("same outcome ({})", outcome.replace('_', " ")),
        };
        let how_far = if again.is_partial { ", as far as it can be" } else { "" };
        format!(
            "judged again{how_far}: same parties ({}), same requirements ({}), same answers to reviews ({}), {outcome}\n",
            again.parties, again.requirements, again.reviews
        )
    } else {
        format!("judged again: NOT the same, {} times\n", again.differences.len())
    };
    for Difference { entry, what, recorded, again, .. } in &again.differences {
        words.push_str(&format!("  entry {entry}, {what}:\n"));
        for (line, sign) in only_in(recorded, again, '-').chain(only_in(again, recorded, '+')) {
            words.push_str(&format!("    {sign} {line}\n"));
        }
    }
    again.notes.iter().for_each(|note| words.push_str(&format!("  note: {note}\n")));
    words
}

/// Items of one list that the other lacks; of anything else the whole.
fn only_in<'a>(this: &'a Value, other: &'a Value, sign: char) -> impl Iterator<Item = (String, char)> + 'a {
    let items: Vec<&Value> = match (this.as_array(), other.as_array()) {
        (Some(these), Some(others)) => these.iter().filter(|item| !others.contains(item)).collect(),
        _ if this.is_null() => Vec::new(),
        _ => vec![this],
    };
    items.into_iter().map(move |item| (visible(&item.to_string()), sign))
}

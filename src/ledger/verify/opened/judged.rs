//! Every request judged again from the facts it was opened with, as soon as GitHub was told: what names nobody cannot show
//! whom an opening leaves out.
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Distrust, called};
use crate::domain::digest::Digest;
use crate::ledger::record::RecordType;
use crate::ledger::verify::again::{Cannot, Difference, JudgedBy, judge_again};
use crate::ledger::verify::report::counted;
use crate::ledger::verify::violation::Violation;

/// What came of judging all requests again that were opened in these entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// They come out as they are recorded.
    pub same: u64,
    /// So do they, as far as they can be weighed: somebody was erased.
    pub same_in_part: u64,
    /// What they rest on was erased.
    pub erased: u64,
    /// Openings hold no facts: they were too many, or an older server wrote none.
    pub without_facts: u64,
    /// They come out otherwise by the catalogue of agents that this version has; the first of them.
    pub otherwise: Option<(u64, String)>,
    /// They were recorded with another catalogue of agents, whatever they come out as.
    pub by_another_catalogue: u64,
    /// Another version recorded other rules of their policy; the first of them.
    pub by_other_rules: Option<(u64, String)>,
    /// They call one account by two logins; the first of them.
    pub by_two_names: Option<(u64, String)>,
}

impl Judged {
    /// What is odd and proves nothing.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let requests = |n| counted(n, "request", "requests");
        let without = (self.without_facts > 0).then(|| {
            format!(
                "{} cannot be judged again: their facts were too many to record, or an older server recorded none",
                requests(self.without_facts)
            )
        });
        let otherwise = self.otherwise.as_ref().map(|(n, first)| {
            let come = counted(*n, "request, recorded with another, comes", "requests, recorded with another, come");
            format!("judged again by the catalogue of agents of this version, {come} out otherwise ({first}): --explain tells how")
        });
        let by_two = self.by_two_names.as_ref().map(|(n, first)| {
            let call = counted(*n, "request calls", "requests call");
            format!("{call} one account by two logins ({first}): somebody was renamed while it waited, or passes for another")
        });
        let by_other = self.by_other_rules.as_ref().map(|(n, first)| {
            let were = counted(*n, "request was", "requests were");
            format!("{were} judged by other rules than another version recorded of the same policy ({first}): one of the two misread it")
        });
        without.into_iter().chain(otherwise).chain(by_other).chain(by_two)
    }
}

/// Of each policy the rules that were recorded first, and by what software.
type Recorded = BTreeMap<String, (String, Digest)>;

/// Requests that are judged again.
#[derive(Default)]
pub(super) struct Lives {
    /// The entries of those that GitHub was not told of yet, with what their openings tell in its place.
    open: BTreeMap<String, Vec<Value>>,
    judged: Judged,
    /// The rules that were recorded of each policy.
    rules: Recorded,
    /// The first that does not come out as it is recorded. Said last: openings that are withheld look like that, too.
    refused: Option<Distrust>,
}

impl Lives {
    /// Looks at the next entry of a request, and judges it again if that is its last that counts.
    pub(super) fn follow(&mut self, request: &str, kind: RecordType, entry: &Map<String, Value>) {
        if kind == RecordType::RequestOpened {
            self.open.insert(request.to_owned(), Vec::new());
        }
        // Opened before the entries that are checked, or settled.
        let Some(life) = self.open.get_mut(request) else { return };
        life.push(Value::Object(entry.clone()));
        let is_closed = || matches!(entry.get("outcome").and_then(Value::as_str), Some("superseded" | "withdrawn"));
        if kind == RecordType::CallbackSent || (kind == RecordType::DecisionRecorded && is_closed()) {
            let life = self.open.remove(request).unwrap_or_default();
            self.judge(request, &life);
        }
    }

    fn judge(&mut self, request: &str, life: &[Value]) {
        let judged = self.judged.add(request, life, &mut self.rules);
        self.refused = self.refused.take().or(judged.err());
    }

    /// Judges what is left: nobody has decided it yet, or GitHub could not be told.
    pub(super) fn finish(mut self) -> Result<Judged, Distrust> {
        for (request, life) in mem::take(&mut self.open) {
            self.judge(&request, &life);
        }
        self.refused.map_or(Ok(self.judged), Err)
    }
}

impl Judged {
    fn add(&mut self, request: &str, life: &[Value], rules: &mut Recorded) -> Result<(), Distrust> {
        let rule = |seq, violation| Distrust::Rule { seq, request: request.to_owned(), violation };
        let opening = life.first().and_then(|opening| opening["seq"].as_u64()).unwrap_or_default();
        let mut again = match judge_again(life) {
            Ok(again) => again,
            // What is sealed and was not erased is refused where the log ends.
            Err(Cannot::Sealed) => {
                self.erased += 1;
                return Ok(());
            }
            Err(Cannot::NoFacts | Cannot::TooMany(_)) => {
                self.without_facts += 1;
                return Ok(());
            }
            Err(cannot) => return Err(rule(opening, Violation::Unjudgeable(cannot.to_string()))),
        };
        self.by_another_catalogue += u64::from(again.has_other_catalogue);
        for JudgedBy { entry, sw, policy, rules: recorded } in mem::take(&mut again.policies) {
            match rules.entry(policy) {
                Entry::Vacant(place) => drop(place.insert((sw, recorded))),
                Entry::Occupied(before) if before.get().1 == recorded => {}
                Entry::Occupied(before) if before.get().0 == sw => return Err(rule(entry, Violation::OtherRules)),
                Entry::Occupied(_) => self.by_other_rules.get_or_insert_with(|| (0, request.to_owned())).0 += 1,
            }
        }
        if let Some(Difference { entry, what, catalogue, .. }) = again.difference() {
            let what = what.clone();
            let violation = match catalogue.clone() {
                Some(catalogue) => Violation::JudgedByAnother { what, catalogue },
                None => Violation::JudgedOtherwise(what),
            };
            return Err(rule(*entry, violation));
        }
        if !again.differences.is_empty() {
            self.otherwise.get_or_insert_with(|| (0, request.to_owned())).0 += 1;
        } else if again.is_partial {
            self.same_in_part += 1;
        } else {
            self.same += 1;
        }
        if called::by_two_names(life).map_err(|violation| rule(opening, violation))? {
            self.by_two_names.get_or_insert_with(|| (0, request.to_owned())).0 += 1;
        }
        Ok(())
    }
}

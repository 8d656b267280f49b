//! One request judged again, from nothing but its entries: the facts its opening recorded go through the same rules as on the
//! day, each review is weighed again, and what comes out is held against what is recorded.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use self::facts::Cannot;

use self::erased::{Erased, can_be_weighed};
use self::excused::Explained;
use self::facts::facts;
use crate::domain::Millis;
use crate::domain::basis::Basis;
use crate::domain::decide::{self, Judgement, Permission, Quorum, Refusal, Standing, Voice};
use crate::domain::digest::Digest;
use crate::domain::event::{Channel, Verdict};
use crate::domain::facts::Gap;
use crate::domain::people::Account;
use crate::domain::policy::Assurance;
use crate::domain::record::{Record, to_json};
use crate::domain::text::visible;

pub mod erased;
mod excused;
mod facts;
mod opening;

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Again {
    /// How many had a part.
    pub parties: usize,
    /// How many requirements there were.
    pub requirements: usize,
    /// How many reviews and refused attempts were weighed.
    pub reviews: usize,
    /// The outcome that is recorded, if the request is decided.
    pub outcome: Option<String>,
    /// Whether an outcome was found that entries about this request cannot tell: another attempt came, or the run ended.
    pub outcome_came_from_outside: bool,
    /// Whether something could not be weighed, because somebody was erased.
    pub is_partial: bool,
    /// Whether it was recorded with another catalogue of agents: which accounts and addresses are programs' may differ.
    pub has_other_catalogue: bool,
    /// The policies it was judged by.
    #[serde(skip)]
    pub policies: Vec<JudgedBy>,
    /// Where the judgement and the record differ.
    pub differences: Vec<Difference>,
    /// What may explain differences, or could not be compared.
    pub notes: Vec<String>,
}

/// What is recorded is not what follows from the facts.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The entry that records it.
    pub entry: u64,
    /// When another catalogue of agents explains it.
    #[serde(skip)]
    explained: Explained,
    /// Whether another catalogue of agents may be why.
    #[serde(skip)]
    is_excused: bool,
    /// The catalogue that it was recorded with, if that is another, and not excused.
    #[serde(skip)]
    pub catalogue: Option<String>,
    /// What of it.
    pub what: String,
    /// As it is recorded.
    pub recorded: Value,
    /// As it comes out.
    pub again: Value,
}

/// A policy, and the rules that were recorded of it: wherever the same policy is read for the same environment, these are the
/// same.
#[derive(Debug)]
pub struct JudgedBy {
    /// The entry that names it.
    pub entry: u64,
    /// The software that read it.
    pub sw: String,
    /// The policy, and for what.
    pub policy: String,
    /// The digest of the rules.
    pub rules: Digest,
}

/// Judges again.
///
/// # Errors
/// If the entries do not hold what it takes.
pub fn judge_again(entries: &[Value]) -> Result<Again, Cannot> {
    let is_judgement = |entry: &Value| entry["type"] == "request.opened" || entry["type"] == "request.rejudged";
    let starts: Vec<usize> = (0..entries.len()).filter(|at| is_judgement(&entries[*at])).collect();
    let Some(opening) = starts.first().map(|first| &entries[*first]) else { return Err(Cannot::NeverOpened) };
    let opened_at = opening["time"].as_i64();
    let (mut again, mut said) = (Again::default(), Said::default());
    let mut first: Option<Basis> = None;
    for (n, start) in starts.iter().enumerate() {
        let part = &entries[*start..starts.get(n + 1).copied().unwrap_or(entries.len())];
        let before = again.differences.len();
        let judged = &part[0];
        let basis: Basis = serde_json::from_value(facts(judged, part)?)
            .map_err(|error| format!("the recorded facts cannot be read: {error}"))?;
        let gaps: Vec<Gap> = read(&judged["partial"], "partial")?;
        let environment = judged["environment"].as_str().ok_or("the opening names no environment")?;
        again.is_whole(judged, &basis, &gaps);
        again.judged_by(judged, &basis);
        let judgement = basis.judge(environment, gaps).ok_or("the recorded facts name somebody they do not list")?;
        again.parties = judgement.parties.known.len();
        again.requirements = judgement.quorum.len();
        again.opening(judged, opened_at, &basis, &judgement)?;
        let first = first.get_or_insert_with(|| basis.clone());
        // Rules change while a request waits. What happened does not.
        let changed = basis.changed_since(first).ok_or("the recorded facts name somebody they do not list")?;
        for (what, then, now) in changed {
            again.compare(judged, &format!("{what}, which are not those of the opening"), &now, then);
        }
        again.reviews(part, opened_at, &judgement, &mut said)?;
        again.excuse(judged, before);
    }
    Ok(again)
}

/// What was said of a request so far.
#[derive(Default)]
struct Said {
    approvals: Vec<(Standing, Assurance)>,
    /// Those of them who can no longer be weighed, by account.
    unknown: BTreeSet<u64>,
    erased: Erased,
    /// How long it had waited when people were last reminded, or others last let in.
    waited: Millis,
    /// When it was last judged or weighed anew, in milliseconds since 1970 UTC.
    changed_at: Option<i64>,
    /// Whether all that was asked for had been met just before.
    was_met: bool,
    /// Whether it is met at the end of what follows one judgement.
    is_met: bool,
    is_denied: bool,
}

impl Said {
    /// Whoever an entry is about.
    fn who(&mut self, entry: &Value) -> Result<Account, String> {
        self.erased.account(&entry["reviewer"]).map_or_else(|| read(&entry["reviewer"], "reviewer"), Ok)
    }

    /// Who spoke, as recorded, how surely, and what they said.
    fn review(&mut self, entry: &Value) -> Result<(Standing, Assurance, Verdict), String> {
        let via: Channel = read(&entry["via"], "via")?;
        Ok((standing(self.who(entry)?, entry), via.assurance(), read(&entry["verdict"], "verdict")?))
    }

    /// Somebody's access or teams changed; false if they are as they were.
    fn weigh(&mut self, account: &Account, entry: &Value) -> bool {
        let mut is_other = false;
        for (by, _) in self.approvals.iter_mut().filter(|(by, _)| by.account.id == account.id) {
            let now = standing(account.clone(), entry);
            is_other |= (now.permission, &now.teams) != (by.permission, &by.teams);
            *by = now;
        }
        is_other
    }

    /// Whether all that is asked for is met, by people whose word can be weighed.
    fn meets(&self, judgement: &Judgement) -> bool {
        let is_counted = self.approvals.iter().all(|(by, _)| !self.unknown.contains(&by.account.id));
        is_counted && judgement.asks() && decide::is_met(&decide::tally(judgement, &self.voices(), self.waited))
    }

    /// It is judged or weighed anew at this moment.
    fn change(&mut self, at: Option<i64>, was_met: bool) {
        if self.changed_at != at {
            (self.changed_at, self.was_met) = (at, was_met);
        }
    }

    fn voices(&self) -> Vec<Voice<'_>> {
        self.approvals.iter().map(|(standing, assurance)| Voice { standing, assurance: *assurance }).collect()
    }

    fn refusals(&self, judgement: &Judgement, by: &Standing, assurance: Assurance, verdict: Verdict) -> Vec<Refusal> {
        decide::refusals(judgement, &self.voices(), Voice { standing: by, assurance }, verdict, self.waited)
    }
}

impl Again {
    /// The exit code: whether it comes out the same, and if so, whether all of it could be asked.
    pub fn code(&self) -> u8 {
        match self.difference() {
            Some(_) => 1,
            None if self.is_partial || !self.differences.is_empty() => 2,
            None => 0,
        }
    }

    /// The first difference that nothing explains: another catalogue of agents, by another version, explains some.
    pub fn difference(&self) -> Option<&Difference> {
        self.differences.iter().find(|it| !it.is_excused)
    }

    fn compare(&mut self, entry: &Value, what: &str, recorded: &Value, again: Value) {
        self.compare_what(Explained::Never, entry, what, recorded, again);
    }

    fn compare_what(&mut self, explained: Explained, entry: &Value, what: &str, recorded: &Value, again: Value) {
        let again = Record::without_nulls(again);
        if *recorded != again {
            let (entry, what, recorded) = (seq(entry), visible(what), recorded.clone());
            let difference = Difference { entry, explained, is_excused: false, catalogue: None, what, recorded, again };
            self.differences.push(difference);
        }
    }

    fn note(&mut self, note: &str) {
        self.notes.push(visible(note));
    }

    fn reviews(
        &mut self,
        entries: &[Value],
        opened_at: Option<i64>,
        judgement: &Judgement,
        said: &mut Said,
    ) -> Result<(), String> {
        let opening = &entries[0];
        let mut denied = said.is_denied || !judgement.denied_by.is_empty();
        let mut decided = false;
        for entry in entries {
            let kind = entry["type"].as_str().unwrap_or_default();
            match kind {
                "request.rejudged" => said.change(entry["time"].as_i64(), said.is_met),
                "review.struck" | "review.weighed" => said.change(entry["time"].as_i64(), said.meets(judgement)),
                _ => {}
            }
            match kind {
                "review.recorded" => {
                    let (by, assurance, verdict) = said.review(entry)?;
                    self.reviews += 1;
                    if self.can_weigh(&by.account, entry, judgement) {
                        let why = said.refusals(judgement, &by, assurance, verdict);
                        let what = format!("what stands against the word of {}", by.account.login);
                        self.compare_what(Explained::of(&why), entry, &what, &json!([]), to_json(&why));
                    } else {
                        said.unknown.insert(by.account.id);
                    }
                    match verdict {
                        Verdict::Approve => said.approvals.push((by, assurance)),
                        Verdict::Deny => {
                            said.is_denied = true;
                            denied = true;
                        }
                    }
                }
                "attempt.refused" => {
                    let (by, assurance, verdict) = said.review(entry)?;
                    self.reviews += 1;
                    if !self.can_weigh(&by.account, entry, judgement) {
                        continue;
                    }
                    let closed = to_json(&[Refusal::Closed]);
                    let why = if decided && entry["why"] == closed {
                        closed
                    } else {
                        let mut why = said.refusals(judgement, &by, assurance, verdict);
                        // The log does not hold which page they saw.
                        let saw = to_json(&Refusal::SawAnother);
                        if entry["why"].as_array().is_some_and(|recorded| recorded.contains(&saw)) {
                            why.push(Refusal::SawAnother);
                        }
                        to_json(&why)
                    };
                    let what = format!("why {} was refused", by.account.login);
                    self.compare_what(Explained::IfJudgedOtherwise, entry, &what, &entry["why"], why);
                }
                "review.struck" => {
                    let struck = said.who(entry)?;
                    said.approvals.retain(|(by, _)| by.account.id != struck.id);
                }
                "review.weighed" => {
                    let account = said.who(entry)?;
                    let can_tell = entry["teams"].is_array() && !said.unknown.contains(&account.id);
                    if !said.weigh(&account, entry) && can_tell {
                        let what = format!("what {} was before", account.login);
                        self.compare(entry, &what, &entry["permission"], Value::Null);
                    }
                }
                "request.escalated" | "request.reminded" => {
                    let waited = entry["waited"].as_i64().unwrap_or_default();
                    let passed = entry["time"].as_i64().zip(opened_at).map(|(now, then)| now.saturating_sub(then));
                    said.waited = passed.map_or(waited, |passed| waited.min(passed));
                    self.compare(entry, "how long it had waited", &entry["waited"], said.waited.into());
                    if !is_an_instant(judgement, said.waited) {
                        let what = "when people are reminded, or others let in";
                        self.compare(entry, what, &entry["waited"], Value::Null);
                    }
                }
                "decision.voided" => decided = false,
                "decision.recorded" => {
                    decided = true;
                    self.decision(entry, opening, judgement, said, denied);
                }
                _ => {}
            }
        }
        said.is_met = said.meets(judgement);
        Ok(())
    }

    /// Whether somebody's word can be weighed again. What cannot is taken as recorded, and told.
    fn can_weigh(&mut self, account: &Account, entry: &Value, judgement: &Judgement) -> bool {
        let can_be = can_be_weighed(entry, judgement);
        let is_erased = Erased::is_one(account);
        if is_erased || !can_be {
            let who = &account.login;
            let lost =
                if is_erased { format!("who {who} is was erased") } else { format!("the teams of {who} were erased") };
            let how =
                if can_be { "weighed again by what was recorded of them" } else { "their word is taken as recorded" };
            self.note(&format!("entry {}: {lost}; {how}", entry["seq"]));
        }
        self.is_partial |= !can_be;
        can_be
    }

    fn decision(&mut self, entry: &Value, opening: &Value, judgement: &Judgement, said: &Said, denied: bool) {
        let tally = decide::tally(judgement, &said.voices(), said.waited);
        let is_counted = said.approvals.iter().all(|(by, _)| !said.unknown.contains(&by.account.id));
        if is_counted {
            let what = "how far each requirement is met";
            self.compare_what(Explained::IfJudgedOtherwise, entry, what, &entry["quorum"], to_json(&tally));
        }
        let is_late = entry["time"].as_i64() >= opening["expires_at"].as_i64() && opening["expires_at"].is_i64();
        let recorded = entry["outcome"].as_str().unwrap_or_default();
        self.outcome = Some(recorded.to_owned());
        self.outcome_came_from_outside = matches!(recorded, "superseded" | "withdrawn");
        if self.outcome_came_from_outside {
            return;
        }
        // A server that judges or weighs anew looks first whether the time is over; what was met before it has released.
        let is_anew = said.changed_at.is_some() && said.changed_at == entry["time"].as_i64() && !said.was_met;
        let is_over = is_late && is_anew && !said.is_denied;
        let again = if is_over && recorded == "expired" {
            "expired"
        } else if denied {
            "denied"
        } else if !judgement.asks() {
            "not_required"
        } else if !is_counted {
            return;
        } else if decide::is_met(&tally) {
            "approved"
        } else if is_late {
            "expired"
        } else {
            "none yet"
        };
        self.compare_what(Explained::IfJudgedOtherwise, entry, "outcome", &entry["outcome"], again.into());
    }
}

/// Whether people are reminded, or others let in, when it has waited so long.
fn is_an_instant(judgement: &Judgement, waited: Millis) -> bool {
    let mut later = judgement.quorum.iter().flat_map(Quorum::groups).flat_map(|group| &group.later);
    judgement.remind.contains(&waited) || later.any(|step| step.after == waited)
}

/// Somebody's access and teams, as recorded.
fn standing(account: Account, entry: &Value) -> Standing {
    let permission = read(&entry["permission"], "permission").unwrap_or(Permission::None);
    let teams = entry["teams"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    Standing { account, permission, teams }
}

fn seq(entry: &Value) -> u64 {
    entry["seq"].as_u64().unwrap_or_default()
}

fn read<T: DeserializeOwned>(value: &Value, name: &str) -> Result<T, String> {
    T::deserialize(value).map_err(|error| format!("{name} cannot be read: {error}"))
}

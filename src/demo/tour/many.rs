//! Many deployments down the same road, with mixed outcomes in known proportion, and one account of all of them.
//!
//! One loop drives all of it. Whenever GitHub changes it looks once, under one lock, at the few deployments that are under
//! way, and does what their people would do next. Each lane is a repository in which one deployment follows the other.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use super::Place;
use super::ledger::Commands;
use super::markup::Style;
use super::screen::Screen;
use super::stage::{PATIENCE, Stage, deploy_before_the_rule, populate_people};
use crate::demo::state::State;
use crate::demo::{Commit, Deploy, GitHub, PullRequest, RunId};

/// Deployments under way at once.
const LANES: usize = 64;
/// Changes are looked at together: not more often than this.
const GLANCE: Duration = Duration::from_millis(2);
/// Entries read from the ledger at once.
const PAGE: usize = 1_000;

/// What becomes of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Course {
    Released,
    Refused,
    Denied,
    NotHeld,
    Expired,
}

/// Ten deployments in this order, again and again.
const MIX: [Course; 10] = {
    use Course::{Denied, Expired, NotHeld, Refused, Released};
    [Released, NotHeld, Refused, Denied, Expired, Released, Released, NotHeld, Refused, Released]
};

impl Course {
    /// What it is, for people.
    fn words(self) -> &'static str {
        match self {
            Self::Released => "seconded by alice",
            Self::Refused => "mona refused, then seconded by alice",
            Self::Denied => "denied by alice",
            Self::NotHeld => "no agent had a part: no second needed",
            Self::Expired => "nobody came for a day: denied",
        }
    }

    /// What GitHub has to be told, and how the check run has to end, if there is one.
    fn on_github(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Released | Self::Refused => ("approved", Some("success")),
            Self::Denied => ("rejected", Some("failure")),
            Self::NotHeld => ("approved", None),
            Self::Expired => ("rejected", Some("timed_out")),
        }
    }

    /// What the ledger has to say.
    fn in_ledger(self) -> &'static str {
        match self {
            Self::Released | Self::Refused => "approved",
            Self::Denied => "denied",
            Self::NotHeld => "not_required",
            Self::Expired => "expired",
        }
    }
}

/// One deployment under way.
struct Deployment {
    run: RunId,
    course: Course,
    /// Whether mona was seen to be refused, or alice has pressed.
    stage: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Asked,
    AuthorPressed,
    ColleaguePressed,
}

/// What happens next to a deployment.
enum Next {
    Press {
        check: u64,
        button: &'static str,
        login: &'static str,
        then: Progress,
    },
    /// Nobody will come.
    Leave,
    /// GitHub was told.
    Over {
        released: bool,
    },
}

/// Sends `count` deployments and accounts for every one.
pub(super) async fn send(
    stage: &Stage,
    count: u32,
    place: &Place,
    commands: &Commands,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    screen.title(
        "Seconder",
        "The whole road, many times: webhook, facts, decision, check run, click, callback, ledger.",
    )?;
    screen.blank()?;
    screen.say(&format!(
        "{count} deployments, at most {LANES} at once; one server on SQLite; GitHub is played by this program."
    ))?;
    let bar = ProgressBar::new(count.into()).with_style(
        ProgressStyle::with_template("   {bar:50} {human_pos} of {human_len}, {per_sec}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let began = Instant::now();
    let courses = drive(stage, count, &bar).await?;
    stage.quiet().await?;
    let took = began.elapsed();
    bar.finish_and_clear();
    let told = account_on_github(&stage.github, &courses)?;
    account_in_ledger(stage, &courses).await?;
    commands.export(stage, place).await?;
    let verdict = commands.verify(&place.ledger, place).await?;
    ensure!(verdict.verified, "the exported ledger does not verify: {}", verdict.words);

    screen.blank()?;
    let row =
        |course: &str, sent: &str, github: &str, ledger: &str| format!("{course:<42}{sent:>6}    {github:<18}{ledger}");
    screen.row(&row("what became of it", "sent", "GitHub was told", "the ledger says"), Style::Dim)?;
    for (course, n) in &told {
        let on_github = format!("{n} {}", course.on_github().0);
        let in_ledger = format!("{n} {}", course.in_ledger());
        screen.row(&row(course.words(), &n.to_string(), &on_github, &in_ledger), Style::Plain)?;
    }
    screen.blank()?;
    let rate = f64::from(count) / took.as_secs_f64();
    let build = if cfg!(debug_assertions) { ", in a debug build" } else { "" };
    screen.fact("Every deployment has exactly one decision, the one expected, on GitHub and in the ledger.")?;
    screen.fact(&format!("{count} deployments in {:.1} s: {rate:.0} a second{build}.", took.as_secs_f64()))?;
    screen.blank()?;
    screen.command("seconder ledger verify ledger --vkey log.vkey --openings openings.jsonl")?;
    screen.printed(&verdict.words, Style::Good)
}

/// Drives all deployments to their ends; returns what was meant to become of each.
async fn drive(stage: &Stage, count: u32, bar: &ProgressBar) -> anyhow::Result<HashMap<RunId, Course>> {
    let mut changes = stage.github.shared.changes();
    let mut courses = HashMap::new();
    let mut mix = MIX.into_iter().cycle().take(count as usize);
    let mut lanes: Vec<(String, Option<Deployment>)> = Vec::new();
    for number in 0..LANES.min(count as usize) {
        let repository = format!("acme/service-{number:02}");
        stage.github.repository(&repository);
        populate_people(&stage.github, &repository);
        deploy_before_the_rule(&stage.github, &repository);
        lanes.push((repository, None));
    }
    let (mut left_alone, mut last_move) = (Vec::new(), Instant::now());
    loop {
        for (repository, slot) in lanes.iter_mut().filter(|(_, slot)| slot.is_none()) {
            let Some(course) = mix.next() else { break };
            let run = deploy(&stage.github, repository, course)?;
            courses.insert(run, course);
            *slot = Some(Deployment { run, course, stage: Progress::Asked });
        }
        let slots: Vec<&mut Option<Deployment>> =
            lanes.iter_mut().map(|(_, slot)| slot).filter(|s| s.is_some()).collect();
        if slots.is_empty() {
            break;
        }
        let nexts: Vec<Option<Next>> =
            stage.github.shared.read(|state| slots.iter().map(|slot| next(state, slot.as_ref()?)).collect());
        for (slot, next) in slots.into_iter().zip(nexts) {
            let (Some(next), Some(deployment)) = (next, slot.as_mut()) else { continue };
            last_move = Instant::now();
            match next {
                Next::Press { check, button, login, then } => {
                    ensure!(stage.github.click(check, button, login), "run {}: no button {button}", deployment.run);
                    deployment.stage = then;
                }
                Next::Leave => left_alone.extend(slot.take().map(|deployment| deployment.run)),
                Next::Over { released } => {
                    if released {
                        stage.github.finish(deployment.run, true);
                    }
                    *slot = None;
                    bar.inc(1);
                }
            }
        }
        wait(&mut changes, last_move).await?;
    }
    expire(stage, left_alone, bar).await?;
    Ok(courses)
}

/// Waits for a change, and then for those that come with it.
async fn wait(changes: &mut tokio::sync::watch::Receiver<u64>, last_move: Instant) -> anyhow::Result<()> {
    if last_move.elapsed() > PATIENCE || tokio::time::timeout(PATIENCE, changes.changed()).await.is_err() {
        bail!("nothing moved for {PATIENCE:?}");
    }
    tokio::time::sleep(GLANCE).await;
    changes.mark_unchanged();
    Ok(())
}

/// A day passes at once: nobody came, and all that is left is denied.
async fn expire(stage: &Stage, mut left: Vec<RunId>, bar: &ProgressBar) -> anyhow::Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    stage.quiet().await?;
    let store = stage.server()?.store();
    let first = store.next_due().await?.context("requests wait, but none of them would ever expire")?;
    // All were opened since the first one, so all are due as long after it as we are now; and a second more.
    let opened_within = i64::try_from(bar.elapsed().as_millis())? + 1_000;
    stage.clock.advance(first - stage.clock.now() + opened_within);
    let (mut changes, mut last_move) = (stage.github.shared.changes(), Instant::now());
    while !left.is_empty() {
        let before = left.len();
        stage.github.shared.read(|state| {
            left.retain(|run| state.runs.get(&run.0).is_some_and(|run| run.callbacks.is_empty()));
        });
        if left.len() < before {
            last_move = Instant::now();
            bar.inc((before - left.len()) as u64);
        } else {
            wait(&mut changes, last_move).await?;
        }
    }
    Ok(())
}

/// A change on top of what runs, with its pull request, reaches production.
fn deploy(github: &GitHub, repository: &str, course: Course) -> anyhow::Result<RunId> {
    let running = github.at(repository, |state, place| {
        let active = state.environment(place, "production").active;
        let number = state.repositories[place].runs;
        Some((number, state.deployments.get(&active?)?.sha.clone()))
    });
    let (number, sha) = running.flatten().context("nothing runs in production")?;
    let trailer = if course == Course::NotHeld { "" } else { "\n\nCo-Authored-By: Claude <noreply@anthropic.com>" };
    let mut commit = Commit::by("mona", format!("Round prices to the cent{trailer}")).on(&format!("change-{number}"));
    commit.parents = vec![sha];
    let sha = github.commit(repository, &commit);
    let pull_request = PullRequest {
        author: "mona".to_owned(),
        head_branch: format!("change-{number}"),
        title: "Round prices to the cent".to_owned(),
        commits: vec![sha.clone()],
        merged_as: Some(sha.clone()),
        ..PullRequest::default()
    };
    github.pull_request(repository, &pull_request);
    Ok(github.deploy(repository, &Deploy::to("production", &sha, "mona")))
}

/// What happens next, if anything does yet.
fn next(state: &State, deployment: &Deployment) -> Option<Next> {
    let run = state.runs.get(&deployment.run.0)?;
    if let Some(told) = run.callbacks.first() {
        return Some(Next::Over { released: told.state.as_deref() == Some("approved") });
    }
    let checks = state.checks_by_commit.get(&(run.repository, run.head_sha.clone()))?;
    let check = state.checks.get(checks.first()?).filter(|check| !check.actions.is_empty())?;
    let press = |button, login, then| Some(Next::Press { check: check.id, button, login, then });
    match (deployment.course, deployment.stage) {
        (Course::Released, Progress::Asked) => press("approve", "alice", Progress::ColleaguePressed),
        (Course::Denied, Progress::Asked) => press("deny", "alice", Progress::ColleaguePressed),
        (Course::Refused, Progress::Asked) => press("approve", "mona", Progress::AuthorPressed),
        (Course::Refused, Progress::AuthorPressed) => {
            let is_refused = check.summary.as_deref().unwrap_or_default().contains("`mona` could not approve");
            is_refused.then(|| press("approve", "alice", Progress::ColleaguePressed)).flatten()
        }
        (Course::Expired, Progress::Asked) => Some(Next::Leave),
        _ => None,
    }
}

/// Every run was told one decision, the one expected, and its check run shows it.
fn account_on_github(github: &GitHub, courses: &HashMap<RunId, Course>) -> anyhow::Result<BTreeMap<Course, usize>> {
    let mut counts = BTreeMap::new();
    github.shared.read(|state| {
        for (id, course) in courses {
            let run = state.runs.get(&id.0).with_context(|| format!("run {id} is gone"))?;
            let (expected, conclusion) = course.on_github();
            let told: Vec<_> = run.callbacks.iter().map(|told| told.state.as_deref().unwrap_or("nothing")).collect();
            ensure!(told == [expected], "run {id} was told {told:?} instead of one {expected}");
            let checks = state.checks_by_commit.get(&(run.repository, run.head_sha.clone()));
            let shown: Vec<_> =
                checks.into_iter().flatten().filter_map(|id| state.checks.get(id)?.conclusion.as_deref()).collect();
            ensure!(shown.iter().copied().eq(conclusion), "run {id}: its check runs say {shown:?}, not {conclusion:?}");
            *counts.entry(*course).or_default() += 1;
        }
        ensure!(
            state.runs.values().map(|run| run.callbacks.len()).sum::<usize>() == courses.len(),
            "too many decisions"
        );
        ensure!(
            state.journal.unknown.is_empty(),
            "GitHub was asked for what it does not have: {:?}",
            state.journal.unknown
        );
        Ok(())
    })?;
    Ok(counts)
}

/// The few fields of an entry that say what became of a run.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    record_type: String,
    corr: Option<String>,
    run: Option<EntryRun>,
    outcome: Option<String>,
}

#[derive(Deserialize)]
struct EntryRun {
    id: u64,
}

/// What the ledger says of one run.
#[derive(Default)]
struct Told {
    outcomes: Vec<String>,
    refusals: usize,
    results: usize,
}

/// Every run has one request, one decision, the one expected, and GitHub's one answer to it.
async fn account_in_ledger(stage: &Stage, courses: &HashMap<RunId, Course>) -> anyhow::Result<()> {
    let (log, ledger) = (stage.log().await?, stage.server()?.store().ledger());
    let mut runs: HashMap<String, RunId> = HashMap::new();
    let mut told: HashMap<String, Told> = HashMap::new();
    let mut seq = 0;
    while seq < log.size {
        let lines = ledger.entries(log.tenant, seq, log.size, PAGE).await?;
        seq += lines.len() as u64;
        for line in &lines {
            let entry: Entry = serde_json::from_str(line)?;
            let Some(request) = entry.corr else { continue };
            if let Some(run) = entry.run {
                runs.insert(request.clone(), RunId(run.id));
            }
            let told = told.entry(request).or_default();
            match entry.record_type.as_str() {
                "decision.recorded" => told.outcomes.extend(entry.outcome),
                "attempt.refused" => told.refusals += 1,
                "callback.result" => told.results += 1,
                _ => {}
            }
        }
    }
    ensure!(told.len() == courses.len(), "{} requests in the ledger for {} deployments", told.len(), courses.len());
    for (request, told) in &told {
        let run = runs.get(request).with_context(|| format!("request {request} was never opened"))?;
        let course = courses.get(run).with_context(|| format!("the ledger knows run {run}, GitHub does not"))?;
        ensure!(told.outcomes == [course.in_ledger()], "run {run}: the ledger has {:?}, not {course:?}", told.outcomes);
        ensure!(told.refusals == usize::from(*course == Course::Refused), "run {run}: {} refusals", told.refusals);
        ensure!(told.results == 1, "run {run}: {} answers of GitHub in the ledger", told.results);
    }
    Ok(())
}

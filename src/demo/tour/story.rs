//! One deployment from an agent's commit to a ledger that a stranger can check. Nothing is told before it was checked.

use std::fs;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Place;
use super::ledger::{Commands, copy, forge};
use super::markup::{Style, section};
use super::screen::Screen;
use super::stage::{BOT, SHOP, Stage};
use crate::demo::{CheckRun, Commit, Deploy, PullRequest, RunId};

/// What Claude Code leaves below a commit message.
const MESSAGE: &str = "Speed up checkout\n\nKeep the price list between requests.\n\n\
    🤖 Generated with [Claude Code](https://claude.com/claude-code)\n\nCo-Authored-By: Claude <noreply@anthropic.com>";

/// The deployment the story is about.
struct Deployment {
    run: RunId,
    sha: String,
    check: u64,
}

/// Tells it.
pub(super) async fn tell(stage: &Stage, place: &Place, commands: &Commands, screen: &mut Screen) -> anyhow::Result<()> {
    let began = Instant::now();
    introduce(screen)?;
    screen.pause().await;
    let deployment = hold(stage, screen).await?;
    screen.pause().await;
    refuse_the_author(stage, &deployment, screen).await?;
    screen.pause().await;
    refuse_the_bot(stage, &deployment, screen).await?;
    screen.pause().await;
    second(stage, &deployment, screen).await?;
    screen.pause().await;
    export(stage, place, commands, screen).await?;
    screen.pause().await;
    forge_a_copy(stage, place, commands, screen).await?;
    screen.pause().await;
    screen.blank()?;
    screen.fact(&format!(
        "All of this just happened, in {:.1} s; each step was checked on GitHub and in the ledger.",
        began.elapsed().saturating_sub(screen.paused()).as_secs_f64()
    ))
}

fn introduce(screen: &mut Screen) -> anyhow::Result<()> {
    screen.title(
        "Seconder",
        "An AI agent may propose. A different human must second. Everybody can check later that one did.",
    )?;
    screen.step(1, "The scene")?;
    screen.entry("acme/shop", "a repository; nothing reaches its `production` before Seconder agrees")?;
    screen.entry("mona", "a developer; she works with an AI agent, Claude Code")?;
    screen.entry("alice", "a developer; she has no part in what follows")?;
    screen.entry("shopbot", "a bot that may write to the repository")?;
    screen.blank()?;
    screen.say(
        "GitHub is played by a part of this program, as strict as the real one. Seconder is the real server: real \
         HTTP, real signatures, a real database. Nothing leaves this machine.",
    )
}

async fn hold(stage: &Stage, screen: &mut Screen) -> anyhow::Result<Deployment> {
    let sha = stage.github.commit(SHOP, &Commit::by("mona", MESSAGE));
    let pull_request = PullRequest {
        author: "mona".to_owned(),
        head_branch: "faster-checkout".to_owned(),
        title: "Speed up checkout".to_owned(),
        commits: vec![sha.clone()],
        merged_as: Some(sha.clone()),
        ..PullRequest::default()
    };
    let number = stage.github.pull_request(SHOP, &pull_request);
    let run = stage.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    let check = find_check(stage, &sha, "the check run with its buttons", |check| !check.actions.is_empty()).await?;
    stage.until("the note on the waiting run", |github| !github.notes(run).is_empty()).await?;

    let view = stage.github.run(run).context("the run is gone")?;
    ensure!(view.status == "waiting", "the run is {}, not waiting", view.status);
    ensure!(stage.github.callbacks(run).is_empty(), "GitHub was told something before anybody decided");
    ensure!(
        check.conclusion.as_deref() == Some("action_required"),
        "the check run asks nobody: {:?}",
        check.conclusion
    );
    let text = check.text.as_deref().unwrap_or_default();
    ensure!(text.contains("Claude Code"), "the check run does not name the agent:\n{text}");
    let opened = stage.entry("request.opened", |_| true).await?;
    ensure!(opened["head_sha"] == sha.as_str() && opened["ai_commits"] == 1, "the ledger tells otherwise: {opened}");

    screen.step(2, "An agent's commit reaches production, and waits")?;
    screen.say(&format!(
        "Pull request #{number} by **mona** is merged; its commit was written with Claude Code. The deploy workflow runs, \
         and at `production` GitHub stops and asks Seconder. So far mona is the only human who has had a say. On the \
         commit everybody now sees:"
    ))?;
    screen.blank()?;
    show_check(&check, screen)?;
    screen.blank()?;
    screen.fact(&format!(
        "GitHub holds run {run}. The ledger has it as entry {}, written before anybody was asked.",
        opened["seq"]
    ))?;
    Ok(Deployment { run, sha, check: check.id })
}

async fn refuse_the_author(stage: &Stage, held: &Deployment, screen: &mut Screen) -> anyhow::Result<()> {
    let told = refused(stage, held, "mona").await?;
    screen.step(3, "The author clicks Approve")?;
    screen.say("**mona** may write here, so GitHub lets her press the button. The check run answers:")?;
    screen.blank()?;
    screen.quote("GitHub, the same check run: Not counted")?;
    screen.quoted(&told, Style::Plain)?;
    screen.unquote()?;
    screen.blank()?;
    screen.refusal("Refused. Nobody seconds what they had a part in; no role, setting or emergency changes that.")?;
    still_waits(stage, held, "mona", screen).await
}

async fn refuse_the_bot(stage: &Stage, held: &Deployment, screen: &mut Screen) -> anyhow::Result<()> {
    let told = refused(stage, held, BOT).await?;
    screen.step(4, "A machine tries")?;
    screen.say("Then **shopbot** presses it: an agent that could do that could second itself.")?;
    screen.blank()?;
    screen.quote("GitHub, the same check run: Not counted")?;
    screen.quoted(&told, Style::Plain)?;
    screen.unquote()?;
    screen.blank()?;
    screen.refusal("Refused. Only humans second.")?;
    still_waits(stage, held, BOT, screen).await
}

async fn second(stage: &Stage, held: &Deployment, screen: &mut Screen) -> anyhow::Result<()> {
    ensure!(stage.github.click(held.check, "approve", "alice"), "the Approve button is gone");
    stage.until("the decision", |github| !github.callbacks(held.run).is_empty()).await?;
    let check =
        find_check(stage, &held.sha, "the check run to close", |check| check.conclusion.as_deref() == Some("success"))
            .await?;
    let result = stage.entry("callback.result", |_| true).await?;
    stage.github.finish(held.run, true);

    let decisions = stage.github.callbacks(held.run);
    let [decision] = decisions.as_slice() else {
        anyhow::bail!("GitHub was told {} decisions instead of one", decisions.len());
    };
    ensure!(decision.state.as_deref() == Some("approved"), "GitHub was told {:?}", decision.state);
    ensure!(decision.comment.contains("Seconded by alice"), "the comment names nobody: {}", decision.comment);
    ensure!(check.actions.is_empty(), "the buttons are still there");
    let view = stage.github.run(held.run).context("the run is gone")?;
    ensure!(view.conclusion.as_deref() == Some("success"), "the run ended as {:?}", view.conclusion);
    let recorded = stage.entry("decision.recorded", |_| true).await?;
    ensure!(recorded["approvers"][0]["login"] == "alice", "the ledger names somebody else: {recorded}");
    ensure!(
        decision.comment.contains(&format!("Ledger entry {}.", recorded["seq"])),
        "the comment names another entry: {}",
        decision.comment
    );

    screen.step(5, "A different human seconds it")?;
    screen.say(
        "**alice** reads the same page and clicks Approve. Seconder asks GitHub who she is, what she may do here, and \
         whether the run is still the one she saw; writes the decision down; and only then lets the run go:",
    )?;
    screen.blank()?;
    screen.quote("GitHub, on the run: approved by seconder[bot]")?;
    screen.quoted(&decision.comment, Style::Plain)?;
    screen.unquote()?;
    screen.blank()?;
    screen.fact(&format!(
        "The deployment ran and succeeded. The check run is closed: “{}”.",
        check.title.unwrap_or_default()
    ))?;
    screen.fact(&format!(
        "The decision is entry {}, written before GitHub was told; what GitHub answered is entry {}.",
        recorded["seq"], result["seq"]
    ))
}

async fn export(stage: &Stage, place: &Place, commands: &Commands, screen: &mut Screen) -> anyhow::Result<()> {
    stage.quiet().await?;
    commands.export(stage, place).await?;
    let verdict = commands.verify(&place.ledger, place).await?;
    ensure!(verdict.verified, "the exported ledger does not verify: {}", verdict.words);
    let entries = stage.entries().await?;
    let refused = entries.iter().filter(|entry| entry["type"] == "attempt.refused").count();
    ensure!(refused == 2, "the ledger has {refused} refused attempts instead of two");
    let exported = fs::read_to_string(place.ledger.join("entries.jsonl"))?;
    let sealed: Vec<Value> = exported.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(sealed.len() == entries.len(), "the export has another number of entries");
    ensure!(!exported.contains("alice") && !exported.contains("mona"), "the export names somebody");
    let decision = sealed.iter().find(|e| e["type"] == "decision.recorded").context("the ledger has no decision")?;

    screen.step(6, "An auditor checks the ledger")?;
    screen.say("Every step left an entry, the refusals too:")?;
    screen.blank()?;
    entries.iter().try_for_each(|entry| screen.row(&in_one_line(entry), Style::Plain))?;
    screen.blank()?;
    screen.say(
        "Each is a line of JSON, chained by hash; together they are the leaves of a Merkle tree whose root is signed. \
         In it people have no names: a person is a subject, a login and a text are sealed, and what opens them is kept \
         beside it. Exported to a folder all is checked offline, with a key the auditor has from elsewhere, and the names if \
         they may see them:",
    )?;
    screen.blank()?;
    screen.command("seconder ledger verify ledger --vkey log.vkey --openings openings.jsonl")?;
    screen.printed(&verdict.words, Style::Good)?;
    screen.blank()?;
    screen.quote(&format!("entry {}, most of it", decision["seq"]))?;
    let mut shown = decision.clone();
    shown["approver"] = decision["approvers"][0]["id"].clone();
    screen.fields(&shown, &["type", "outcome", "approver", "quorum", "request_digest", "prev"])?;
    screen.unquote()?;
    screen.blank()?;
    screen.fact("That the approver is alice is told by the openings; that they wrote none of it, by the ledger alone.")
}

/// Its place, its type, and who or what it is about.
fn in_one_line(entry: &Value) -> String {
    let word = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    let about = match word(&entry["type"]).as_str() {
        "request.opened" => format!("{}, {} commit by an agent", word(&entry["environment"]), entry["ai_commits"]),
        "attempt.refused" | "review.recorded" => {
            format!("{}: {}", word(&entry["reviewer"]["login"]), word(&entry["verdict"]))
        }
        "decision.recorded" => word(&entry["outcome"]),
        "callback.sent" => word(&entry["state"]),
        "callback.result" => format!("{}, HTTP {}", word(&entry["state"]), entry["status"]),
        _ => String::new(),
    };
    format!("{:>3}  {:<19}{about}", entry["seq"].as_u64().unwrap_or_default(), word(&entry["type"]))
        .trim_end()
        .to_owned()
}

async fn forge_a_copy(stage: &Stage, place: &Place, commands: &Commands, screen: &mut Screen) -> anyhow::Result<()> {
    let (before, after) = ("\"ai_commits\":1", "\"ai_commits\":0");
    let copied = stage.folder().join("forged");
    copy(&place.ledger, &copied)?;
    let line = forge(&copied.join("entries.jsonl"), before, after)?;
    let verdict = commands.verify(&copied, place).await?;
    fs::remove_dir_all(&copied)?;
    ensure!(!verdict.verified, "a changed byte in line {line} was not noticed");
    let again = commands.verify(&place.ledger, place).await?;
    ensure!(again.verified, "the untouched ledger no longer verifies: {}", again.words);

    screen.step(7, "Somebody changes one byte")?;
    screen.say(&format!(
        "In a copy, on line {line}, `{before}` becomes `{after}`: no agent ever touched that commit. The same command:"
    ))?;
    screen.blank()?;
    screen.command("seconder ledger verify forged --vkey log.vkey --openings openings.jsonl")?;
    screen.printed(&verdict.words, Style::Bad)?;
    screen.blank()?;
    screen.fact("Caught. The untouched ledger still verifies.")
}

/// Waits until the check run on a commit looks as wanted.
async fn find_check(
    stage: &Stage,
    sha: &str,
    what: &str,
    wanted: impl Fn(&CheckRun) -> bool,
) -> anyhow::Result<CheckRun> {
    let mut found = None;
    stage
        .until(what, |github| {
            found = github.check_runs(SHOP, sha).into_iter().find(|check| wanted(check));
            found.is_some()
        })
        .await?;
    found.with_context(|| format!("waited in vain for {what}"))
}

/// Presses Approve as somebody who may not, and returns what the check run says to that.
async fn refused(stage: &Stage, held: &Deployment, login: &str) -> anyhow::Result<String> {
    ensure!(stage.github.click(held.check, "approve", login), "the Approve button is gone");
    let told = |check: &CheckRun| -> Option<String> {
        let lines = section(check.summary.as_deref()?, "Not counted");
        lines.iter().find(|line| line.contains(&format!("`{login}` could not approve"))).map(|line| (*line).to_owned())
    };
    let check = find_check(stage, &held.sha, "the refusal", |check| told(check).is_some()).await?;
    told(&check).context("the check run does not say why")
}

async fn still_waits(stage: &Stage, held: &Deployment, login: &str, screen: &mut Screen) -> anyhow::Result<()> {
    let entry = stage.entry("attempt.refused", |entry| entry["reviewer"]["login"] == login).await?;
    let view = stage.github.run(held.run).context("the run is gone")?;
    ensure!(view.status == "waiting", "the run is {} after {login} was refused", view.status);
    ensure!(stage.github.callbacks(held.run).is_empty(), "GitHub was told something although {login} was refused");
    screen.fact(&format!("The run still waits. The attempt is entry {} in the ledger.", entry["seq"]))
}

/// Shows a check run: its headline, its buttons, and what an approver has to know.
fn show_check(check: &CheckRun, screen: &mut Screen) -> anyhow::Result<()> {
    let (page, text) = (check.summary.as_deref().unwrap_or_default(), check.text.as_deref().unwrap_or_default());
    let labels: Vec<&str> = check.actions.iter().map(|(_, label)| label.as_str()).collect();
    screen.quote(&format!("GitHub, check run “{}” on {}", check.name, check.head_sha.get(..7).unwrap_or_default()))?;
    screen.headline(check.title.as_deref().unwrap_or_default(), &labels)?;
    for (page, heading) in [
        (page, "Why it is held"),
        (text, "Commits since the last good deployment"),
        (page, "Who can second it"),
        (page, "Who cannot, and why"),
    ] {
        let lines = section(page, heading);
        ensure!(!lines.is_empty(), "the check run does not say: {heading}\n{page}");
        screen.quoted("", Style::Plain)?;
        screen.quoted(heading, Style::Strong)?;
        let points = lines.iter().filter(|line| line.trim_start().starts_with("- "));
        points.copied().try_for_each(|line| screen.quoted(line, Style::Plain))?;
    }
    let expiry = page.lines().find(|line| line.starts_with("Without a decision"));
    screen.quoted("", Style::Plain)?;
    screen.quoted(expiry.context("the check run does not say when it expires")?, Style::Plain)?;
    screen.unquote()
}

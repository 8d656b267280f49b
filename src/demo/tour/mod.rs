//! The guided tour: a fake GitHub, a real Seconder server beside it, and the whole road in the terminal.
//!
//! - `stage` the two servers, the people, and a clock that can be moved on
//! - `story` one deployment, step by step; each step is checked before it is told
//! - `many` N deployments with mixed outcomes, and one account of all of them
//! - `ledger` what was written down, exported and verified with the commands an auditor runs
//! - `screen`, `markup` how it looks in a terminal

mod ledger;
mod many;
mod markup;
mod scratch;
mod screen;
mod stage;
mod story;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

pub use scratch::Scratch;

use ledger::{Commands, shell};
use screen::Screen;
use stage::Stage;

/// What to show, and what to leave behind.
#[derive(Debug)]
pub struct Options {
    /// Without pauses.
    pub fast: bool,
    /// Go on running after the story until Ctrl-C.
    pub keep: bool,
    /// Where the exported ledger and its key go; without it they are thrown away.
    pub out: Option<PathBuf>,
    /// Instead of the story: so many deployments.
    pub deployments: Option<u32>,
    /// Whether colour is welcome on a terminal.
    pub colour: bool,
    /// This program's file, which exports and verifies the ledger.
    pub program: PathBuf,
    /// What this program was called, for commands to copy.
    pub called: String,
}

/// Tells the story on servers that keep their things in `scratch`.
///
/// # Errors
/// If a step did not happen, or not as told.
pub async fn run(options: Options, scratch: Scratch) -> anyhow::Result<()> {
    let commands = Commands { program: options.program.clone(), called: options.called.clone() };
    let place = Place::choose(options.out.as_deref(), scratch.path())?;
    let mut screen = Screen::new(options.colour, options.fast);
    let mut stage = Stage::set(scratch.path()).await?;
    let told = tokio::select! {
        told = tell(&options, &stage, &place, &commands, &mut screen) => told,
        asked = stop_asked() => asked.map_err(Into::into).and_then(|()| Err(anyhow::anyhow!("stopped before the end"))),
    };
    let told = match told {
        Ok(()) if options.keep => keep(&stage, &commands, &scratch, &mut screen).await,
        told => told,
    };
    stage.stop().await;
    told
}

async fn tell(
    options: &Options,
    stage: &Stage,
    place: &Place,
    commands: &Commands,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    match options.deployments {
        Some(count) => many::send(stage, count, place, commands, screen).await?,
        None => story::tell(stage, place, commands, screen).await?,
    }
    if !options.keep || place.stays {
        screen.heading("Where things are")?;
    }
    if place.stays {
        screen.entry("ledger", &format!("`{}`, what an auditor is given", place.ledger.display()))?;
        screen.entry("key", &format!("`{}`, what an auditor has from elsewhere", place.key.display()))?;
        screen.entry("names", &format!("`{}`, for an auditor who may see them", place.openings.display()))?;
        screen.blank()?;
        screen.say("Verify it yourself, offline, today or in ten years:")?;
        screen.command(&commands.verify_line(place))?;
    } else if !options.keep {
        let called = shell(&commands.called);
        screen.say("Nothing stays: servers, database and ledger are gone when this ends. To go further:")?;
        for (options, what) in [
            ("--out DIR", "leaves you the ledger and its key, to verify with this or other people's tools"),
            ("--keep", "leaves both servers running, to try things by hand"),
            ("--deployments 1000", "sends a thousand deployments down the same road"),
        ] {
            screen.blank()?;
            screen.command(&format!("{called} demo {options}"))?;
            screen.aside(what)?;
        }
    }
    screen.blank()
}

/// Leaves everything running until somebody has seen enough.
async fn keep(stage: &Stage, commands: &Commands, scratch: &Scratch, screen: &mut Screen) -> anyhow::Result<()> {
    let (server, github) = (stage.server_url(), stage.github.api_url());
    let called = shell(&commands.called);
    let folder = shell(&scratch.path().display().to_string());
    screen.heading("Still running")?;
    screen.entry("Seconder", &format!("`{server}`, webhooks at /github/webhooks"))?;
    screen.entry("GitHub", &format!("`{github}`, the fake; /_demo/ moves its world"))?;
    screen.entry("folder", &format!("`{}`, with database, key and seconder.log", scratch.path().display()))?;
    for (what, command) in [
        ("Is it well?", format!("curl -s {server}/readyz")),
        (
            "mona's agent writes another commit; it reaches production, and waits:",
            format!("curl -s {github}/_demo/deploy -d '{{\"actor\":\"mona\"}}'"),
        ),
        (
            "alice seconds it; RUN is the `run_id` of that answer:",
            format!("curl -s {github}/_demo/click -d '{{\"run_id\":RUN,\"login\":\"alice\"}}'"),
        ),
        ("What GitHub saw:", format!("curl -s {github}/_demo/stats")),
        ("What the ledger says:", format!("SECONDER_DATA_DIR={folder} {called} ledger export another-ledger")),
    ] {
        screen.blank()?;
        screen.say(what)?;
        screen.command(&command)?;
    }
    screen.blank()?;
    screen.say("**Ctrl-C** stops both and removes the folder.")?;
    stop_asked().await?;
    screen.blank()
}

async fn stop_asked() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        _ = terminate.recv() => Ok(()),
    }
}

/// Where the exported ledger goes, and the key that is trusted: never in the same folder.
struct Place {
    ledger: PathBuf,
    /// The same as the files of a release, where somebody asked for it to stay.
    release: Option<PathBuf>,
    key: PathBuf,
    /// What tells the names that are sealed in it.
    openings: PathBuf,
    /// Whether somebody asked for it to stay.
    stays: bool,
}

impl Place {
    /// Looks before anything starts whether it can be written to.
    fn choose(out: Option<&Path>, scratch: &Path) -> anyhow::Result<Self> {
        let root = out.map_or_else(|| scratch.join("export"), Path::to_owned);
        let place = Self {
            ledger: root.join("ledger"),
            release: out.is_some().then(|| root.join("release")),
            key: root.join("log.vkey"),
            openings: root.join("openings.jsonl"),
            stays: out.is_some(),
        };
        std::fs::create_dir_all(&place.ledger)
            .with_context(|| format!("--out: cannot make {}; choose another folder", place.ledger.display()))?;
        let mut files = std::fs::read_dir(&place.ledger)
            .with_context(|| format!("--out: cannot read {}", place.ledger.display()))?;
        if files.next().is_some() {
            bail!("--out: {} holds something already; choose another folder", place.ledger.display());
        }
        if place.key.exists() {
            bail!(
                "--out: {} is there already and is the key of another ledger; choose another folder",
                place.key.display()
            );
        }
        if let Some(release) = place.release.as_ref().filter(|release| release.exists()) {
            bail!("--out: {} is there already; choose another folder", release.display());
        }
        if place.openings.exists() {
            bail!("--out: {} is there already; choose another folder", place.openings.display());
        }
        let probe = place.ledger.join(".probe");
        std::fs::write(&probe, [])
            .and_then(|()| std::fs::remove_file(&probe))
            .with_context(|| format!("--out: cannot write to {}; choose another folder", place.ledger.display()))?;
        Ok(place)
    }
}

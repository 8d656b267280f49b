//! Killed at random under load, again and again: nothing acknowledged is lost, nothing is decided twice (P4).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use seconder::demo::{Commit, Deploy, GitHub, Options, RunId};

use crate::support::postgres;
use crate::support::process::{Process, SECRET, free_address, get, run, seconder};
use crate::support::stage::{SHOP, build_world};

const DEPLOYMENTS: usize = 60;
const KILLS: usize = 5;

/// What somebody will do about a deployment, and what GitHub must be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    Second,
    Deny,
    /// No agent wrote it; yet it is asked about while an agent's commit below it is not deployed.
    Human,
}

impl Plan {
    fn of(n: usize) -> Self {
        [Self::Second, Self::Human, Self::Second, Self::Deny][n % 4]
    }

    fn expected(self) -> &'static str {
        if self == Self::Deny { "rejected" } else { "approved" }
    }

    fn button(self) -> &'static str {
        if self == Self::Deny { "deny" } else { "approve" }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_on_sqlite_every_deployment_still_gets_exactly_one_decision() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("seconder.db").display());
    survive(folder.path(), &url, 0x5eed_0001).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_on_postgres_every_deployment_still_gets_exactly_one_decision() {
    let folder = tempfile::tempdir().unwrap();
    survive(folder.path(), &postgres::fresh_database(), 0x5eed_0002).await;
}

async fn survive(folder: &Path, database_url: &str, seed: u64) {
    let github = GitHub::start(Options { latency: Duration::from_millis(3), ..Options::default() }).await.unwrap();
    build_world(&github);
    let address = free_address();
    github.set_webhook(&format!("http://{address}/github/webhooks"), SECRET);
    let settings = [("SECONDER_LEASE_SECONDS", "2"), ("SECONDER_RECOVERY_SECONDS", "1")];
    let start = || Process::start(&github, address, folder, database_url, &settings);

    let mut dice = Dice(seed);
    let mut process = start();
    let mut plans: BTreeMap<RunId, (Plan, String)> = BTreeMap::new();
    let mut clicked = Vec::new();
    for n in 0..DEPLOYMENTS {
        let plan = Plan::of(n);
        let sha = github.commit(SHOP, &Commit::by("mona", message(plan, n)));
        plans.insert(github.deploy(SHOP, &Deploy::to("production", &sha, "mona")), (plan, sha));
        click_where_asked(&github, &plans, &mut clicked);
        if n % (DEPLOYMENTS / KILLS) == DEPLOYMENTS / KILLS - 1 {
            // Somewhere in the middle of what is going on.
            tokio::time::sleep(Duration::from_micros(dice.below(40_000))).await;
            process.kill();
            process = start();
        }
    }
    // However slow a busy machine is: as long as it gets further, it is not stuck.
    let is_decided = |github: &GitHub, run: &RunId| !github.callbacks(*run).is_empty();
    let (mut reached, mut is_stuck) = (0, false);
    while reached < 2 * plans.len() && !is_stuck {
        let before = reached;
        let is_further = |github: &GitHub| {
            click_where_asked(github, &plans, &mut clicked);
            let decided = plans.keys().filter(|run| is_decided(github, run)).count();
            // Whatever is not asked about is decided without a click.
            reached = if decided == plans.len() { 2 * decided } else { decided + clicked.len() };
            reached > before
        };
        is_stuck = github.wait_until(Duration::from_secs(60), is_further).await.is_err();
    }
    if is_stuck {
        let undecided = plans.keys().filter(|run| github.callbacks(**run).is_empty()).collect::<Vec<_>>();
        panic!("undecided: {undecided:?}; the server says {:?}", get(address, "/readyz"));
    }

    for (run, (plan, _)) in &plans {
        let states: Vec<_> = github.callbacks(*run).into_iter().filter_map(|c| c.state).collect();
        assert_eq!(states, [plan.expected()], "run {run}");
    }
    // Let it write down what it has just been told, then look at the evidence.
    wait_until_quiet(&process);
    process.kill();
    let out = folder.join("export");
    let vkey = export(folder, database_url, &out);
    let verified = run(&["ledger", "verify", out.to_str().unwrap(), "--vkey", &vkey, "--json"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    assert_eq!(github.unknown_routes(), Vec::<String>::new());
}

fn message(plan: Plan, n: usize) -> String {
    match plan {
        Plan::Human => format!("Change {n}"),
        Plan::Second | Plan::Deny => format!("Change {n}\n\nCo-Authored-By: Claude <noreply@anthropic.com>"),
    }
}

/// People press buttons as soon as they see them, once each.
fn click_where_asked(github: &GitHub, plans: &BTreeMap<RunId, (Plan, String)>, clicked: &mut Vec<RunId>) {
    for (run, (plan, sha)) in plans {
        let asked = github.check_runs(SHOP, sha).into_iter().find(|check| !check.actions.is_empty());
        if let (Some(check), false) = (asked, clicked.contains(run)) {
            clicked.push(*run);
            github.click(check.id, plan.button(), "alice");
        }
    }
}

fn wait_until_quiet(process: &Process) {
    let began = std::time::Instant::now();
    loop {
        let (_, body) = get(process.address, "/readyz").expect("it answers");
        let page: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let queues = &page["queues"];
        assert_eq!(queues["failed_deliveries"], 0, "{page}");
        assert_eq!(queues["failed_effects"], 0, "{page}");
        if queues["queued_deliveries"] == 0 && queues["queued_effects"] == 0 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it never gets quiet: {page}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Exports the ledger and returns the key it names on the way, which a real auditor would have got elsewhere.
fn export(folder: &Path, database_url: &str, out: &Path) -> String {
    let exported = seconder()
        .args(["ledger", "export", out.to_str().unwrap()])
        .env("SECONDER_DATA_DIR", folder)
        .env("SECONDER_DATABASE_URL", database_url)
        .output()
        .unwrap();
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let said = String::from_utf8_lossy(&exported.stdout).into_owned();
    said.split("--vkey ").nth(1).unwrap().trim().to_owned()
}

/// Xorshift: the same kills each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

//! How fast a policy is read, and how fast it decides.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use anyhow::ensure;
use seconder::domain::attribution::{Attribution, attribute_all_with};
use seconder::domain::decide::{Permission, Standing, Voice, is_met, judge_attributed, tally};
use seconder::domain::facts::{Attempt, Commit, Facts, Run};
use seconder::domain::people::{Account, AccountKind, Identity, People};
use seconder::domain::policy::{Assurance, Found, PATH, Policy, Target, Text, in_force, parse};

use crate::attribution::cpu;
use crate::report::Report;
use crate::report::Target::{self as Wanted, AtLeast, AtMost};
use crate::rows::Size;

const RULES: usize = 50;
const LINES: usize = 500;

/// A file of 50 rules on 500 lines: ten services in five places each. Of what is deployed to `production`, four rules hold it,
/// one more by the files it changes, and the built-in one.
fn text() -> anyhow::Result<String> {
    let mut page = String::from("version: 1\napprovers:\n  platform: [\"@acme/platform\", octocat]\n");
    for team in 0..30 {
        writeln!(page, "  team-{team}: [\"@acme/team-{team}\", user-{team}, {{ permission: maintain }}]")?;
    }
    page.push_str("freeze:\n  - { name: weekend, zone: Europe/Berlin, from: \"0 18 * * FRI\", to: \"0 6 * * MON\" }\n");
    page.push_str("rules:\n");
    for rule in 0..RULES {
        let (service, place) = (rule / 5, ["prod-eu-*", "prod-us", "staging", "qa-?", "canary"][rule % 5]);
        let (place, except) = match rule {
            0..4 => ("prod*", "{ branches: [\"docs/**\"] }"),
            4 => ("production", "{ workflows: [docs.yml] }"),
            _ => (place, "{ paths: [\"docs/**\", \"**/*.md\"] }"),
        };
        writeln!(page, "  - name: service {service} in {place}, rule {rule}")?;
        writeln!(page, "    environments: [\"{place}\", \"svc-{service}-{place}\"]")?;
        match rule {
            4 => writeln!(page, "    paths: [\"services/{service}/**\", \"migrations/*.sql\"]")?,
            _ => writeln!(page, "    authored_by: {}", ["ai", "anyone", "ai", "[claude-code, devin]"][rule % 4])?,
        }
        writeln!(page, "    except: {except}")?;
        writeln!(page, "    require:")?;
        writeln!(page, "      - 1 of team-{}", rule % 30)?;
        writeln!(page, "      - any_of: [1 of admins, 2 of platform]")?;
        writeln!(page, "    expires: 4h")?;
        writeln!(page, "    remind: [1h, 3h]")?;
    }
    while page.lines().count() < LINES {
        page.push_str("# a comment says why\n");
    }
    ensure!(page.lines().count() == LINES, "{} lines", page.lines().count());
    Ok(page)
}

/// Ten commits by three people, three of them with an agent's mark, and 20 changed files.
fn facts() -> Facts {
    let commit = |number: u64| {
        let mark = if number % 3 == 1 { "\n\nCo-authored-by: Claude <noreply@anthropic.com>" } else { "" };
        let account = account(100 + number % 3);
        let author = Identity { name: account.login.clone(), email: "a@example.com".into(), account: Some(account) };
        Commit {
            sha: format!("{number:040x}"),
            message: format!("Retry the callback when the connection is reset\n\nIt gave up too early.{mark}"),
            committer: author.clone(),
            author,
            ..Commit::default()
        }
    };
    let actor = Some(account(100));
    Facts {
        run: Run {
            id: 1,
            attempt: 1,
            attempts: vec![Attempt { number: 1, actor: actor.clone(), triggering_actor: actor }],
            ..Run::default()
        },
        deployment_creator: None,
        sender: None,
        base: None,
        commits: (0..10).map(commit).collect(),
        files: (0..20).map(|file| format!("services/{file}/src/main.rs")).collect(),
        owners: None,
        pull_requests: Vec::new(),
        gaps: Vec::new(),
        people: People::default(),
    }
}

fn account(id: u64) -> Account {
    Account { id, login: format!("user-{id}"), kind: AccountKind::User }
}

/// Lets this thread run on both cores: the process that measures is bound to one. If it cannot be, the figure is the lower.
fn on_any_core() {
    let thread = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    if let Some(id) = thread.file_name() {
        let _ = std::process::Command::new("taskset").args(["-pc", "0,1"]).arg(id).output();
    }
}

/// Decides so often, and says how many seconds that took. What was found on the commits is there already, each time anew.
fn timed(
    decide: &impl Fn(&Policy, Vec<Option<Attribution>>) -> (usize, bool),
    policy: &Policy,
    found: &[Option<Attribution>],
    times: usize,
) -> f64 {
    const AT_A_TIME: usize = 1_000;
    let mut spent = 0.0;
    for _ in 0..times.div_ceil(AT_A_TIME) {
        let each: Vec<Vec<Option<Attribution>>> = (0..AT_A_TIME).map(|_| found.to_vec()).collect();
        let before = Instant::now();
        for found in each {
            black_box(decide(black_box(policy), found));
        }
        spent += before.elapsed().as_secs_f64();
    }
    spent
}

pub fn run(size: Size, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let text = text()?;
    let read = parse(&text).map_err(|errors| anyhow::anyhow!("{}", errors.render("policy", &text)))?;
    ensure!(read.rules.len() == RULES, "{} rules", read.rules.len());
    let file = Text { commit: "c".into(), blob: "b".into(), text: text.clone() };
    let policy = in_force(Found::File(file), None, PATH);
    let facts = facts();
    let found = attribute_all_with(policy.catalogue.get(), &facts);
    ensure!(found.iter().flatten().count() == 3, "{} marked commits", found.iter().flatten().count());
    let approvers = [7, 8].map(|id| Standing {
        account: account(id),
        permission: Permission::Admin,
        teams: (0..5).map(|team| format!("acme/team-{team}")).collect(),
    });
    let decide = |policy: &Policy, found: Vec<Option<Attribution>>| {
        let target = Target { git_ref: Some("main"), workflow: Some("deploy.yml"), ..Target::deployment("production") };
        let judgement = judge_attributed(policy, &target, &facts, found);
        let voice = |standing| Voice { standing, assurance: Assurance::Click };
        let met = tally(&judgement, &approvers.each_ref().map(voice), 0);
        (judgement.matched_rules.len(), is_met(&met))
    };
    let outcome = decide(&policy, found.clone());
    ensure!(outcome == (6, true), "{outcome:?}");

    let (decisions, readings) = (size.of(100_000, 1_000), size.of(500, 20));
    for _ in 0..runs {
        let measure = "decisions under a policy of 50 rules, six of which hold: 10 commits, two approvals; on one core";
        let spent = timed(&decide, &policy, &found, decisions);
        report.add(measure, "decisions/s", Wanted::None, decisions as f64 / spent);
        let two = std::thread::scope(|scope| {
            let works = [(); 2].map(|()| {
                scope.spawn(|| {
                    on_any_core();
                    timed(&decide, &policy, &found, decisions)
                })
            });
            works.map(|work| work.join().map(|seconds| decisions as f64 / seconds).unwrap_or_default())
        });
        report.add("… on both cores", "decisions/s", AtLeast(100_000.0), two.iter().sum());
        let before = cpu()?.own;
        for _ in 0..readings {
            ensure!(black_box(parse(black_box(&text))).is_ok(), "the policy is not read");
        }
        let spent = cpu()?.own - before;
        let each = spent * 1_000.0 / readings as f64;
        report.add("a policy of 500 lines, read and validated", "CPU-ms", AtMost(5.0), each);
    }
    Ok(())
}

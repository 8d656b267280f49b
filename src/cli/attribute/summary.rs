//! What a history comes to: how much of it agents wrote, which, and when.

use std::collections::BTreeMap;
use std::io::Write;

use super::Looked;
use super::output::Ink;
use crate::domain::attribution::Certainty;

/// Months shown at most: the last ones.
const MONTHS: usize = 18;

/// Width of the longest bar.
const BAR: usize = 40;

#[derive(Default)]
pub struct Summary {
    commits: u64,
    ai: u64,
    ambiguous: u64,
    nobody: u64,
    agents: BTreeMap<String, u64>,
    months: BTreeMap<String, (u64, u64)>,
}

impl Summary {
    pub fn add(&mut self, looked: &Looked) {
        let is_ai = looked.is_ai();
        self.commits += 1;
        self.ai += u64::from(is_ai);
        if let Some(month) = looked.date.get(..7) {
            if !self.months.contains_key(month) {
                self.months.insert(month.to_owned(), (0, 0));
            }
            if let Some((ai, all)) = self.months.get_mut(month) {
                *ai += u64::from(is_ai);
                *all += 1;
            }
        }
        let Some(found) = &looked.found else { return };
        self.ambiguous += u64::from(found.certainty == Certainty::Ambiguous);
        if is_ai {
            self.nobody += u64::from(found.operators.is_empty());
            *self.agents.entry(found.name.clone()).or_default() += 1;
        }
    }

    pub fn write(&self, out: &mut impl Write, colour: bool) -> anyhow::Result<()> {
        let Ink { strong, dim, agent: cyan, plain, .. } = Ink::new(colour);
        let (commits, ai) = (self.commits, self.ai);
        if commits == 0 {
            writeln!(out, "No commits.")?;
            return Ok(());
        }
        writeln!(out, "\n{strong}{ai} of {commits} commits carry an agent's mark ({}).{plain}", percent(ai, commits))?;
        if self.ambiguous > 0 {
            writeln!(out, "{} more are ambiguous.", self.ambiguous)?;
        }
        if self.nobody > 0 {
            writeln!(out, "{} of the marked ones name no human.", self.nobody)?;
        }
        let mut agents: Vec<_> = self.agents.iter().collect();
        agents.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let most = agents.first().map_or(1, |(_, count)| **count);
        if !agents.is_empty() {
            writeln!(out, "\n{strong}By agent{plain}")?;
        }
        for (agent, count) in agents {
            writeln!(out, "  {agent:22} {count:>7}  {cyan}{}{plain}", bar(*count, most))?;
        }
        if ai > 0 {
            writeln!(out, "\n{strong}By month{plain}{dim}, share of commits with a mark{plain}")?;
            // What came before the first mark tells nothing.
            let first = self.months.iter().position(|(_, (ai, _))| *ai > 0).unwrap_or_default();
            let skipped = first.max(self.months.len().saturating_sub(MONTHS));
            for (month, (ai, all)) in self.months.iter().skip(skipped) {
                writeln!(
                    out,
                    "  {month}  {:>6}  {cyan}{}{plain} {dim}{ai} of {all}{plain}",
                    percent(*ai, *all),
                    bar(*ai, *all)
                )?;
            }
        }
        writeln!(out, "\n{dim}A mark is a disclosure. What carries none may still be an agent's work.{plain}")?;
        Ok(())
    }
}

fn percent(part: u64, whole: u64) -> String {
    let tenths = (part * 1000 + whole / 2) / whole.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn bar(part: u64, whole: u64) -> String {
    let eighths = usize::try_from(part * 8 * BAR as u64 / whole.max(1)).unwrap_or_default();
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{rest}", "█".repeat(eighths / 8))
}

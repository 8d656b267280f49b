//! What a history comes to: how much of it agents wrote, which, and when.

use std::collections::BTreeMap;
use std::io::Write;

use super::Looked;
use super::output::Ink;
use crate::domain::attribution::Certainty;

/// Months shown at most: the last ones.
const MONTHS: usize = 18;

/// Width of the longest bar where there is room.
const BAR: usize = 40;

/// What stands on a line beside its bar.
const BESIDE_BAR: usize = 36;

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
    pub fn add(&mut self, looked: &Looked<'_>) {
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

    pub fn is_empty(&self) -> bool {
        self.commits == 0
    }

    pub fn write(&self, out: &mut impl Write, colour: bool, width: Option<usize>) -> anyhow::Result<()> {
        let Ink { strong, dim, agent: cyan, plain, .. } = Ink::new(colour);
        let longest = width.map_or(BAR, |width| width.saturating_sub(BESIDE_BAR).clamp(1, BAR));
        let bar = |part, whole| bar(part, whole, longest);
        let (commits, ai) = (self.commits, self.ai);
        if self.is_empty() {
            writeln!(out, "No commits.")?;
            return Ok(());
        }
        writeln!(out, "\n{strong}{ai} of {commits} commits carry an agent's mark ({}).{plain}", percent(ai, commits))?;
        match self.ambiguous {
            0 => {}
            1 => writeln!(out, "1 more is ambiguous.")?,
            several => writeln!(out, "{several} more are ambiguous.")?,
        }
        match self.nobody {
            0 => {}
            1 => writeln!(out, "1 of the marked ones names no human.")?,
            several => writeln!(out, "{several} of the marked ones name no human.")?,
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

fn bar(part: u64, whole: u64, longest: usize) -> String {
    let eighths = usize::try_from(part * 8 * longest as u64 / whole.max(1)).unwrap_or_default();
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{rest}", "█".repeat(eighths / 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::Commit;

    #[test]
    fn the_chart_fits_the_terminal() {
        let mut summary = Summary::default();
        for (n, author) in
            ["Claude <noreply@anthropic.com>", "Ann <ann@example.com>"].into_iter().cycle().take(2_000).enumerate()
        {
            let (name, email) = author.trim_end_matches('>').split_once(" <").unwrap();
            let author = crate::domain::people::Identity { name: name.into(), email: email.into(), account: None };
            let commit = Commit { author, ..Commit::default() };
            summary.add(&Looked::at(&commit, &format!("2026-{:02}-01T10:00:00Z", n % 11 + 1), false));
        }
        for width in [40, 60, 80] {
            let mut out = Vec::new();
            summary.write(&mut out, false, Some(width)).unwrap();
            let chart = String::from_utf8(out).unwrap();
            let too_long = chart.lines().filter(|line| line.contains('█')).find(|line| line.chars().count() > width);
            assert_eq!(too_long, None, "{width}");
        }
    }
}

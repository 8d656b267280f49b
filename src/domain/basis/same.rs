//! A request is judged again by other rules, never by other facts: what may not differ between its judgements.

use serde_json::Value;

use super::Basis;
use crate::domain::facts::Facts;
use crate::domain::record::to_json;

/// A fact that differs: what it is, what the first judgement rests on, and what this one does.
pub type Changed = (&'static str, Value, Value);

impl Basis {
    /// The facts that are not those of the first judgement, although nothing can have changed them. `None` if one of the two
    /// names somebody by a place where nobody stands.
    ///
    /// Owners come from a file that may change, reasons and changed files are recorded where a rule looks at them, and whether a
    /// name is a branch's is asked where one excepts it: what is recorded once may not be another later.
    #[must_use]
    pub fn changed_since(&self, first: &Self) -> Option<Vec<Changed>> {
        let (then, now) = (bare(first.facts(Vec::new())?), bare(self.facts(Vec::new())?));
        let told_by_both = !first.files.is_empty() && !self.files.is_empty();
        let files = |basis: &Self| if told_by_both { to_json(&basis.files) } else { Value::Null };
        let kinds = if first.ref_kind.is_none() { [None, None] } else { [first.ref_kind, self.ref_kind] };
        let texts = |basis: &Self| basis.pull_requests.iter().map(|brought| to_json(&brought.text)).collect::<Value>();
        let compared = [
            ("attempts", to_json(&then.run.attempts), to_json(&now.run.attempts)),
            ("creator of the deployment", to_json(&then.deployment_creator), to_json(&now.deployment_creator)),
            ("sender", to_json(&then.sender), to_json(&now.sender)),
            ("commits, their authors and signatures", to_json(&then.commits), to_json(&now.commits)),
            ("pull requests", to_json(&then.pull_requests), to_json(&now.pull_requests)),
            ("texts of pull requests", texts(first), texts(self)),
            ("branch or tag", to_json(&first.git_ref), to_json(&self.git_ref)),
            ("whether it is a branch", to_json(&kinds[0]), to_json(&kinds[1])),
            ("workflow", to_json(&first.workflow), to_json(&self.workflow)),
            ("changed files", files(first), files(self)),
        ];
        Some(compared.into_iter().filter(|(_, then, now)| then != now).collect())
    }
}

/// Without what depends on the rules.
fn bare(mut facts: Facts) -> Facts {
    facts.commits.iter_mut().for_each(|commit| commit.says.clear());
    facts
}

//! Words people meant: the nearest valid one.

use crate::domain::attribution::fold::fold;

/// More words than this are not told one by one.
const MOST_TOLD: usize = 24;
/// So many valid words are compared with a wrong one: a file with more has other troubles.
const MOST_COMPARED: usize = 500;

/// Words people write where the language has another, as other tools have them: what stands for them, in code.
const OTHERS: [(&str, &[(&str, &str)]); 4] = [
    (
        "the policy",
        &[
            ("groups", "`approvers`"),
            ("teams", "`approvers`"),
            ("reviewers", "`approvers`"),
            ("policies", "`rules`"),
            ("environments", "`rules`, each with its `environments`"),
            ("windows", "`freeze`"),
        ],
    ),
    (
        "a rule",
        &[
            (
                "approvers",
                "`require: [1 of GROUP]`; `approvers` stands at the top of the file and says who is in a group",
            ),
            ("reviewers", "`require: [1 of GROUP]`"),
            ("approvals", "`require: [2 of GROUP]`"),
            ("teams", "`require: [\"1 of @organization/team\"]`"),
            ("users", "`require: [1 of LOGIN]`"),
            ("when", "`environments`, `branches` or `paths`; for times, `freeze` at the top of the file"),
            ("if", "`environments`, `branches` or `paths`"),
            ("on", "`environments`, `branches` or `paths`"),
            ("match", "`environments`, `branches` or `paths`"),
            ("files", "`paths`"),
            ("refs", "`branches` or `tags`"),
            ("agents", "`authored_by: [AGENT]`"),
            ("authors", "`authored_by`"),
            ("unless", "`except`"),
            ("exclude", "`except`"),
            ("ignore", "`except`"),
            ("only", "`environments`, `branches` or `paths`"),
            ("timeout", "`expires`"),
            ("shadow", "`mode: shadow`"),
            ("dry_run", "`mode: shadow`"),
        ],
    ),
    (
        "a requirement",
        &[
            ("count", "`approvals`"),
            ("of", "`from`"),
            ("group", "`from`"),
            ("team", "`from`"),
            ("or", "`any_of`"),
            ("and", "`all_of`"),
        ],
    ),
    (
        "mode",
        &[
            ("dry-run", "`shadow`"),
            ("dry_run", "`shadow`"),
            ("dryrun", "`shadow`"),
            ("audit", "`shadow`"),
            ("monitor", "`shadow`"),
            ("observe", "`shadow`"),
            ("report", "`shadow`"),
            ("report-only", "`shadow`"),
            ("test", "`shadow`"),
            ("warn", "`shadow`"),
            ("active", "`enforce`"),
            ("block", "`enforce`"),
            ("on", "`enforce`"),
        ],
    ),
];

/// What is written here for a word of another tool.
pub(super) fn other_word(what: &str, word: &str) -> Option<String> {
    let (_, words) = OTHERS.iter().find(|(place, _)| *place == what)?;
    words.iter().find(|(other, _)| other.eq_ignore_ascii_case(word)).map(|(_, here)| format!("; write {here}"))
}

/// Names that have the word as a part, or are a part of it: `claude` of `claude-code`.
pub(super) fn related<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.trim().to_lowercase();
    let parts: Vec<&str> = word.split(['-', '_', ' ']).collect();
    let related = |name: &&str| name.split('-').any(|part| part == word) || parts.contains(name);
    valid.into_iter().filter(related).take(3).collect()
}

/// `; did you mean …?`, or the valid words, or nothing when there are none.
pub(super) fn hint<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    if let Some(near) = nearest(word, valid.iter().copied()) {
        return format!("; {}", meant(word, near));
    }
    match valid.as_slice() {
        [] => String::new(),
        [only] => format!("; the only valid word is `{only}`"),
        few if few.len() <= MOST_TOLD => format!("; valid are `{}`", few.join("`, `")),
        _ => String::new(),
    }
}

/// How to say which word was meant: letters of another alphabet are invisible.
pub(super) fn meant(word: &str, near: &str) -> String {
    if word != near && fold(word) == near {
        format!("some of its letters only look like those of `{near}`")
    } else {
        format!("did you mean `{near}`?")
    }
}

/// What to say of a name that cannot be one.
pub(super) fn no_name(name: &str, of: &str) -> String {
    let looks = fold(name);
    if looks != name {
        return format!("`{name}` is no name for {of}; some of its letters only look like those of `{looks}`");
    }
    format!("`{name}` is no name for {of}; use letters, digits, `-` and `_`")
}

/// The valid word that is a slip of the finger away.
pub(super) fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase();
    let far = (word.chars().count() / 3).max(1) + 1;
    let length = word.chars().count();
    valid
        .into_iter()
        .take(MOST_COMPARED)
        .filter(|valid| valid.chars().count().abs_diff(length) < far)
        .map(|valid| (distance(&word, &valid.to_lowercase()), valid))
        .filter(|(distance, _)| *distance < far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, valid)| valid)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_another_word_is_not() {
        let valid = ["platform", "security", "writers"];
        assert_eq!(nearest("plattform", valid), Some("platform"));
        assert_eq!(nearest("Secuirty", valid), Some("security"));
        assert_eq!(nearest("writer", valid), Some("writers"));
        assert_eq!(nearest("octocat", valid), None);
        assert_eq!(distance("ab", "ba"), 1);
    }
}

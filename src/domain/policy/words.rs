//! Words people meant: the nearest valid one.

use crate::domain::attribution::fold::fold;

/// `; did you mean …?`, or the valid words, or nothing when there are none.
pub(super) fn hint<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    if let Some(near) = nearest(word, valid.iter().copied()) {
        return format!("; {}", meant(word, near));
    }
    match valid.as_slice() {
        [] => String::new(),
        [only] => format!("; the only valid word is `{only}`"),
        few if few.len() <= 8 => format!("; valid are `{}`", few.join("`, `")),
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
    valid
        .into_iter()
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

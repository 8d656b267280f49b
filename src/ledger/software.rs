//! The software that an entry names (`sw`): a version as <https://semver.org> has them. By it a verifier knows who may know more
//! than itself.
use std::cmp::Ordering;

use super::entry::SOFTWARE;

/// What comes before the version.
const NAME: &str = "seconder/";

/// A version; build metadata says nothing of what comes first.
struct Version<'a> {
    core: [u64; 3],
    /// The identifiers of a pre-release.
    pre: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn of(sw: &'a str) -> Option<Self> {
        let version = sw.strip_prefix(NAME)?;
        let (version, build) = split(version, '+');
        let (core, pre) = split(version, '-');
        let mut numbers = core.split('.').map(number);
        let core = [numbers.next()??, numbers.next()??, numbers.next()??];
        let are_words = |words: Option<&str>| words.is_none_or(|words| words.split('.').all(is_word));
        (numbers.next().is_none() && are_words(pre) && are_words(build)).then_some(Self { core, pre })
    }

    /// Which of two comes first: what is released comes after its pre-releases.
    fn order(&self, other: &Self) -> Ordering {
        self.core.cmp(&other.core).then_with(|| match (self.pre, other.pre) {
            (Some(ours), Some(theirs)) => ours.split('.').map(place).cmp(theirs.split('.').map(place)),
            (ours, theirs) => ours.is_none().cmp(&theirs.is_none()),
        })
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// A number without zeros before it.
fn number(text: &str) -> Option<u64> {
    let is_one = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_one)
}

/// Numbers come before words, by their value.
fn place(word: &str) -> (bool, Option<u64>, &str) {
    let number = number(word);
    (number.is_none(), number, word)
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The versions that were released before this one (`sw`), and the digest of the catalogue of agents that each had.
pub(super) const RELEASED: [(&str, &str); 0] = [];

/// Whether this version does not know the software that an entry names: it is newer, or was never released. Nothing if it names none.
#[must_use]
pub fn is_strange(sw: &str) -> Option<bool> {
    // Nearly all entries.
    if sw == SOFTWARE {
        return Some(false);
    }
    let is_ours = |ours: &Version<'_>, theirs: &Version<'_>| theirs.order(ours) == Ordering::Equal;
    let (ours, theirs) = (Version::of(SOFTWARE)?, Version::of(sw)?);
    Some(!is_ours(&ours, &theirs) && !RELEASED.iter().any(|(released, _)| *released == sw))
}

/// Whether an entry that names this software may be newer than this version; nothing if it names none.
#[must_use]
pub fn is_newer(sw: &str) -> Option<bool> {
    let ours = Version::of(SOFTWARE)?;
    Version::of(sw).map(|theirs| theirs.order(&ours) == Ordering::Greater)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_in_the_order_of_semver_and_what_is_none_is_not_taken_for_one() {
        let order = [
            "0.9.9",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-11",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-beta",
            "1.0.0",
            "1.0.10",
        ];
        let of = |version: &str| -> String { format!("seconder/{version}") };
        for pair in order.windows(2) {
            let [earlier, later] = [of(pair[0]), of(pair[1])];
            let [earlier, later] = [&earlier, &later].map(|sw| Version::of(sw).unwrap());
            assert_eq!(earlier.order(&later), Ordering::Less, "{pair:?}");
        }
        assert_eq!(is_newer(SOFTWARE), Some(false));
        assert_eq!(is_strange(SOFTWARE), Some(false));
        assert_eq!(is_strange(&format!("{SOFTWARE}+build.7")), Some(false));
        assert_eq!(is_strange("seconder/0.0.1"), Some(true));
        assert_eq!(is_newer(&format!("{SOFTWARE}+build.7")), Some(false));
        assert_eq!(is_newer("seconder/99.0.0-rc.1+5"), Some(true));
        for none in ["", "1.0", "1.0.0 ", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-a..b", "1.0.0+", "1.0.+0", "1.0.0-é"] {
            assert_eq!(is_newer(&of(none)), None, "{none:?}");
        }
        assert_eq!(is_newer("Seconder/1.0.0"), None);
    }
}

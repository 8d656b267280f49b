//! Where the ledger stood: thousands of pages that say so, each in the customer's hands, and a rewrite contradicts them.

use super::safe::code;

/// Where the ledger stood when a page was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many entries it had.
    pub entries: u64,
    /// The root of their tree, in base64.
    pub root: String,
}

impl Head {
    /// The last line of a check run: at most 300 bytes.
    pub(super) fn line(&self) -> String {
        let Self { entries, root } = self;
        format!(
            "\nLedger when this was written: {} entries, root {}. Every later export must begin with exactly these: {}\n",
            thousands(*entries),
            code(root),
            code(&format!("seconder ledger verify DIR --vkey KEY --seen {entries}:{root}")),
        )
    }
}

/// A number with a comma before every three digits.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_size_and_root_and_how_to_compare_them_and_fits_below_a_full_page() {
        let root = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/AbCdE=".to_owned();
        let line = Head { entries: 1_234, root: root.clone() }.line();
        assert!(line.contains(&format!("1,234 entries, root `{root}`")), "{line}");
        assert!(line.contains(&format!("--seen 1234:{root}")), "{line}");
        let longest = Head { entries: u64::MAX, root }.line();
        assert!(longest.len() + super::super::PAGE_LIMIT + 100 <= 65_535, "{}", longest.len());
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(thousands), ["0", "12", "999", "1,000", "1,234,567"]);
    }
}

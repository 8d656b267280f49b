//! Damaged and hostile policy files. They are refused or read, never more, and in bounded time.
//!
//! `SECONDER_FUZZ_ROUNDS=1000000 cargo test language::fuzz` runs longer, `SECONDER_FUZZ_SEED=…` along another way.

use std::fmt::Write as _;

use seconder::domain::policy::{Consequence, PolicyError, PolicyFile, parse, print};

use super::cases::pages;
use super::examples::EXAMPLES;

const ROUNDS: usize = 2_000;
const SEED: u64 = 0x5ec0_4de4;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// SplitMix64: the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.roll() % most.max(1) as u64).unwrap()
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn span(&mut self, text: &str) -> std::ops::Range<usize> {
        let (a, b) = (self.place(text), self.place(text));
        a.min(b)..a.max(b)
    }
}

/// What means something to YAML, to the language, or to nobody.
const MORSELS: &[&str] = &[
    "\0",
    "\u{feff}",
    "\r",
    "\r\n",
    "\n",
    "\t",
    " ",
    ": ",
    "- ",
    "? ",
    "|",
    ">",
    "|+9\n",
    "&a ",
    "*a",
    "!!binary ",
    "!!map ",
    "!<tag> ",
    "%YAML 1.1\n---\n",
    "---\n",
    "...\n",
    "<<: *a\n",
    "\"",
    "'",
    "\\x00",
    "\\u{0}",
    "\\UFFFFFFFF",
    "{",
    "}",
    "[",
    "]",
    ",",
    "#",
    "~",
    "null",
    "true",
    "NaN",
    ".inf",
    "-0",
    "1e999",
    "0x1F",
    "18446744073709551616",
    "99999999999999999999d",
    "9223372036854775807 of writers",
    "-1 of admins",
    "2026-12-20",
    "0 0 31 2 *",
    "*/0 * * * *",
    "Europe/Berlin",
    "(?:a{1000}){1000}",
    "[a-",
    "{a,b",
    "**/**/**/**/**",
    "!x",
    "\u{202e}",
    "а",
    "\u{85}",
    "\u{2028}",
    "𝕡",
    "🤖",
    "environments",
    "require",
    "any_of:",
    "except:",
    "classes:",
    "version: 1\n",
    "rules:\n",
    "@acme/platform",
    "codeowners",
];

fn damaged(dice: &mut Dice, corpus: &[&str]) -> String {
    let mut text = dice.one(corpus).to_owned();
    for _ in 0..=dice.below(6) {
        let (span, at) = (dice.span(&text), dice.place(&text));
        match dice.below(9) {
            0 => text.insert_str(at, dice.one(MORSELS)),
            1 => text.replace_range(span, dice.one(MORSELS)),
            2 => text.replace_range(span, ""),
            3 => text.truncate(at),
            4 => {
                let copy = text[span].to_owned();
                text.insert_str(at, &copy);
            }
            5 => {
                let other = dice.one(corpus);
                let part = &other[dice.span(other)];
                text.insert_str(at, part);
            }
            6 => {
                let open = dice.one(&["[", "{", "- ", "{a: ", "[{a: ", "\n ", "? ", "!!seq [", "&a ["]);
                text.insert_str(at, &open.repeat(dice.below(2_000)));
            }
            7 => {
                let huge = dice.one(MORSELS).repeat(dice.below(5_000));
                text.insert_str(at, &huge);
            }
            _ => {
                // One character becomes a neighbour.
                if let Some(c) = text[at..].chars().next() {
                    let near = char::from_u32(u32::from(c) ^ (1 << dice.below(7))).unwrap_or('\u{fffd}');
                    text.replace_range(at..at + c.len_utf8(), near.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }
    text
}

/// Places lie in the file, and can be shown.
fn assert_placed(told: &[PolicyError], text: &str) {
    for error in told {
        let lines = text.lines().count().max(1) as u64;
        assert!(error.line >= 1 && error.line <= lines + 1, "line {} of {lines}: {}", error.line, error.message);
        let line = text.lines().nth(usize::try_from(error.line - 1).unwrap()).unwrap_or_default();
        let columns = line.chars().count() as u64;
        assert!(error.column >= 1 && error.column <= columns + 1, "{error}, of {columns} columns");
        assert!(!error.message.trim().is_empty() && !error.render("seconder.yml", text).is_empty());
    }
}

fn assert_sound(file: &PolicyFile, text: &str) {
    assert!(!file.rules.is_empty(), "a file without rules holds nothing");
    for rule in &file.rules {
        let is_something = match &rule.consequence {
            Consequence::Require(all) => !all.is_empty(),
            Consequence::Deny(why) => !why.trim().is_empty(),
        };
        assert!(is_something && !rule.name.trim().is_empty(), "{rule:?}");
    }
    assert_placed(&file.warnings, text);
    let printed = print(file);
    let again = parse(&printed).unwrap_or_else(|errors| panic!("{}", errors.render("printed", &printed)));
    assert_eq!(again.rules, file.rules, "{printed}");
    assert_eq!((&again.approvers, &again.people, &again.freezes), (&file.approvers, &file.people, &file.freezes));
    assert_eq!(print(&again), printed);
}

fn look(text: &str) -> bool {
    match parse(text) {
        Ok(file) => {
            assert_sound(&file, text);
            true
        }
        Err(errors) => {
            let all: Vec<PolicyError> = errors.iter().cloned().collect();
            assert!(!all.is_empty());
            assert_placed(&all, text);
            false
        }
    }
}

#[test]
fn no_damaged_file_is_more_than_read_or_refused() {
    let pages = pages();
    let cases = pages.iter().flat_map(|page| &page.cases).map(|case| case.yaml.as_str());
    // Whole policies more often: most of what is done to a broken one stays broken.
    let whole = EXAMPLES.iter().map(|(_, text)| *text);
    let corpus: Vec<&str> = cases.chain(std::iter::repeat_n(whole, 20).flatten()).collect();
    let rounds = setting("SECONDER_FUZZ_ROUNDS").map_or(ROUNDS, |rounds| usize::try_from(rounds).unwrap());
    let mut dice = Dice(setting("SECONDER_FUZZ_SEED").unwrap_or(SEED));
    let mut read = 0;
    for round in 0..rounds {
        let text = damaged(&mut dice, &corpus);
        let found = std::panic::catch_unwind(|| look(&text));
        match found {
            Ok(is_read) => read += usize::from(is_read),
            Err(_) => panic!("round {round}:\n{text:?}"),
        }
    }
    assert!(
        read * 100 > rounds && read < rounds,
        "{read} of {rounds} were read: the damage is too much, or too little"
    );
}

#[test]
fn a_line_full_of_mistakes_is_not_told_once_for_each_of_them() {
    let text = format!("version: 1\nrules: [{}]\n", "{}, ".repeat(500));
    let told = seconder::domain::policy::parse(&text).unwrap_err().render("seconder.yml", &text);
    assert!(told.len() < 200_000 && told.contains("there may be more"), "{}", told.len());
    let errors: String = (0..5_000).map(|n| format!("k{n}: 1, ")).collect();
    let text = format!("{{ version: 1, {errors} }}");
    let told = seconder::domain::policy::parse(&text).unwrap_err().render("seconder.yml", &text);
    assert!(told.len() < 200_000 && told.contains("the policy has no key `k7`"), "{}", told.len());
}

#[test]
fn what_is_built_to_exhaust_is_refused_at_once() {
    let laughs = {
        let mut text = String::from("version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let all = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(text, "a{level}: &a{level} [{all}]").unwrap();
        }
        text
    };
    let good = "version: 1\nrules:\n  - name: a\n    environments: [b]\n    require: [1 of writers]\n";
    let wide = |count: usize| format!("version: 1\nrules: [{}]", "1,".repeat(count));
    let rules = |count: usize| {
        let rule = |n| format!("  - {{ name: r{n}, environments: [b], require: [1 of writers] }}\n");
        format!("version: 1\nrules:\n{}", (0..count).map(rule).collect::<String>())
    };
    for (what, text) in [
        ("a billion laughs", laughs),
        ("lists in lists", "[".repeat(100_000)),
        ("tables in tables", "{a: ".repeat(50_000)),
        ("blocks in blocks", (0..500).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
        ("an anchor in itself", "a: &a [*a]\n".to_owned()),
        ("a wide list", wide(100_000)),
        ("many documents", "---\n".repeat(50_000)),
        ("a long key", format!("{}: 1\n{good}", "k".repeat(100_000))),
        ("a long word", format!("{good}    mode: {}\n", "m".repeat(200_000))),
        ("many mistakes", format!("{good}{}", (0..10_000).map(|n| format!("k{n}: 1\n")).collect::<String>())),
        ("more rules than anybody reads", rules(501)),
        (
            "patterns without end",
            format!("{good}    paths: [{}]\n", (0..20_000).map(|n| format!("a?{n},")).collect::<String>()),
        ),
        ("braces without end", format!("{good}    paths: [\"{}a{}\"]\n", "{a,".repeat(240), "}".repeat(240))),
        ("an endless pattern", format!("{good}    paths: [\"{}\"]\n", "?".repeat(100_000))),
        ("groups nobody finds", {
            let groups: String = (0..5_000).map(|n| format!("  group-number-{n}: [a]\n")).collect();
            let asked: String = (0..5_000).map(|n| format!("1 of gruop-nubmer-{n}-x, ")).collect();
            format!(
                "{good}    escalate: [{}]\napprovers:\n{groups}",
                asked.replace("1 of ", "{ after: 1h, to: ").replace(',', " },")
            )
        }),
        (
            "agents without end",
            format!(
                "{good}agents:\n{}",
                (0..4_000).map(|n| format!("  a{n}: {{ logins: [b{n}] }}\n")).collect::<String>()
            ),
        ),
        ("a file too large", format!("{good}#{}", "x".repeat(256 * 1024))),
        (
            "an expression too large",
            format!("{good}    reason: {{ pattern: \"(?:(?:\\\\w{{100}}){{100}}){{100}}\" }}\n"),
        ),
    ] {
        assert!(!look(&text), "{what} is read");
    }
    assert!(look(&rules(500)), "many rules are many, and no more");
    assert!(
        look(&format!("\u{feff}{}", good.replace('\n', "\r\n"))),
        "a mark of byte order and Windows' lines are no mistakes"
    );
}

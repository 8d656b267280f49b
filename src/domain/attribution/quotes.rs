//! What a message only shows: in a fenced block, or indented behind a line that announces it. A mark there is somebody's example, or
//! a real one that a tool wrapped; nobody can tell, so it is ambiguous and never nothing.

use std::cell::OnceCell;
use std::ops::Range;

use super::trailers::{Ending, first_line, is_hyphenated, trailer};

/// The shown parts of a text. Found out once for a text, and only where it has marks that can stand in one.
pub(super) struct Quotes<'t> {
    text: &'t str,
    has_fences: OnceCell<bool>,
    shown: OnceCell<Vec<Range<usize>>>,
}

impl<'t> Quotes<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, has_fences: OnceCell::new(), shown: OnceCell::new() }
    }

    /// Whether the line that starts there is quoted: by `>`, or because it stands in what is only shown.
    pub(super) fn hold(&self, start: usize, ending: &Ending<'_>) -> bool {
        let line = &self.text[start..];
        if line.trim_start_matches([' ', '\t']).starts_with('>') {
            return true;
        }
        let may_be_fenced = || *self.has_fences.get_or_init(|| self.text.contains("```") || self.text.contains("~~~"));
        if !line.starts_with([' ', '\t']) && !may_be_fenced() {
            return false;
        }
        let shown = self.shown.get_or_init(|| shown(self.text, ending));
        let after = shown.partition_point(|part| part.start <= start);
        after.checked_sub(1).is_some_and(|at| shown[at].contains(&start))
    }
}

/// A line of a text.
#[derive(Clone, Copy, Default)]
struct Line<'t> {
    text: &'t str,
    /// Columns in front of it; a tab fills up to the fourth.
    indent: usize,
}

impl<'t> Line<'t> {
    fn new(whole: &'t str) -> Self {
        let text = whole.trim();
        let space = whole.len() - whole.trim_start().len();
        let indent =
            whole[..space].chars().fold(0, |column, c| if c == '\t' { (column / 4 + 1) * 4 } else { column + 1 });
        Self { text, indent }
    }

    /// What opens or closes a fenced block: three or more backticks or tildes; and what follows them.
    fn fence(self) -> Option<(Fence, &'t str)> {
        let sign = self.text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let rest = self.text.trim_start_matches(sign);
        let length = self.text.len() - rest.len();
        (length >= 3).then_some((Fence { sign, length }, rest))
    }

    fn is_list_item(self) -> bool {
        let numbered = || self.text.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['.', ')']);
        self.text.starts_with(['-', '*', '+', '•']) || self.text.starts_with(|c: char| c.is_ascii_digit()) && numbered()
    }

    /// Whether the line announces what stands indented behind it: it ends with a colon, and neither is a trailer folded there, nor
    /// says that whole commits follow, nor is an item of a list, as those of squashes are: tools indent what belongs to them.
    fn announces(self) -> bool {
        const OF_COMMITS: [&str; 5] = ["squash", "original", "combination of", "commits:", "backport"];
        let Some(before) = self.text.strip_suffix(':') else { return false };
        let lower = self.text.to_ascii_lowercase();
        let is_key = before.contains('-') && before.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !is_key && !self.is_list_item() && !OF_COMMITS.iter().any(|words| lower.contains(words))
    }
}

#[derive(Clone, Copy)]
struct Fence {
    sign: char,
    length: usize,
}

/// A fenced block that was opened and not yet closed.
#[derive(Clone, Copy)]
struct Open {
    fence: Fence,
    from: usize,
    is_announced: bool,
    holds_only_trailers: bool,
}

/// What stands indented behind a line that announces it.
#[derive(Clone, Copy)]
struct Indented {
    deeper_than: usize,
    from: usize,
    /// Where its first paragraph ends.
    first_end: Option<usize>,
}

fn shown(text: &str, ending: &Ending<'_>) -> Vec<Range<usize>> {
    let mut found = Found { ranges: Vec::new(), ending_at: text.len() - ending.bytes() };
    let (mut open, mut indented): (Option<Open>, Option<Indented>) = (None, None);
    let mut last = Line::default();
    let mut rest = text;
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let whole;
        (whole, rest) = first_line(rest);
        let line = Line::new(whole);
        if let Some(block) = &mut open {
            match line.fence() {
                Some((fence, "")) if fence.sign == block.fence.sign && fence.length >= block.fence.length => {
                    found.fenced(*block, at, text.len() - rest.len());
                    (open, last) = (None, line);
                }
                _ => block.holds_only_trailers &= line.text.is_empty() || is_hyphenated(line.text),
            }
            continue;
        }
        if line.text.is_empty() {
            if let Some(block) = &mut indented {
                block.first_end.get_or_insert(at);
            }
            continue;
        }
        if indented.is_some_and(|block| line.indent <= block.deeper_than) {
            found.indented(indented.take(), at);
        }
        // What begins with a fence is wrapped as a whole: that shows nothing.
        let is_first = last.text.is_empty();
        if let Some((fence, info)) = line.fence().filter(|_| !is_first)
            && !info.contains('`')
        {
            found.indented(indented.take(), at);
            let from = text.len() - rest.len();
            open = Some(Open { fence, from, is_announced: last.announces(), holds_only_trailers: true });
            continue;
        }
        if indented.is_none() && line.indent >= last.indent + 2 && last.announces() && !line.is_list_item() {
            indented = Some(Indented { deeper_than: last.indent, from: at, first_end: None });
        }
        last = line;
    }
    // A fence left open shows nothing: what follows it would never end.
    found.indented(indented, text.len());
    found.ranges
}

struct Found {
    /// In the order of the text, none within another.
    ranges: Vec<Range<usize>>,
    /// From here on there are only trailers.
    ending_at: usize,
}

impl Found {
    /// A block that is nothing but trailers, with nothing but trailers behind it, is the message's own ending, wrapped by a tool;
    /// unless a line announced it.
    fn fenced(&mut self, block: Open, to: usize, behind: usize) {
        let is_ending = block.holds_only_trailers && !block.is_announced && behind >= self.ending_at;
        if !is_ending {
            self.ranges.push(block.from..to);
        }
    }

    /// What was announced goes on while prose follows it. At the end of a message it is its first paragraph: the trailers of a
    /// body that a tool indented stand further on.
    fn indented(&mut self, block: Option<Indented>, to: usize) {
        let Some(block) = block else { return };
        let to = if to >= self.ending_at { block.first_end.unwrap_or(to) } else { to };
        self.ranges.push(block.from..to);
    }
}

/// The parts of a line that a sentence tells of: in backticks or quotation marks, with words in front of them.
pub(super) struct ToldOf<'t> {
    line: &'t str,
    parts: OnceCell<Vec<Range<usize>>>,
}

impl<'t> ToldOf<'t> {
    pub(super) fn in_line(line: &'t str) -> Self {
        Self { line, parts: OnceCell::new() }
    }

    pub(super) fn holds(&self, at: usize) -> bool {
        self.parts.get_or_init(|| told_of(self.line)).iter().any(|part| part.contains(&at))
    }
}

/// The first and the last of each kind: what stands between two such parts is told of, too.
fn told_of(line: &str) -> Vec<Range<usize>> {
    const PAIRS: [(char, char); 4] = [('`', '`'), ('"', '"'), ('“', '”'), ('\'', '\'')];
    let Some(words_at) = line.find(char::is_alphabetic) else { return Vec::new() };
    // Where the whole value of a trailer is wrapped, no sentence tells of it.
    let value = trailer(line).map_or("", |trailer| trailer.value);
    let is_whole = |(open, close): (char, char)| {
        let is_wrapped = value.starts_with(open) && value.ends_with(close);
        is_wrapped && !value.trim_matches([open, close]).contains([open, close])
    };
    let part = |(open, close): (char, char)| {
        // An apostrophe opens nothing.
        let opens = |at: &usize| open != '\'' || line[..*at].ends_with([' ', '(']);
        let from = line.match_indices(open).map(|(at, _)| at).find(|at| *at > words_at && opens(at))?;
        let to = line.rfind(close).filter(|to| *to > from)?;
        (!is_whole((open, close))).then_some(from..to)
    };
    PAIRS.into_iter().filter_map(part).collect()
}

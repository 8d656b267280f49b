//! Patterns of `CODEOWNERS`: those of gitignore, without `!`, `[ ]` and `\#`, and with `docs/*` for one level only.

use crate::domain::text::visible;

/// A pattern, as segments of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// `**`: any folders, or none.
    Any,
    /// This name. Most are, and these are told apart fast.
    Name(String),
    /// A name, with `*` and `?` in it.
    Glob(Vec<Part>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// `*`: any characters, or none.
    Any,
    /// `?`: one character.
    One,
    Char(char),
}

impl Pattern {
    pub fn everything() -> Self {
        Self(vec![Segment::Any])
    }

    /// Reads a pattern. One that GitHub does not know comes back with the complaint, widened to all it may have meant.
    pub fn parse(text: &str) -> Result<Self, (Self, String)> {
        if let Some((at, hidden)) = text.char_indices().find(|(_, c)| is_hidden(*c)) {
            // What stands before it, and whatever it was meant to go on with.
            let before = &text[..at];
            let (Ok(widened) | Err((widened, _))) = Self::parse(&format!("{before}**"));
            let code = u32::from(hidden);
            return Err((
                widened,
                format!("after `{before}` stands U+{code:04X}, which cannot be seen; write a plain space or nothing"),
            ));
        }
        let (meant, complaint) = match text.strip_prefix('!').or_else(|| text.strip_prefix("\\#").map(|_| &text[1..])) {
            Some(meant) if text.starts_with('!') => (meant, Some(format!("`{text}`: `!` does not work in CODEOWNERS"))),
            Some(meant) => (meant, Some(format!("`{text}`: a pattern cannot start with `#`, not even as `\\#`"))),
            None => (text, None),
        };
        let complaint = complaint.or_else(|| complaint_about(meant));
        let pattern = Self::read(meant);
        match complaint {
            None => Ok(pattern),
            Some(complaint) => Err((pattern, complaint)),
        }
    }

    fn read(text: &str) -> Self {
        let is_folder = text.ends_with('/');
        let names: Vec<&str> = text.split('/').filter(|name| !name.is_empty()).collect();
        let Some(last) = names.last() else { return Self::everything() };
        // A slash before the end ties the pattern to the root.
        let is_anchored = text.trim_end_matches('/').contains('/');
        let mut segments = if is_anchored { Vec::new() } else { vec![Segment::Any] };
        segments.extend(names.iter().map(|name| segment(name)));
        let is_one_level = *last == "*" && !is_folder;
        if is_folder || *last == "**" {
            // What is in the folder, not a file of that name.
            segments.push(Segment::Glob(vec![Part::Any]));
        }
        if !is_one_level {
            segments.push(Segment::Any);
        }
        Self(segments)
    }

    pub fn matches(&self, path: &[&str]) -> bool {
        fits(
            &self.0,
            path,
            |segment| matches!(segment, Segment::Any),
            |segment, name| match segment {
                Segment::Any => true,
                Segment::Name(own) => own == name,
                Segment::Glob(parts) => {
                    let chars: Vec<char> = name.chars().collect();
                    fits(
                        parts,
                        &chars,
                        |part| *part == Part::Any,
                        |part, c| *part == Part::One || *part == Part::Char(*c),
                    )
                }
            },
        )
    }
}

fn is_hidden(c: char) -> bool {
    let shown = visible(c.encode_utf8(&mut [0; 4]));
    c != ' ' && (c.is_whitespace() || !shown.starts_with(c))
}

fn complaint_about(text: &str) -> Option<String> {
    if text.contains(['[', ']']) {
        return Some(format!("`{text}`: `[ ]` does not work in CODEOWNERS; write `*` or `?`"));
    }
    if text.contains("***") {
        return Some(format!("`{text}`: `***` is no pattern; write `**`"));
    }
    if text.split('/').all(str::is_empty) {
        return Some(format!("`{text}` matches nothing; for the whole repository write `*`"));
    }
    text.contains("//").then(|| format!("`{text}` has an empty folder name; write one `/`"))
}

fn segment(name: &str) -> Segment {
    if name == "**" || name.contains("***") {
        return Segment::Any;
    }
    // What GitHub does not read is widened: `[a-z]` may be any of these, or a folder of that name.
    let brackets =
        name.find('[').map(|from| from..name.rfind(']').filter(|to| *to > from).map_or(name.len(), |to| to + 1));
    let brackets = brackets.or_else(|| name.find(']').map(|to| 0..to + 1));
    let mut parts = Vec::new();
    let mut is_escaped = false;
    for (at, c) in name.char_indices() {
        if brackets.as_ref().is_some_and(|brackets| brackets.contains(&at)) {
            parts.push(Part::Any);
            continue;
        }
        let part = match c {
            '\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            '*' if !is_escaped => Part::Any,
            '?' if !is_escaped => Part::One,
            c => Part::Char(c),
        };
        is_escaped = false;
        parts.push(part);
    }
    parts.dedup_by(|a, b| *a == Part::Any && *b == Part::Any);
    let plain = |part: &Part| if let Part::Char(c) = part { Some(*c) } else { None };
    parts.iter().map(plain).collect::<Option<String>>().map_or(Segment::Glob(parts), Segment::Name)
}

/// Whether items fit a pattern of which some parts stand for any number of items. Where it fails, only the last such part is
/// tried with one item more: the earlier ones have nothing to win.
fn fits<P, I>(pattern: &[P], items: &[I], is_any: impl Fn(&P) -> bool, fits_one: impl Fn(&P, &I) -> bool) -> bool {
    let (mut part, mut item) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while item < items.len() {
        match pattern.get(part) {
            Some(any) if is_any(any) => {
                part += 1;
                retry = Some((part, item));
            }
            Some(one) if fits_one(one, &items[item]) => {
                part += 1;
                item += 1;
            }
            _ => {
                let Some((after, tried)) = retry else { return false };
                retry = Some((after, tried + 1));
                part = after;
                item = tried + 1;
            }
        }
    }
    pattern[part..].iter().all(is_any)
}

//! What is wrong with a policy file, as a compiler would show it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with a policy file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{message}", if *.line == 0 { String::new() } else { format!("{line}:{column}: ") })]
pub struct PolicyError {
    /// Line, counted from 1; 0 when the whole file is meant.
    pub line: u64,
    /// Column, counted from 1.
    pub column: u64,
    /// What is wrong and what to do.
    pub message: String,
}

impl PolicyError {
    /// The error as a compiler shows it: `file:line:column`, what is wrong, and the line with the place underlined.
    /// Plain text; the line is the file's own, so whoever shows it elsewhere escapes it.
    #[must_use]
    pub fn render(&self, path: &str, text: &str) -> String {
        let heading = format!("{path}:{}:{}: {}", self.line, self.column, self.message);
        let Some(Span { line, before, width }) = self.span(text) else { return heading };
        let (line, before, width) = clipped(line, before, width);
        let gutter = " ".repeat(self.line.to_string().len());
        let (indent, under) = (" ".repeat(before), "^".repeat(width));
        format!("{heading}\n{gutter} |\n{} | {line}\n{gutter} | {indent}{under}", self.line)
    }

    /// The line it points at and what is meant there; nothing when the whole file is meant, or an empty line.
    #[must_use]
    pub fn span<'a>(&self, text: &'a str) -> Option<Span<'a>> {
        let index = usize::try_from(self.line.checked_sub(1)?).ok()?;
        let line = text.lines().nth(index).filter(|line| !line.trim().is_empty())?;
        let before = usize::try_from(self.column.saturating_sub(1)).unwrap_or(0).min(line.chars().count());
        let start = line.char_indices().nth(before).map_or(line.len(), |(start, _)| start);
        Some(Span { line, before, width: width_of_value(&line[start..]).max(1) })
    }
}

/// So much of a line is shown, in characters, and so much of it before the place that is meant.
const SHOWN: usize = 400;
const SHOWN_BEFORE: usize = 100;

/// What is shown of a long line: the place and what is around it.
fn clipped(line: &str, before: usize, width: usize) -> (String, usize, usize) {
    let count = line.chars().count();
    if count <= SHOWN {
        return (line.to_owned(), before, width);
    }
    let start = before.saturating_sub(SHOWN_BEFORE);
    let mut shown: String = line.chars().skip(start).take(SHOWN).collect();
    let mut before = before - start;
    if start > 0 {
        shown.insert(0, '…');
        before += 1;
    }
    if start + SHOWN < count {
        shown.push('…');
    }
    let width = width.min(shown.chars().count().saturating_sub(before)).max(1);
    (shown, before, width)
}

/// A place in a line, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The whole line.
    pub line: &'a str,
    /// How many characters come before it.
    pub before: usize,
    /// How many it takes; at least one.
    pub width: usize,
}

/// How many characters the value takes with which this text starts.
fn width_of_value(text: &str) -> usize {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        return text.chars().skip(1).position(|c| c == quote).map_or(text.chars().count(), |end| end + 2);
    }
    if text.starts_with(['{', '[']) {
        return width_of_brackets(text).unwrap_or_else(|| text.trim_end().chars().count());
    }
    let end = [",", "]", "}", ": ", ":\n", " #"].iter().filter_map(|stop| text.find(stop)).min().unwrap_or(text.len());
    text[..end].trim_end().trim_end_matches(':').chars().count()
}

/// How many characters there are up to the bracket that closes the first, if it is closed on this line.
fn width_of_brackets(text: &str) -> Option<usize> {
    let (mut open, mut quote) = (0_usize, None);
    for (width, c) in (1..).zip(text.chars()) {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => open += 1,
            (None, ']' | '}') => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return Some(width);
        }
    }
    None
}

/// Everything that is wrong with a policy file, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(transparent)]
pub struct PolicyErrors(pub(super) Vec<PolicyError>);

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(n, error)| write!(f, "{}{error}", if n == 0 { "" } else { "\n" }))
    }
}

impl PolicyErrors {
    /// An error of the file as a whole.
    #[must_use]
    pub fn whole_file(message: impl Into<String>) -> Self {
        Self(vec![PolicyError { line: 0, column: 0, message: message.into() }])
    }

    /// The first so many; the last of them says how many others there are.
    #[must_use]
    pub(super) fn at_most(mut self, most: usize) -> Self {
        let more = self.0.len().saturating_sub(most);
        self.0.truncate(most);
        if let (true, Some(last)) = (more > 0, self.0.last_mut()) {
            last.message.push_str(&format!(" (and {more} more errors)"));
        }
        self
    }

    /// The errors, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }

    /// The first error; how many others there are is added to its words.
    #[must_use]
    pub fn first(&self) -> PolicyError {
        let Some(first) = self.0.first() else {
            return PolicyError { line: 0, column: 0, message: "the file cannot be read".to_owned() };
        };
        match self.0.len() - 1 {
            0 => first.clone(),
            1 => PolicyError { message: format!("{} (and 1 more error)", first.message), ..first.clone() },
            more => PolicyError { message: format!("{} (and {more} more errors)", first.message), ..first.clone() },
        }
    }

    /// All errors as a compiler shows them ([`PolicyError::render`]).
    #[must_use]
    pub fn render(&self, path: &str, text: &str) -> String {
        self.0.iter().map(|error| error.render(path, text)).collect::<Vec<_>>().join("\n\n")
    }
}

//! The little Markdown that GitHub pages and this tour are written in, for a terminal.

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    #[default]
    Plain,
    Strong,
    Code,
    Dim,
    Good,
    Bad,
    Title,
    Button,
}

impl Style {
    /// The ANSI code that begins it; empty when there is nothing to begin.
    pub fn begin(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\x1b[1m",
            Self::Code => "\x1b[36m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
            Self::Title => "\x1b[1;33m",
            Self::Button => "\x1b[7m",
        }
    }
}

/// A piece of text in one style.
pub(super) type Piece = (Style, String);

/// Words of `text` in `width` columns: `**strong**`, `` `code` `` and `[links](…)` are understood.
pub(super) fn wrap(text: &str, base: Style, width: usize) -> Vec<Vec<Piece>> {
    fill(words(pieces(text, base)), base, width)
}

/// The same for text in which nothing is meant as a mark.
pub(super) fn wrap_plain(text: &str, base: Style, width: usize) -> Vec<Vec<Piece>> {
    fill(words(vec![(base, text.to_owned())]), base, width)
}

fn fill(words: Vec<Vec<Piece>>, base: Style, width: usize) -> Vec<Vec<Piece>> {
    let mut lines: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut used = 0;
    for word in words {
        let length: usize = word.iter().map(|(_, text)| text.chars().count()).sum();
        if used > 0 && used + 1 + length > width {
            lines.push(Vec::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push((base, " ".to_owned()));
            used += 1;
        }
        line.extend(word);
        used += length;
    }
    lines
}

/// Splits at spaces, those inside code as well, and marks each piece with its style.
fn words(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut words: Vec<Vec<Piece>> = vec![Vec::new()];
    for (style, text) in pieces {
        for (nth, part) in text.split(' ').enumerate() {
            if nth > 0 {
                words.push(Vec::new());
            }
            if let Some(word) = words.last_mut().filter(|_| !part.is_empty()) {
                word.push((style, part.to_owned()));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn pieces(text: &str, base: Style) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (before, marked) = rest.split_at(at);
        let taken = marked
            .strip_prefix('`')
            .and_then(|inner| inner.split_once('`').map(|found| (Style::Code, found)))
            .or_else(|| marked.strip_prefix("**").and_then(|i| i.split_once("**").map(|found| (Style::Strong, found))))
            .or_else(|| link(marked).map(|found| (base, found)));
        pieces.push((base, before.to_owned()));
        rest = match taken {
            Some((style, (inner, after))) => {
                pieces.push((style, inner.to_owned()));
                after
            }
            None => {
                let mut characters = marked.chars();
                pieces.push((base, characters.next().map(String::from).unwrap_or_default()));
                characters.as_str()
            }
        };
    }
    pieces.push((base, rest.to_owned()));
    pieces
}

/// The text of `[text](address)`, and what follows.
fn link(text: &str) -> Option<(&str, &str)> {
    let (inner, after) = text.strip_prefix('[')?.split_once("](")?;
    Some((inner, after.split_once(')')?.1))
}

/// The lines below `### heading`, as far as the next heading or rule; blank ones left out.
pub(super) fn section<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = page.lines().skip_while(|line| line.strip_prefix("### ") != Some(heading)).skip(1);
    lines
        .take_while(|line| !line.starts_with("### ") && *line != "---")
        .filter(|line| !line.trim().is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Style, section, wrap};

    fn plain(text: &str, width: usize) -> Vec<String> {
        wrap(text, Style::Plain, width)
            .iter()
            .map(|line| line.iter().map(|(_, text)| text.as_str()).collect())
            .collect()
    }

    #[test]
    fn marks_become_styles_and_take_no_room() {
        assert_eq!(plain("**mona** wrote `a b` in [run 7](https://x.test)", 80), ["mona wrote a b in run 7"]);
        assert_eq!(wrap("**mona**", Style::Plain, 80), [[(Style::Strong, "mona".to_owned())]]);
    }

    #[test]
    fn lines_break_between_words_only() {
        assert_eq!(plain("one two three", 8), ["one two", "three"]);
        assert_eq!(plain("incomprehensibilities", 8), ["incomprehensibilities"]);
    }

    #[test]
    fn a_mark_without_its_end_is_text() {
        assert_eq!(plain("2 * 3 [x `y", 80), ["2 * 3 [x `y"]);
    }

    #[test]
    fn a_section_ends_at_the_next_heading() {
        let page = "intro\n### Why\n\n- a\n- b\n\n### Who\n- c\n---\nfoot";
        assert_eq!(section(page, "Why"), ["- a", "- b"]);
        assert_eq!(section(page, "Who"), ["- c"]);
        assert!(section(page, "What").is_empty());
    }
}

//! How words are set: as Markdown on GitHub, plain on a terminal. The words are the same.

use super::safe;

/// What the words are set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// GitHub's Markdown.
    Markdown,
    /// A terminal without colours, or a file.
    Plain,
    /// A terminal.
    Terminal,
}

impl Style {
    /// A name or a text that came from outside: nothing in it is markup, nothing in it hides.
    #[must_use]
    pub fn code(self, text: &str) -> String {
        let shown = || safe::visible(text);
        match self {
            Self::Markdown => safe::code(text),
            Self::Plain | Self::Terminal if text.trim().is_empty() => "(empty)".into(),
            Self::Plain => shown(),
            Self::Terminal => format!("\x1b[36m{}\x1b[39m", shown()),
        }
    }

    /// The first characters of an object id or digest.
    #[must_use]
    pub fn prefix(self, id: &str, characters: usize) -> String {
        self.code(&id.chars().take(characters).collect::<String>())
    }

    /// Words that matter. They are our own, or set already.
    #[must_use]
    pub fn strong(self, words: &str) -> String {
        match self {
            Self::Markdown => format!("**{words}**"),
            Self::Plain => words.to_owned(),
            Self::Terminal => format!("\x1b[1m{words}\x1b[22m"),
        }
    }

    /// A heading, with the empty line before it.
    #[must_use]
    pub fn heading(self, words: &str) -> String {
        match self {
            Self::Markdown => format!("\n### {words}"),
            Self::Plain | Self::Terminal => format!("\n{}", self.strong(words)),
        }
    }

    /// Words that lead somewhere.
    #[must_use]
    pub fn link(self, words: &str, url: &str) -> String {
        match self {
            Self::Markdown => format!("[{words}]({})", safe::link(url)),
            Self::Plain | Self::Terminal => format!("{words}, {}", safe::link(url)),
        }
    }

    /// A line across the page.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::Markdown => "---\n",
            Self::Plain | Self::Terminal => "",
        }
    }
}

//! Text that came from outside, made harmless: no markup, no mentions, nothing invisible (P8).

pub use crate::domain::text::visible;

use crate::domain::Millis;

/// Text as a Markdown code span: nothing in it is markup or a mention.
#[must_use]
pub fn code(text: &str) -> String {
    let text = visible(text);
    if text.trim().is_empty() {
        return "*(empty)*".into();
    }
    if !text.contains('`') {
        return ["`", &text, "`"].concat(); // Nearly all texts.
    }
    let fence = "`".repeat(longest_run_of_backticks(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The first characters of an object id or digest, as a code span.
#[must_use]
pub fn prefix(id: &str, characters: usize) -> String {
    code(&id.chars().take(characters).collect::<String>())
}

/// Several lines as a Markdown code block.
#[must_use]
pub fn block(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(visible).collect();
    let text = lines.join("\n");
    let fence = "`".repeat(longest_run_of_backticks(&text).max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// At most so many bytes, cut on a character, with an ellipsis where something is missing.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..end])
}

/// An address for a Markdown link; anything that could leave the link is dropped.
#[must_use]
pub fn link(url: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&*+,;=%".contains(c);
    if url.starts_with("https://") || url.starts_with("http://") {
        url.chars().filter(|c| harmless(*c)).collect()
    } else {
        "#".into()
    }
}

/// An instant as people read it: `2026-11-22 10:15 UTC`.
#[must_use]
pub fn instant(at: Millis) -> String {
    chrono::DateTime::from_timestamp_millis(at)
        .map_or_else(|| format!("{at} ms"), |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
}

//! The terminal: a hundred columns, colour and pace when somebody is watching.

use std::io::{self, IsTerminal as _, Stdout, Write as _};
use std::time::Duration;

use serde_json::Value;

use super::markup::{Style, wrap, wrap_plain};

/// Columns used.
const WIDTH: usize = 98;
/// Columns before everything but headings.
const INDENT: &str = "   ";
/// To read one line.
const LINE: Duration = Duration::from_millis(330);
/// To take in that a step is over.
const BREATH: Duration = Duration::from_millis(1_100);

/// Where the story is told.
pub(super) struct Screen {
    out: Stdout,
    colour: bool,
    paced: bool,
    /// Lines since the last pause.
    unread: u32,
    paused: Duration,
}

impl Screen {
    /// Standard output.
    pub fn new(colour: bool, fast: bool) -> Self {
        let out = io::stdout();
        let watched = out.is_terminal();
        Self { out, colour: colour && watched, paced: watched && !fast, unread: 0, paused: Duration::ZERO }
    }

    /// Gives whoever is watching time to read what came since the last pause.
    pub async fn pause(&mut self) {
        let unread = std::mem::take(&mut self.unread);
        if self.paced {
            let pause = BREATH + LINE * unread;
            self.paused += pause;
            tokio::time::sleep(pause).await;
        }
    }

    /// How long all pauses were.
    pub fn paused(&self) -> Duration {
        self.paused
    }

    /// The title of it all.
    pub fn title(&mut self, title: &str, motto: &str) -> anyhow::Result<()> {
        self.blank()?;
        self.line("", &[(Style::Title, title.to_owned())])?;
        self.paragraph("", motto, Style::Dim)
    }

    /// A step of the story.
    pub fn step(&mut self, number: usize, title: &str) -> anyhow::Result<()> {
        self.blank()?;
        self.blank()?;
        self.line("", &[(Style::Title, format!("{number}  ")), (Style::Strong, title.to_owned())])?;
        self.blank()
    }

    /// What is not a step.
    pub fn heading(&mut self, title: &str) -> anyhow::Result<()> {
        self.blank()?;
        self.blank()?;
        self.line(INDENT, &[(Style::Strong, title.to_owned())])?;
        self.blank()
    }

    /// An empty line.
    pub fn blank(&mut self) -> anyhow::Result<()> {
        writeln!(self.out)?;
        Ok(())
    }

    /// A paragraph of the story.
    pub fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.paragraph(INDENT, text, Style::Plain)
    }

    /// Said below something, more quietly.
    pub fn aside(&mut self, text: &str) -> anyhow::Result<()> {
        self.paragraph(&format!("{INDENT}  "), text, Style::Dim)
    }

    /// Something that was checked and is so.
    pub fn fact(&mut self, text: &str) -> anyhow::Result<()> {
        self.marked("✔ ", Style::Good, text)
    }

    /// Somebody was told no, as it should be.
    pub fn refusal(&mut self, text: &str) -> anyhow::Result<()> {
        self.marked("✘ ", Style::Bad, text)
    }

    /// A name, and what it is.
    pub fn entry(&mut self, name: &str, what: &str) -> anyhow::Result<()> {
        let mut line = vec![(Style::Strong, format!("{name:<12}"))];
        line.extend(wrap(what, Style::Plain, usize::MAX).into_iter().flatten());
        self.line(INDENT, &line)
    }

    /// A command to copy. Never broken, however long.
    pub fn command(&mut self, command: &str) -> anyhow::Result<()> {
        self.line(INDENT, &[(Style::Dim, "$ ".to_owned()), (Style::Code, command.to_owned())])
    }

    /// Something quoted from elsewhere begins.
    pub fn quote(&mut self, source: &str) -> anyhow::Result<()> {
        self.line(INDENT, &[(Style::Dim, format!("╭─ {source}"))])
    }

    /// A line of it, in Markdown; a bullet keeps its text in one column.
    pub fn quoted(&mut self, text: &str, style: Style) -> anyhow::Result<()> {
        let content = text.trim_start();
        let spaces = " ".repeat(text.len() - content.len());
        let (bullet, content) = content.strip_prefix("- ").map_or(("", content), |rest| ("• ", rest));
        let bar = if text.is_empty() { "│" } else { "│  " };
        self.barred(bar, &format!("{spaces}{bullet}"), content, style)
    }

    /// The headline of a page, and the buttons on it.
    pub fn headline(&mut self, title: &str, buttons: &[&str]) -> anyhow::Result<()> {
        let mut line = vec![(Style::Dim, "│  ".to_owned()), (Style::Strong, title.to_owned())];
        for button in buttons {
            line.extend([(Style::Plain, "   ".to_owned()), (Style::Button, format!("[ {button} ]"))]);
        }
        self.line(INDENT, &line)
    }

    /// It ends.
    pub fn unquote(&mut self) -> anyhow::Result<()> {
        self.line(INDENT, &[(Style::Dim, "╰─".to_owned())])
    }

    /// Fields of a JSON object, each value on one line if there is room for it.
    pub fn fields(&mut self, object: &Value, names: &[&str]) -> anyhow::Result<()> {
        for name in names {
            if let Some(value) = object.get(name) {
                let label = (Style::Code, format!("{:<15}", *name));
                let lines = breakable(&value.to_string(), WIDTH - INDENT.len() - 3 - 15);
                for (nth, text) in lines.into_iter().enumerate() {
                    let label = if nth == 0 { label.clone() } else { (Style::Plain, " ".repeat(15)) };
                    self.line(INDENT, &[(Style::Dim, "│  ".to_owned()), label, (Style::Plain, text)])?;
                }
            }
        }
        Ok(())
    }

    /// What a command printed, its verdict in a colour; a line that is too long goes on below, further in.
    pub fn printed(&mut self, words: &str, verdict: Style) -> anyhow::Result<()> {
        for (nth, text) in words.lines().enumerate() {
            let style = if nth == 0 { verdict } else { Style::Plain };
            let content = text.trim_start();
            let indent = format!("{INDENT}{}", " ".repeat(text.len() - content.len()));
            let lines = wrap_plain(content, style, WIDTH - indent.len() - 2);
            for (nth, line) in lines.into_iter().enumerate() {
                self.line(&if nth == 0 { indent.clone() } else { format!("{indent}  ") }, &line)?;
            }
        }
        Ok(())
    }

    /// A line of text as it is.
    pub fn row(&mut self, text: &str, style: Style) -> anyhow::Result<()> {
        self.line(INDENT, &[(style, text.to_owned())])
    }

    fn marked(&mut self, mark: &str, style: Style, text: &str) -> anyhow::Result<()> {
        let lines = wrap(text, Style::Plain, WIDTH - INDENT.len() - 2);
        for (nth, mut line) in lines.into_iter().enumerate() {
            line.insert(0, if nth == 0 { (style, mark.to_owned()) } else { (Style::Plain, "  ".to_owned()) });
            self.line(INDENT, &line)?;
        }
        Ok(())
    }

    fn paragraph(&mut self, indent: &str, text: &str, style: Style) -> anyhow::Result<()> {
        for line in wrap(text, style, WIDTH - indent.len()) {
            self.line(indent, &line)?;
        }
        Ok(())
    }

    fn barred(&mut self, bar: &str, first: &str, text: &str, style: Style) -> anyhow::Result<()> {
        let hang = first.chars().count();
        for (nth, mut line) in wrap(text, style, WIDTH - INDENT.len() - 3 - hang).into_iter().enumerate() {
            let before = if nth == 0 { first.to_owned() } else { " ".repeat(hang) };
            line.insert(0, (style, before));
            line.insert(0, (Style::Dim, bar.to_owned()));
            self.line(INDENT, &line)?;
        }
        Ok(())
    }

    fn line(&mut self, indent: &str, pieces: &[(Style, String)]) -> anyhow::Result<()> {
        self.unread += 1;
        write!(self.out, "{indent}")?;
        for (style, text) in pieces {
            match style.begin() {
                "" => write!(self.out, "{text}")?,
                begin if self.colour => write!(self.out, "{begin}{text}\x1b[0m")?,
                _ => write!(self.out, "{text}")?,
            }
        }
        writeln!(self.out)?;
        Ok(())
    }
}

/// Breaks compact JSON after commas, so that each line fits where it can.
fn breakable(json: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in json.split_inclusive(',') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.len() + part.len() <= width => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

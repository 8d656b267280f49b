//! `tests/policies/errors/*.md`: a heading, a policy file, and what its author is told.

use std::fs;
use std::path::{Path, PathBuf};

/// One heading and its two blocks.
pub struct Case {
    pub title: String,
    pub yaml: String,
    pub told: String,
    /// Whether an editor with the schema sees it, too: its block is marked ```` ```yaml schema ````.
    pub by_schema: bool,
}

/// A file of cases.
pub struct Page {
    pub path: PathBuf,
    pub heading: String,
    pub cases: Vec<Case>,
}

pub fn pages() -> Vec<Page> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/errors");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(Page::read).collect()
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        let mut parts = text.split("\n## ");
        let heading = parts.next().unwrap().trim_end().to_owned();
        let cases = parts.map(|part| Case::read(part).unwrap_or_else(|| panic!("{}: {part}", path.display())));
        Self { cases: cases.collect(), heading, path }
    }

    pub fn is_of_warnings(&self) -> bool {
        self.path.ends_with("warnings.md")
    }

    pub fn write(&self) {
        let mut text = format!("{}\n", self.heading);
        for Case { title, yaml, told, by_schema } in &self.cases {
            let mark = if *by_schema { " schema" } else { "" };
            text.push_str(&format!("\n## {title}\n\n```yaml{mark}\n{yaml}```\n\n```text\n{told}\n```\n"));
        }
        fs::write(&self.path, text).unwrap();
    }
}

impl Case {
    fn read(part: &str) -> Option<Self> {
        let (title, rest) = part.split_once("\n\n```yaml")?;
        let (info, rest) = rest.split_once('\n')?;
        let (yaml, rest) = rest.split_once("```\n\n```text\n")?;
        let told = rest.split_once("```")?.0.trim_end().to_owned();
        Some(Self { title: title.to_owned(), yaml: yaml.to_owned(), told, by_schema: info.trim() == "schema" })
    }
}

//! Patterns that can never match as they are spelt, or mean less than they seem to: what to write instead.

use super::super::glob::Spelling;

/// A pattern that never matches what it is meant for: why, and the pattern that does, if one can be told.
pub(super) struct Misspelt {
    pub why: &'static str,
    pub instead: Option<String>,
}

/// What is wrong with the spelling of a pattern under this key.
pub(super) fn misspelt(key: &str, spelling: Spelling, pattern: &str) -> Option<Misspelt> {
    let trimmed = pattern.trim();
    if trimmed != pattern {
        return found("nothing begins or ends with a space", trimmed.to_owned());
    }
    match (key, spelling) {
        ("workflows", _) => {
            let (_, file) = pattern.rsplit_once('/')?;
            let file = if file.is_empty() { "*" } else { file };
            found("workflows are called by their file, without its folder", file.to_owned())
        }
        ("paths", _) => path(pattern),
        (_, Spelling::Folders) => git_ref(key, pattern),
        _ => None,
    }
}

/// What is read, and most likely means something else than its author does: in words, with what to write.
pub(super) fn doubtful(key: &str, pattern: &str) -> Option<String> {
    if !["environments", "branches", "tags", "workflows", "paths"].contains(&key) {
        return None;
    }
    let is_expression = pattern.starts_with(['^', '('])
        || pattern.ends_with('$')
        || pattern.starts_with(".*")
        || pattern.contains(".+");
    if is_expression {
        let instead = pattern.trim_start_matches('^').trim_end_matches('$').replace(".*", "*").replace(".+", "*");
        return Some(format!(
            "`{pattern}` looks like a regular expression and is read as a glob, which covers other things; write `{instead}`"
        ));
    }
    if key != "paths" && pattern.contains(',') && !pattern.contains(['{', '[']) {
        let names: Vec<&str> = pattern.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        return Some(format!("`{pattern}` is one name with a comma in it; write `[{}]`", names.join(", ")));
    }
    (key == "workflows").then(|| no_workflow(pattern)).flatten()
}

/// Workflows are files that end in `.yml` or `.yaml`; but for the one GitHub itself runs, for Pages.
fn no_workflow(pattern: &str) -> Option<String> {
    let end = pattern.rsplit(['*', '?', ']', '}']).next().unwrap_or_default();
    let fits = |ending: &str| ending.ends_with(end) || end.ends_with(ending);
    if pattern == "pages-build-deployment" || fits(".yml") || fits(".yaml") {
        return None;
    }
    let example = if pattern.contains(' ') { "deploy" } else { pattern };
    Some(format!(
        "`{pattern}` covers no workflow: they are called by their file, which ends in `.yml` or `.yaml`; write for example \
         `{example}.yml`"
    ))
}

fn found(why: &'static str, instead: String) -> Option<Misspelt> {
    Some(Misspelt { why, instead: Some(instead) })
}

fn path(pattern: &str) -> Option<Misspelt> {
    if pattern.contains('\\') {
        return found(
            "folders are separated by `/`, and `[*]` is the character `*`",
            tidy(&pattern.replace('\\', "/")),
        );
    }
    if pattern.split('/').any(|part| part == "..") {
        return Some(Misspelt {
            why: "paths begin at the root of the repository, and `..` leads nowhere",
            instead: None,
        });
    }
    if pattern.starts_with('/') || pattern.starts_with("./") || pattern == "." {
        return found("paths begin at the root of the repository, with neither `/` nor `./`", tidy(pattern));
    }
    folders(pattern, "what changes are files; `/**` is all that is in a folder")
}

fn git_ref(key: &str, pattern: &str) -> Option<Misspelt> {
    let full = ["refs/heads/", "refs/tags/"].iter().find_map(|prefix| pattern.strip_prefix(prefix));
    if let Some(name) = full.filter(|name| !name.is_empty()) {
        return found("names stand without `refs/heads/` or `refs/tags/`", name.to_owned());
    }
    if pattern.contains('\\') {
        return found("no name of a branch or tag has a `\\`", tidy(&pattern.replace('\\', "/")));
    }
    if pattern.starts_with('/') || pattern.starts_with("./") {
        return found("no name of a branch or tag begins with `/` or `./`", tidy(pattern));
    }
    folders(pattern, if key == "tags" { "no tag ends with `/`" } else { "no branch ends with `/`" })
}

fn folders(pattern: &str, of_the_end: &'static str) -> Option<Misspelt> {
    if pattern.contains("//") || pattern.contains("/./") {
        return found("nothing has an empty part or `.` between two `/`", tidy(pattern));
    }
    if pattern.ends_with('/') {
        return found(of_the_end, tidy(pattern));
    }
    // Within braces a comma ends a part, too: `{docs/**,src}`.
    if pattern.contains('{') || pattern.split('/').all(|part| part == "**" || !part.contains("**")) {
        return None;
    }
    let parts: Vec<String> = pattern.split('/').map(apart).collect();
    found("`**` crosses folders only where it stands alone between two `/`; here it would be one `*`", parts.join("/"))
}

/// `**.md` as it was meant: `**/*.md`.
fn apart(part: &str) -> String {
    let Some((before, after)) = part.split_once("**").filter(|_| part != "**") else { return part.to_owned() };
    let after = after.trim_start_matches('*');
    let before = if before.is_empty() { String::new() } else { format!("{before}*/") };
    let after = if after.is_empty() { String::new() } else { format!("/*{}", apart(after)) };
    format!("{before}**{after}")
}

/// Without what stands too much, and with what is missing at its end.
fn tidy(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let path = parts.join("/");
    match (path.is_empty(), pattern.ends_with('/')) {
        (true, _) => "**".to_owned(),
        (false, true) => format!("{path}/**"),
        (false, false) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::glob::Glob;
    use super::*;

    #[test]
    fn what_is_written_instead_is_good_and_matches_what_was_meant() {
        for (key, pattern, instead, meant) in [
            ("paths", "./migrations/*", "migrations/*", "migrations/1.sql"),
            ("paths", "/migrations/*", "migrations/*", "migrations/1.sql"),
            ("paths", "migrations/", "migrations/**", "migrations/2024/1.sql"),
            ("paths", "migrations\\*", "migrations/*", "migrations/1.sql"),
            ("paths", ".\\db\\", "db/**", "db/a/b.sql"),
            ("paths", "/", "**", "a/b"),
            ("paths", "a//b/*", "a/b/*", "a/b/c"),
            ("paths", "**.md", "**/*.md", "docs/a/b.md"),
            ("paths", "docs/**.md", "docs/**/*.md", "docs/a/b.md"),
            ("paths", "db**", "db*/**", "db1/a/b"),
            ("paths", " db/**", "db/**", "db/a"),
            ("branches", "refs/heads/main", "main", "main"),
            ("branches", "release/", "release/**", "release/1/2"),
            ("tags", "refs/tags/v*", "v*", "v1"),
            ("workflows", ".github/workflows/deploy.yml", "deploy.yml", "deploy.yml"),
        ] {
            let spelling = if key == "workflows" { Spelling::Exact } else { Spelling::Folders };
            let said = misspelt(key, spelling, pattern).and_then(|it| it.instead);
            assert_eq!(said.as_deref(), Some(instead), "{pattern}");
            assert!(misspelt(key, spelling, instead).is_none(), "{instead}");
            assert!(Glob::new(instead, spelling).unwrap().matches(meant), "{instead} {meant}");
            assert!(!Glob::new(pattern, spelling).is_ok_and(|glob| glob.matches(meant)), "{pattern} was good already");
        }
    }

    #[test]
    fn what_is_spelt_well_is_left_alone() {
        for pattern in
            ["**", "*", "docs/**", "**/*.md", "a/**/b", "{docs/**,src/**/*.rs}", ".github/workflows/*", "a..b", "v[*]"]
        {
            assert!(misspelt("paths", Spelling::Folders, pattern).is_none(), "{pattern}");
        }
        assert!(misspelt("commands", Spelling::Exact, "pg_dump --file=/tmp/x\\ y *").is_none());
        assert!(misspelt("environments", Spelling::Loose, "prod/eu").is_none());
    }
}

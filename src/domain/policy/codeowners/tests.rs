use proptest::prelude::*;

use super::*;

/// The example file of GitHub's documentation.
const GITHUBS_EXAMPLE: &str = "\
# This is a comment.
*       @global-owner1 @global-owner2

*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
";

fn owners(file: &str, path: &str) -> String {
    let owners = CodeOwners::parse(file).owners_of(path).owners;
    let shown = owners.iter().map(|owner| match owner {
        Owner::Admins => "admins".to_owned(),
        Owner::Member(Member::User(login)) => format!("@{login}"),
        Owner::Member(Member::Team { org, slug }) => format!("@{org}/{slug}"),
        Owner::Member(other) => panic!("CODEOWNERS cannot say {other:?}"),
        Owner::Email(address) => address.clone(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn githubs_own_example_is_read_as_github_explains_it() {
    // Each line on its own, then the file as a whole, where the last line that matches wins.
    for (line, path, expected) in [
        ("* @global-owner1 @global-owner2", "src/deep/main.c", "@global-owner1 @global-owner2"),
        ("*.js @js-owner #This is an inline comment.", "web/app.js", "@js-owner"),
        ("*.js @js-owner", "web/app.json", ""),
        ("*.go docs@example.com", "main.go", "docs@example.com"),
        ("*.txt @octo-org/octocats", "a/b.txt", "@octo-org/octocats"),
        ("/build/logs/ @doctocat", "build/logs/a/b.log", "@doctocat"),
        ("/build/logs/ @doctocat", "sub/build/logs/b.log", ""),
        ("docs/* docs@example.com", "docs/getting-started.md", "docs@example.com"),
        ("docs/* docs@example.com", "docs/build-app/troubleshooting.md", ""),
        ("apps/ @octocat", "apps/web/index.html", "@octocat"),
        ("apps/ @octocat", "deep/apps/index.html", "@octocat"),
        ("/docs/ @doctocat", "docs/a/b.md", "@doctocat"),
        ("/docs/ @doctocat", "sub/docs/b.md", ""),
        ("/scripts/ @doctocat @octocat", "scripts/run.sh", "@doctocat @octocat"),
        ("**/logs @octocat", "build/logs/x", "@octocat"),
        ("**/logs @octocat", "scripts/logs/x", "@octocat"),
        ("**/logs @octocat", "deeply/nested/logs/x/y", "@octocat"),
        ("**/logs @octocat", "logs/x", "@octocat"),
        ("/apps/ @octocat\n/apps/github", "apps/web.rb", "@octocat"),
        ("/apps/ @octocat\n/apps/github", "apps/github/x.rb", ""),
        ("/apps/ @octocat\n/apps/github @doctocat", "apps/github/x.rb", "@doctocat"),
        (GITHUBS_EXAMPLE, "README.md", "@global-owner1 @global-owner2"),
        (GITHUBS_EXAMPLE, "src/app.js", "@js-owner"),
        (GITHUBS_EXAMPLE, "build/logs/x.txt", "@octocat"),
        (GITHUBS_EXAMPLE, "docs/x.md", "@doctocat"),
        (GITHUBS_EXAMPLE, "apps/main.go", "@octocat"),
        (GITHUBS_EXAMPLE, "apps/github/readme.md", ""),
    ] {
        assert_eq!(owners(line, path), expected, "{path} by {line}");
    }
    assert_eq!(CodeOwners::parse(GITHUBS_EXAMPLE).errors(), []);
}

#[test]
fn patterns_are_those_of_gitignore() {
    for (pattern, path, is_match) in [
        ("Docs/", "docs/a.md", false),
        ("README.md", "sub/README.md", true),
        ("/README.md", "sub/README.md", false),
        ("src/lib", "src/lib/a/b.rs", true),
        ("src/lib", "sub/src/lib/a.rs", false),
        ("src/lib/", "src/lib", false),
        ("/*", "a.rs", true),
        ("/*", "a/b.rs", false),
        ("/src/**", "src/a/b.rs", true),
        ("/src/**", "src", false),
        ("src/**/test", "src/test/a.rs", true),
        ("src/**/test", "src/a/b/test/c.rs", true),
        ("**/*.sql", "a.sql", true),
        ("**", "a/b/c", true),
        ("src/*/a.rs", "src/x/a.rs", true),
        ("src/*/a.rs", "src/x/y/a.rs", false),
        ("*a*b*", "xaxxbx", true),
        ("*a*b*", "xbxxax", false),
        ("a?.rs", "ab.rs", true),
        ("a?.rs", "a.rs", false),
        (r"with\ space/", "with space/a", true),
        (r"a\*b", "axb", false),
        ("a#b", "a#b", true),
        ("straße/*", "straße/ä", true),
    ] {
        let expected = if is_match { "@octocat" } else { "" };
        assert_eq!(owners(&format!("{pattern} @octocat"), path), expected, "{path} by {pattern}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_told_and_its_files_go_to_the_admins() {
    let told = |line: &str| {
        let file = CodeOwners::parse(&format!("* @global\n{line}\n"));
        file.errors().iter().map(|e| format!("{e}\n")).collect::<String>()
    };
    insta::assert_snapshot!([
        "!secrets/ @octocat",
        "[ab].rs @octocat",
        r"\#notes @octocat",
        "***/*.rb @octocat",
        "/ @octocat",
        "src//lib @octocat",
        "*.rb\u{a0}@octocat",
        "*.rb octocat",
        "*.rb @acme/",
        "*.rb @octo_/cat/x",
        "*.rb docs@",
        "*.rb @octocat#comment",
        "*.rb @octocat <cat@example.com>",
    ].map(told).concat(), @r#"
    2:1: `!secrets/`: `!` does not work in CODEOWNERS
    2:1: `[ab].rs`: `[ ]` does not work in CODEOWNERS; write `*` or `?`
    2:1: `\#notes`: a pattern cannot start with `#`, not even as `\#`
    2:1: `***/*.rb`: `***` is no pattern; write `**`
    2:1: `/` matches nothing; for the whole repository write `*`
    2:1: `src//lib` has an empty folder name; write one `/`
    2:1: after `*.rb` stands U+00A0, which cannot be seen; write a plain space or nothing
    2:6: `octocat` is no owner; write `@octocat`, `@acme/platform` or `octocat@example.com`
    2:6: `@acme/` is no owner; write `@octocat`, `@acme/platform` or `octocat@example.com`
    2:6: `@octo_/cat/x` is no owner; write `@octocat`, `@acme/platform` or `octocat@example.com`
    2:6: `docs@` is no owner; write `@octocat`, `@acme/platform` or `octocat@example.com`
    2:6: `@octocat#comment` is no owner; write `@octocat`, `@acme/platform` or `octocat@example.com`
    2:15: `<cat@example.com>` is no owner; write `@octocat`, `@acme/platform` or `octocat@example.com`
    "#);

    for (line, its_own, not_its_own) in [
        ("!secrets/ @octocat", "secrets/key", "src/key"),
        ("[ab]/x.rs @octocat", "a/x.rs", "a/y.rs"),
        ("app/[id]/page.tsx @octocat", "app/[id]/page.tsx", "app/page.tsx"),
        (r"\#notes @octocat", "#notes", "notes"),
        ("src/***/x.rb @octocat", "src/a/b/x.rb", "lib/x.rb"),
        ("*.rb docs@", "a/b.rb", "a/b.rs"),
        ("*.rb @octocat octocat", "a/b.rb", "a/b.rs"),
        ("*.rb\u{a0}@octocat", "a/b.rb", "a/b.rs"),
        ("/docs/\u{200b} @octocat", "docs/a/b.md", "a/docs/b.md"),
    ] {
        let file = format!("* @global\n{line}\n");
        assert_eq!(owners(&file, its_own), "admins", "{its_own} by {line}");
        assert_eq!(owners(&file, not_its_own), "@global", "{not_its_own} by {line}");
    }
    assert_eq!(owners("/ @octocat", "a/b"), "admins", "who writes `/` means the whole repository");
}

#[test]
fn a_later_line_that_can_be_read_takes_its_files_back_from_the_admins() {
    assert_eq!(owners("*.rb docs@\n/lib/ @octocat", "lib/a.rb"), "@octocat");
}

#[test]
fn a_file_that_github_does_not_load_leaves_everything_to_the_admins() {
    let file = CodeOwners::parse(&"* @octocat\n".repeat(300_000));
    assert_eq!(file.owners_of("a/b").owners, BTreeSet::from([Owner::Admins]));
    assert_eq!(file.errors().len(), 1);
}

#[test]
fn windows_line_ends_tabs_marks_and_comments_change_nothing() {
    let file = "\u{feff}*.rb\t@Octocat\r\n  # indented comment\r\n*.md @acme/Docs # @nobody\r\n";
    assert_eq!(CodeOwners::parse(file).errors(), []);
    assert_eq!(owners(file, "a.rb"), "@octocat");
    assert_eq!(owners(file, "a.md"), "@acme/docs");
}

#[test]
fn one_owner_of_each_different_set_is_asked_for() {
    let file = CodeOwners::parse("*.rb @ruby @octocat\n*.sql @acme/db\n*.broken owner\n/vendor/\n");
    assert_eq!(file.owners_of("x.sql").line, Some(2));

    let sets = file.owner_sets(["a.rb", "b.rb", "c.sql", "vendor/d.rb", "README.md", "e.broken"]);
    let ruby = [Owner::Member(Member::User("octocat".to_owned())), Owner::Member(Member::User("ruby".to_owned()))];
    let db = Owner::Member(Member::Team { org: "acme".to_owned(), slug: "db".to_owned() });
    let expected = [BTreeSet::from([Owner::Admins]), BTreeSet::from(ruby), BTreeSet::from([db])];
    assert_eq!(sets, expected);
    assert!(file.owner_sets(["vendor/d.rb", "README.md"]).is_empty());
}

/// gitignore's rules once more, slowly: every way to match is tried.
fn slowly(pattern: &[&str], path: &[&str]) -> bool {
    fn name(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => name(rest, text) || (!text.is_empty() && name(pattern, &text[1..])),
            ([p, rest @ ..], [c, text @ ..]) => (*p == b'?' || p == c) && name(rest, text),
            _ => false,
        }
    }
    match (pattern, path) {
        // A folder owns what is in it, but `*` at the end owns one level.
        ([], _) => true,
        (["*"], path) => path.len() == 1,
        (["**", rest @ ..], _) => {
            let here = if rest.is_empty() { !path.is_empty() } else { slowly(rest, path) };
            here || (!path.is_empty() && slowly(pattern, &path[1..]))
        }
        ([p, rest @ ..], [s, path @ ..]) => name(p.as_bytes(), s.as_bytes()) && slowly(rest, path),
        _ => false,
    }
}

proptest! {
    #[test]
    fn the_fast_way_to_match_agrees_with_the_slow_one(
        pattern in proptest::collection::vec(proptest::sample::select(vec!["a", "b", "*", "**", "a*", "*b", "?"]), 1..5),
        path in proptest::collection::vec(proptest::sample::select(vec!["a", "b", "ab", "ba", "c"]), 1..6),
    ) {
        let owned = owners(&format!("/{} @octocat", pattern.join("/")), &path.join("/")) == "@octocat";
        prop_assert_eq!(owned, slowly(&pattern, &path));
    }

    #[test]
    fn no_file_makes_it_panic_and_a_line_that_is_not_read_never_frees_a_file(line in ".{0,40}", path in "[a-c][a-c/*\\[\\]]{0,7}") {
        let file = CodeOwners::parse(&format!("* @global\n{line}"));
        let owners = file.owners_of(&path).owners;
        prop_assert!(!owners.is_empty() || file.errors().is_empty());
    }
}

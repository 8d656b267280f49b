//! Broken policy files and what their authors are told. Read `tests/policies/errors` aloud: would you know what to do?

use seconder::domain::policy::{PolicyError, parse};

use super::cases::{Case, Page, pages};

/// What the author of a file is told, as a compiler would show it.
fn told(page: &Page, Case { yaml, title, .. }: &Case) -> String {
    let render = |told: &[PolicyError]| {
        told.iter().map(|error| error.render("seconder.yml", yaml)).collect::<Vec<_>>().join("\n\n")
    };
    match parse(yaml) {
        Ok(file) if page.is_of_warnings() => render(&file.warnings),
        Ok(_) => panic!("{}, {title}: the file is read without a complaint", page.path.display()),
        Err(errors) if page.is_of_warnings() => panic!("{title}: {errors}"),
        Err(errors) => errors.render("seconder.yml", yaml),
    }
}

/// With `SECONDER_UPDATE=1` the pages are written anew: read the difference.
#[test]
fn every_mistake_is_answered_with_where_it_is_and_what_to_write() {
    let mut wrong = String::new();
    let mut pages = pages();
    assert!(pages.iter().map(|page| page.cases.len()).sum::<usize>() > 100, "the pages are not found");
    for page in &mut pages {
        let all: Vec<String> = page.cases.iter().map(|case| told(page, case)).collect();
        for (case, told) in page.cases.iter_mut().zip(all) {
            if case.told != told {
                wrong.push_str(&format!(
                    "{}\n-- as it is written:\n{}\n-- as it is:\n{told}\n\n",
                    case.title, case.told
                ));
                case.told = told;
            }
        }
        if std::env::var_os("SECONDER_UPDATE").is_some() {
            page.write();
        }
    }
    assert!(wrong.is_empty(), "SECONDER_UPDATE=1 writes the pages anew\n\n{wrong}");
}

#[test]
fn alternatives_go_as_deep_as_the_papers_say() {
    let deep =
        |depth| (0..depth).fold("1 of admins".to_owned(), |inner, _| format!("{{ any_of: [1 of writers, {inner}] }}"));
    let file =
        |depth| format!("version: 1\nrules:\n  - {{ name: p, environments: [p], require: [{}] }}\n", deep(depth));
    assert!(parse(&file(4)).is_ok() && parse(&file(5)).is_err());
}

/// Whoever means an account that is called like a group can say so, and is printed so.
#[test]
fn an_account_that_is_called_like_a_group_is_written_with_its_at() {
    let text = "version: 1\napprovers: { platform: [alice], everyone: [\"@platform\", \"@writers\"] }\n\
                rules: [{ name: p, environments: [p], require: [2 of everyone] }]\n";
    let file = parse(text).unwrap();
    assert_eq!(parse(&seconder::domain::policy::print(&file)).unwrap().approvers, file.approvers);
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = "version: 1\napprovers: { platform: [octocat] }\nrules:\n  - name: production\n    enviroments: [production]\n    \
                require: [1 of plattform, 0 of platform]\n    expires: 30\n";
    let errors = parse(text).unwrap_err();
    let all = [
        "5:5: a rule has no key `enviroments`; did you mean `environments`?",
        "6:15: there is no group `plattform`; did you mean `platform`?",
        "6:31: 0 approvals are not possible; ask for 1 to 100",
        "7:14: `expires` reads like `30m`, `4h` or `7d`, not the number 30",
    ];
    assert_eq!(errors.to_string(), all.join("\n"));
    assert_eq!(errors.first().to_string(), format!("{} (and 3 more errors)", all[0]));
}

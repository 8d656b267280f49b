//! `people:` who is one human under several accounts and addresses, and which account is a machine's.

use super::super::NamedPerson;
use super::super::node::{Node, Value, Word};
use super::super::values::is_login;
use super::super::vocabulary::HUMAN;
use super::Reader;

/// Each account is asked of GitHub, and those of one human stand in the ledger's entry, which has an end.
const MOST_ACCOUNTS: usize = 1_000;
const EXAMPLE: &str = "octocat: { also: [octocat-work], emails: [octo@example.com] }";

impl Reader {
    pub(super) fn people(&mut self, node: &Node) -> Vec<NamedPerson> {
        let Value::Table(entries) = &node.value else {
            let message = format!("`people` is a table of logins (`{EXAMPLE}`), not {}", node.value.kind());
            self.complain(node.at, message);
            return Vec::new();
        };
        let mut people: Vec<NamedPerson> = Vec::new();
        for (word, node) in entries {
            let person = self.person(word, node, &people);
            people.push(person);
        }
        let accounts: usize = people.iter().map(|person| person.logins.len()).sum();
        if accounts > MOST_ACCOUNTS {
            self.complain(node.at, format!("`people` names {accounts} accounts; the most is {MOST_ACCOUNTS}"));
        }
        people
    }

    fn person(&mut self, word: &Word, node: &Node, others: &[NamedPerson]) -> NamedPerson {
        let mut person = NamedPerson { name: word.text.clone(), ..NamedPerson::default() };
        self.login(&word.text, word.at, others, &mut person);
        match &node.value {
            Value::Text(text) if text == "machine" => person.is_machine = true,
            Value::Table(_) => {
                let what = format!("person `{}`", word.text);
                let Some(table) = self.table(node, &what, &HUMAN) else { return person };
                for item in
                    table.get("also").and_then(|also| self.list(also, "`also`", "[octocat-work]")).unwrap_or_default()
                {
                    if let Some(login) = self.text(item, "a login") {
                        self.login(login, item.at, others, &mut person);
                    }
                }
                let emails = table.get("emails").and_then(|emails| self.list(emails, "`emails`", "[octo@example.com]"));
                for item in emails.unwrap_or_default() {
                    let Some(email) = self.text(item, "an e-mail address").map(str::to_lowercase) else { continue };
                    if !email.contains('@') {
                        self.complain(item.at, format!("`{email}` is no e-mail address"));
                    } else if email.contains(['*', '?', ' ']) {
                        let message = format!(
                            "`{email}` is no e-mail address: they are compared whole, without patterns; write each"
                        );
                        self.complain(item.at, message);
                    } else if others.iter().any(|other| other.emails.contains(&email)) {
                        self.complain(item.at, format!("`{email}` belongs to two people"));
                    } else {
                        person.emails.push(email);
                    }
                }
            }
            other => {
                let message = format!(
                    "a person is a table or the word `machine`, not {}; write for example `{EXAMPLE}`",
                    other.kind()
                );
                self.complain(node.at, message);
            }
        }
        person
    }

    fn login(&mut self, text: &str, at: super::Place, others: &[NamedPerson], person: &mut NamedPerson) {
        let login = text.trim().trim_start_matches('@').to_lowercase();
        if !is_login(&login) {
            self.complain(at, format!("`{text}` is no GitHub login; write for example `{EXAMPLE}`"));
        } else if person.logins.contains(&login) || others.iter().any(|other| other.logins.contains(&login)) {
            self.complain(at, format!("`{text}` is named twice; one account has one owner"));
        } else {
            person.logins.push(login);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn with(people: &str) -> String {
        format!(
            "version: 1\npeople:\n{people}\nrules:\n  - {{ name: p, environments: [p], require: [1 of writers] }}\n"
        )
    }

    #[test]
    fn people_have_accounts_and_addresses_and_machines_are_said_to_be_some() {
        let file =
            parse(&with("  Octocat: { also: [\"@octocat-work\"], emails: [Octo@Example.com] }\n  robot: machine"))
                .unwrap();
        let [octocat, robot] = file.people.as_slice() else { panic!("{:?}", file.people) };
        assert_eq!(
            (octocat.logins.join(" "), octocat.emails.join(" ")),
            ("octocat octocat-work".into(), "octo@example.com".into())
        );
        assert!(robot.is_machine && !octocat.is_machine);
    }

    #[test]
    fn people_are_not_without_end() {
        let many = |n: usize| (0..n).map(|n| format!("  user-{n}: {{}}\n")).collect::<String>();
        assert!(parse(&with(&many(1_000))).is_ok());
        let errors = parse(&with(&many(1_001))).unwrap_err().to_string();
        assert_eq!(errors, "3:3: `people` names 1001 accounts; the most is 1000");
    }

    #[test]
    fn what_is_wrong_with_people_is_said_with_its_place() {
        for (people, complaint) in [
            ("  octocat: human", "3:12: a person is a table or the word `machine`"),
            ("  octocat: { emails: [octo] }", "3:23: `octo` is no e-mail address"),
            ("  octocat: { email: [o@x.org] }", "3:14: person `octocat` has no key `email`; did you mean `emails`?"),
            ("  a: { emails: [o@x.org] }\n  b: { emails: [O@x.org] }", "4:17: `o@x.org` belongs to two people"),
            ("  a: {}\n  b: { also: [A] }", "4:15: `A` is named twice; one account has one owner"),
            ("  no/login: {}", "3:3: `no/login` is no GitHub login"),
            ("  - octocat", "3:3: `people` is a table of logins"),
        ] {
            let errors = parse(&with(people)).unwrap_err().to_string();
            assert!(errors.starts_with(complaint), "{people}\n{errors}");
        }
    }
}

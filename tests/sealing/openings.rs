//! Openings: kept apart from the ledger, and believed only as far as it commits to them.

use std::fs;
use std::path::Path;

use seconder::ledger::sealing::SubjectKey;
use serde_json::{Value, json};

use super::{Export, lived_through};
use crate::support::process::{said, seconder};

/// What somebody does to the openings.
type Forge<'a> = &'a dyn Fn(&mut Vec<Value>);

#[tokio::test]
async fn an_opening_that_is_forged_swapped_or_withheld_is_refused() {
    let (stage, _) = lived_through().await;
    let original = Export::of(&stage).await;
    assert!(original.verify_opened(&[]).status.success());
    let opened = |lines: &[Value]| lines.iter().position(|line| line["openings"].is_array()).unwrap();
    let forgeries: [(&str, Forge, &str); 9] = [
        (
            "another value",
            &|lines| {
                let at = opened(lines);
                lines[at]["openings"][0]["value"] = json!("somebody");
            },
            "was changed or swapped",
        ),
        (
            "two swapped",
            &|lines| {
                let at = opened(lines);
                let (one, other) = (lines[at]["openings"].clone(), lines[at + 1]["openings"].clone());
                (lines[at]["openings"], lines[at + 1]["openings"]) = (other, one);
            },
            "was changed or swapped",
        ),
        (
            "one withheld",
            &|lines| {
                let at = opened(lines);
                lines[at]["openings"].as_array_mut().unwrap().remove(0);
            },
            "is withheld",
        ),
        (
            "an entry's withheld",
            &|lines| {
                let at = opened(lines);
                lines.remove(at);
            },
            "is withheld",
        ),
        (
            "a person withheld",
            &|lines| {
                let at = lines.iter().position(|line| line["login"] == "alice").unwrap();
                lines.remove(at);
            },
            "is withheld",
        ),
        (
            "two people swapped",
            &|lines| {
                let at = lines.iter().position(|line| line["login"] == "mona").unwrap();
                lines[at]["account_id"] = json!(1);
            },
            "which their key disproves",
        ),
        (
            "one person as two",
            &|lines| {
                let at = lines.iter().position(|line| line["login"] == "mona").unwrap();
                let key = SubjectKey::new([9; 32]);
                let mut second = lines[at].clone();
                let subject = key.subject(second["account_id"].as_u64().unwrap());
                (second["key"], second["sub"]) = (json!(key.to_hex()), json!(subject.to_string()));
                lines.insert(at, second);
            },
            "and so is another subject",
        ),
        ("another log's", &|lines| lines[0]["log"] = json!("elsewhere"), "of the log elsewhere"),
        ("more than there are entries", &|lines| lines.push(json!({"openings": [], "seq": 9_999})), "after the last"),
    ];
    for (what, forge, reason) in forgeries {
        let kept = fs::read(&original.openings).unwrap();
        original.change_openings(forge);
        let refused = original.verify_opened(&[]);
        assert_eq!(refused.status.code(), Some(1), "{what}: {}", said(&refused));
        assert!(said(&refused).contains(reason), "{what}: {}", said(&refused));
        fs::write(&original.openings, kept).unwrap();
    }
}

#[tokio::test]
async fn the_names_cannot_be_put_where_the_ledger_is_given_away() {
    let (stage, _) = lived_through().await;
    let folder = tempfile::tempdir().unwrap();
    let export = |openings: &Path| {
        let mut command = seconder();
        command.args(["ledger", "export"]).arg(folder.path().join("ledger")).arg("--openings").arg(openings);
        command.env("SECONDER_DATABASE_URL", &stage.database_url).output().unwrap()
    };
    let refused = export(&folder.path().join("ledger/names"));
    assert!(said(&refused).contains("lies inside"), "{}", said(&refused));
    assert!(!folder.path().join("ledger").exists());
    assert!(export(&folder.path().join("names")).status.success());
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(fs::metadata(folder.path().join("names")).unwrap().permissions().mode() & 0o777, 0o600);
}

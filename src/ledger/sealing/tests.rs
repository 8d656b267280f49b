use serde_json::json;

use super::*;

fn key(account: u64) -> SubjectKey {
    SubjectKey::new([account.to_le_bytes()[0]; 32])
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { panic!("a body is an object") };
    fields
}

fn sealed(name: &str, body: Value) -> (Map<String, Value>, Vec<Opening>) {
    let (mut body, mut n) = (object(body), 0);
    let mut salt = || {
        n += 1;
        [n; 32]
    };
    let openings = seal(name, &mut body, &|id| Some(key(id).subject(id)), &mut salt).unwrap().openings();
    (body, openings)
}

fn opened(name: &str, body: &Map<String, Value>, openings: &[Opening]) -> Result<(Value, Untold), OpeningError> {
    let mut body = body.clone();
    let account = |subject| (0..100).find(|id| key(*id).subject(*id) == subject);
    let untold = open(name, &mut body, openings.to_vec(), &account)?;
    Ok((Value::Object(body), untold))
}

fn review() -> Value {
    json!({
        "request_digest": "d", "verdict": "approve", "via": "check_run", "permission": "write", "teams": ["acme/ops"],
        "reviewer": { "id": 7, "login": "mona", "kind": "User" },
    })
}

#[test]
fn a_person_becomes_a_subject_and_what_they_are_called_a_commitment_and_openings_bring_it_back() {
    let (body, openings) = sealed("review.recorded", review());
    let text = Value::Object(body.clone()).to_string();
    assert!(!text.contains("mona") && !text.contains("acme"), "{text}");
    assert_eq!(body["reviewer"]["id"], key(7).subject(7).to_string());
    assert_eq!((&body["verdict"], &body["permission"]), (&json!("approve"), &json!("write")));
    assert_eq!(opened("review.recorded", &body, &openings).unwrap(), (review(), Untold::default()));
}

#[test]
fn a_commitment_is_what_the_documentation_says() {
    let opening = Opening { path: "/reviewer/login".into(), salt: [7; 32], value: "mona".into() };
    let bytes = [b"seconder-commitment-v1\0".as_slice(), &[7; 32], b"/reviewer/login\0\"mona\""].concat();
    assert_eq!(opening.commitment(), format!("sha256:{}", hex::encode(Sha256::digest(bytes))));
    // printf 'github:7' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
    assert_eq!(key(7).subject(7).to_string(), "sub_891a71673af3ac7981dd1f60285ee641");
}

#[test]
fn bots_and_organizations_stay_in_clear_and_whatever_else_an_account_may_be_does_not() {
    for (kind, is_clear) in [("Bot", true), ("Organization", true), ("User", false), ("Mannequin", false)] {
        let (body, _) = sealed("review.weighed", json!({ "reviewer": { "id": 7, "login": "shopbot", "kind": kind } }));
        assert_eq!(body["reviewer"]["login"] == "shopbot", is_clear, "{kind}");
        assert_eq!(body["reviewer"]["id"] == 7, is_clear, "{kind}");
    }
}

#[test]
fn what_nobody_entered_in_the_catalogue_is_sealed() {
    for (name, body) in [
        ("review.recorded", json!({ "nickname": "mona" })),
        ("review.recorded", json!({ "reviewer": { "id": 7, "kind": "User", "mail": "mona" } })),
        ("review.recorded", json!({ "via": { "by": "mona" } })),
        ("review.recorded", json!({ "verdict": "mona" })),
        ("review.recorded", json!({ "reviewer": "mona" })),
        ("nobody.knows", json!({ "a/b~c": "mona" })),
    ] {
        let (sealed, openings) = sealed(name, body.clone());
        let text = Value::Object(sealed.clone()).to_string();
        assert!(!text.contains("mona"), "{text}");
        assert_eq!(opened(name, &sealed, &openings).unwrap().0, body);
    }
}

#[test]
fn an_opening_that_was_changed_or_swapped_is_refused_and_one_that_is_missing_is_told() {
    let (body, openings) = sealed("review.recorded", review());
    let refused = |change: &dyn Fn(&mut Vec<Opening>)| {
        let mut changed = openings.clone();
        change(&mut changed);
        opened("review.recorded", &body, &changed).unwrap_err()
    };
    let wrong = OpeningError::Wrong("/reviewer/login".into());
    assert_eq!(refused(&|all| all[0].value = "alice".into()), wrong);
    assert_eq!(refused(&|all| all[0].salt[0] ^= 1), wrong);
    assert_eq!(refused(&|all| all[1].path = all[0].path.clone()), wrong);
    assert_eq!(refused(&|all| all[0].path = "/nowhere".into()), OpeningError::Wrong("/nowhere".into()));
    let (_, untold) = opened("review.recorded", &body, &openings[1..]).unwrap();
    assert_eq!(untold.paths, ["/reviewer/login"]);
}

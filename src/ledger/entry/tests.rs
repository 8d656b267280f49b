use super::*;
use serde_json::{Value, json};

fn seal_changed(body: &Value, change: impl for<'a> Fn(Draft<'a>) -> Draft<'a>) -> Result<Line, SealError> {
    let fields = Fields::of(body.as_object().unwrap())?;
    let draft = Draft {
        log: "seconder.test/l/1",
        seq: 1,
        prev: Some(leaf_hash(b"before")),
        time_ms: 1_700_000_000_000,
        record_type: RecordType::RequestOpened,
        id: "delivery:1",
        corr: Some("r1"),
        body: &fields,
    };
    change(draft).seal()
}

fn seal(body: &Value) -> Result<Line, SealError> {
    seal_changed(body, |draft| draft)
}

#[test]
fn an_entry_is_one_sorted_line_of_json_and_its_leaf_is_the_hash_of_exactly_that() {
    let line = seal(&json!({"zulu": "tab\there ☃", "alpha": {"b": [1, true], "a": -7}})).unwrap();
    let prev = leaf_hash(b"before");
    let expected = format!(
        r#"{{"alpha":{{"a":-7,"b":[1,true]}},"corr":"r1","id":"delivery:1","log":"seconder.test/l/1","prev":"{prev}","seq":1,"sw":"{SOFTWARE}","time":1700000000000,"type":"request.opened","v":1,"zulu":"tab\there ☃"}}"#
    );
    assert_eq!(line.bytes, expected);
    assert_eq!(line.leaf, leaf_hash(expected.as_bytes()));
    assert_eq!(Header::parse(&line.bytes).unwrap().corr, Some("r1"));
}

#[test]
fn what_json_readers_do_not_all_read_alike_is_refused_with_its_place() {
    for (body, message) in [
        (json!({"a": {"b": null}}), "a.b is null"),
        (json!({"a": [1, 0.5]}), "a[1] is not an integer"),
        (json!({"a": 9_007_199_254_740_992_u64}), "a is an integer of 2^53 or more"),
        (json!({"a": -9_007_199_254_740_992_i64}), "a is an integer of 2^53 or more"),
        (json!({"a": {"ключ": 1}}), "a.ключ is under a key that is not printable ASCII"),
    ] {
        let error = seal(&body).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(seal(&json!({"a": 9_007_199_254_740_991_u64})).is_ok());
}

#[test]
fn a_record_cannot_overwrite_a_common_field_not_even_an_absent_one() {
    assert_eq!(seal(&json!({"seq": 9})), Err(SealError::Clash("seq".into())));
    let with_corr = json!({"corr": "r2"});
    assert_eq!(seal_changed(&with_corr, |draft| Draft { corr: None, ..draft }), Err(SealError::Clash("corr".into())));
}

#[test]
fn an_entry_may_be_as_long_as_a_bundle_can_say_and_not_a_byte_longer() {
    let empty = seal(&json!({"text": ""})).unwrap().bytes.len();
    let text = "x".repeat(MAX_BYTES - empty);
    assert_eq!(seal(&json!({"text": text})).unwrap().bytes.len(), MAX_BYTES);
    let error = seal(&json!({"text": format!("{text}x")})).unwrap_err();
    assert!(error.to_string().contains("65536 bytes, more than 65535: record long content by its digest"), "{error}");
}

#[test]
fn a_request_id_that_could_leave_the_receipts_folder_is_refused() {
    for corr in ["../checkpoint", "", "a/b", "a.b", "ü"] {
        let error = seal_changed(&json!({}), |draft| Draft { corr: Some(corr), ..draft }).unwrap_err();
        assert!(error.to_string().contains("corr"), "{error}");
    }
}

#[test]
fn only_the_first_entry_has_no_entry_before_it() {
    assert_eq!(seal_changed(&json!({}), |draft| Draft { prev: None, ..draft }), Err(SealError::Prev(1)));
    assert_eq!(seal_changed(&json!({}), |draft| Draft { seq: 0, ..draft }), Err(SealError::Prev(0)));
}

#[test]
fn an_entry_that_gives_a_common_field_twice_is_not_read() {
    let line = seal(&json!({})).unwrap().bytes.replacen('{', r#"{"seq":0,"#, 1);
    assert!(Header::parse(&line).unwrap_err().to_string().contains("duplicate field `seq`"));
}

#[test]
fn an_account_is_the_same_however_its_id_is_spelt_and_an_agent_has_a_name() {
    use serde_json::value::RawValue;

    use super::named::{Account, Commit, read};

    let account = |json: &str| {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        read(Some(&raw), "actor").map(|account: Account<'_>| account.id.as_text().into_owned())
    };
    let spelt = [r#""sub_a1""#, r#""sub_\u0061\u0031""#, r#"{"id":"sub_a1"}"#, r#"{"kind":"User","id":"sub\u005fa1"}"#];
    assert!(spelt.iter().all(|json| account(json).as_deref() == Ok("sub_a1")), "{:?}", spelt.map(account));
    assert_eq!(account("12").as_deref(), Ok("12"));
    for none in ["null", "true", "[]", "{}", "1.5", "-1"] {
        assert!(account(none).unwrap_err().starts_with("actor: "), "{none}");
    }
    let raw = RawValue::from_string(r#"[{"sha":"c","gated":true,"agent":7}]"#.to_owned()).unwrap();
    let commits: Result<Vec<Commit<'_>>, String> = read(Some(&raw), "commits");
    assert!(commits.unwrap_err().starts_with("commits: invalid type: integer `7`"));
}

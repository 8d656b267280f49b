use super::*;

fn sent(check: &CheckRun, head_sha: Option<&str>) -> serde_json::Value {
    serde_json::from_slice(&check.body(head_sha).unwrap()).unwrap()
}

#[test]
fn what_is_longer_than_github_takes_is_cut() {
    let action = Action { label: "é".repeat(30), description: "d".repeat(50), identifier: "i".repeat(30) };
    let check = CheckRun {
        summary: "ü".repeat(40_000),
        text: Some("t".repeat(70_000)),
        actions: vec![action; 5],
        ..CheckRun::default()
    };
    let sent = sent(&check, None);
    assert_eq!(sent["actions"].as_array().unwrap().len(), 3);
    assert_eq!(sent["actions"][0]["label"], "é".repeat(20));
    assert_eq!(sent["actions"][0]["description"], "d".repeat(40));
    assert_eq!(sent["actions"][0]["identifier"], "i".repeat(20));
    assert_eq!(sent["output"]["summary"].as_str().unwrap().len(), 65_534, "cut between characters");
    assert_eq!(sent["output"]["text"].as_str().unwrap().len(), 65_535);
}

#[test]
fn a_completed_check_run_always_says_how_it_ended() {
    for (state, status, conclusion) in [
        (State::ActionRequired, "completed", Some("action_required")),
        (State::Success, "completed", Some("success")),
        (State::InProgress, "in_progress", None),
    ] {
        let sent = sent(&CheckRun { state, ..CheckRun::default() }, Some("abc"));
        assert_eq!((sent["status"].as_str(), sent["conclusion"].as_str()), (Some(status), conclusion));
        assert_eq!(sent["head_sha"], "abc");
    }
}

#[test]
fn a_check_run_without_buttons_takes_them_away() {
    let sent = sent(&CheckRun::default(), None);
    assert_eq!(sent["actions"], serde_json::json!([]));
    assert!(sent.get("head_sha").is_none() && sent.get("details_url").is_none());
}

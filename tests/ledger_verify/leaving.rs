//! What keeps a release from leaving keeps it, whoever signs.
use seconder::ledger::RecordType::*;
use serde_json::{Value, json};

use super::story::{DAY, Story, request};
use super::{assert_refused, check};

/// Noon of 2026-12-24, UTC.
const EVE: u64 = 1_798_113_600_000;

fn holidays(environments: Value) -> Value {
    json!([{"name": "holidays", "zone": "UTC", "from": "2026-12-24", "to": "2027-01-02", "environments": environments}])
}

/// A story in which request `n` leaves at this time, of which the opening says this.
fn left(n: usize, at: u64, field: &str, says: Value) -> Story {
    let (mut story, id) = (Story::of(12), request(n));
    story.add(&id, RequestOpened, field, says);
    story.add(&id, CallbackSent, "time", json!(at));
    story
}

#[test]
fn nothing_is_released_in_a_freeze() {
    let production = || holidays(json!(["prod*"]));
    let reason = "in the freeze \"holidays\" of the newest judgement";
    for (n, what) in [(0, "seconded"), (3, "not required")] {
        assert_refused(what, &left(n, EVE, "freezes", production()).export(), None, reason);
        check(&left(n, EVE - DAY, "freezes", production()).export(), None).expect("the day before");
        check(&left(n, EVE + 9 * DAY, "freezes", production()).export(), None).expect("when it is over");
        check(&left(n, EVE, "freezes", holidays(json!(["staging"]))).export(), None).expect("of another environment");
    }
    let friday = json!([{"name": "weekend", "zone": "Europe/Berlin", "from": "0 16 * * FRI", "to": "0 6 * * MON"}]);
    assert_refused("a weekend", &left(0, EVE + 2 * DAY, "freezes", friday).export(), None, "in the freeze \"weekend\"");
    check(&left(1, EVE, "freezes", production()).export(), None).expect("what is denied is not released");
    let unreadable = json!([{"name": "holidays", "zone": "Atlantis", "from": "2026-12-24", "to": "2027-01-02"}]);
    assert_refused("nowhere", &left(0, EVE, "freezes", unreadable).export(), None, "freezes: ");
}

#[test]
fn nothing_is_released_while_somebody_has_thrown_the_switch() {
    let stopped = || json!("sha256:0");
    for n in [0, 3] {
        let reason = "though by the newest judgement nothing may be released (stopped)";
        assert_refused("stopped", &left(n, EVE, "stopped", stopped()).export(), None, reason);
    }
    let mut story = left(0, EVE, "stopped", stopped());
    let mut again = story.record(&request(0), RequestOpened).body.clone();
    again.remove("stopped");
    story.insert_after(&request(0), RequestOpened, RequestRejudged, Value::Object(again));
    check(&story.export(), None).expect("by the newest judgement it is not stopped");
}

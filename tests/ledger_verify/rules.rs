//! A ledger that breaks a rule is refused, whoever signed it.

use seconder::ledger::RecordType::*;
use serde_json::json;

use super::assert_refused;
use super::story::{Story, attempt_checked, digest, person, request, review};

#[test]
fn a_ledger_that_breaks_a_rule_is_refused_even_if_it_is_signed() {
    // By the order of outcomes in a story.
    let (approved, denied, expired, unneeded, superseded, pending) =
        (&request(0), &request(1), &request(2), &request(3), &request(4), &request(5));
    type Edit<'a> = Box<dyn Fn(&mut Story) + 'a>;
    let edits: Vec<(&str, Edit<'_>, &str)> = vec![
        ("no genesis", Box::new(|s| drop(s.records.remove(0))), "the first entry must be ledger.genesis"),
        (
            "a second genesis",
            Box::new(|s| s.records.insert(5, s.records[0].clone())),
            "line 6, entry 5, request -: the first entry must be",
        ),
        (
            "a genesis of another log",
            Box::new(|s| drop(s.records[0].body.insert("origin".into(), json!("other.test/1")))),
            "names the origin other.test/1, but the log is seconder.test",
        ),
        (
            "a party approves",
            Box::new(|s| s.set(approved, ReviewRecorded, "/reviewer/id", json!(2))),
            "request req-00000: the reviewer 2 had a part in the request",
        ),
        (
            "a bot approves",
            Box::new(|s| s.set(approved, ReviewRecorded, "/reviewer/kind", json!("Bot"))),
            "the reviewer 7 is a Bot; only a person (User) can second",
        ),
        (
            "a party added later to those who had a part",
            Box::new(|s| s.set(approved, RequestOpened, "/parties", json!([person(1), person(2), person(7)]))),
            "the reviewer 7 had a part in the request",
        ),
        (
            "an author left out of the parties",
            Box::new(|s| s.set(approved, RequestOpened, "/parties", json!([person(2)]))),
            "request req-00000: by its own facts 1 had a part, but is not among the parties",
        ),
        (
            "whoever ran it left out of the parties",
            Box::new(|s| s.set(approved, RequestOpened, "/parties", json!([person(1)]))),
            "by its own facts 2 had a part",
        ),
        (
            "facts that name nobody",
            Box::new(|s| s.set(approved, RequestOpened, "/facts/commits/0/author", json!(9))),
            "facts: somebody is named who is not listed",
        ),
        (
            "a decision in the name of a party",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0/id", json!(1))),
            "names 1 as an approver, who had a part",
        ),
        (
            "a decision in the name of somebody who never approved",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0/id", json!(8))),
            "names 8 as an approver, who has no standing approval",
        ),
        (
            "approved without a review",
            Box::new(|s| drop(s.remove(approved, ReviewRecorded))),
            "names 7 as an approver, who has no standing",
        ),
        (
            "approved by somebody struck before",
            Box::new(|s| {
                s.insert_after(
                    approved,
                    ReviewRecorded,
                    ReviewStruck,
                    json!({"reviewer": {"id": 7}, "why": [{"refusal": "no_access"}]}),
                )
            }),
            "names 7 as an approver, who has no standing",
        ),
        (
            "one person counted twice",
            Box::new(|s| {
                s.set(approved, DecisionRecorded, "/approvers", json!([person(7), person(7)]));
                s.set(approved, DecisionRecorded, "/quorum/0", json!({"need": 2, "have": 2}));
            }),
            "names 7 as an approver twice",
        ),
        (
            "one person counted under two accounts",
            Box::new(|s| {
                s.add(approved, RequestOpened, "people", json!([{"accounts": [{"id": 7}, {"id": 9}]}]));
                s.insert_after(approved, ReviewRecorded, ReviewRecorded, review(approved, 9, "approve"));
                s.set(approved, DecisionRecorded, "/approvers", json!([person(7), person(9)]));
                s.set(approved, DecisionRecorded, "/quorum/0", json!({"need": 2, "have": 2}));
            }),
            "9 seconds again, while an approval of theirs stands",
        ),
        (
            "a party approved under another account",
            Box::new(|s| s.add(approved, RequestOpened, "people", json!([{"accounts": [{"id": 1}, {"id": 7}]}]))),
            "the reviewer 7 had a part in the request",
        ),
        (
            "a program approves with a personal account",
            Box::new(|s| {
                s.add(approved, RequestOpened, "people", json!([{"accounts": [{"id": 7}], "is_machine": true}]))
            }),
            "7 seconds, whom request.opened lists as a program",
        ),
        (
            "a decision in the name of an App",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0/kind", json!("Bot"))),
            "the reviewer 7 is a Bot; only a person (User) can second",
        ),
        (
            "a decision in the name of an organization",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0/kind", json!("Organization"))),
            "the reviewer 7 is a Organization; only a person",
        ),
        (
            "a decision that hides what its approver is",
            Box::new(|s| s.set(approved, DecisionRecorded, "/approvers/0", json!({"id": 7}))),
            "approvers: missing field `kind`",
        ),
        (
            "approved although a rule denies it",
            Box::new(|s| s.add(approved, RequestOpened, "denied_by", json!(["production"]))),
            "approved although a rule denies it",
        ),
        (
            "facts told after the decision",
            Box::new(|s| s.insert_after(approved, DecisionRecorded, FactsRecorded, json!({"text": "{}"}))),
            "facts.recorded comes after decision.recorded",
        ),
        (
            "approved without quorum",
            Box::new(|s| s.set(approved, DecisionRecorded, "/quorum", json!([]))),
            "approved without a quorum",
        ),
        (
            "approved with too few",
            Box::new(|s| s.set(approved, DecisionRecorded, "/quorum/0/need", json!(2))),
            "approved with 1 of 2 approvals needed, and 1 approvers named",
        ),
        (
            "a quorum of nobody",
            Box::new(|s| {
                s.set(approved, RequestOpened, "/quorum/0/need", json!(0));
                s.set(approved, DecisionRecorded, "/quorum/0", json!({"need": 0, "have": 0}));
            }),
            "req-00000: what it says the rule \"built-in\" asks, no matching rule can ask",
        ),
        (
            "more counted than named",
            Box::new(|s| s.set(approved, DecisionRecorded, "/quorum/0", json!({"need": 2, "have": 2}))),
            "approved with 2 of 2 approvals needed, and 1 approvers named",
        ),
        (
            "a denial overruled",
            Box::new(|s| s.insert_after(approved, ReviewRecorded, ReviewRecorded, review(approved, 8, "deny"))),
            "approved although 8 denied",
        ),
        (
            "a decision without policy",
            Box::new(|s| s.set(approved, DecisionRecorded, "/policy/digest", json!(""))),
            "does not name its policy's digest",
        ),
        (
            "a decision without any policy field",
            Box::new(|s| drop(s.record(approved, DecisionRecorded).body.remove("policy"))),
            "missing field `policy`",
        ),
        (
            "a decision about something else",
            Box::new(|s| s.set(approved, DecisionRecorded, "/request_digest", json!(digest("other")))),
            "about something else than what was shown",
        ),
        (
            "a callback about something else",
            Box::new(|s| s.set(approved, CallbackSent, "/request_digest", json!(digest("other")))),
            "about something else than what was shown",
        ),
        (
            "a review of something else",
            Box::new(|s| s.set(approved, ReviewRecorded, "/request_digest", json!(digest("other")))),
            "about something else than what was shown",
        ),
        (
            "a denied gate released",
            Box::new(|s| s.set(denied, CallbackSent, "/state", json!("approved"))),
            "callback.sent says approved, but the decision was denied",
        ),
        (
            "an expired gate released",
            Box::new(|s| s.set(expired, CallbackSent, "/state", json!("approved"))),
            "but the decision was expired",
        ),
        (
            "an approved gate rejected",
            Box::new(|s| s.set(approved, CallbackSent, "/state", json!("rejected"))),
            "says rejected, but the decision was approved",
        ),
        (
            "a superseded gate released",
            Box::new(|s| {
                let body = json!({
                    "request_digest": digest(superseded), "state": "approved", "attempt_checked": attempt_checked(),
                });
                s.insert_after(superseded, DecisionRecorded, CallbackSent, body);
            }),
            "says approved, but the decision was superseded",
        ),
        (
            "a grant used twice at once",
            Box::new(|s| {
                let again = s.record(approved, CallbackSent).body.clone();
                s.insert_after(approved, CallbackSent, CallbackSent, again.into());
            }),
            "request req-00000: callback.sent comes twice for one decision",
        ),
        (
            "a grant used again when GitHub had answered",
            Box::new(|s| {
                let again = s.record(approved, CallbackSent).clone();
                s.records.push(again);
            }),
            "request req-00000: callback.sent comes after GitHub answered",
        ),
        (
            "a grant used for another attempt",
            Box::new(|s| s.set(approved, CallbackSent, "/attempt_checked/attempt", json!(2))),
            "callback.sent is for attempt 2 of the run at commit aaaa",
        ),
        (
            "a grant used for another commit",
            Box::new(|s| s.set(approved, CallbackSent, "/attempt_checked/head_sha", json!("b".repeat(40)))),
            "callback.sent is for attempt 1 of the run at commit bbbb",
        ),
        (
            "a grant of which nobody says what it was used for",
            Box::new(|s| drop(s.record(approved, CallbackSent).body.remove("attempt_checked"))),
            "missing field `attempt_checked`",
        ),
        (
            "an opening that hides which attempt it is about",
            Box::new(|s| drop(s.record(approved, RequestOpened).body.remove("run"))),
            "but request.opened is about another",
        ),
        (
            "an answer that a superseded gate cannot have",
            Box::new(|s| {
                s.insert_after(
                    superseded,
                    DecisionRecorded,
                    CallbackResult,
                    json!({"state": "approved", "status": 204}),
                )
            }),
            "callback.result comes before callback.sent",
        ),
        (
            "released before decided",
            Box::new(|s| {
                let (decision, callback) = (s.place(approved, DecisionRecorded), s.place(approved, CallbackSent));
                s.records.swap(decision, callback);
            }),
            "callback.sent comes before decision.recorded",
        ),
        (
            "an answer without a question",
            Box::new(|s| drop(s.remove(approved, CallbackSent))),
            "callback.result comes before callback.sent",
        ),
        (
            "never opened",
            Box::new(|s| drop(s.remove(approved, RequestOpened))),
            "request req-00000: attempt.refused comes before request.opened",
        ),
        (
            "opened twice",
            Box::new(|s| {
                let again = s.record(pending, RequestOpened).clone();
                s.records.push(again);
            }),
            "request req-00005: the request was opened before",
        ),
        (
            "opened again after it was decided",
            Box::new(|s| {
                let again = s.record(approved, RequestOpened).clone();
                s.records.push(again);
            }),
            "request req-00000: the request was opened before",
        ),
        (
            "decided twice at once",
            Box::new(|s| {
                let again = s.record(approved, DecisionRecorded).body.clone();
                s.insert_after(approved, DecisionRecorded, DecisionRecorded, again.into());
            }),
            "request req-00000: the request is decided twice",
        ),
        (
            "reviewed after the decision",
            Box::new(|s| s.insert_after(approved, DecisionRecorded, ReviewRecorded, review(approved, 8, "approve"))),
            "review.recorded comes after decision.recorded",
        ),
        (
            "an agent's commits passed as needing nobody",
            Box::new(|s| {
                s.set(unneeded, RequestOpened, "/ai_commits", json!(3));
            }),
            "ai_commits says 3, but 0 of its commits have an agent",
        ),
        (
            "partial facts passed as needing nobody",
            Box::new(|s| {
                s.set(unneeded, RequestOpened, "/partial", json!(["250 commits"]));
            }),
            "and 1 gaps in the facts",
        ),
        (
            "an entry of no request",
            Box::new(|s| s.record(approved, ReviewRecorded).corr = None),
            "review.recorded must name its request",
        ),
        (
            "an unknown outcome",
            Box::new(|s| s.set(approved, DecisionRecorded, "/outcome", json!("waved_through"))),
            "unknown variant `waved_through`",
        ),
    ];
    for (what, edit, reason) in edits {
        let mut story = Story::of(12);
        edit(&mut story);
        assert_refused(what, &story.export(), None, reason);
    }
}

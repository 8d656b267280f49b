//! What is remembered, and what is thrown away.

use seconder::domain::case::Case;
use seconder::domain::effect::Effect;
use seconder::domain::event::Verdict;
use seconder::domain::facts::{Facts, Run};
use seconder::domain::people::People;
use seconder::store::{GoodPolicies, StoredPolicy};

use super::{delivery, done, finish, happen};
use crate::support::database::on_both;
use crate::support::{case, case_of, click, held, sending};

#[test]
fn the_last_good_policy_and_the_repositories_are_remembered() {
    on_both(async |database| {
        let (store, _handed) = database.open().await;
        assert_eq!(store.good_policies(9_000, 9_000).await.unwrap(), GoodPolicies::default());
        let policy = |commit: &str, text: &str| StoredPolicy {
            commit: commit.to_owned(),
            blob: "b".to_owned(),
            text: text.to_owned(),
        };
        for commit in ["c1", "c2"] {
            let repository = policy(commit, "version: 1");
            store.remember_policy(9_000, &repository).await.unwrap();
            let good = GoodPolicies { repository: Some(repository), organization: None };
            // The same number means a repository there and an account here.
            assert_eq!(store.good_policies(9_000, 9_000).await.unwrap(), good);
        }
        for text in ["version: 1", "version: 1 # all"] {
            store.remember_organization_policy(9_000, &policy("o", text)).await.unwrap();
        }
        let (repository, organization) = (policy("c2", "version: 1"), policy("o", "version: 1 # all"));
        let good = GoodPolicies { repository: Some(repository), organization: Some(organization.clone()) };
        assert_eq!(store.good_policies(9_000, 9_000).await.unwrap(), good);
        let of_another = GoodPolicies { repository: None, organization: Some(organization) };
        assert_eq!(store.good_policies(9_001, 9_000).await.unwrap(), of_another);
        happen(&store, held(&case_of(1, 1))).await;
        database.pass(1);
        happen(&store, held(&case_of(2, 2))).await;
        let recent = store.recent_repositories(10).await.unwrap();
        let tenants: Vec<_> = recent.iter().map(|(tenant, _)| tenant.account_id).collect();
        assert_eq!(tenants, [2, 1]);
        assert_eq!(recent[0].1, case_of(2, 2).subject.repository);
    });
}

#[test]
fn what_is_done_is_thrown_away_after_a_while_and_what_waits_is_not() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        for id in ["done", "waiting"] {
            store.receive(delivery(id)).await.unwrap();
        }
        let first = handed.deliveries.try_recv().unwrap();
        finish(&store, first.claim(), Some(held(&case(1)))).await;
        let effect = handed.effects.try_recv().unwrap();
        finish(&store, effect.claim(), None).await;
        let health = store.health().await.unwrap();
        assert_eq!((health.queued_deliveries, health.queued_effects), (1, 1));
        assert_eq!(health.oldest_delivery, Some(database.now()));
        assert_eq!(store.purge_done(database.now()).await.unwrap(), 0);
        database.pass(1);
        assert_eq!(store.purge_done(database.now()).await.unwrap(), 2);
        assert_eq!(store.health().await.unwrap(), health);
    });
}

#[test]
fn what_a_decided_request_was_judged_by_is_forgotten_when_it_is_old_and_never_before_its_decision_has_left() {
    on_both(async |database| {
        let (store, mut handed) = database.open().await;
        let facts = Facts {
            run: Run::default(),
            deployment_creator: None,
            sender: None,
            base: None,
            commits: Vec::new(),
            files: Vec::new(),
            owners: None,
            pull_requests: Vec::new(),
            gaps: Vec::new(),
            people: People::default(),
        };
        let [waits, held_up, left, young] =
            [1, 2, 3, 4].map(|run| Case { facts: Some(Box::new(facts.clone())), ..case(run) });
        let id = |case: &Case| case.subject.request_id();
        for case in [&waits, &held_up, &left] {
            happen(&store, held(case)).await;
        }
        for case in [&held_up, &left] {
            happen(&store, click(case, 2, Verdict::Approve)).await;
        }
        let callbacks = std::iter::from_fn(|| handed.effects.try_recv().ok())
            .filter(|due| due.effect == Effect::Callback && due.request == id(&left));
        for due in callbacks.collect::<Vec<_>>() {
            happen(&store, sending(&left, &[2])).await;
            finish(&store, due.claim(), Some(done(&left, Effect::Callback))).await;
        }
        database.pass(1_000);
        let old = database.now();
        happen(&store, held(&young)).await;
        happen(&store, click(&young, 2, Verdict::Deny)).await;
        assert_eq!(store.forget_facts(old).await.unwrap(), 1);
        let mut kept = Vec::new();
        for case in [&waits, &held_up, &left, &young] {
            kept.push(store.facts(&id(case)).await.unwrap().is_some());
        }
        assert_eq!(kept, [true, true, false, true]);
        assert!(store.request(&id(&left)).await.unwrap().is_some(), "the request itself stays");
        assert_eq!(store.forget_facts(old).await.unwrap(), 0);
    });
}

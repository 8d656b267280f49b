//! Since when: the last deployment that was good, or a gap.

use seconder::demo::{Commit, Deploy};
use seconder::domain::facts::Gap;

use super::{SHOP, Scene};

#[tokio::test]
async fn a_deployment_that_failed_is_no_base_and_without_any_base_only_the_head_is_looked_at() {
    let mut scene = Scene::set().await;
    let sha = scene.agents_commit("First");
    let failed = scene.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
    scene.next_held().await;
    scene.github.bypass(failed);
    scene.github.finish(failed, false);
    let sha = scene.agents_commit("Second");
    let held = scene.deploy(&sha).await;

    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;

    assert_eq!((facts.base, facts.gaps.as_slice()), (None, &[Gap::NoEarlierDeployment][..]));
    assert_eq!(facts.commits.iter().map(|c| c.sha.as_str()).collect::<Vec<_>>(), [sha]);
}

#[tokio::test]
async fn the_last_good_deployment_is_found_behind_hundreds_that_never_ended_and_beyond_those_it_is_a_gap() {
    let mut scene = Scene::set().await;
    let good = scene.good_deployment().await;
    let sha = scene.agents_commit("Second");
    let never_end = |scene: &Scene, times: usize| {
        scene.github.unguarded_environment(SHOP, "production");
        for _ in 0..times {
            scene.github.deploy(SHOP, &Deploy::to("production", &sha, "mona"));
        }
        scene.github.environment(SHOP, "production");
    };
    never_end(&scene, 348);
    let held = scene.deploy(&sha).await;
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert_eq!((facts.base.map(|base| base.sha), facts.gaps.len()), (Some(good), 0), "the last of four pages");
    let pages = scene.github.calls().iter().filter(|call| call.route.ends_with("EarlierDeployments")).count();
    assert_eq!(pages, 3);

    never_end(&scene, 1);
    let held = scene.deploy(&sha).await;
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert_eq!((facts.base, facts.gaps.as_slice()), (None, &[Gap::DeploymentHistoryTooLong][..]));
}

#[tokio::test]
async fn a_rewritten_history_is_a_gap() {
    let mut scene = Scene::set().await;
    let root = scene.github.tip(SHOP, "main").unwrap();
    scene.good_deployment().await;
    let other = Commit { parents: vec![root], ..Commit::by("mona", "Elsewhere") };
    let sha = scene.github.commit(SHOP, &other.on("other"));
    let held = scene.deploy(&sha).await;
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert_eq!(facts.gaps, [Gap::Diverged]);
    assert_eq!(facts.commits.len(), 1);
}

#[tokio::test]
async fn a_redeployment_of_the_same_commit_brings_nothing_new() {
    let mut scene = Scene::set().await;
    let good = scene.good_deployment().await;
    let held = scene.deploy(&good).await;
    let facts = scene.seconder.gather(&held, &[]).await.unwrap().facts;
    assert_eq!((facts.commits.len(), facts.gaps.len()), (0, 0));
}

//! Tokens: what they may, and which are refused.

use serde_json::json;

use super::World;

#[tokio::test]
async fn a_token_can_do_only_what_it_was_minted_for() {
    let world = World::new().await;
    world.github.repository("acme/vault");
    let reader = world.token(json!({ "permissions": { "checks": "read" }, "repositories": ["shop"] })).await;
    let body = json!({ "name": "Seconder", "head_sha": world.sha });
    assert_eq!(world.post("/repos/acme/shop/check-runs", &reader, body).await.0, 403);
    assert_eq!(world.get("/repos/acme/shop", &reader).await.0, 200);
    assert_eq!(world.get("/repos/acme/vault", &reader).await.0, 404, "out of the token's reach");
    assert_eq!(world.get("/repos/acme/shop", "ghs_made_up").await.0, 401);
    assert_eq!(world.get("/app", &reader).await.0, 401, "only the App itself may ask this");
    let more = json!({ "permissions": { "administration": "write" } });
    assert_eq!(world.post(&world.tokens_path(), &world.app_token(0, 600), more).await.0, 422);
}

#[tokio::test]
async fn an_app_token_that_lives_too_long_or_is_forged_is_refused() {
    let world = World::new().await;
    assert_eq!(world.get("/app", &world.app_token(-60, 540)).await.0, 200);
    assert_eq!(world.get("/app", &world.app_token(0, 3_600)).await.0, 401);
    assert_eq!(world.get("/app", &world.app_token(-900, -300)).await.0, 401);
    let mut forged = world.app_token(0, 300);
    let middle = forged.find('.').unwrap() + 5;
    forged.replace_range(middle..=middle, "_");
    assert_eq!(world.get("/app", &forged).await.0, 401);
}

//! Questions: what is answered, what is cut short, and what goes wrong on purpose.

use seconder::demo::{Commit, Deploy, Options, Trouble};
use serde_json::{Value, json};

use super::World;

#[tokio::test]
async fn a_route_nobody_wrote_is_remembered() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    assert_eq!(world.get("/repos/acme/shop/labels", &token).await.0, 404);
    assert_eq!(world.github.unknown_routes(), ["GET /repos/acme/shop/labels"]);
}

#[tokio::test]
async fn graphql_answers_what_was_selected_and_refuses_what_is_not_there() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    world.github.file("acme/shop", "olga", ".github/seconder.yml", Some("version: 1\n"));
    world.github.deploy("acme/shop", &Deploy::to("production", &world.sha, "mona"));
    let query = "query DeploymentContext($owner: String!, $name: String!, $environment: String!) {
        repository(owner: $owner, name: $name) {
            defaultBranchRef { name target { oid } }
            policy: object(expression: \"HEAD:.github/seconder.yml\") { ... on Blob { text isTruncated } }
            deployments(environments: [$environment], first: 50, orderBy: {field: CREATED_AT, direction: DESC}) {
                nodes { commitOid state statuses(first: 10) { nodes { state } } }
            }
            c0: object(oid: \"SHA\") { ... on Commit { authors(first: 20) { totalCount nodes { email user { login } } }
                associatedPullRequests(first: 5) { nodes { number author { __typename login ... on User { databaseId } } } } } }
        }
    }"
    .replace("SHA", &world.sha);
    let variables = json!({ "owner": "acme", "name": "shop", "environment": "production" });
    let ask = |query: String| json!({ "operationName": "DeploymentContext", "query": query, "variables": variables });
    let (_, answer) = world.post("/graphql", &token, ask(query.clone())).await;
    let repository = &answer["data"]["repository"];
    assert_eq!(repository["policy"], json!({ "text": "version: 1\n", "isTruncated": false }), "{answer}");
    assert_eq!(repository["deployments"]["nodes"][0]["statuses"]["nodes"][0]["state"], "WAITING");
    assert_eq!(repository["c0"]["authors"]["totalCount"], 2);
    assert_eq!(repository["c0"]["authors"]["nodes"][1]["user"], Value::Null, "an agent's address belongs to nobody");
    assert_eq!(repository["c0"]["associatedPullRequests"]["nodes"][0]["author"]["login"], "mona");
    for (wrong, kind) in [
        (query.replace("commitOid", "sha"), "undefinedField"),
        (query.replace("statuses(first: 10)", "statuses"), "MISSING_PAGINATION_BOUNDARIES"),
    ] {
        let (_, refused) = world.post("/graphql", &token, ask(wrong)).await;
        assert_eq!(refused["errors"][0]["type"], kind, "{refused}");
    }
    let blind = world.token(json!({ "permissions": { "contents": "read" } })).await;
    assert_eq!(world.post("/graphql", &blind, ask(query)).await.1["errors"][0]["type"], "FORBIDDEN");
}

#[tokio::test]
async fn a_comparison_of_more_than_250_commits_is_cut() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    let mut last = String::new();
    for number in 0..301 {
        let path = format!("src/{number}.rs");
        last = world.github.commit("acme/shop", &Commit::by("mona", "More").touching(&[&path]));
    }
    let path = format!("/repos/acme/shop/compare/{}...{last}", world.sha);
    let (_, whole) = world.get(&path, &token).await;
    let length = |list: &Value| list.as_array().unwrap().len();
    assert_eq!((&whole["status"], &whole["total_commits"]), (&json!("ahead"), &json!(301)));
    assert_eq!((length(&whole["commits"]), length(&whole["files"])), (250, 300));
    let (_, second) = world.get(&format!("{path}?per_page=100&page=4"), &token).await;
    assert_eq!((length(&second["commits"]), length(&second["files"])), (1, 0));
    assert_eq!(second["commits"][0]["sha"], last);
    let side = world
        .github
        .commit("acme/shop", &Commit { parents: vec![world.sha.clone()], ..Commit::by("mona", "Aside").on("aside") });
    let (_, apart) = world.get(&format!("/repos/acme/shop/compare/{last}...{side}"), &token).await;
    assert_eq!((&apart["status"], &apart["merge_base_commit"]["sha"]), (&json!("diverged"), &json!(world.sha)));
}

#[tokio::test]
async fn what_goes_wrong_on_purpose_goes_wrong_as_often_as_ordered() {
    let world = World::new().await;
    let token = world.token(json!({})).await;
    world.github.fail("GET /users", 1, Trouble::Status(502));
    world.github.fail("GET /users", 1, Trouble::RateLimit { status: 429, retry_after: 7 });
    world.github.fail("GET /users", 1, Trouble::LoseAnswer);
    assert_eq!(world.get("/users/mona", &token).await.0, 502);
    assert_eq!(world.get("/users/mona", &token).await.0, 429);
    assert_eq!(world.get("/users/mona", &token).await.0, 0, "the connection is closed");
    assert_eq!(world.get("/users/mona", &token).await.0, 200);
    world.github.limit_writes(Some(0.1));
    let body = json!({ "name": "Seconder", "head_sha": world.sha });
    assert_eq!(world.post("/repos/acme/shop/check-runs", &token, body.clone()).await.0, 201);
    assert_eq!(world.post("/repos/acme/shop/check-runs", &token, body).await.0, 403);
}

#[tokio::test]
async fn an_enterprise_server_has_its_interface_below_api_v3() {
    let world = World::with(Options { enterprise_server: true, ..Options::default() }).await;
    let token = world.token(json!({})).await;
    assert!(world.github.api_url().ends_with("/api/v3") && world.github.graphql_url().ends_with("/api/graphql"));
    let (_, repository) = world.get("/repos/acme/shop", &token).await;
    assert_eq!(repository["url"], format!("{}/repos/acme/shop", world.github.api_url()));
    assert_eq!(world.github.unknown_routes(), Vec::<String>::new());
}

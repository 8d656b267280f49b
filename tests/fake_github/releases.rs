//! Releases: drafts, and what is final.

use hyper::body::Bytes;
use seconder::demo::{Level, Options};
use serde_json::json;

use super::World;

#[tokio::test]
async fn a_release_is_a_draft_until_it_is_published_and_where_that_is_final_it_never_changes_again() {
    let mut options = Options::default();
    options.permissions.insert("contents".to_owned(), Level::Write);
    let world = World::with(options).await;
    world.github.immutable_releases("acme/shop", true);
    let writer = world.token(json!({ "permissions": { "contents": "write" } })).await;
    let reader = world.token(json!({ "permissions": { "contents": "read" } })).await;
    let releases = "/repos/acme/shop/releases";
    let draft = json!({ "tag_name": "v1", "draft": true });
    assert_eq!(world.post(releases, &reader, draft.clone()).await.0, 403);
    let (status, release) = world.post(releases, &writer, draft.clone()).await;
    assert_eq!((status, release["draft"].as_bool()), (201, Some(true)));
    let one = format!("{releases}/{}", release["id"]);
    assert_eq!(world.get(&one, &reader).await.0, 404, "who cannot push sees no draft");
    assert_eq!(world.get(releases, &reader).await.1, json!([]));

    let upload = async |name: &str| {
        let path = format!("/uploads{one}/assets?name={name}");
        world.send("POST", &path, &writer, Bytes::from_static(b"a file")).await
    };
    let (status, asset) = upload("notes").await;
    let sha256 = hex::encode(ring::digest::digest(&ring::digest::SHA256, b"a file"));
    assert_eq!((status, asset["digest"].as_str()), (201, Some(format!("sha256:{sha256}").as_str())));
    assert_eq!(upload("notes").await.0, 422, "a name is taken once");
    let publish = async || world.send("PATCH", &one, &writer, Bytes::from_static(br#"{"draft":false}"#)).await;
    assert_eq!(publish().await.1["immutable"], true);
    assert_eq!(upload("more").await.0, 422);
    let asset = format!("{releases}/assets/{}", asset["id"]);
    assert_eq!(world.send("DELETE", &asset, &writer, Bytes::new()).await.0, 422);

    world.github.delete_release("acme/shop", release["id"].as_u64().unwrap());
    let (_, again) = world.post(releases, &writer, draft).await;
    let again = format!("{releases}/{}", again["id"]);
    let (status, answer) = world.send("PATCH", &again, &writer, Bytes::from_static(br#"{"draft":false}"#)).await;
    assert_eq!(status, 422);
    assert!(answer.to_string().contains("tag_name was used by an immutable release"), "{answer}");
}

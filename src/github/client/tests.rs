//! What GitHub's answers mean, where it is reached, and that no secret is told.

use http::{HeaderMap, StatusCode};

use super::answer::quota;
use super::error::{failure, message};
use super::*;
use crate::github::clock;

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    list.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn failed(status: u16, list: &[(&'static str, &str)], body: &str) -> Error {
    let headers = headers(list);
    failure(StatusCode::from_u16(status).unwrap(), &headers, quota(&headers), message(body.as_bytes()))
}

/// How many seconds from now a caller has to wait.
fn waits(error: &Error) -> i64 {
    match error {
        Error::RateLimited { until } => (until - clock::now() + 500) / 1_000,
        other => panic!("not limited: {other:?}"),
    }
}

#[test]
fn a_rate_limit_is_known_by_its_headers_or_its_words() {
    assert_eq!(waits(&failed(429, &[("retry-after", "7")], "{}")), 7);
    assert_eq!(waits(&failed(403, &[("retry-after", "7")], "{}")), 7);
    let reset = (clock::now() / 1_000 + 30).to_string();
    let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    assert!((29..=30).contains(&waits(&failed(403, &used_up, "{}"))));
    let words = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    assert_eq!(waits(&failed(403, &[], words)), 60);
}

#[test]
fn other_failures_are_told_apart() {
    let words = r#"{"message":"Bad","errors":[{"field":"name"}]}"#;
    let message = || "Bad [{\"field\":\"name\"}]".to_owned();
    assert_eq!(failed(401, &[], words), Error::Unauthorized { message: message() });
    assert_eq!(failed(403, &[("x-ratelimit-remaining", "9")], words), Error::Forbidden { message: message() });
    assert_eq!(failed(404, &[], words), Error::NotFound { message: message() });
    assert_eq!(failed(422, &[], words), Error::Unprocessable { status: 422, message: message() });
    assert_eq!(failed(502, &[], "<html>"), Error::Server { status: 502, message: "no explanation".to_owned() });
}

#[test]
fn only_what_may_pass_by_itself_is_tried_again() {
    for (status, again) in [(401, true), (429, true), (500, true), (403, false), (404, false), (422, false)] {
        assert_eq!(failed(status, &[], "{}").is_transient(), again, "{status}");
    }
}

#[tokio::test]
async fn graphql_lies_beside_the_rest_api_also_on_enterprise_server() {
    for (given, rest, graphql) in [
        ("https://api.github.com", "https://api.github.com", "https://api.github.com/graphql"),
        ("https://api.github.com/", "https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghe.acme.com/api/v3", "https://ghe.acme.com/api/v3", "https://ghe.acme.com/api/graphql"),
        ("https://ghe.acme.com/api/v3/", "https://ghe.acme.com/api/v3", "https://ghe.acme.com/api/graphql"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9", "http://127.0.0.1:9/graphql"),
    ] {
        let client = Client::new(given).unwrap();
        assert_eq!((client.rest.as_str(), client.graphql.as_str()), (rest, graphql));
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_with_an_example() {
    for given in ["", "api.github.com", "ftp://api.github.com", "https://user:pw@host", "https://host?x=1"] {
        let error = Client::new(given).err().unwrap_or_else(|| panic!("{given} was taken"));
        assert!(error.to_string().contains("https://api.github.com"), "{error}");
    }
}

#[test]
fn a_token_that_comes_back_in_an_error_is_taken_out() {
    let credential = Credential::bearer("ghs_secret".to_owned()).unwrap();
    assert_eq!(credential.redact("echo: Bearer ghs_secret!", 100), "echo: Bearer [token]!");
    assert_eq!(format!("{credential:?}"), "Credential");
}

#[tokio::test]
async fn nothing_of_a_token_is_left_where_a_long_error_is_cut() {
    let credential = Credential::bearer("ghs_secret".to_owned()).unwrap();
    let words = format!(r#"{{"message":"{}ghs_secret"}}"#, "x".repeat(595));
    let response = http::Response::builder().status(400).body(words).unwrap();
    let error = answer::read(response, &credential).await.unwrap_err().to_string();
    assert!(error.contains("xxx") && !error.contains("ghs_"), "{error}");
}

/// Answers one request with this, and returns the head it came with.
async fn one_answer(answer: String) -> (std::net::SocketAddr, tokio::task::JoinHandle<String>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(head).unwrap()
    });
    (address, asked)
}

#[tokio::test]
async fn a_read_is_followed_to_another_host_without_the_token() {
    let (elsewhere, asked_there) = one_answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned()).await;
    let moved = format!("HTTP/1.1 302 Found\r\nlocation: http://{elsewhere}/file\r\ncontent-length: 0\r\n\r\n");
    let (github, asked) = one_answer(moved).await;
    let client = Client::new(&format!("http://{github}")).unwrap();
    let credential = Credential::bearer("ghs_secret".to_owned()).unwrap();
    let read = Call { kind: Kind::Read, method: Method::GET, path: "", body: None };
    assert_eq!(client.send(&credential, &read).await.unwrap().status, 200);
    assert!(asked.await.unwrap().contains("ghs_secret"));
    let there = asked_there.await.unwrap();
    assert!(there.starts_with("GET /file ") && !there.contains("ghs_secret"), "{there}");
}

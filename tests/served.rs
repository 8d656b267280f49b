//! A log read over HTTP, as any client of tlog-tiles reads one; and those who may not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use seconder::app::Pulse;
use seconder::cli::ledger::export::export;
use seconder::github::webhook::Secrets;
use seconder::http::{Access, Counters, Endpoints, Prompt, Room, Window, router};
use seconder::store::{LogHead, Store, Work};

use crate::support::database::{Database, on_both, on_sqlite};
use crate::support::process::{said, seconder};
use crate::support::{ACME, case, case_of, held};

const TOKEN: &str = "a token for all ledgers";
const ACMES: &str = "a token for acme's ledger";
const BOTH: &str = "a token for two ledgers";
const OTHER: u64 = 5_000;

fn bearers() -> Access {
    let token = |tenant: Option<&str>, token: &str| (tenant.map(str::to_owned), token.to_owned().into());
    Access::bearers([
        token(None, TOKEN),
        token(Some("ACME"), ACMES),
        token(Some("acme"), BOTH),
        token(Some("5000"), BOTH),
    ])
}

/// A server that shows the logs of this store.
async fn serve(store: &Store, access: Access) -> SocketAddr {
    let endpoints = Endpoints {
        store: store.clone(),
        secrets: Secrets::new([]),
        pulse: Arc::new(Pulse::default()),
        clock: Arc::new(|| 0),
        counters: Counters::default(),
        room: Room::default(),
        released: None,
        has_branch: false,
        log: Window::new(store.ledger(), access, tokio::runtime::Handle::current()),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(Prompt::new(listener), router(endpoints)).await });
    address
}

/// Logs of acme and of another account.
async fn logs(store: &Store, requests: u64) -> (LogHead, LogHead) {
    let mut works = tokio::task::JoinSet::new();
    for case in (0..requests).map(case).chain([case_of(OTHER, 1_000_000)]) {
        let store = store.clone();
        works.spawn(async move { store.commit(Work { claim: None, event: Some(held(&case)) }).await.unwrap() });
    }
    works.join_all().await;
    let mut logs = store.ledger().logs().await.unwrap();
    let other = logs.pop().unwrap();
    (logs.pop().unwrap(), other)
}

fn id(log: &LogHead) -> &str {
    log.origin.rsplit('/').next().unwrap()
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let mut request = Request::get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, body) = client.request(request.body(Empty::new()).unwrap()).await.unwrap().into_parts();
    Answer { status: head.status.as_u16(), headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
}

async fn get_as(address: SocketAddr, path: &str, token: &str) -> Answer {
    get(address, path, &[("authorization", &format!("Bearer {token}"))]).await
}

fn files(dir: &Path) -> BTreeMap<String, PathBuf> {
    fn walk(dir: &Path, prefix: &str, found: &mut BTreeMap<String, PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            match entry.path().is_dir() {
                true => walk(&entry.path(), &format!("{name}/"), found),
                false => drop(found.insert(name, entry.path())),
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(dir, "", &mut found);
    found
}

#[test]
fn what_is_served_is_what_is_exported_byte_for_byte() {
    on_both(async |database| {
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let (acme, _) = logs(&store, 600).await;
        assert!(acme.size > 512, "more than two full tiles");
        let dir = database.folder().join("ledger");
        export(&store.ledger(), &acme, &dir).await.unwrap();
        let address = serve(&store, Access::Everybody).await;
        let mut compared = 0;
        for (name, path) in files(&dir) {
            if name == "checkpoint" || name == "log.vkey" || name.starts_with("tile/") {
                let served = get(address, &format!("/l/{}/{name}", id(&acme)), &[]).await;
                assert_eq!(served.status, 200, "{name}");
                assert!(served.body == std::fs::read(path).unwrap(), "{name}");
                compared += 1;
            }
        }
        assert!(compared > 8, "{compared}");
        store.close().await;
    });
}

#[test]
fn whoever_began_to_read_reads_on_while_the_log_grows_and_never_beyond_what_is_signed() {
    on_sqlite(async |database| {
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let (acme, _) = logs(&store, 3).await;
        let address = serve(&store, Access::Everybody).await;
        let path = |rest: &str| format!("/l/{}/{rest}", id(&acme));
        let partial = path(&format!("tile/entries/000.p/{}", acme.size));
        let before = get(address, &partial, &[]).await;
        store.commit(Work { claim: None, event: Some(held(&case(77))) }).await.unwrap();
        let size = store.ledger().logs().await.unwrap()[0].size;
        assert!(size > acme.size);
        assert!(
            get(address, &partial, &[]).await.body == before.body,
            "the tile of the older checkpoint is still there"
        );
        for beyond in [
            format!("tile/0/000.p/{}", size + 1),
            format!("tile/entries/000.p/{}", size + 1),
            "tile/0/000".into(),
            "tile/entries/000".into(),
            "tile/0/001".into(),
            "tile/1/000.p/1".into(),
            "tile/63/000.p/1".into(),
            "tile/0/x999/x999/x999/x999/x999/999".into(),
            "tile/0/000.p/0".into(),
            "tile/00/000.p/1".into(),
            "tile/data/000.p/1".into(),
            "tile/0/../../checkpoint".into(),
            "entries.jsonl".into(),
        ] {
            let answer = get(address, &path(&beyond), &[]).await;
            assert_eq!(answer.status, 404, "{beyond}");
        }
        store.close().await;
    });
}

#[test]
fn what_never_changes_is_cached_and_what_does_is_asked_for_again() {
    on_sqlite(async |database| {
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let (acme, _) = logs(&store, 300).await;
        let (open, closed) = (serve(&store, Access::Everybody).await, serve(&store, bearers()).await);
        let path = |rest: &str| format!("/l/{}/{rest}", id(&acme));
        let (full, partial) = (path("tile/0/000"), path("tile/1/000.p/1"));
        for (path, cached, kind) in [
            (&full, "public, max-age=31536000, immutable", "application/octet-stream"),
            (&partial, "public, max-age=300", "application/octet-stream"),
            (&path("checkpoint"), "no-cache", "text/plain; charset=utf-8"),
        ] {
            let answer = get(open, path, &[]).await;
            assert_eq!((answer.header("cache-control"), answer.header("content-type")), (cached, kind), "{path}");
            let again = get(open, path, &[("if-none-match", &format!("\"other\", {}", answer.header("etag")))]).await;
            assert_eq!(
                (again.status, again.body.len(), again.header("etag")),
                (304, 0, answer.header("etag")),
                "{path}"
            );
        }
        let answer = get_as(closed, &full, TOKEN).await;
        assert_eq!(answer.header("cache-control"), "private, max-age=31536000, immutable");
        let tag = get(open, &path("checkpoint"), &[]).await.header("etag").to_owned();
        store.commit(Work { claim: None, event: Some(held(&case(777))) }).await.unwrap();
        assert_eq!(get(open, &path("checkpoint"), &[("if-none-match", &tag)]).await.status, 200, "the log has grown");
        store.close().await;
    });
}

#[test]
fn a_log_is_shown_to_those_who_may_read_it_and_nobody_else_learns_that_it_exists() {
    on_sqlite(async |database| {
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let (acme, other) = logs(&store, 2).await;
        assert_eq!((acme.tenant, other.tenant), (ACME, OTHER));
        let (closed, none) = (serve(&store, bearers()).await, serve(&store, Access::Nobody).await);
        let (acmes, others) = (format!("/l/{}/checkpoint", id(&acme)), format!("/l/{}/checkpoint", id(&other)));
        let nowhere = format!("/l/{}/checkpoint", "0".repeat(32));

        for (token, may) in [(TOKEN, [200, 200]), (ACMES, [200, 404]), (BOTH, [200, 200])] {
            let statuses = [get_as(closed, &acmes, token).await.status, get_as(closed, &others, token).await.status];
            assert_eq!(statuses, may, "{token}");
        }
        // Without a token, all there is looks like what there is not; with another's, too.
        let same = async |one: &Answer, two: &Answer| (one.status, &one.body) == (two.status, &two.body);
        let (known, unknown) = (get(closed, &acmes, &[]).await, get(closed, &nowhere, &[]).await);
        assert!(known.status == 401 && same(&known, &unknown).await);
        assert_eq!(known.header("www-authenticate"), "Bearer");
        let (known, unknown) = (get_as(closed, &others, ACMES).await, get_as(closed, &nowhere, ACMES).await);
        assert!(known.status == 404 && same(&known, &unknown).await);
        let guesses = ["a token for all ledger", "a token for all ledgers!", "", "a", "%"];
        for guess in guesses {
            assert_eq!(get_as(closed, &acmes, guess).await.status, 401, "{guess}");
        }
        assert_eq!(get(closed, &acmes, &[("authorization", TOKEN)]).await.status, 401, "not a bearer's");
        let wild = format!("/l/{}%25/checkpoint", &id(&acme)[..31]);
        assert_eq!(get_as(closed, &wild, TOKEN).await.status, 404, "an id is not a pattern");
        // Where nobody may read, there are no such pages.
        assert_eq!(get_as(none, &acmes, TOKEN).await.status, 404);
        store.close().await;
    });
}

#[test]
fn a_login_that_two_ledgers_began_with_opens_and_chooses_neither() {
    on_sqlite(async |database| {
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let (acme, other) = logs(&store, 2).await;
        change_in(database, &format!("UPDATE ledger_heads SET login = 'Acme' WHERE tenant = {OTHER}"));
        let address = serve(&store, bearers()).await;
        let (acmes, others) = (format!("/l/{}/checkpoint", id(&acme)), format!("/l/{}/checkpoint", id(&other)));
        for (token, may) in [(TOKEN, [200, 200]), (ACMES, [404, 404]), (BOTH, [404, 200])] {
            let statuses = [get_as(address, &acmes, token).await.status, get_as(address, &others, token).await.status];
            assert_eq!(statuses, may, "{token}");
        }
        let export = |name: &str, dir: &str| {
            let mut command = seconder();
            command.args(["ledger", "export", "--tenant", name]).arg(database.folder().join(dir));
            let output = command.env("SECONDER_DATABASE_URL", &database.url).output().unwrap();
            (output.status.success(), String::from_utf8(output.stderr).unwrap())
        };
        let (done, said) = export("acme", "refused");
        assert!(!done && said.contains(&acme.origin) && said.contains(&other.origin), "{said}");
        assert!(export("5000", "by-id").0 && export(&acme.origin, "by-origin").0);
        // An id of one that is another's login, too.
        change_in(database, &format!("UPDATE ledger_heads SET login = '{OTHER}' WHERE tenant = {ACME}"));
        let statuses = [get_as(address, &acmes, BOTH).await.status, get_as(address, &others, BOTH).await.status];
        assert_eq!(statuses, [404, 200], "digits are an id");
        assert!(!export("5000", "ambiguous").0 && export(&other.origin, "unambiguous").0);
        store.close().await;
    });
}

/// `seconder ledger verify` of this address: the exit code and what it said.
fn verify(url: &str, vkey: &str, options: &[&str]) -> (i32, String) {
    let mut command = seconder();
    let output = command.args(["ledger", "verify", url, "--vkey", vkey]).args(options).output().unwrap();
    (output.status.code().unwrap(), said(&output))
}

/// The operator, or an accident, changes something in the database.
pub fn change_in(database: &Database, sql: &str) {
    let path = database.url.strip_prefix("sqlite://").unwrap();
    let script =
        format!("import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1],timeout=30)\ndb.execute({sql:?})\ndb.commit()");
    assert!(std::process::Command::new("python3").args(["-c", &script, path]).status().unwrap().success());
}

#[test]
fn a_running_server_s_ledger_is_verified_from_anywhere() {
    on_sqlite(async |database| {
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let (acme, other) = logs(&store, 600).await;
        let address = serve(&store, bearers()).await;
        let url = |log: &LogHead| format!("http://{address}/l/{}", id(log));
        let token = database.folder().join("token");
        std::fs::write(&token, format!("{ACMES}\n")).unwrap();
        let token = token.to_str().unwrap();
        let checked = async |log: &LogHead, options: &[&str]| {
            let (url, vkey) = (url(log), acme.vkey.clone());
            let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
            let run = move || verify(&url, &vkey, &options.iter().map(String::as_str).collect::<Vec<_>>());
            tokio::task::spawn_blocking(run).await.unwrap()
        };
        let (code, said) = checked(&acme, &["--token-file", token]).await;
        assert!(code == 0 && said.contains(&format!("{} entries", acme.size)), "{said}");
        let (code, said) = checked(&acme, &[]).await;
        assert!(code == 2 && said.contains("--token-file"), "{said}");
        let (code, said) = checked(&other, &["--token-file", token]).await;
        assert!(code == 2 && said.contains("no such thing"), "{said}");

        // The operator changes a tile's root in the database, then an entry.
        change_in(
            database,
            "UPDATE ledger_tiles SET root = replace(root, substr(root, 1, 4), '0000') WHERE level = 0 AND idx = 1",
        );
        let (code, said) = checked(&acme, &["--token-file", token]).await;
        assert!(code == 1 && said.contains("NOT VERIFIED: tile/1/000.p/2"), "{said}");
        change_in(database, "UPDATE ledger_entries SET line = replace(line, 'production', 'productiom') WHERE seq = 9");
        let (code, said) = checked(&acme, &["--token-file", token]).await;
        assert!(code == 1 && said.contains("an entry was changed"), "{said}");
        store.close().await;
    });
}

#[test]
fn a_server_that_cannot_read_what_is_held_against_its_ledgers_is_not_ready() {
    on_sqlite(async |database| {
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let server = serve(&store, Access::Nobody).await;
        assert_eq!(get(server, "/readyz", &[]).await.status, 200);
        change_in(database, "ALTER TABLE ledger_anchors RENAME TO elsewhere");
        let answer = get(server, "/readyz", &[]).await;
        let page: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &page["ledger_alarms"]), (503, &serde_json::Value::Null), "{page}");
        assert_eq!((&page["database_writable"], &page["worker_alive"]), (&true.into(), &true.into()), "{page}");
        store.close().await;
    });
}

#[test]
fn tiles_that_filled_before_they_were_kept_are_counted_up_at_the_start() {
    on_sqlite(async |database| {
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let (acme, _) = logs(&store, 600).await;
        let tile = |rest: &str| format!("/l/{}/{rest}", id(&acme));
        let before = get(serve(&store, Access::Everybody).await, &tile("tile/1/000.p/2"), &[]).await;
        assert_eq!((before.status, before.body.len()), (200, 64));
        store.close().await;
        change_in(database, "DELETE FROM ledger_tiles WHERE idx = 0");
        let (store, _handed) = Store::open(database.options()).await.unwrap();
        let after = get(serve(&store, Access::Everybody).await, &tile("tile/1/000.p/2"), &[]).await;
        assert!(after.body == before.body);
        store.close().await;
    });
}

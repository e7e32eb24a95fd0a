//! What is no request, or more of one than anybody needs.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::raw::{connect, medusa, send};
use super::{is_served, memory_is_bounded, others_are_served};
use crate::support::shop::{Server, Shop};
use crate::support::wait;

const CLOSE: &str = "connection: close\r\n";
/// What two requests in one would make.
const SMUGGLED: &[u8] = b"POST /admin/customer-groups HTTP/1.1\r\nhost: x\r\n\
    x-medusa-access-token: peer-token\r\ncontent-type: application/json\r\n\
    content-length: 19\r\n\r\n{\"name\":\"smuggled\"}";

/// A case: its name, what is sent, and the statuses that may come back, of which 0 is none.
type Case = (&'static str, Vec<u8>, &'static [u16]);

/// Heads that no client of good will sends.
fn heads() -> Vec<Case> {
    let get = |line: &str| [b"GET /health ", line.as_bytes()].concat();
    let with = |lines: &str| get(&format!("HTTP/1.1\r\nhost: x\r\n{lines}{CLOSE}\r\n"));
    let post = |lines: &str| {
        let line = "POST /admin/customer-groups";
        medusa(line, lines, br#"{"name":"never"}"#)
    };
    let hello =
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n";
    let megabyte = "x".repeat(1 << 20);
    let wide = [
        b"GET /health HTTP/1.1\r\nhost: x\r\nx: ",
        &[0xff; 9][..],
        b"\r\n\r\n",
    ]
    .concat();
    let wide = String::from_utf8_lossy(&wide).into_owned().into_bytes();
    vec![
        ("a TLS hello", hello.to_vec(), &[400]),
        (
            "HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            &[400, 0],
        ),
        ("HTTP/0.9", b"GET /health\r\n\r\n".to_vec(), &[400]),
        ("HTTP/1.0", b"GET /health HTTP/1.0\r\n\r\n".to_vec(), &[200]),
        ("HTTP/9.9", get("HTTP/9.9\r\n\r\n"), &[400]),
        ("noise", vec![0xff; 500], &[400]),
        ("empty lines", b"\r\n".repeat(100_000), &[400, 431, 0]),
        (
            "NUL in the line",
            b"GET /\0 HTTP/1.1\r\n\r\n".to_vec(),
            &[400],
        ),
        (
            "bytes in the line",
            b"GET /\xff\xfe HTTP/1.1\r\n\r\n".to_vec(),
            &[400],
        ),
        ("NUL in a header", with("x: a\0b\r\n"), &[400]),
        (
            "bytes in a header",
            [&wide[..wide.len() - 2], b"connection: close\r\n\r\n"].concat(),
            &[200],
        ),
        (
            "bytes in a token",
            with("x-medusa-access-token: \u{e9}\u{1f600}\r\n"),
            &[200],
        ),
        ("space before the colon", with("x : y\r\n"), &[400]),
        ("a folded header", with("x: a\r\n b\r\n"), &[400]),
        ("no name", with(": y\r\n"), &[400]),
        ("101 headers", with(&"a: b\r\n".repeat(101)), &[431]),
        (
            "10,000 headers",
            with(&"a: b\r\n".repeat(10_000)),
            &[431, 0],
        ),
        (
            "a header of 1 MiB",
            with(&format!("x: {megabyte}\r\n")),
            &[431, 0],
        ),
        (
            "a name of 1 MiB",
            with(&format!("{megabyte}: x\r\n")),
            &[431, 400, 0],
        ),
        (
            "a URL of 1 MiB",
            format!("GET /{megabyte} HTTP/1.1\r\n\r\n").into(),
            &[414, 431, 0],
        ),
        (
            "a method of 1 MiB",
            format!("{megabyte} / HTTP/1.1\r\n\r\n").into(),
            &[400, 431, 0],
        ),
        ("an upgrade", with("upgrade: websocket\r\n"), &[200]),
        (
            "an upgrade to HTTP/2",
            with("upgrade: h2c\r\nhttp2-settings: AAA\r\n"),
            &[200],
        ),
        (
            "a tunnel",
            b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_vec(),
            &[404],
        ),
        (
            "two lengths",
            post("content-length: 16\r\ncontent-length: 17\r\n"),
            &[400],
        ),
        (
            "a list of lengths",
            post("content-length: 16, 17\r\n"),
            &[400],
        ),
        ("a negative length", post("content-length: -1\r\n"), &[400]),
        (
            "a huge length",
            post("content-length: 99999999999999999999\r\n"),
            &[400],
        ),
        (
            "an unknown coding",
            post("transfer-encoding: gzip\r\n"),
            &[400],
        ),
        (
            "chunks not last",
            post("transfer-encoding: chunked, identity\r\n"),
            &[400],
        ),
        (
            "two codings",
            post("transfer-encoding: identity\r\ntransfer-encoding: x\r\n"),
            &[400],
        ),
        (
            "chunks in HTTP/1.0",
            b"POST /admin/auth HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
            &[400],
        ),
    ]
}

/// Bodies that no client of good will sends.
fn bodies() -> Vec<Case> {
    let post = |lines: &str, body: &[u8]| {
        medusa(
            "POST /admin/customer-groups",
            &format!("{CLOSE}{lines}"),
            body,
        )
    };
    let chunks = |body: &[u8]| post("transfer-encoding: chunked\r\n", body);
    let whole = |lines: &str, body: &[u8]| {
        post(&format!("content-length: {}\r\n{lines}", body.len()), body)
    };
    let smuggled = [b"0\r\n\r\n", SMUGGLED].concat();
    let deep = |open: &str, close: &str| open.repeat(20_000) + &close.repeat(20_000);
    let zeros = vec![b' '; 100 << 20];
    let mut gzip = GzEncoder::new(vec![], Compression::best());
    gzip.write_all(&zeros).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut deflate = ZlibEncoder::new(vec![], Compression::best());
    deflate.write_all(&zeros).unwrap();
    let deflate = deflate.finish().unwrap();
    let mut empty = GzEncoder::new(vec![], Compression::best())
        .finish()
        .unwrap();
    empty = empty.repeat(200_000 / empty.len());
    let flood = format!("10000\r\n{}\r\n", "x".repeat(1 << 16)).repeat(1000);
    vec![
        (
            "no size of a chunk",
            chunks(b"zz\r\n{}\r\n0\r\n\r\n"),
            &[400],
        ),
        ("a huge chunk", chunks(b"fffffffffffffffff\r\n{}"), &[400]),
        (
            "a chunk without its end",
            chunks(b"2\r\n{}xx\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "a chunk's extensions",
            chunks(format!("2;{}", "a=b;".repeat(50_000)).as_bytes()),
            &[400],
        ),
        (
            "trailers",
            chunks(format!("0\r\n{}", "a: b\r\n".repeat(200_000)).as_bytes()),
            &[400, 413],
        ),
        ("chunks without end", chunks(flood.as_bytes()), &[413, 0]),
        (
            "a length beside chunks",
            post(
                "content-length: 5\r\ntransfer-encoding: chunked\r\n",
                &smuggled,
            ),
            &[200, 400],
        ),
        (
            "chunks beside a length",
            post(
                "transfer-encoding: chunked\r\ncontent-length: 200\r\n",
                &smuggled,
            ),
            &[200, 400],
        ),
        ("deep lists", whole("", deep("[", "]").as_bytes()), &[400]),
        (
            "deep objects",
            whole("", format!("{}1", r#"{"a":"#.repeat(15_000)).as_bytes()),
            &[400],
        ),
        (
            "deep brackets in a query",
            medusa(
                &format!("GET /admin/customers?{}", "a[".repeat(5000)),
                CLOSE,
                b"",
            ),
            &[200, 400],
        ),
        (
            "100 MiB as gzip",
            whole("content-encoding: gzip\r\n", &gzip),
            &[413],
        ),
        (
            "100 MiB as deflate",
            whole("content-encoding: deflate\r\n", &deflate),
            &[413],
        ),
        (
            "10,000 empty files as gzip",
            whole("content-encoding: gzip\r\n", &empty),
            &[400, 200],
        ),
        (
            "gzip in gzip",
            whole("content-encoding: gzip, gzip\r\n", &gzip),
            &[415],
        ),
    ]
}

/// As in `heads` and `bodies`, but what follows on the same connection must not be answered.
async fn hold(server: &Server, (name, bytes, expected): Case) {
    let said = send(server, &bytes).await;
    let statuses = said.statuses();
    assert!(statuses.len() < 2, "{name}: {}", said.text());
    let status = statuses.first().copied().unwrap_or_default();
    assert!(
        expected.contains(&status),
        "{name}: {status} {}",
        said.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_refused_and_leaves_nothing() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let head = shop.head().await;
    let abuse = async {
        for case in heads().into_iter().chain(bodies()) {
            hold(&server, case).await;
        }
    };
    tokio::select! {
        () = abuse => {}
        () = others_are_served(&server, id) => {}
    }
    assert_eq!(shop.head().await, head, "something was appended");
    memory_is_bounded(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_sent_at_once_are_answered_in_order() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let mut ids = vec![];
    for email in ["ann@example.com", "bob@example.com"] {
        let guest = server.create_guest(email).await;
        ids.push(guest["id"].as_str().unwrap().to_owned());
    }
    let asked: Vec<_> = (0..100).map(|number| &ids[number % 2]).collect();
    let mut requests = vec![];
    for (number, id) in (1..).zip(&asked) {
        let close = if number == asked.len() { CLOSE } else { "" };
        requests.extend(medusa(&format!("GET /admin/customers/{id}"), close, b""));
    }
    let said = send(&server, &requests).await;
    assert_eq!(said.statuses(), [200; 100]);
    let answered = said.text().split(r#"{"customer":{"id":""#).skip(1);
    let answered: Vec<_> = answered.map(|id| id.split('"').next().unwrap()).collect();
    assert_eq!(answered, asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_in_the_middle_of_an_answer_harms_nobody() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let large = json!({ "metadata": { "text": "x".repeat(90_000) } });
    assert_eq!(server.update(id, &large).await.status, 200);
    let requests = medusa(&format!("GET /admin/customers/{id}"), "", b"").repeat(50);
    for _ in 0..200 {
        let mut stream = connect(&server).await;
        stream.write_all(&requests).await.unwrap();
        stream.read_exact(&mut [0; 10]).await.unwrap();
        // With answers unread, closing resets the connection.
    }
    is_served(&server, id).await;
    let own = format!("/proc/{}/fd", server.child.id().unwrap());
    wait::until("their connections are closed", async || {
        (std::fs::read_dir(&own).unwrap().count() < 100).then_some(())
    })
    .await;
    memory_is_bounded(&server);
}

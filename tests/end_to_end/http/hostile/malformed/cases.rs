//! What is sent, and the statuses that may come back.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::http::hostile::raw::medusa;

/// A name, what is sent, and the statuses that may come back. 0 is none: who is closed while still
/// sending may lose the answer.
pub(super) type Case = (&'static str, Vec<u8>, &'static [u16]);

/// Where a group would be made.
const GROUPS: &str = "POST /admin/customer-groups";
const CLOSE: &str = "connection: close\r\n";
/// A body that ends, and a request behind it.
const SMUGGLED: &[u8] = b"0\r\n\r\nPOST /admin/customer-groups HTTP/1.1\r\nhost: x\r\n\
    x-medusa-access-token: peer-token\r\ncontent-type: application/json\r\n\
    content-length: 19\r\n\r\n{\"name\":\"smuggled\"}";

/// All cases.
pub(super) fn all() -> Vec<Case> {
    [lines(), headers(), lengths(), chunks(), contents()].concat()
}

/// Request lines, and what is none.
fn lines() -> Vec<Case> {
    let long = "x".repeat(1 << 20);
    let (url, method) = (
        format!("GET /{long} HTTP/1.1\r\n\r\n"),
        format!("{long} / HTTP/1.1\r\n"),
    );
    let empty = b"\r\n".repeat(100_000);
    let cases: [(_, &[u8], &[u16]); 13] = [
        (
            "TLS",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n",
            &[400],
        ),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400, 0]),
        ("HTTP/0.9", b"GET /health\r\n\r\n", &[400]),
        ("HTTP/1.0", b"GET /health HTTP/1.0\r\n\r\n", &[200]),
        ("HTTP/9.9", b"GET /health HTTP/9.9\r\n\r\n", &[400]),
        ("noise", &[0xff; 500], &[400]),
        ("empty lines", &empty, &[400, 431, 0]),
        ("NUL", b"GET /\0 HTTP/1.1\r\n\r\n", &[400]),
        ("no UTF-8", b"GET /\xff\xfe HTTP/1.1\r\n\r\n", &[400]),
        ("two spaces", b"GET  /health HTTP/1.1\r\n\r\n", &[400]),
        (
            "a tunnel",
            b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            &[404],
        ),
        ("a long URL", url.as_bytes(), &[414, 431, 0]),
        ("a long method", method.as_bytes(), &[400, 431, 0]),
    ];
    cases
        .map(|(name, sent, statuses)| (name, sent.to_vec(), statuses))
        .into()
}

fn headers() -> Vec<Case> {
    let long = "x".repeat(1 << 20);
    let some = "a: b\r\n".repeat(101);
    let many = "a: b\r\n".repeat(10_000);
    let value = format!("x: {long}");
    let name = format!("{long}: x");
    let cases: [(_, &[u8], &[u16]); 11] = [
        ("NUL", b"x: a\0b", &[400]),
        ("no UTF-8", b"x-medusa-access-token: \xff\xfe", &[200]),
        ("a space before the colon", b"x : y", &[400]),
        ("a folded line", b"x: a\r\n b", &[400]),
        ("no name", b": y", &[400]),
        ("101 headers", some.trim_end().as_bytes(), &[431]),
        ("10,000 headers", many.trim_end().as_bytes(), &[431, 0]),
        ("a long value", value.as_bytes(), &[431, 0]),
        ("a long name", name.as_bytes(), &[400, 431, 0]),
        ("an upgrade", b"upgrade: websocket", &[200]),
        (
            "an upgrade to HTTP/2",
            b"upgrade: h2c\r\nhttp2-settings: AAA",
            &[200],
        ),
    ];
    let sent = |lines: &[u8]| {
        let (head, end) = (
            "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n",
            b"\r\n\r\n",
        );
        [head.as_bytes(), lines, end].concat()
    };
    cases
        .map(|(name, lines, statuses)| (name, sent(lines), statuses))
        .into()
}

/// What is said about a body's length.
fn lengths() -> Vec<Case> {
    let cases: [(_, _, &[u8], &[u16]); 9] = [
        (
            "two lengths",
            "content-length: 16\r\ncontent-length: 17\r\n",
            b"{}",
            &[400],
        ),
        (
            "a list of lengths",
            "content-length: 16, 17\r\n",
            b"{}",
            &[400],
        ),
        ("a negative length", "content-length: -1\r\n", b"{}", &[400]),
        (
            "a huge length",
            "content-length: 99999999999999999999\r\n",
            b"{}",
            &[400],
        ),
        ("no chunks", "transfer-encoding: gzip\r\n", b"{}", &[400]),
        (
            "chunks not last",
            "transfer-encoding: chunked, identity\r\n",
            b"{}",
            &[400],
        ),
        (
            "two codings",
            "transfer-encoding: chunked\r\ntransfer-encoding: x\r\n",
            b"{}",
            &[400],
        ),
        (
            "a length, then chunks",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            SMUGGLED,
            &[400],
        ),
        (
            "chunks, then a length",
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
            SMUGGLED,
            &[400],
        ),
    ];
    let old = b"POST /admin/auth HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let old: Case = ("chunks in HTTP/1.0", old.to_vec(), &[400]);
    let cases =
        cases.map(|(name, lines, body, statuses)| (name, medusa(GROUPS, lines, body), statuses));
    cases.into_iter().chain([old]).collect()
}

fn chunks() -> Vec<Case> {
    let flood = format!("10000\r\n{}\r\n", "x".repeat(1 << 16)).repeat(400);
    let extensions = format!("2;{}", "a=b;".repeat(50_000));
    let trailers = format!("0\r\n{}", "a: b\r\n".repeat(200_000));
    let cases: [(_, &[u8], &[u16]); 6] = [
        ("no size", b"zz\r\n{}\r\n0\r\n\r\n", &[400]),
        ("a huge size", b"fffffffffffffffff\r\n{}", &[400]),
        ("no end", b"2\r\n{}xx\r\n0\r\n\r\n", &[400]),
        ("extensions", extensions.as_bytes(), &[400]),
        ("trailers", trailers.as_bytes(), &[400]),
        ("chunk after chunk", flood.as_bytes(), &[413, 0]),
    ];
    let sent = |body| medusa(GROUPS, "transfer-encoding: chunked\r\n", body);
    cases
        .map(|(name, body, statuses)| (name, sent(body), statuses))
        .into()
}

/// Bodies that arrive whole.
fn contents() -> Vec<Case> {
    let spaces = vec![b' '; 10 << 20];
    let mut gzip = GzEncoder::new(vec![], Compression::fast());
    gzip.write_all(&spaces).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut deflate = ZlibEncoder::new(vec![], Compression::fast());
    deflate.write_all(&spaces).unwrap();
    let deflate = deflate.finish().unwrap();
    let empty = GzEncoder::new(vec![], Compression::fast()).finish();
    let empty = empty.unwrap().repeat(8000);
    let lists = ["[", "]"].map(|bracket| bracket.repeat(20_000)).concat();
    let objects = r#"{"a":"#.repeat(15_000);
    let cases: [(_, _, &[u8], &[u16]); 6] = [
        ("deep lists", "identity", lists.as_bytes(), &[400]),
        ("deep objects", "identity", objects.as_bytes(), &[400]),
        ("10 MiB as gzip", "gzip", &gzip, &[413]),
        ("10 MiB as deflate", "deflate", &deflate, &[413]),
        ("thousands of empty files", "gzip", &empty, &[400]),
        ("gzip in gzip", "gzip, gzip", &gzip, &[415]),
    ];
    let sent = |coding, body: &[u8]| {
        let length = body.len();
        let lines = format!("{CLOSE}content-encoding: {coding}\r\ncontent-length: {length}\r\n");
        medusa(GROUPS, &lines, body)
    };
    let deep = medusa(
        &format!("GET /admin/customers?{}", "a[".repeat(5000)),
        CLOSE,
        b"",
    );
    let deep: Case = ("deep brackets", deep, &[200, 400]);
    let cases = cases.map(|(name, coding, body, statuses)| (name, sent(coding, body), statuses));
    cases.into_iter().chain([deep]).collect()
}

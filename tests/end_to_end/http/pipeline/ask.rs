//! A generated request, and the pieces that those of every contract are made of.

use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;

use devkit::http::Answer;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

/// How many bytes of a body a failed test prints.
const SHOWN_MAX: usize = 2000;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// The path as sent, and the query with its question mark.
    pub(crate) target: Uri,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.target.path()
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }

    /// The first of these words that the answer says, in any case, and the request does not.
    pub(crate) fn below<'w>(&self, answer: &Answer, words: &[&'w str]) -> Option<&'w str> {
        let body = String::from_utf8_lossy(&self.body);
        let said = format!("{}{body}", self.target).to_lowercase();
        let shown = answer.body.to_lowercase();
        let is_below = |word: &&str| shown.contains(word) && !said.contains(word);
        words.iter().copied().find(is_below)
    }

    pub(crate) fn request(&self, address: SocketAddr) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(&self.target)
            .header("host", address.to_string());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::from(self.body.clone())).unwrap()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        for (name, value) in &self.headers {
            write!(f, "\n{name}: {value:?}")?;
        }
        let shown = self.body.get(..SHOWN_MAX).unwrap_or(&self.body);
        write!(
            f,
            "\n\n{} ({} bytes)",
            shown.escape_ascii(),
            self.body.len()
        )
    }
}

/// One of several.
pub(crate) fn one<T: Clone>(rng: &mut StdRng, of: &[T]) -> T {
    of.choose(rng).unwrap().clone()
}

/// Whether something happens that does so `percent` times of a hundred.
pub(crate) fn chance(rng: &mut StdRng, percent: u32) -> bool {
    rng.random_ratio(percent, 100)
}

/// A text nobody expects: of any characters, or long, or empty.
pub(crate) fn odd_text(rng: &mut StdRng) -> String {
    match rng.random_range(0..12) {
        0 => String::new(),
        1 => "x".repeat(rng.random_range(1..3000)),
        2 => "a, b should not exist, ".to_owned(),
        3 => "\0".to_owned(),
        4 => one(
            rng,
            &[
                "'; drop table events; --",
                "%",
                "_",
                "\\",
                "%%%_\\",
                "\u{feff}",
            ],
        )
        .to_owned(),
        5 => one(
            rng,
            &[
                "null",
                "true",
                "undefined",
                "NaN",
                "-1",
                "1e400",
                "0x10",
                " 5 ",
            ],
        )
        .to_owned(),
        _ => {
            let length = rng.random_range(1..12);
            (0..length).map(|_| rng.random::<char>()).collect()
        }
    }
}

/// A target from a path and a query: what may not stand in one as it is, is encoded.
pub(crate) fn target(path: &str, query: &str) -> Uri {
    let text = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    let mut safe = String::new();
    for byte in text.bytes() {
        if fits(byte) {
            safe.push(char::from(byte));
        } else {
            safe.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    let safe = if safe.starts_with('/') {
        safe
    } else {
        format!("/{safe}")
    };
    safe.parse()
        .unwrap_or_else(|_| panic!("not a target: {safe}"))
}

/// Anything that JSON can say, as text; sometimes what it cannot.
pub(crate) fn json_value(rng: &mut StdRng, depth: u32) -> String {
    match rng.random_range(0..14) {
        0 => "null".to_owned(),
        1 => one(rng, &["true", "false"]).to_owned(),
        2 => one(
            rng,
            &[
                "0",
                "-1",
                "1.5",
                "12345678901234567890",
                "-0",
                "1e400",
                "1e-400",
            ],
        )
        .to_owned(),
        3 => "[]".to_owned(),
        4 => "{}".to_owned(),
        5 => one(
            rng,
            &[
                "\"\\ud800\"",
                "\"\\u0000\"",
                "\"\\uD83D\\uDE00\"",
                "\"\\u0007\"",
            ],
        )
        .to_owned(),
        6 if depth > 0 => {
            let items: Vec<_> = (0..rng.random_range(0..4))
                .map(|_| json_value(rng, depth - 1))
                .collect();
            format!("[{}]", items.join(","))
        }
        7 if depth > 0 => {
            let members: Vec<_> = (0..rng.random_range(0..4))
                .map(|_| format!("{}:{}", json_key(rng), json_value(rng, depth - 1)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        8 => format!("{}1{}", "[".repeat(200), "]".repeat(200)),
        _ => quoted(&odd_text(rng)),
    }
}

/// The name of a member.
pub(crate) fn json_key(rng: &mut StdRng) -> String {
    const NAMES: [&str; 9] = [
        "__proto__",
        "constructor",
        "toString",
        "a",
        "1",
        "$open",
        "$sealed",
        "length",
        "",
    ];
    if chance(rng, 60) {
        quoted(one(rng, &NAMES))
    } else {
        quoted(&odd_text(rng))
    }
}

/// Those of the members that `is_kept`, a few of them as anything else, and now and then another.
pub(crate) fn some(
    rng: &mut StdRng,
    members: Vec<(&'static str, String)>,
    is_kept: impl Fn(&mut StdRng, &str) -> bool,
) -> String {
    let mut written = vec![];
    for (name, value) in members {
        if is_kept(rng, name) {
            let value = if chance(rng, 6) {
                json_value(rng, 2)
            } else {
                value
            };
            written.push(format!("{}:{value}", quoted(name)));
        }
    }
    if chance(rng, 5) {
        written.push(format!("{}:{}", json_key(rng), json_value(rng, 1)));
    }
    written.join(",")
}

pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A body that is sent as it is, or spoilt, or compressed; and the headers that say so.
pub(crate) fn send_body(
    rng: &mut StdRng,
    json: String,
    headers: &mut Vec<(HeaderName, HeaderValue)>,
) -> Vec<u8> {
    const TYPES: [&str; 12] = [
        "application/json; charset=utf-8",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/json; charset=bogus",
        "application/json;",
        "APPLICATION/JSON",
        "application/json, text/plain",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/vnd.api+json",
        "\u{e9}",
    ];
    let mut add = |name: &'static str, value: &str| {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.push((HeaderName::from_static(name), value));
    };
    let mut body = json.into_bytes();
    match rng.random_range(0..100) {
        0..4 => spoil(rng, &mut body),
        4 => {
            body.truncate(rng.random_range(0..200));
            rng.fill(body.as_mut_slice());
        }
        5 => body = format!("{{\"metadata\":{{\"a\":\"{}\"}}}}", "x".repeat(110_000)).into_bytes(),
        6 => body.clear(),
        7 => {
            let mut encoder = GzEncoder::new(vec![], Compression::fast());
            encoder.write_all(&body).unwrap();
            body = encoder.finish().unwrap();
            if chance(rng, 30) {
                body.truncate(body.len() / 2);
            }
            add("content-encoding", one(rng, &["gzip", "GZIP", "deflate"]));
        }
        8 => add(
            "content-encoding",
            one(rng, &["gzip", "br", "identity", "", "x, y"]),
        ),
        _ => {}
    }
    if chance(rng, 94) {
        add("content-type", "application/json");
    } else if chance(rng, 80) {
        add("content-type", one(rng, &TYPES));
    }
    body
}

fn spoil(rng: &mut StdRng, body: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=body.len());
        match rng.random_range(0..3) {
            0 => body.insert(at, rng.random()),
            1 if at < body.len() => {
                body.remove(at);
            }
            _ if at < body.len() => body[at] = rng.random(),
            _ => body.push(b'}'),
        }
    }
}

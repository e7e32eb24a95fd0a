//! The JSON body parser, before everything else.
//!
//! Source: body-parser 1.20 with its defaults (type-is, media-typer, raw-body, iconv-lite, zlib):
//! the recorded cases `update-json-*`, `update-text-plain-ignored`, `update-gzip-body`,
//! `update-body-*`.

mod charset;
mod media_type;

use std::io::Read as _;

use flate2::bufread::{GzDecoder, ZlibDecoder};
use serde_json::{Map, Value};

use crate::json::{self, Document};

/// The longest body, in bytes, after decompression. Source: case `update-body-100kib-exact`.
pub const BYTES_MAX: usize = 102_400;

/// What a request's headers say about its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// Whether there is a `Content-Length` or `Transfer-Encoding`: without one there is no body.
    pub has_body: bool,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Content-Encoding`.
    pub content_encoding: Option<&'a str>,
}

/// Why a body is refused, in HTML and before authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not JSON, not an object or array, or not compressed as the header says.
    #[error("the body is malformed")]
    Malformed,
    /// Longer than [`BYTES_MAX`].
    #[error("the body is too large")]
    TooLarge,
    /// A charset or content encoding that the parser does not know.
    #[error("the body is encoded in an unknown way")]
    Unsupported,
}

/// What is to be done with a body before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    charset: charset::Charset,
    encoding: Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
}

/// Whether the body is to be parsed, and how. `None`: it is not looked at, however long it is, and
/// counts as `{}`.
pub fn plan(headers: Headers<'_>) -> Result<Option<Plan>, BodyError> {
    let json = headers
        .content_type
        .filter(|_| headers.has_body)
        .and_then(media_type::parse)
        .filter(|media_type| media_type.essence == "application/json");
    let Some(media_type) = json else {
        return Ok(None);
    };
    let charset = charset::named(media_type.charset.as_deref().unwrap_or("utf-8"))
        .ok_or(BodyError::Unsupported)?;
    let encoding = headers
        .content_encoding
        .unwrap_or_default()
        .to_ascii_lowercase();
    let encoding = match encoding.as_str() {
        "" | "identity" => Encoding::Identity,
        "gzip" => Encoding::Gzip,
        "deflate" => Encoding::Deflate,
        _ => return Err(BodyError::Unsupported),
    };
    Ok(Some(Plan { charset, encoding }))
}

impl Plan {
    /// Whether a body that is longer than [`BYTES_MAX`] as sent is too large, so that reading can
    /// stop there. A compressed one is measured after decompression; it never needs to be longer
    /// either, save by a few bytes of framing.
    pub fn counts_bytes_sent(self) -> bool {
        self.encoding == Encoding::Identity
    }

    /// Parses the body. `{}` when there is nothing in it.
    pub fn parse(self, bytes: &[u8]) -> Result<Document, BodyError> {
        let inflated = match self.encoding {
            Encoding::Identity => None,
            Encoding::Gzip => Some(gunzip(bytes)?),
            Encoding::Deflate => Some(take(ZlibDecoder::new(bytes))?),
        };
        let bytes = inflated.as_deref().unwrap_or(bytes);
        if bytes.len() > BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        let text = self.charset.decode(bytes);
        if text.is_empty() {
            return Ok(empty());
        }
        let starts = text.trim_start_matches(json::SPACE);
        if !starts.starts_with(['{', '[']) {
            return Err(BodyError::Malformed);
        }
        json::parse(&text).map_err(|json::Malformed| BodyError::Malformed)
    }
}

/// The body that is none.
pub fn empty() -> Document {
    Document {
        value: Value::Object(Map::new()),
        unstorable: false,
    }
}

/// Inflates at most one byte more than the limit: a bomb costs no memory.
fn take(decoder: impl std::io::Read) -> Result<Vec<u8>, BodyError> {
    let mut inflated = Vec::new();
    let limit = u64::try_from(BYTES_MAX + 1).unwrap_or(u64::MAX);
    match decoder.take(limit).read_to_end(&mut inflated) {
        Ok(_) => Ok(inflated),
        // What is wrong with the bytes does not matter: every fault is the same answer.
        Err(_) => Err(BodyError::Malformed),
    }
}

/// Inflates all members of a gzip file. As in Node.js' zlib, a zero byte after a member ends it, and
/// anything else must be another member.
fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, BodyError> {
    let mut inflated = Vec::new();
    let mut rest = bytes;
    loop {
        inflated.extend(take(GzDecoder::new(&mut rest))?);
        if inflated.len() > BYTES_MAX || rest.first().is_none_or(|&byte| byte == 0) {
            return Ok(inflated);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn body(content_type: &str, encoding: &str, bytes: &[u8]) -> Result<Value, BodyError> {
        let headers = Headers {
            has_body: true,
            content_type: Some(content_type),
            content_encoding: Some(encoding),
        };
        match plan(headers)? {
            Some(plan) => plan.parse(bytes).map(|document| document.value),
            None => Ok(empty().value),
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn text_of(length: usize) -> Vec<u8> {
        format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8)).into_bytes()
    }

    #[test]
    fn only_a_json_object_or_array_is_parsed() {
        let json = "application/json";
        assert_eq!(body(json, "", br#" {"a":1}"#), Ok(json!({"a": 1})));
        assert_eq!(body(json, "", b"[1]"), Ok(json!([1])));
        assert_eq!(body(json, "", b""), Ok(json!({})));
        assert_eq!(body(json, "", b"\xef\xbb\xbf"), Ok(json!({})));
        for malformed in ["\"x\"", "null", "5", " ", "{\"a\":", "{\"a\":NaN}", "x"] {
            let refused = body(json, "", malformed.as_bytes());
            assert_eq!(refused, Err(BodyError::Malformed), "{malformed}");
        }
        assert_eq!(body("text/plain", "br", b"x"), Ok(json!({})));
    }

    #[test]
    fn without_a_body_nothing_is_judged() {
        let headers = Headers {
            has_body: false,
            content_type: Some("application/json; charset=latin1"),
            content_encoding: None,
        };
        assert_eq!(plan(headers), Ok(None));
    }

    #[test]
    fn the_limit_is_inclusive_and_counts_inflated_bytes() {
        let json = "application/json";
        assert!(body(json, "", &text_of(BYTES_MAX)).is_ok());
        assert_eq!(
            body(json, "", &text_of(BYTES_MAX + 1)),
            Err(BodyError::TooLarge)
        );
        assert!(body(json, "gzip", &gzip(&text_of(BYTES_MAX))).is_ok());
        assert_eq!(
            body(json, "gzip", &gzip(&text_of(BYTES_MAX + 1))),
            Err(BodyError::TooLarge)
        );
        assert_eq!(
            body(json, "gzip", &gzip(&vec![b' '; 50_000_000])),
            Err(BodyError::TooLarge)
        );
    }

    #[test]
    fn gzip_is_read_as_node_reads_it() {
        let json = "application/json";
        let whole = gzip(br#"{"a":1}"#);
        let members = [gzip(br#"{"a""#), gzip(b":1}")].concat();
        let padded = [whole.clone(), vec![0, 1, 2]].concat();
        for bytes in [&whole, &members, &padded] {
            assert_eq!(body(json, "GZIP", bytes), Ok(json!({"a": 1})));
        }
        let junk = [whole.clone(), b"hello".to_vec()].concat();
        let cut = whole.get(..whole.len() - 3).unwrap();
        for bytes in [&junk, cut, br#"{"a":1}"#, b""] {
            assert_eq!(body(json, "gzip", bytes), Err(BodyError::Malformed));
        }
    }

    #[test]
    fn deflate_is_zlibs() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(br#"{"a":1}"#).unwrap();
        let mut bytes = encoder.finish().unwrap();
        bytes.extend(b"hello");
        assert_eq!(
            body("application/json", "deflate", &bytes),
            Ok(json!({"a": 1}))
        );
        for refused in [&b"hello"[..], b""] {
            assert_eq!(
                body("application/json", "deflate", refused),
                Err(BodyError::Malformed)
            );
        }
    }

    #[test]
    fn unknown_encodings_are_unsupported() {
        for encoding in ["br", "x-gzip", "gzip, gzip", "bogus"] {
            let refused = body("application/json", encoding, b"{}");
            assert_eq!(refused, Err(BodyError::Unsupported), "{encoding}");
        }
        for charset in ["latin1", "utf8", "us-ascii", "bogus", "utf-", "utf-x"] {
            let refused = body(&format!("application/json; charset={charset}"), "", b"{}");
            assert_eq!(refused, Err(BodyError::Unsupported), "{charset}");
        }
        assert_eq!(body("application/json", "identity", b"{}"), Ok(json!({})));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, kind in 0_usize..6, encoding in 0_usize..3) {
            let charset = ["utf-8", "utf-16", "utf-16be", "utf-32", "utf-7", "utf-32le"];
            let encoding = ["", "gzip", "deflate"].get(encoding).unwrap();
            let content_type = format!("application/json;charset={}", charset.get(kind).unwrap());
            let refused = body(&content_type, encoding, &bytes).err();
            prop_assert!(refused.is_none_or(|error| error == BodyError::Malformed));
        }
    }
}

//! Express' weak `ETag`, and when a copy is fresh.
//!
//! Source: the packages etag 1.8 and fresh 0.5; cases `http-etag`, `http-if-none-match`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// The length of a SHA-1 in base64 without its padding.
const HASH_LENGTH: usize = 27;

/// The `ETag` of a body: its length in hexadecimal and its SHA-1.
pub fn etag(body: &[u8]) -> String {
    let mut hash = STANDARD.encode(Sha1::digest(body));
    hash.truncate(HASH_LENGTH);
    format!("W/\"{:x}-{hash}\"", body.len())
}

/// The headers that make a request conditional.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'a str>,
    /// `Cache-Control`.
    pub cache_control: Option<&'a str>,
}

/// Whether the caller's copy is this answer, so that a GET or HEAD is answered 304 without a body.
pub fn is_fresh(conditions: Conditions<'_>, etag: &str) -> bool {
    let no_cache = conditions
        .cache_control
        .is_some_and(|list| list.split(',').any(|item| item.trim() == "no-cache"));
    // No answer says when it was last modified, so any date makes the copy stale.
    if no_cache
        || conditions
            .if_modified_since
            .is_some_and(|date| !date.is_empty())
    {
        return false;
    }
    let weak = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    match conditions.if_none_match {
        None | Some("") => false,
        Some("*") => true,
        Some(list) => list
            .split(',')
            .any(|tag| weak(tag.trim_matches(' ')) == weak(etag)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case `update-not-found`.
    const BODY: &str =
        r#"{"type":"not_found","message":"Customer with id: cus_nope was not found"}"#;
    const TAG: &str = "W/\"49-y4PKfiIeQM0jKhBdFAgzUwD5J8c\"";

    fn fresh(list: &str) -> bool {
        let conditions = Conditions {
            if_none_match: Some(list),
            ..Conditions::default()
        };
        is_fresh(conditions, TAG)
    }

    #[test]
    fn the_recorded_body_has_the_recorded_etag() {
        assert_eq!(etag(BODY.as_bytes()), TAG);
    }

    #[test]
    fn a_copy_is_fresh_when_one_tag_matches() {
        assert!(fresh(TAG));
        assert!(fresh(TAG.strip_prefix("W/").unwrap()));
        assert!(fresh(&format!("\"x\", {TAG}")));
        assert!(fresh("*"));
        assert!(!fresh("\"x\""));
        assert!(!fresh(""));
        assert!(!is_fresh(Conditions::default(), TAG));
    }

    #[test]
    fn a_caller_can_insist() {
        let conditions = Conditions {
            if_none_match: Some(TAG),
            ..Conditions::default()
        };
        let no_cache = Conditions {
            cache_control: Some("max-age=0, no-cache"),
            ..conditions
        };
        let dated = Conditions {
            if_modified_since: Some("Sat, 21 Nov 2026 00:00:00 GMT"),
            ..conditions
        };
        assert!(!is_fresh(no_cache, TAG));
        assert!(!is_fresh(dated, TAG));
    }
}

//! The session's cookie, as text.
//!
//! Source: express-session 1.17, cookie 0.4 and cookie-signature 1.0: `connect.sid` is
//! `s:{id}.{signature}`, percent-encoded, the signature in base64 without padding. Case
//! `auth-login-ok-https`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The cookie's name.
const NAME: &str = "connect.sid";
/// What JavaScript's `encodeURIComponent` encodes.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A session's id beside what is said to be its signature.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedId {
    /// The id.
    pub id: String,
    /// The signature, not looked at yet.
    pub signature: Vec<u8>,
}

/// The session of a `Cookie` header, if it names one. Of several the first counts.
pub fn parse(header: &str) -> Option<SignedId> {
    let value = header.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name.trim() == NAME).then(|| value.trim())
    })?;
    let unquoted = value
        .strip_prefix('"')
        .map_or(value, |rest| rest.strip_suffix('"').unwrap_or(rest));
    let decoded = percent_decode_str(unquoted).decode_utf8().ok()?;
    let (id, signature) = decoded.strip_prefix("s:")?.rsplit_once('.')?;
    let signature = STANDARD_NO_PAD.decode(signature).ok()?;
    Some(SignedId {
        id: id.to_owned(),
        signature,
    })
}

/// The `Set-Cookie` header of a session that begins.
pub fn render(session: &SignedId, expires_at: Timestamp) -> String {
    let signature = STANDARD_NO_PAD.encode(&session.signature);
    let value = format!("s:{}.{signature}", session.id);
    let value = utf8_percent_encode(&value, ENCODED);
    let expires = expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT");
    format!("{NAME}={value}; Path=/; Expires={expires}; HttpOnly; Secure; SameSite=None")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As recorded.
    const COOKIE: &str = "connect.sid=s%3AYVgDcYCKM6nEyl92ni6ivaoSkJa9EcVr.gkiGtiaM4A2dMRxiGHMGh0OByZ%2B0RbdNc4i%2FVXv8U60";

    #[test]
    fn the_recorded_cookie_is_read_and_written() {
        let session = parse(COOKIE).unwrap();
        assert_eq!(session.id, "YVgDcYCKM6nEyl92ni6ivaoSkJa9EcVr");
        assert_eq!(session.signature.len(), 32);
        let expires_at = "2026-11-22T04:11:26.9Z".parse().unwrap();
        let attributes =
            "Path=/; Expires=Sun, 22 Nov 2026 04:11:26 GMT; HttpOnly; Secure; SameSite=None";
        assert_eq!(
            render(&session, expires_at),
            format!("{COOKIE}; {attributes}")
        );
    }

    #[test]
    fn the_first_cookie_of_the_name_counts() {
        let id = |header: &str| parse(header).map(|session| session.id);
        assert_eq!(
            id("a=1;  connect.sid = s:x.AAAA ; b=2").as_deref(),
            Some("x")
        );
        assert_eq!(id("connect.sid=\"s:x.AAAA\"").as_deref(), Some("x"));
        assert_eq!(
            id("connect.sid=s:x.AAAA; connect.sid=s:y.AAAA").as_deref(),
            Some("x")
        );
        for none in [
            "",
            "connect.sid",
            "connect.sid=",
            "Connect.Sid=s:x.AAAA",
            "connect.sid=x.AAAA",
            "connect.sid=s:x",
            "connect.sid=s:x.A",
            "connect.sid=s:x.AAAA=",
            "connect.sid=%E0%A4%A",
            "connect.sid=\"",
        ] {
            assert_eq!(id(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(header in ".{0,40}") {
            parse(&header);
            parse(&format!("connect.sid={header}"));
        }
    }
}

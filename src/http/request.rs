//! What every request carries beside its contract: its id, who it is for, why, and its idempotency
//! key.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use events::ids::RequestId;
use events::record::{Actor, Contract, Metadata};
use jiff::Timestamp;
use rand::RngCore as _;

use crate::event_store::keys::keyring::Keyring;
use crate::event_store::{Idempotency, Request};

/// The header that names the request in every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("ledger-request-id");
/// On whose behalf.
const ON_BEHALF_OF: HeaderName = HeaderName::from_static("ledger-on-behalf-of");
/// Why.
const REASON: HeaderName = HeaderName::from_static("ledger-reason");
/// The key under which a request may be repeated.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest `Ledger-On-Behalf-Of`, in characters.
const ON_BEHALF_OF_MAX: usize = 200;
/// Longest `Ledger-Reason`, in characters.
const REASON_MAX: usize = 500;
/// Longest `Idempotency-Key`, in characters.
const IDEMPOTENCY_KEY_MAX: usize = 255;

/// A header of the ledger's own that cannot be taken. The text names it and never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header} must be at most {limit} characters of UTF-8 text")]
pub(super) struct HeaderRefused {
    header: &'static str,
    limit: usize,
}

/// The id of a request: the trace id of `traceparent` when one is sent, else a new one.
pub(super) fn request_id(headers: &HeaderMap) -> RequestId {
    let traced = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| trace_id(value));
    traced.map_or_else(
        || {
            let mut id = [0; 16];
            rand::rng().fill_bytes(&mut id);
            hex::encode(id).into()
        },
        Into::into,
    )
}

/// Names the request in its answer.
pub(super) fn put_request_id(id: &RequestId, headers: &mut HeaderMap) {
    headers.insert(REQUEST_ID, header_value(id));
}

/// The id as a header's value.
pub(super) fn header_value(id: &RequestId) -> HeaderValue {
    HeaderValue::from_str(id).expect("hexadecimal digits are a header value")
}

/// The trace id of a `traceparent`. Source: W3C Trace Context, version 00 and later.
fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, id) = (parts.next()?, parts.next()?);
    let hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let valid = version.len() == 2 && hex(version) && version != "ff" && id.len() == 32 && hex(id);
    (valid && id.bytes().any(|b| b != b'0')).then_some(id)
}

/// What the store is told of a request, its own headers read.
pub(super) struct Envelope<'a> {
    /// Who asks.
    pub(super) actor: Actor,
    /// Through which contract.
    pub(super) contract: Contract,
    /// Through which route: its template.
    pub(super) route: &'a str,
    /// The request's id.
    pub(super) id: &'a RequestId,
    /// All headers.
    pub(super) headers: &'a HeaderMap,
}

impl Envelope<'_> {
    /// The request for the store. `content` is everything that makes the request what it is beside
    /// its route: path, query, body. `status` is that of a success.
    pub(super) fn request(
        self,
        keyring: &Keyring,
        content: &[&str],
        status: u16,
    ) -> Result<Request, HeaderRefused> {
        let on_behalf_of = text(
            self.headers,
            &ON_BEHALF_OF,
            "Ledger-On-Behalf-Of",
            ON_BEHALF_OF_MAX,
        )?;
        let reason = reason(self.headers)?;
        let key = text(
            self.headers,
            &IDEMPOTENCY_KEY,
            "Idempotency-Key",
            IDEMPOTENCY_KEY_MAX,
        )?;
        let idempotency = key.filter(|key| !key.is_empty()).map(|key| Idempotency {
            key: keyring.hash_request(&["key", &key]),
            request: keyring.hash_request(content),
            status,
        });
        Ok(Request {
            metadata: Metadata {
                actor: self.actor,
                on_behalf_of: on_behalf_of.map(Into::into),
                reason: reason.map(Into::into),
                contract: self.contract,
                route: self.route.to_owned(),
                request_id: self.id.clone(),
                idempotency_key: idempotency.as_ref().map(|i| hex::encode(i.key)),
            },
            idempotency,
            credential: None,
        })
    }
}

/// Why, in the caller's words.
pub(super) fn reason(headers: &HeaderMap) -> Result<Option<String>, HeaderRefused> {
    text(headers, &REASON, "Ledger-Reason", REASON_MAX)
}

/// The clock, of which only requests know.
#[expect(
    clippy::disallowed_methods,
    reason = "whether a token is over, when a consent came, and how long ago something was, is asked \
              of the clock"
)]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

fn text(
    headers: &HeaderMap,
    name: &HeaderName,
    header: &'static str,
    limit: usize,
) -> Result<Option<String>, HeaderRefused> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let refused = HeaderRefused { header, limit };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) if text.chars().count() <= limit => Ok(Some(text.to_owned())),
        Ok(_) | Err(_) => Err(refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_id_of_a_caller_is_kept() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id));
        for bad in [
            "",
            "00",
            "00-xyz-1-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-1-01",
        ] {
            assert_eq!(trace_id(bad), None, "{bad}");
        }
        assert_eq!(
            trace_id(&format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32))),
            None
        );
    }
}

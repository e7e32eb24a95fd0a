//! `page_info`: a page's whole request, as base64url without padding over JSON, the form of SHOPLINE's
//! own. It is sealed, so that what is read is what the ledger wrote.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Request, Seal};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// The request, as JSON text: the seal is of these very bytes.
    request: String,
    seal: String,
}

/// Writes a request.
pub(super) fn encode(request: &Request, seal: Seal<'_>) -> String {
    let request = serde_json::to_string(request).expect("a request is texts and numbers");
    let seal = hex::encode(seal(&request));
    let sealed = serde_json::to_string(&Sealed { request, seal }).expect("two texts");
    URL_SAFE_NO_PAD.encode(sealed)
}

/// Reads a request that [`encode`] wrote under the same seal, and nothing else.
pub(super) fn decode(info: &str, seal: Seal<'_>) -> Option<Request> {
    let sealed = URL_SAFE_NO_PAD.decode(info).ok()?;
    let sealed: Sealed = serde_json::from_slice(&sealed).ok()?;
    let given = hex::decode(sealed.seal).ok()?;
    let is_ours: bool =
        subtle::ConstantTimeEq::ct_eq(&seal(&sealed.request)[..], &given[..]).into();
    is_ours
        .then(|| serde_json::from_str(&sealed.request).ok())
        .flatten()
}

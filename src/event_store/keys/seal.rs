//! Sealing: a personal value is encrypted under its stream's key.
//!
//! The value's place is the associated data, so that a ciphertext that was moved does not open.

use std::convert::Infallible;

use aes_gcm::Aes256Gcm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::ids::{Sequence, StoreName, StreamId};
use events::personal::Sealed;
use events::record::PERSONAL_METADATA;
use serde_json::{Map, Value, json};

use super::cipher::encrypt_apart;

/// The key of one stream's personal data.
pub struct StreamKey {
    number: i32,
    pub(super) cipher: Aes256Gcm,
}

/// Where a sealed value stands: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct SealContext<'a> {
    /// The store.
    pub store: &'a StoreName,
    /// The stream.
    pub stream: &'a StreamId,
    /// The event's sequence in its stream.
    pub sequence: Sequence,
}

impl StreamKey {
    pub(super) const fn new(number: i32, cipher: Aes256Gcm) -> Self {
        Self { number, cipher }
    }

    /// The number that is stored with what this key seals.
    pub const fn number(&self) -> i32 {
        self.number
    }

    /// Seals every `{"$open":…}` of a payload.
    pub fn seal_payload(&self, place: SealContext<'_>, payload: &mut Value) {
        self.seal_at(place, &mut String::new(), payload);
    }

    fn seal_at(&self, place: SealContext<'_>, pointer: &mut String, value: &mut Value) {
        if let Some(open) = value.get("$open") {
            let text = serde_json::to_vec(open).expect("a JSON value always serialises");
            let aad = associated_data(place, pointer);
            let (nonce, ciphertext) = encrypt_apart(&self.cipher, &text, &aad);
            let sealed = Sealed {
                k: self.number,
                n: URL_SAFE_NO_PAD.encode(nonce),
                c: URL_SAFE_NO_PAD.encode(ciphertext),
            };
            *value = json!({ "$sealed": sealed });
            return;
        }
        let Ok(()) = walk(pointer, value, &mut |pointer, child| {
            self.seal_at(place, pointer, child);
            Ok::<(), Infallible>(())
        });
    }

    /// Seals the personal members of a flat metadata.
    pub(crate) fn seal_metadata(&self, place: SealContext<'_>, metadata: &mut Map<String, Value>) {
        for member in PERSONAL_METADATA {
            let Some(Value::String(text)) = metadata.get_mut(member) else {
                continue;
            };
            let mut value = serde_json::from_str(text).expect("a personal member is JSON text");
            self.seal_at(place, &mut format!("metadata/{member}"), &mut value);
            *text = value.to_string();
        }
    }
}

/// Associated data: the RFC 8785 form of `[store, stream, sequence, pointer]`.
pub(super) fn associated_data(place: SealContext<'_>, pointer: &str) -> Vec<u8> {
    serde_json::to_vec(&(place.store, place.stream, place.sequence, pointer))
        .expect("texts and an integer always serialise")
}

/// Visits the members and items of a value, the JSON pointer kept.
pub(super) fn walk<E>(
    pointer: &mut String,
    value: &mut Value,
    visit: &mut impl FnMut(&mut String, &mut Value) -> Result<(), E>,
) -> Result<(), E> {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (name, child) in members {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                visit(pointer, child)?;
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter_mut().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                visit(pointer, child)?;
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

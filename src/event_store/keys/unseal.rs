//! Unsealing: sealed values of a JSON tree, opened in place.
//!
//! [`text`] does the same to a JSON text.

pub(in crate::event_store) mod text;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::record::PERSONAL_METADATA;
use serde_json::{Map, Value, json};

use super::cipher::decrypt;
use super::keyring::KeyError;
use super::seal::{SealContext, StreamKey, associated_data, walk};

/// Opens every sealed value of a payload; without a key each reads as erased.
pub(crate) fn unseal_payload(
    key: Option<&StreamKey>,
    place: SealContext<'_>,
    payload: &mut Value,
) -> Result<(), KeyError> {
    unseal_at(key, place, &mut String::new(), payload)
}

/// Opens the personal members of a flat metadata; without a key each reads as erased.
pub(crate) fn unseal_metadata(
    key: Option<&StreamKey>,
    place: SealContext<'_>,
    metadata: &mut Map<String, Value>,
) -> Result<(), KeyError> {
    for member in PERSONAL_METADATA {
        let Some(Value::String(text)) = metadata.get_mut(member) else {
            continue;
        };
        let mut pointer = format!("metadata/{member}");
        let mut value = serde_json::from_str(text).map_err(|_not_json| KeyError::DoesNotOpen {
            pointer: pointer.clone(),
        })?;
        unseal_at(key, place, &mut pointer, &mut value)?;
        *text = value.to_string();
    }
    Ok(())
}

fn unseal_at(
    key: Option<&StreamKey>,
    place: SealContext<'_>,
    pointer: &mut String,
    value: &mut Value,
) -> Result<(), KeyError> {
    if let Some(sealed) = value.get("$sealed") {
        *value = match key {
            Some(key) => json!({ "$open": key.open(place, pointer, sealed)? }),
            None => json!({ "$erased": true }),
        };
        return Ok(());
    }
    walk(pointer, value, &mut |pointer, child| {
        unseal_at(key, place, pointer, child)
    })
}

impl StreamKey {
    fn open(
        &self,
        place: SealContext<'_>,
        pointer: &str,
        sealed: &Value,
    ) -> Result<Value, KeyError> {
        let part = |name| sealed.get(name).and_then(Value::as_str).unwrap_or_default();
        let text = self.unseal_text(place, pointer, part("n"), part("c"))?;
        serde_json::from_str(&text).map_err(|_not_json| KeyError::DoesNotOpen {
            pointer: pointer.to_owned(),
        })
    }

    /// The JSON text of a sealed value, from the stored forms of its nonce and ciphertext.
    fn unseal_text(
        &self,
        place: SealContext<'_>,
        pointer: &str,
        nonce: &str,
        ciphertext: &str,
    ) -> Result<String, KeyError> {
        let open = || {
            let mut all = Vec::with_capacity(nonce.len() + ciphertext.len());
            for part in [nonce, ciphertext] {
                URL_SAFE_NO_PAD.decode_vec(part, &mut all).ok()?;
            }
            let text = decrypt(&self.cipher, &all, &associated_data(place, pointer))?;
            String::from_utf8(text).ok()
        };
        open().ok_or_else(|| KeyError::DoesNotOpen {
            pointer: pointer.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use events::ids::{Sequence, StoreName, StreamId};

    use super::super::keyring::Keyring;
    use super::*;

    static STORE: LazyLock<StoreName> = LazyLock::new(|| "main".into());
    static STREAM: LazyLock<StreamId> = LazyLock::new(|| "S".into());

    fn place() -> SealContext<'static> {
        SealContext {
            store: &STORE,
            stream: &STREAM,
            sequence: Sequence::new(3),
        }
    }

    fn keyring() -> Keyring {
        Keyring::new(&[7; 32])
    }

    fn payload() -> Value {
        json!({ "event": "X", "email": { "$open": "a@b.c" }, "list": [{ "m": { "$open": { "$open": 1 } } }] })
    }

    #[test]
    fn a_payload_opens_where_it_was_sealed() {
        let (key, _) = keyring().new_stream_key(&STREAM);
        let mut sealed = payload();
        key.seal_payload(place(), &mut sealed);
        assert!(!sealed.to_string().contains("a@b.c"));
        unseal_payload(Some(&key), place(), &mut sealed).unwrap();
        assert_eq!(sealed, payload());
    }

    #[test]
    fn a_sealed_value_opens_nowhere_else() {
        let (key, _) = keyring().new_stream_key(&STREAM);
        let mut sealed = payload();
        key.seal_payload(place(), &mut sealed);
        let elsewhere = SealContext {
            sequence: Sequence::new(4),
            ..place()
        };
        let error = unseal_payload(Some(&key), elsewhere, &mut sealed.clone()).unwrap_err();
        assert_eq!(
            error,
            KeyError::DoesNotOpen {
                pointer: "/email".into()
            }
        );
        let moved = sealed["list"][0]["m"].clone();
        sealed["email"] = moved;
        assert!(unseal_payload(Some(&key), place(), &mut sealed).is_err());
    }

    #[test]
    fn without_its_key_a_value_is_erased() {
        let (key, _) = keyring().new_stream_key(&STREAM);
        let mut sealed = payload();
        key.seal_payload(place(), &mut sealed);
        unseal_payload(None, place(), &mut sealed).unwrap();
        assert_eq!(sealed["email"], json!({ "$erased": true }));
    }

    #[test]
    fn personal_metadata_is_sealed_as_text() {
        let (key, _) = keyring().new_stream_key(&STREAM);
        let open = json!({ "reason": r#"{"$open":"gift for Ann"}"#, "route": "r" });
        let mut sealed = open.as_object().unwrap().clone();
        key.seal_metadata(place(), &mut sealed);
        assert!(
            sealed["reason"]
                .as_str()
                .unwrap()
                .starts_with(r#"{"$sealed":"#)
        );
        unseal_metadata(Some(&key), place(), &mut sealed).unwrap();
        assert_eq!(Value::from(sealed), open);
    }
}

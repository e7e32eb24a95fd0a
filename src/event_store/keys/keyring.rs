//! The keys: one master key, one key a stream, and what is sealed under them.
//!
//! A personal value is sealed under its stream's key, with its place as associated data, so that a
//! ciphertext moved elsewhere does not open. A stream's key is stored wrapped by the master key;
//! once its row is deleted, every value sealed under it reads as erased.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::ids::{Sequence, StoreName, StreamId};
use events::personal::Sealed;
use events::record::PERSONAL_METADATA;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use rand::RngCore as _;
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// What is derived from the master key.
pub struct Keyring {
    wrapping: Aes256Gcm,
    claims: [u8; 32],
    requests: [u8; 32],
    tokens: [u8; 32],
    sessions: [u8; 32],
    bearers: [u8; 32],
}

/// The key of one stream's personal data.
pub struct StreamKey {
    number: i32,
    cipher: Aes256Gcm,
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

/// A stored value that does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The master key is not the one that wrapped this.
    #[error("the master key does not open the stored keys")]
    WrongMasterKey,
    /// A sealed value was changed, moved, or sealed under another key.
    #[error("the sealed value at {pointer} of the event does not open")]
    DoesNotOpen {
        /// Its JSON pointer.
        pointer: String,
    },
}

/// The text whose sealed form tells whether a master key is the right one.
const CHECK: &[u8] = b"customer-ledger";

impl Keyring {
    /// Derives everything from a master key of 32 bytes.
    pub fn new(master: &[u8; 32]) -> Self {
        let derive = |purpose: &[u8]| {
            let mut key = [0; 32];
            Hkdf::<Sha256>::new(None, master)
                .expand(purpose, &mut key)
                .expect("32 bytes are a valid length for HKDF-SHA-256");
            key
        };
        Self {
            wrapping: Aes256Gcm::new(&derive(b"ledger: wrap stream keys").into()),
            claims: derive(b"ledger: claims and marks"),
            requests: derive(b"ledger: idempotency keys"),
            tokens: derive(b"ledger: tokens"),
            sessions: derive(b"ledger: sessions"),
            bearers: derive(b"ledger: bearer tokens"),
        }
    }

    /// Makes a key for a new stream: the key, and its wrapped form to be stored.
    pub fn new_stream_key(&self, stream: &StreamId) -> (StreamKey, Vec<u8>) {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        let wrapped = encrypt(&self.wrapping, &key, stream.as_bytes());
        (
            StreamKey {
                number: 1,
                cipher: Aes256Gcm::new(&key.into()),
            },
            wrapped,
        )
    }

    /// Opens a stream's stored key.
    pub fn unwrap(
        &self,
        stream: &StreamId,
        number: i32,
        wrapped: &[u8],
    ) -> Result<StreamKey, KeyError> {
        let key = decrypt(&self.wrapping, wrapped, stream.as_bytes())
            .filter(|key| key.len() == 32)
            .ok_or(KeyError::WrongMasterKey)?;
        let cipher =
            Aes256Gcm::new_from_slice(&key).expect("the key was just seen to have 32 bytes");
        Ok(StreamKey { number, cipher })
    }

    /// A known text under the master key, stored once.
    pub fn check(&self) -> Vec<u8> {
        encrypt(&self.wrapping, CHECK, b"check")
    }

    /// Whether the master key is the one that made [`Keyring::check`].
    pub fn opens(&self, check: &[u8]) -> bool {
        decrypt(&self.wrapping, check, b"check").is_some_and(|text| text == CHECK)
    }

    /// A secret that has to be read again, sealed for storage in a place of that name.
    pub fn wrap_secret(&self, place: &str, secret: &str) -> Vec<u8> {
        encrypt(&self.wrapping, secret.as_bytes(), place.as_bytes())
    }

    /// Opens what [`Keyring::wrap_secret`] sealed for the same place.
    pub fn unwrap_secret(&self, place: &str, sealed: &[u8]) -> Result<String, KeyError> {
        decrypt(&self.wrapping, sealed, place.as_bytes())
            .and_then(|secret| String::from_utf8(secret).ok())
            .ok_or(KeyError::WrongMasterKey)
    }

    /// The signature in the cookie of a session.
    pub fn sign_session(&self, id: &str) -> [u8; 32] {
        hash(&self.sessions, &["cookie", id])
    }

    /// The HMAC under which a session is stored.
    pub fn hash_session(&self, id: &str) -> [u8; 32] {
        hash(&self.sessions, &["stored", id])
    }

    /// What signs bearer tokens where no secret is set for it.
    pub const fn bearer_secret(&self) -> &[u8; 32] {
        &self.bearers
    }

    /// The HMAC under which a claim or a mark is stored.
    pub fn hash_claim(&self, kind: &str, value: &str) -> [u8; 32] {
        hash(&self.claims, &[kind, value])
    }

    /// The HMAC of an `Idempotency-Key` or of the request it came with.
    pub fn hash_request(&self, parts: &[&str]) -> [u8; 32] {
        hash(&self.requests, parts)
    }

    /// The HMAC under which a token is stored.
    pub fn hash_token(&self, token: &str) -> [u8; 32] {
        hash(&self.tokens, &[token])
    }
}

/// HMAC-SHA-256 over parts, each with its length, so that no two lists of parts collide.
fn hash(key: &[u8; 32], parts: &[&str]) -> [u8; 32] {
    let mut mac =
        <Hmac<Sha256> as hmac::Mac>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// Nonce and ciphertext with tag, in one.
fn encrypt(cipher: &Aes256Gcm, text: &[u8], aad: &[u8]) -> Vec<u8> {
    let (nonce, mut ciphertext) = encrypt_apart(cipher, text, aad);
    let mut all = nonce.to_vec();
    all.append(&mut ciphertext);
    all
}

fn encrypt_apart(cipher: &Aes256Gcm, text: &[u8], aad: &[u8]) -> ([u8; 12], Vec<u8>) {
    let mut nonce = [0; 12];
    rand::rng().fill_bytes(&mut nonce);
    let ciphertext = cipher
        .encrypt(Nonce::from_slice(&nonce), Payload { msg: text, aad })
        .expect("AES-GCM fails only above 64 GiB");
    (nonce, ciphertext)
}

fn decrypt(cipher: &Aes256Gcm, all: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let (nonce, ciphertext) = all.split_at_checked(12)?;
    cipher
        .decrypt(
            Nonce::from_slice(nonce),
            Payload {
                msg: ciphertext,
                aad,
            },
        )
        .ok()
}

/// Associated data: the RFC 8785 form of `[store, stream, sequence, pointer]`.
fn associated_data(place: SealContext<'_>, pointer: &str) -> Vec<u8> {
    serde_json::to_vec(&(place.store, place.stream, place.sequence, pointer))
        .expect("texts and an integer always serialise")
}

impl StreamKey {
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
        walk(pointer, value, &mut |pointer, child| {
            self.seal_at(place, pointer, child);
            Ok::<(), KeyError>(())
        })
        .expect("sealing never fails");
    }

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
    pub(in crate::event_store) fn unseal_text(
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

    /// Seals the personal members of a flat metadata.
    pub fn seal_metadata(&self, place: SealContext<'_>, metadata: &mut Map<String, Value>) {
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

/// Opens every sealed value of a payload; without a key each reads as erased.
pub fn unseal_payload(
    key: Option<&StreamKey>,
    place: SealContext<'_>,
    payload: &mut Value,
) -> Result<(), KeyError> {
    open_at(key, place, &mut String::new(), payload)
}

/// Opens the personal members of a flat metadata; without a key each reads as erased.
pub fn unseal_metadata(
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
        open_at(key, place, &mut pointer, &mut value)?;
        *text = value.to_string();
    }
    Ok(())
}

fn open_at(
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
        open_at(key, place, pointer, child)
    })
}

/// Visits the members and items of a value, the JSON pointer kept.
fn walk<E>(
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

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
    fn a_wrapped_key_opens_under_its_master_key_and_stream_only() {
        let (key, wrapped) = keyring().new_stream_key(&STREAM);
        let mut sealed = payload();
        key.seal_payload(place(), &mut sealed);
        let again = keyring().unwrap(&STREAM, 1, &wrapped).unwrap();
        assert!(unseal_payload(Some(&again), place(), &mut sealed).is_ok());
        assert!(keyring().unwrap(&"T".into(), 1, &wrapped).is_err());
        assert!(Keyring::new(&[8; 32]).unwrap(&STREAM, 1, &wrapped).is_err());
        assert!(keyring().opens(&keyring().check()));
        assert!(!Keyring::new(&[8; 32]).opens(&keyring().check()));
    }

    #[test]
    fn a_secret_opens_in_its_own_place_only() {
        let sealed = keyring().wrap_secret("here", "token");
        let open = |keyring: &Keyring, place| keyring.unwrap_secret(place, &sealed);
        assert_eq!(open(&keyring(), "here").as_deref(), Ok("token"));
        assert!(open(&keyring(), "there").is_err());
        assert!(open(&Keyring::new(&[8; 32]), "here").is_err());
        assert!(keyring().unwrap_secret("here", b"short").is_err());
        assert_ne!(keyring().sign_session("s"), keyring().hash_session("s"));
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

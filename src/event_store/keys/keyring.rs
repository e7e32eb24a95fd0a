//! The master key, and what is derived from it.
//!
//! A stream's key is stored wrapped by the master key. Once its row is deleted, every value sealed
//! under it reads as erased.

use aes_gcm::{Aes256Gcm, KeyInit as _};
use events::ids::StreamId;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use rand::RngCore as _;
use sha2::Sha256;

use super::cipher::{decrypt, encrypt};
use super::seal::StreamKey;

/// What is derived from the master key.
pub struct Keyring {
    wrapping: Aes256Gcm,
    claims: [u8; 32],
    requests: [u8; 32],
    tokens: [u8; 32],
    sessions: [u8; 32],
    bearers: [u8; 32],
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
        (StreamKey::new(1, Aes256Gcm::new(&key.into())), wrapped)
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
        Ok(StreamKey::new(number, cipher))
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
    pub(crate) fn wrap_secret(&self, place: &str, secret: &str) -> Vec<u8> {
        encrypt(&self.wrapping, secret.as_bytes(), place.as_bytes())
    }

    /// Opens what [`Keyring::wrap_secret`] sealed for the same place.
    pub fn unwrap_secret(&self, place: &str, sealed: &[u8]) -> Result<String, KeyError> {
        decrypt(&self.wrapping, sealed, place.as_bytes())
            .and_then(|secret| String::from_utf8(secret).ok())
            .ok_or(KeyError::WrongMasterKey)
    }

    /// The signature in the cookie of a session.
    pub(crate) fn sign_session(&self, id: &str) -> [u8; 32] {
        hash(&self.sessions, &["cookie", id])
    }

    /// The HMAC under which a session is stored.
    pub(crate) fn hash_session(&self, id: &str) -> [u8; 32] {
        hash(&self.sessions, &["stored", id])
    }

    /// What signs bearer tokens where no secret is set for it.
    pub(crate) const fn bearer_secret(&self) -> &[u8; 32] {
        &self.bearers
    }

    /// The HMAC under which a claim or a mark is stored.
    pub fn hash_claim(&self, kind: &str, value: &str) -> [u8; 32] {
        hash(&self.claims, &[kind, value])
    }

    /// The HMAC of an `Idempotency-Key` or of the request it came with.
    pub(crate) fn hash_request(&self, parts: &[&str]) -> [u8; 32] {
        hash(&self.requests, parts)
    }

    /// The HMAC under which a token is stored.
    pub(crate) fn hash_token(&self, token: &str) -> [u8; 32] {
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

#[cfg(test)]
mod tests {
    use events::ids::Sequence;
    use serde_json::json;

    use super::super::seal::SealContext;
    use super::super::unseal::unseal_payload;
    use super::*;

    fn keyring() -> Keyring {
        Keyring::new(&[7; 32])
    }

    #[test]
    fn a_wrapped_key_opens_under_its_master_key_and_stream_only() {
        let stream = StreamId::new("S");
        let (key, wrapped) = keyring().new_stream_key(&stream);
        let context = SealContext {
            store: &"main".into(),
            stream: &stream,
            sequence: Sequence::new(3),
        };
        let mut sealed = json!({ "email": { "$open": "a@b.c" } });
        key.seal_payload(context, &mut sealed);
        let again = keyring().unwrap(&stream, 1, &wrapped).unwrap();
        assert!(unseal_payload(Some(&again), context, &mut sealed).is_ok());
        assert!(keyring().unwrap(&"T".into(), 1, &wrapped).is_err());
        assert!(Keyring::new(&[8; 32]).unwrap(&stream, 1, &wrapped).is_err());
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
}

//! Password hashes: argon2id, and those that Medusa made, which are verified once more and then made
//! anew. They are kept as text, of people in `medusa_users`, of customers in `credentials`.
//!
//! Source of Medusa's: scrypt-kdf 2, base64 of 96 bytes: `scrypt`, 0, log₂ N, r and p (32 bits, big
//! endian), 32 bytes of salt, 16 of SHA-256 over all that, and an HMAC-SHA-256 over all before it
//! under the second half of scrypt's 64 bytes. Medusa's own have N 2, r 1, p 1.

use argon2::Argon2;
use argon2::password_hash::{
    PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString, rand_core::OsRng,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The most memory an imported hash may ask for, in bytes: it was made elsewhere.
const SCRYPT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The most passes over that memory.
const SCRYPT_PASSES_MAX: u32 = 4;

/// What came of comparing a password with a stored hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password, or nothing is stored.
    Wrong,
    /// It is the password.
    Right {
        /// What is to be stored from now on, when the stored hash is one of Medusa's.
        upgraded: Option<String>,
    },
}

/// A password that could not be hashed: argon2 takes any up to 4 GiB.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct Unhashable;

/// The argon2id hash of a password. Takes tens of milliseconds and 19 MiB.
pub fn hash(password: &str) -> Result<String, Unhashable> {
    hash_with(password, &SaltString::generate(&mut OsRng))
}

/// Compares a password with what is stored, if anything. Whatever is stored, it takes the time of
/// one argon2id hash, so that the time does not tell who there is.
pub fn verify(stored: Option<&str>, password: &str) -> Verdict {
    let imported = match stored {
        Some(stored) if is_argon2(stored) => {
            let is_right = PasswordHash::new(stored).is_ok_and(|stored| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &stored)
                    .is_ok()
            });
            return if is_right {
                Verdict::Right { upgraded: None }
            } else {
                Verdict::Wrong
            };
        }
        Some(stored) => Scrypt::parse(stored),
        None => None,
    };
    let made_anew = hash(password).ok();
    match imported {
        Some(imported) if imported.is_of(password) => Verdict::Right {
            upgraded: made_anew,
        },
        Some(_) | None => Verdict::Wrong,
    }
}

/// Whether a text is a hash that [`verify`] understands.
pub(crate) fn is_hash(text: &str) -> bool {
    if is_argon2(text) {
        PasswordHash::new(text).is_ok_and(|hash| hash.hash.is_some())
    } else {
        Scrypt::parse(text).is_some()
    }
}

fn is_argon2(text: &str) -> bool {
    text.starts_with("$argon2")
}

fn hash_with(password: &str, salt: &SaltString) -> Result<String, Unhashable> {
    Argon2::default()
        .hash_password(password.as_bytes(), salt)
        .map(|hash| hash.to_string())
        .map_err(|_too_long| Unhashable)
}

/// A hash as scrypt-kdf writes it, its checksum right.
struct Scrypt {
    bytes: [u8; 96],
    parameters: scrypt::Params,
}

impl Scrypt {
    fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 96] = STANDARD.decode(text.trim()).ok()?.try_into().ok()?;
        let (prefix, rest) = bytes.split_at(48);
        let checksum = Sha256::digest(prefix);
        if !prefix.starts_with(b"scrypt\0") || checksum.get(..16)? != rest.get(..16)? {
            return None;
        }
        let number = |at: usize| {
            let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(bytes))
        };
        let (log_n, r, p) = (*prefix.get(7)?, number(8)?, number(12)?);
        let memory = 1_u64
            .checked_shl(log_n.into())
            .and_then(|n| n.checked_mul(128))
            .and_then(|bytes| bytes.checked_mul(r.into()))?;
        if memory > SCRYPT_BYTES_MAX || p > SCRYPT_PASSES_MAX {
            return None;
        }
        let parameters = scrypt::Params::new(log_n, r, p, scrypt::Params::RECOMMENDED_LEN).ok()?;
        Some(Self { bytes, parameters })
    }

    fn is_of(&self, password: &str) -> bool {
        let (signed, signature) = self.bytes.split_at(64);
        let mut key = [0; 64];
        let salt = signed.get(16..48).unwrap_or_default();
        if scrypt::scrypt(password.as_bytes(), salt, &self.parameters, &mut key).is_err() {
            return false;
        }
        let (_, key) = key.split_at(32);
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key).expect("HMAC takes any key");
        mac.update(signed);
        mac.finalize().into_bytes().ct_eq(signature).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by scrypt-kdf 2.0.1 with N 2, r 1, p 1, as Medusa does.
    const IMPORTED: [(&str, &str); 2] = [
        (
            "correct horse battery",
            "c2NyeXB0AAEAAAABAAAAAdsEoggJ7VyuAgfTWaJovG+skYL1FwBdbrSvP/RpyvLSQ3JQByvst409DSHsgGFy\
             VXZ0KNkIZqhYjN4Dznuvr1T1zeS/iv5eRdkyCrlwu7Ux",
        ),
        (
            "ünïcödé pässwörd",
            "c2NyeXB0AAEAAAABAAAAAdKHebJlcbw5545iLkR1bE2Ub2B0HGwZTGavzuFZRpKQjqHoURg9x/Ms4cHD3qKM\
             H8Nb+q2DT8ySZpTSrVHsBsNOWave+JGHPqh4rrnkpMmp",
        ),
    ];

    #[test]
    fn an_imported_hash_verifies_and_is_made_anew() {
        for (password, stored) in IMPORTED {
            assert!(is_hash(stored));
            let Verdict::Right {
                upgraded: Some(anew),
            } = verify(Some(stored), password)
            else {
                panic!("{password}");
            };
            assert!(anew.starts_with("$argon2id$") && is_hash(&anew), "{anew}");
            assert_eq!(
                verify(Some(&anew), password),
                Verdict::Right { upgraded: None }
            );
            assert_eq!(verify(Some(&anew), "another"), Verdict::Wrong);
            assert_eq!(verify(Some(stored), "another"), Verdict::Wrong);
        }
    }

    #[test]
    fn every_changed_byte_of_an_imported_hash_is_noticed() {
        let (password, stored) = IMPORTED[0];
        let bytes = STANDARD.decode(stored).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = STANDARD.encode(changed);
            assert!(!Scrypt::parse(&changed).is_some_and(|it| it.is_of(password)));
        }
    }

    #[test]
    fn a_hash_that_asks_for_too_much_or_is_none_is_refused() {
        let forged = |log_n: u8, r: u32, p: u32| {
            let mut bytes = b"scrypt\0".to_vec();
            bytes.push(log_n);
            bytes.extend(r.to_be_bytes());
            bytes.extend(p.to_be_bytes());
            bytes.extend([7; 32]);
            let checksum = Sha256::digest(&bytes);
            bytes.extend(&checksum[..16]);
            bytes.extend([0; 32]);
            STANDARD.encode(bytes)
        };
        assert!(is_hash(&forged(1, 1, 1)) && is_hash(&forged(14, 8, 1)));
        for (log_n, r, p) in [
            (63, 8, 1),
            (64, 1, 1),
            (255, u32::MAX, 1),
            (30, 1, 1),
            (1, u32::MAX, 1),
            (1, 0, 1),
            (1, 1, 0),
            (1, 1, u32::MAX),
        ] {
            let forged = forged(log_n, r, p);
            assert!(!is_hash(&forged), "{log_n} {r} {p}");
            assert_eq!(verify(Some(&forged), ""), Verdict::Wrong);
        }
        for text in ["", "plain", "$argon2", "$argon2id$v=19$m=1", "c2NyeXB0"] {
            assert!(!is_hash(text), "{text}");
            assert_eq!(verify(Some(text), text), Verdict::Wrong);
        }
        assert_eq!(verify(None, ""), Verdict::Wrong);
    }
}

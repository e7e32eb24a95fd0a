//! AES-256-GCM with random nonces.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use rand::RngCore as _;

/// Nonce and ciphertext with tag, in one.
pub(super) fn encrypt(cipher: &Aes256Gcm, text: &[u8], aad: &[u8]) -> Vec<u8> {
    let (nonce, mut ciphertext) = encrypt_apart(cipher, text, aad);
    let mut all = nonce.to_vec();
    all.append(&mut ciphertext);
    all
}

pub(super) fn encrypt_apart(cipher: &Aes256Gcm, text: &[u8], aad: &[u8]) -> ([u8; 12], Vec<u8>) {
    let mut nonce = [0; 12];
    rand::rng().fill_bytes(&mut nonce);
    let ciphertext = cipher
        .encrypt(Nonce::from_slice(&nonce), Payload { msg: text, aad })
        .expect("AES-GCM fails only above 64 GiB");
    (nonce, ciphertext)
}

pub(super) fn decrypt(cipher: &Aes256Gcm, all: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
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

//! Keys, and personal values sealed under them.

pub mod keyring;
pub(in crate::event_store) mod unseal;

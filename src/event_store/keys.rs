//! Keys, and personal values sealed under them.

mod cipher;
pub mod keyring;
pub mod seal;
pub(crate) mod unseal;

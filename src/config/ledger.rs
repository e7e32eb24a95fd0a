//! The ledger: the store's name in it, and the key of its keys.

use std::fmt;

use clap::Args;
use events::ids::StoreName;

use super::settings::ConfigError;
use super::value::{Expected, text};

/// Which store of the ledger.
#[derive(Args, Clone, Debug)]
pub struct LedgerConfig {
    /// Name of the store in the ledger.
    #[arg(id = "LEDGER_STORE", long, env, default_value = "main", value_parser = store_name)]
    pub store: StoreName,
}

fn store_name(name: &str) -> Result<StoreName, Expected> {
    text(name).map(StoreName::from)
}

/// The master key.
#[derive(Args, Clone, Debug)]
pub struct KeyConfig {
    /// 64 hexadecimal digits that wrap every customer's key
    #[arg(
        id = "LEDGER_MASTER_KEY",
        long,
        env,
        hide_env_values = true,
        value_parser = MasterKey::from_hex
    )]
    pub master_key: MasterKey,
}

/// The key that wraps every stream's key.
#[derive(Clone)]
pub struct MasterKey(pub [u8; 32]);

impl MasterKey {
    /// Reads the value of `LEDGER_MASTER_KEY`, wherever it was kept.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::from_hex(text).map_err(|Expected(expected)| ConfigError::Wrong {
            name: "LEDGER_MASTER_KEY".to_owned(),
            expected,
        })
    }

    fn from_hex(text: &str) -> Result<Self, Expected> {
        let mut key = [0; 32];
        let decoded = hex::decode_to_slice(text.trim(), &mut key);
        decoded.map_err(|_not_hex| Expected("64 hexadecimal digits"))?;
        Ok(Self(key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

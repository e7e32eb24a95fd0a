//! The settings, one section a file. A section is a struct of clap's: a field names its variable,
//! its default and what it is for, and is read as what it is.
//!
//! Settings come from the environment, or from a file of `NAME=value` lines named by
//! `LEDGER_CONFIG`; the environment wins. A secret is never printed.

pub mod database;
pub mod dev;
pub mod http;
pub mod kafka;
pub mod ledger;
pub mod log;
pub mod medusa;
pub mod settings;
pub mod shopline;
pub mod store;
mod trusted_proxies;
mod value;

use clap::{Args as _, Command};

pub use self::database::{DatabaseConfig, OwnerConfig};
pub use self::dev::DevConfig;
pub use self::http::HttpConfig;
pub use self::ledger::{KeyConfig, LedgerConfig, MasterKey};
pub use self::log::LogConfig;
pub use self::medusa::{MedusaConfig, PersonConfig};
pub use self::settings::{ConfigError, Settings, help};
pub use self::shopline::{AppConfig, ShoplineConfig, ShoplineStore};
pub use self::store::StoreConfig;
pub use self::trusted_proxies::{NotNetworks, TrustedProxies};
pub use self::value::Secret;
use crate::kafka::KafkaConfig;

/// Every section, in the order of `--help`. A setting that several sections read is listed once.
const SECTIONS: [fn(Command) -> Command; 14] = [
    settings::FileConfig::augment_args,
    HttpConfig::augment_args,
    LogConfig::augment_args,
    LedgerConfig::augment_args,
    KeyConfig::augment_args,
    DatabaseConfig::augment_args,
    OwnerConfig::augment_args,
    kafka::Section::augment_args,
    StoreConfig::augment_args,
    MedusaConfig::augment_args,
    PersonConfig::augment_args,
    ShoplineConfig::augment_args,
    AppConfig::augment_args,
    DevConfig::augment_args,
];

/// What `ledger serve` needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The HTTP server.
    pub http: HttpConfig,
    /// The store in the ledger.
    pub ledger: LedgerConfig,
    /// The master key.
    pub master_key: MasterKey,
    /// The database.
    pub database: DatabaseConfig,
    /// What topics begin with. Lists ask how far their projection is, also without a Kafka.
    pub kafka_prefix: String,
    /// Kafka; without it nothing is relayed or projected.
    pub kafka: Option<KafkaConfig>,
    /// What SHOPLINE's answers say of the store.
    pub store: StoreConfig,
    /// Medusa's contract.
    pub medusa: MedusaConfig,
    /// SHOPLINE's contract.
    pub shopline: ShoplineConfig,
}

impl Config {
    /// Reads all sections.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let database = settings.read()?;
        let KeyConfig { master_key } = settings.read()?;
        let shopline = settings.read()?;
        Self::read_with(settings, database, master_key, shopline)
    }

    /// Reads the sections that have no secrets, for a process that knows the others otherwise.
    pub(crate) fn read_with(
        settings: &Settings,
        database: DatabaseConfig,
        master_key: MasterKey,
        shopline: ShoplineConfig,
    ) -> Result<Self, ConfigError> {
        let kafka: kafka::Section = settings.read()?;
        Ok(Self {
            http: settings.read()?,
            ledger: settings.read()?,
            master_key,
            database,
            kafka: kafka.client(),
            kafka_prefix: kafka.prefix,
            store: settings.read()?,
            medusa: settings.read()?,
            shopline,
        })
    }
}

#[cfg(test)]
mod tests;

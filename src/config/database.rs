//! Postgres, as the service and as the owner of the database.

use clap::Args;

use super::settings::ConfigError;
use super::value::Secret;

/// How the service reaches Postgres.
#[derive(Args, Clone, Debug)]
pub struct DatabaseConfig {
    /// Postgres 15 or newer.
    #[arg(id = "DATABASE_URL", long, env, hide_env_values = true)]
    pub url: Secret,
    /// Role to take after connecting, e.g. `ledger_app`.
    #[arg(id = "DATABASE_ROLE", long, env)]
    pub role: Option<String>,
}

/// How the owner of the database reaches Postgres.
#[derive(Args, Clone, Debug)]
pub struct OwnerConfig {
    /// Postgres as the owner, for `ledger migrate`.
    #[arg(id = "DATABASE_OWNER_URL", long, env, hide_env_values = true)]
    owner_url: Option<Secret>,
    /// Postgres, if the owner has no URL of its own.
    #[arg(id = "DATABASE_URL", long, env, hide_env_values = true)]
    url: Option<Secret>,
}

impl OwnerConfig {
    /// The URL, and the setting that says so.
    pub fn url(&self) -> Result<(&'static str, &str), ConfigError> {
        match (&self.owner_url, &self.url) {
            (Some(url), _) => Ok(("DATABASE_OWNER_URL", &url.0)),
            (None, Some(url)) => Ok(("DATABASE_URL", &url.0)),
            (None, None) => Err(ConfigError::Missing("DATABASE_URL".to_owned())),
        }
    }
}

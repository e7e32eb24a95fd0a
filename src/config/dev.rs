//! `ledger dev`: where it keeps its data, and what is given of its demo store. Secrets that are not
//! given are made.

use std::path::PathBuf;

use clap::Args;

use super::medusa::PersonConfig;
use super::settings::ConfigError;
use super::shopline::AppConfig;
use super::value::{Secret, text};

/// The data and the demo store.
#[derive(Args, Clone, Debug)]
pub struct DevConfig {
    /// Where `ledger dev` keeps its data.
    #[arg(id = "LEDGER_DATA", long, env)]
    data: Option<PathBuf>,
    /// Postgres, instead of a private one.
    #[arg(id = "DATABASE_URL", long, env, hide_env_values = true)]
    pub database_url: Option<Secret>,
    /// E-mail of the demo admin, for `ledger dev`.
    #[arg(
        id = "MEDUSA_ADMIN_EMAIL",
        long,
        env,
        default_value = "admin@medusa-test.com",
        value_parser = text
    )]
    pub admin_email: String,
    /// The secrets that were given.
    #[command(flatten)]
    pub secrets: DemoSecrets,
}

/// The secrets of the demo store, as far as they were given.
#[derive(Args, Clone, Debug)]
pub struct DemoSecrets {
    /// 64 hexadecimal digits that wrap every customer's key
    #[arg(id = "LEDGER_MASTER_KEY", long, env, hide_env_values = true)]
    master_key: Option<Secret>,
    /// Token of the ledger's own API, for `ledger dev`.
    #[arg(id = "LEDGER_TOKEN", long, env, hide_env_values = true)]
    ledger_token: Option<Secret>,
    /// The demo admin.
    #[command(flatten)]
    admin: PersonConfig,
    /// Signs Medusa's bearer tokens.
    #[arg(id = "MEDUSA_JWT_SECRET", long, env, hide_env_values = true)]
    medusa_jwt_secret: Option<Secret>,
    /// The demo apps.
    #[command(flatten)]
    app: AppConfig,
    /// Signs the bearer tokens of SHOPLINE's apps.
    #[arg(id = "SHOPLINE_JWT_SECRET", long, env, hide_env_values = true)]
    shopline_jwt_secret: Option<Secret>,
    /// Token of the demo app, for `ledger dev`.
    #[arg(id = "SHOPLINE_TOKEN", long, env, hide_env_values = true)]
    token: Option<Secret>,
    /// Token of the read-only demo app, for `ledger dev`.
    #[arg(id = "SHOPLINE_READ_TOKEN", long, env, hide_env_values = true)]
    read_token: Option<Secret>,
}

impl DevConfig {
    /// The data directory: as given, else a folder under the user's data directory; root's is
    /// `/var/lib/customer-ledger`.
    #[expect(
        clippy::disallowed_methods,
        reason = "the desktop's variables are no settings of the ledger"
    )]
    pub fn data(&self) -> Result<PathBuf, ConfigError> {
        let missing = || ConfigError::Missing("LEDGER_DATA".to_owned());
        if let Some(data) = &self.data {
            return std::path::absolute(data).map_err(|_empty| missing());
        }
        if rustix::process::geteuid().is_root() {
            return Ok(PathBuf::from("/var/lib/customer-ledger"));
        }
        let variable = |name| {
            let value = std::env::var(name).ok();
            value.filter(|value: &String| !value.is_empty())
        };
        variable("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/share")))
            .map(|data| data.join("customer-ledger"))
            .ok_or_else(missing)
    }
}

impl DemoSecrets {
    /// Secrets that are drawn when they are not given, by their settings.
    pub fn drawn(&self) -> [(&'static str, Option<&Secret>); 7] {
        [
            ("LEDGER_MASTER_KEY", self.master_key.as_ref()),
            ("LEDGER_TOKEN", self.ledger_token.as_ref()),
            ("MEDUSA_API_TOKEN", self.admin.api_token.as_ref()),
            ("MEDUSA_ADMIN_PASSWORD", self.admin.password.as_ref()),
            ("MEDUSA_JWT_SECRET", self.medusa_jwt_secret.as_ref()),
            ("SHOPLINE_APP_SECRET", self.app.secret.as_ref()),
            ("SHOPLINE_JWT_SECRET", self.shopline_jwt_secret.as_ref()),
        ]
    }

    /// Secrets that are signed when they are not given: the tokens of the two demo apps.
    pub fn signed(&self) -> [(&'static str, Option<&Secret>); 2] {
        [
            ("SHOPLINE_TOKEN", self.token.as_ref()),
            ("SHOPLINE_READ_TOKEN", self.read_token.as_ref()),
        ]
    }
}

//! Medusa's contract.

use clap::Args;

use super::value::Secret;

/// Who may call from a browser, and what signs bearer tokens.
#[derive(Args, Clone, Debug)]
pub struct MedusaConfig {
    /// Origins, separated by commas.
    #[arg(
        id = "MEDUSA_ADMIN_CORS",
        long,
        env,
        default_value = "http://localhost:7000"
    )]
    pub admin_cors: Origins,
    /// Signs Medusa's bearer tokens; else a key made of `LEDGER_MASTER_KEY` does.
    #[arg(id = "MEDUSA_JWT_SECRET", long, env, hide_env_values = true)]
    pub jwt_secret: Option<Secret>,
}

/// Origins that browsers may call from.
#[derive(Clone, Debug)]
pub struct Origins(pub Vec<String>);

impl From<String> for Origins {
    /// Any list will do: an empty one allows no origin.
    fn from(list: String) -> Self {
        Self(list.split(',').map(|part| part.trim().to_owned()).collect())
    }
}

/// What `ledger user` gives a person.
#[derive(Args, Clone, Debug)]
pub struct PersonConfig {
    /// Api token for `ledger user` and of the demo admin.
    #[arg(id = "MEDUSA_API_TOKEN", long, env, hide_env_values = true)]
    pub api_token: Option<Secret>,
    /// Password for `ledger user add` and of the demo admin.
    #[arg(id = "MEDUSA_ADMIN_PASSWORD", long, env, hide_env_values = true)]
    pub password: Option<Secret>,
}

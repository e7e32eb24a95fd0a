//! SHOPLINE's contract.

use clap::Args;

use super::value::{Secret, text};

/// Which store tokens are for, and what signs them.
#[derive(Args, Clone, Debug)]
pub struct ShoplineConfig {
    /// The store that tokens name.
    #[command(flatten)]
    pub store: ShoplineStore,
    /// Signs the bearer tokens of SHOPLINE's apps.
    #[arg(id = "SHOPLINE_JWT_SECRET", long, env, hide_env_values = true)]
    pub jwt_secret: Secret,
}

/// The store that tokens name.
#[derive(Args, Clone, Debug)]
pub struct ShoplineStore {
    /// The store's handle in SHOPLINE.
    #[arg(id = "SHOPLINE_HANDLE", long, env, default_value = "demo", value_parser = text)]
    pub handle: String,
    /// The store's id in SHOPLINE.
    #[arg(id = "SHOPLINE_STORE_ID", long, env, default_value = "1672369729606", value_parser = text)]
    pub store_id: String,
}

/// What `ledger app` gives an app.
#[derive(Args, Clone, Debug)]
pub struct AppConfig {
    /// Secret of an app, for `ledger app` and `ledger dev`.
    #[arg(id = "SHOPLINE_APP_SECRET", long, env, hide_env_values = true)]
    pub secret: Option<Secret>,
}

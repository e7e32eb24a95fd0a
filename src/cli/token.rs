//! `ledger token`: grants access from the command line, and prints the token once.

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use crate::auth::apps::{app_token, has_app};
use crate::auth::tokens::{add_ledger_token, new_secret};
use crate::cli::owner::{Error, Owner};
use crate::config::{Settings, ShoplineConfig};

/// Whom to grant access.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// An app of SHOPLINE's that `ledger app add` added: prints a bearer token.
    Shopline {
        /// Key of the app.
        #[arg(long)]
        app: String,
        /// How many days the token lives.
        #[arg(long, default_value_t = 1095, value_parser = clap::value_parser!(i64).range(1..=36_500))]
        days: i64,
    },
    /// The ledger's own API: prints a bearer token.
    Ledger {
        /// Who holds it.
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas.
        #[arg(long, required = true, value_delimiter = ',', value_parser = ["ledger:read", "ledger:open"])]
        scopes: Vec<String>,
    },
}

/// Grants access as the owner of the database, and prints the token.
#[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
pub(super) async fn make(settings: &Settings, token: Token) -> Result<(), Error> {
    let owner = Owner::open(settings).await?;
    let Owner {
        pool,
        keyring,
        store,
    } = &owner;
    let token = match token {
        Token::Shopline { app, days } => {
            let shopline: ShoplineConfig = settings.read()?;
            if !has_app(pool, store, &app).await? {
                return Err(Error::NoApp("--app"));
            }
            let life = SignedDuration::from_hours(24 * days);
            app_token(
                &shopline.jwt_secret.0,
                &app,
                &shopline.store.handle,
                &shopline.store.store_id,
                Timestamp::now(),
                life,
            )
        }
        Token::Ledger { name, scopes } => {
            let token = new_secret();
            add_ledger_token(pool, keyring, store, &name, &token, &scopes).await?;
            token
        }
    };
    owner.print(&format!("{token}\n")).await
}

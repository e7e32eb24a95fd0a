//! `ledger token`: grants access from the command line, and prints the token once.

use std::io::{self, Write as _};

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use crate::access::{Person, add_ledger_token, add_person, app_token, has_app, new_secret};
use crate::config::{ConfigError, Settings};
use crate::database::{self, DatabaseError};
use crate::event_store::keyring::Keyring;

/// Whom to grant access.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// A person of Medusa's: prints the api token. The password is read from
    /// `MEDUSA_ADMIN_PASSWORD`; without it nobody can sign in as this person.
    Medusa {
        /// E-mail of the person.
        #[arg(long)]
        email: String,
        /// First name.
        #[arg(long, default_value = "")]
        first_name: String,
        /// Last name.
        #[arg(long, default_value = "")]
        last_name: String,
        /// Role.
        #[arg(long, default_value = "member", value_parser = ["admin", "member", "developer"])]
        role: String,
    },
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
        #[arg(long, required = true, value_delimiter = ',', value_parser = ["ledger:read"])]
        scopes: Vec<String>,
    },
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database will not do.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is no such app.
    #[error("no app has the key of --app, or it was revoked: `ledger app add` adds it")]
    NoApp,
    /// It could not be printed.
    #[error("the token could not be printed")]
    Print(#[from] io::Error),
}

/// Grants access as the owner of the database, and prints the token.
#[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
pub async fn make(settings: &Settings, token: Token) -> Result<(), Error> {
    let keyring = Keyring::new(&settings.master_key()?.0);
    let store = settings.required("LEDGER_STORE")?;
    let (setting, url) = settings.owner_url()?;
    let owner = database::open_as_owner(setting, &url, &keyring).await?;
    let made = match token {
        Token::Medusa {
            email,
            first_name,
            last_name,
            role,
        } => {
            let api_token = new_secret();
            let password = settings
                .get("MEDUSA_ADMIN_PASSWORD")
                .unwrap_or_else(new_secret);
            let person = Person {
                email: &email,
                first_name: &first_name,
                last_name: &last_name,
                role: &role,
                password: &password,
                api_token: &api_token,
            };
            add_person(&owner, &keyring, &store, &person)
                .await
                .map_err(DatabaseError::from)?;
            api_token
        }
        Token::Shopline { app, days } => {
            let handle = settings.required("SHOPLINE_HANDLE")?;
            let store_id = settings.required("SHOPLINE_STORE_ID")?;
            let jwt_secret = settings.required("SHOPLINE_JWT_SECRET")?;
            let is_there = has_app(&owner, &store, &app).await;
            if !is_there.map_err(DatabaseError::from)? {
                return Err(Error::NoApp);
            }
            let life = SignedDuration::from_hours(24 * days);
            app_token(
                &jwt_secret,
                &app,
                &handle,
                &store_id,
                Timestamp::now(),
                life,
            )
        }
        Token::Ledger { name, scopes } => {
            let token = new_secret();
            let added = add_ledger_token(&owner, &keyring, &store, &name, &token, &scopes).await;
            added.map_err(DatabaseError::from)?;
            token
        }
    };
    owner.close().await;
    writeln!(io::stdout().lock(), "{made}")?;
    Ok(())
}

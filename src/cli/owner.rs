//! What `ledger token`, `ledger app` and `ledger user` share: each changes something as the owner of
//! the database, and prints what came of it.

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;

use events::ids::StoreName;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::config::{ConfigError, KeyConfig, LedgerConfig, OwnerConfig, Settings};
use crate::database::{self, DatabaseError};
use crate::event_store::Ledger;
use crate::event_store::keys::keyring::Keyring;

/// One store's part of the ledger, open to the owner of the database.
pub(super) struct Owner {
    /// A connection as the owner.
    pub(super) pool: PgPool,
    /// The keys.
    pub(super) keyring: Keyring,
    /// The store.
    pub(super) store: StoreName,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database will not do.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Something could not be read or printed.
    #[error("the standard input or output failed")]
    Io(#[from] io::Error),
    /// There is no app of the key that this argument gives.
    #[error(
        "no app has the key of {0}, or it was revoked: `ledger app list` tells, `ledger app add` \
         adds it"
    )]
    NoApp(&'static str),
    /// A secret was promised.
    #[error("no secret: the line of the standard input is empty")]
    NoSecret,
    /// It is no address that can sign in.
    #[error("--email is not an e-mail address that can sign in")]
    Email,
    /// No password came.
    #[error("no password: set MEDUSA_ADMIN_PASSWORD, or give it as a line of the standard input")]
    NoPassword,
    /// What came is no hash.
    #[error("the standard input holds no password hash of Medusa's")]
    NoHash,
    /// No person has this e-mail.
    #[error("nobody has the e-mail of --email")]
    Nobody,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

impl Owner {
    /// Opens the store of these settings.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Error> {
        let KeyConfig { master_key } = settings.read()?;
        let keyring = Keyring::new(&master_key.0);
        let LedgerConfig { store } = settings.read()?;
        let owner: OwnerConfig = settings.read()?;
        let (setting, url) = owner.url()?;
        Ok(Self {
            pool: database::open_as_owner(setting, url, &keyring).await?,
            keyring,
            store,
        })
    }

    /// The store as the ledger's façade.
    pub(super) fn ledger(self) -> Ledger {
        let (keyring, appended) = (Arc::new(self.keyring), Arc::new(Notify::new()));
        Ledger::open(self.pool.clone(), self.pool, keyring, self.store, appended)
    }

    /// Prints what came of it, when the database needs nothing more.
    pub(super) async fn print(self, text: &str) -> Result<(), Error> {
        print(&self.pool, text).await
    }
}

/// Prints what came of it, when the database needs nothing more.
pub(super) async fn print(pool: &PgPool, text: &str) -> Result<(), Error> {
    pool.close().await;
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

/// A line of the standard input, without its end; none when it is empty.
pub(super) fn line() -> Result<Option<String>, Error> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let line = line.trim_end_matches(['\r', '\n']);
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

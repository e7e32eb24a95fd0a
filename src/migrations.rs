//! The migrations, embedded: what is in `migrations/` when the ledger is built.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection as _, PgConnection};

/// Every migration, oldest first.
pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// A database that could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not let the owner in.
    #[error("the database of DATABASE_OWNER_URL, or DATABASE_URL, cannot be reached as its owner")]
    Connect(#[from] sqlx::Error),
    /// A migration failed; nothing of it is left.
    #[error("the database could not be migrated")]
    Migrate(#[from] MigrateError),
}

/// Brings a database to the newest migration, as its owner. Doing it again changes nothing; two
/// processes at once take turns.
pub async fn migrate(owner_url: &str) -> Result<(), Error> {
    let mut connection = PgConnection::connect(owner_url).await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

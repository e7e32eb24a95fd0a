//! Brings a database to this version, as its owner.

use sqlx::Connection as _;
use sqlx::migrate::MigrateError;

use crate::database::{self, DatabaseError, MIGRATOR, sql_files};

/// A database that could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not let the owner in, or will not do.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A migration failed; nothing of it is left.
    #[error("the database could not be migrated")]
    Migrate(#[from] MigrateError),
    /// A function or trigger could not be installed; nothing of any of them is left.
    #[error("the functions of the database could not be installed")]
    Install(#[source] sqlx::Error),
}

/// Brings a database to the tables, functions and triggers of this build, as its owner. Doing it again
/// changes nothing; two processes at once take turns.
pub async fn migrate(owner_url: &str) -> Result<(), Error> {
    migrate_at("DATABASE_URL", owner_url).await
}

/// The same for a URL from another setting, which errors name.
pub(crate) async fn migrate_at(setting: &'static str, owner_url: &str) -> Result<(), Error> {
    let options = database::session(setting, owner_url)?;
    let mut connection = database::enter(setting, &options).await?;
    // Nothing is begun in a database that could not be served from.
    database::check_server(&mut connection).await?;
    database::check_build(setting, &mut connection).await?;
    MIGRATOR.run(&mut connection).await?;
    sql_files::install(&mut connection)
        .await
        .map_err(Error::Install)?;
    connection.close().await.map_err(DatabaseError::from)?;
    Ok(())
}

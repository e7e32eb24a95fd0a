//! Connections to Postgres, and what is checked of it before anything is served.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Row as _};

use crate::config::DatabaseConfig;
use crate::event_store::keyring::Keyring;
use crate::migrations::MIGRATOR;

/// The oldest Postgres that will do, as `server_version_num`.
const SERVER_VERSION_MIN: i32 = 150_000;
/// Connections for reading; more were slower on two cores.
const READERS: u32 = 10;
/// Connections for appending: the combiner makes two calls at a time.
const WRITERS: u32 = 2;
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the database will not do. Each names the setting to look at.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL cannot be read.
    #[error("{0} is not a Postgres URL")]
    Url(&'static str),
    /// Nobody answers, or nobody lets us in.
    #[error("the database of {setting} cannot be reached: {reason}")]
    Unreachable {
        /// The setting.
        setting: &'static str,
        /// What the server or the network said; never the URL.
        reason: String,
    },
    /// The server is too old.
    #[error("the server of DATABASE_URL is PostgreSQL {0}, and 15 or newer is needed")]
    TooOld(String),
    /// The server may lose what it confirmed.
    #[error("the server of DATABASE_URL runs with {0}=off, so a confirmed write could be lost")]
    NotDurable(&'static str),
    /// The tables are not there.
    #[error(
        "the database of DATABASE_URL has no ledger of this version: run `ledger migrate` first"
    )]
    NotMigrated,
    /// The role could change the past.
    #[error(
        "the role of DATABASE_URL may change recorded events: connect as a member of ledger_app, or \
         set DATABASE_ROLE=ledger_app"
    )]
    TooPowerful,
    /// The master key is another one.
    #[error("LEDGER_MASTER_KEY does not open the keys stored in the database")]
    MasterKey,
    /// Something else went wrong.
    #[error("the database could not be used")]
    Other(#[from] sqlx::Error),
}

/// Connections for reading and for appending.
pub struct Pools {
    /// For reading.
    pub readers: PgPool,
    /// For appending.
    pub writers: PgPool,
}

/// How to connect as the service.
pub fn options(config: &DatabaseConfig) -> Result<PgConnectOptions, DatabaseError> {
    let options = PgConnectOptions::from_str(&config.url.0)
        .map_err(|_unparsable| DatabaseError::Url("DATABASE_URL"))?
        .application_name("ledger")
        // No request may hold the ledger up: not by a lock, not by a long query, not by idling.
        .options([
            ("lock_timeout", "5s"),
            ("statement_timeout", "15s"),
            ("idle_in_transaction_session_timeout", "15s"),
            ("jit", "off"),
        ]);
    Ok(match &config.role {
        Some(role) => options.options([("role", role)]),
        None => options,
    })
}

/// Connects and checks that the database will do.
pub async fn connect(config: &DatabaseConfig, keyring: &Keyring) -> Result<Pools, DatabaseError> {
    let options = options(config)?;
    let pool = |connections| {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
    };
    let readers = pool(READERS)
        .connect_with(options.clone())
        .await
        .map_err(|error| unreachable("DATABASE_URL", &error))?;
    check_server(&readers).await?;
    check_ledger(&readers).await?;
    check_master_key(&readers, keyring).await?;
    Ok(Pools {
        readers,
        writers: pool(WRITERS)
            .min_connections(WRITERS)
            .connect_lazy_with(options),
    })
}

fn unreachable(setting: &'static str, error: &sqlx::Error) -> DatabaseError {
    let reason = match error.as_database_error() {
        Some(answer) => answer.message().to_owned(),
        None => error.to_string(),
    };
    DatabaseError::Unreachable { setting, reason }
}

async fn check_server(pool: &PgPool) -> Result<(), DatabaseError> {
    let row = sqlx::query(
        "select current_setting('server_version_num')::int, current_setting('server_version'), \
            current_setting('fsync') = 'on', current_setting('synchronous_commit') <> 'off'",
    )
    .fetch_one(pool)
    .await?;
    if row.try_get::<i32, _>(0)? < SERVER_VERSION_MIN {
        return Err(DatabaseError::TooOld(row.try_get(1)?));
    }
    for (column, setting) in [(2, "fsync"), (3, "synchronous_commit")] {
        if !row.try_get::<bool, _>(column)? {
            return Err(DatabaseError::NotDurable(setting));
        }
    }
    Ok(())
}

/// The newest migration is there, and the role may not write events but through the function.
async fn check_ledger(pool: &PgPool) -> Result<(), DatabaseError> {
    let newest = MIGRATOR.iter().map(|migration| migration.version).max();
    let there: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(pool)
        .await?;
    if !there {
        return Err(DatabaseError::NotMigrated);
    }
    let version: Option<i64> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
            .fetch_one(pool)
            .await?;
    if version != newest {
        return Err(DatabaseError::NotMigrated);
    }
    let powerful: bool = sqlx::query_scalar(
        "select has_table_privilege('events', 'insert, update, delete, truncate')",
    )
    .fetch_one(pool)
    .await?;
    if powerful {
        Err(DatabaseError::TooPowerful)
    } else {
        Ok(())
    }
}

/// The first process to start stores a known text under the master key; every later one opens it.
async fn check_master_key(pool: &PgPool, keyring: &Keyring) -> Result<(), DatabaseError> {
    sqlx::query("update ledger set key_check = $1 where key_check is null")
        .bind(keyring.check())
        .execute(pool)
        .await?;
    let check: Vec<u8> = sqlx::query_scalar("select key_check from ledger")
        .fetch_one(pool)
        .await?;
    if keyring.opens(&check) {
        Ok(())
    } else {
        Err(DatabaseError::MasterKey)
    }
}

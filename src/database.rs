//! Connections to Postgres, and what is checked of it before anything is served.

pub mod migrate;
pub mod sql_files;

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::timeout;

use crate::config::DatabaseConfig;
use crate::event_store::keys::keyring::Keyring;

/// Every table: what is in `migrations/` when the ledger is built.
pub(crate) static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The oldest Postgres that will do, as `server_version_num`.
const SERVER_VERSION_MIN: i32 = 150_000;
/// Connections for reading; more were slower on two cores.
const READERS: u32 = 10;
/// Connections for appending: the combiner makes two calls at a time.
const WRITERS: u32 = 2;
/// Connections for lists: with ones of their own, no search makes a read by id wait.
const LISTS: u32 = 4;
/// How long a search may take. A pattern can be made to take long, and every request ends within a
/// second.
const LIST_TIMEOUT: &str = "900ms";
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may idle before it is asked whether it still lives.
const TESTED_AFTER: Duration = Duration::from_secs(1);

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
    /// It has migrations that this build does not have, or has in other words: those from before 0.1.0 are
    /// edited in place.
    #[error(
        "the tables in the database of {0} were made by another build of the ledger, and this one \
         cannot take them over: set {0} to a new, empty database"
    )]
    OtherBuild(&'static str),
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
    /// For searching in views.
    pub lists: PgPool,
}

/// How to connect to the URL of a setting. Each statement sees what was committed before it, whatever
/// the role's or the database's own default says: what is checked under a lock must be seen after the
/// lock was taken.
pub fn session(setting: &'static str, url: &str) -> Result<PgConnectOptions, DatabaseError> {
    let options =
        PgConnectOptions::from_str(url).map_err(|_unparsable| DatabaseError::Url(setting))?;
    // Unescaped, the space would end the value.
    Ok(options.options([("default_transaction_isolation", r"read\ committed")]))
}

/// How to connect as the service.
pub fn options(config: &DatabaseConfig) -> Result<PgConnectOptions, DatabaseError> {
    let options = session("DATABASE_URL", &config.url.0)?
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

/// One connection, or why there is none. A pool would try again and again, and then only say that it
/// took too long.
pub async fn enter(
    setting: &'static str,
    options: &PgConnectOptions,
) -> Result<PgConnection, DatabaseError> {
    match timeout(ACQUIRE_TIMEOUT, PgConnection::connect_with(options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(unreachable(setting, &error)),
        Err(_elapsed) => Err(DatabaseError::Unreachable {
            setting,
            reason: "nobody answered in time".to_owned(),
        }),
    }
}

/// Connects as the owner, and checks that there is a ledger that this master key opens. `setting` is
/// what the URL comes from.
pub(crate) async fn open_as_owner(
    setting: &'static str,
    url: &str,
    keyring: &Keyring,
) -> Result<PgPool, DatabaseError> {
    let options = session(setting, url)?;
    let mut connection = enter(setting, &options).await?;
    check_server(&mut connection).await?;
    check_version(setting, &mut connection).await?;
    check_master_key(&mut connection, keyring).await?;
    connection.close().await?;
    Ok(pool(1).connect_lazy_with(options))
}

/// Connects and checks that the database will do.
pub async fn connect(config: &DatabaseConfig, keyring: &Keyring) -> Result<Pools, DatabaseError> {
    let options = options(config)?;
    let mut connection = enter("DATABASE_URL", &options).await?;
    check_server(&mut connection).await?;
    check_version("DATABASE_URL", &mut connection).await?;
    check_rights(&mut connection).await?;
    check_master_key(&mut connection, keyring).await?;
    connection.close().await?;
    Ok(Pools {
        readers: pool(READERS).connect_lazy_with(options.clone()),
        lists: pool(LISTS).connect_lazy_with(
            options
                .clone()
                .options([("statement_timeout", LIST_TIMEOUT)]),
        ),
        writers: pool(WRITERS)
            .min_connections(WRITERS)
            .connect_lazy_with(options),
    })
}

/// A connection that idled is asked whether it still lives, as none does after a restart of Postgres;
/// one in constant use would only lose a round trip.
fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for >= TESTED_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

fn unreachable(setting: &'static str, error: &sqlx::Error) -> DatabaseError {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    // What Postgres says of a role that is not there, or is not ours to take.
    let setting = match code.as_deref() {
        Some("22023" | "42704" | "42501") => "DATABASE_ROLE",
        _ => setting,
    };
    let reason = match error.as_database_error() {
        Some(answer) => answer.message().to_owned(),
        None => error.to_string(),
    };
    DatabaseError::Unreachable { setting, reason }
}

/// What is asked of the server.
#[derive(sqlx::FromRow)]
struct Server {
    version_number: i32,
    version: String,
    fsync: bool,
    synchronous_commit: bool,
}

/// The server is new enough, and keeps what it confirms.
pub(crate) async fn check_server(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let server: Server = sqlx::query_as(
        "select current_setting('server_version_num')::int as version_number, \
            current_setting('server_version') as version, \
            current_setting('fsync') = 'on' as fsync, \
            current_setting('synchronous_commit') <> 'off' as synchronous_commit",
    )
    .fetch_one(&mut *connection)
    .await?;
    if server.version_number < SERVER_VERSION_MIN {
        return Err(DatabaseError::TooOld(server.version));
    }
    if !server.fsync {
        return Err(DatabaseError::NotDurable("fsync"));
    }
    if !server.synchronous_commit {
        return Err(DatabaseError::NotDurable("synchronous_commit"));
    }
    Ok(())
}

/// A row of sqlx' table of migrations.
#[derive(sqlx::FromRow, PartialEq)]
struct Applied {
    version: i64,
    checksum: Vec<u8>,
}

/// The migrations of this build.
fn known() -> Vec<Applied> {
    MIGRATOR
        .iter()
        .map(|migration| Applied {
            version: migration.version,
            checksum: migration.checksum.to_vec(),
        })
        .collect()
}

/// How many migrations are in, all of them of this build.
async fn check_build(
    setting: &'static str,
    connection: &mut PgConnection,
) -> Result<usize, DatabaseError> {
    let migrated: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if !migrated {
        return Ok(0);
    }
    let applied: Vec<Applied> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success")
            .fetch_all(&mut *connection)
            .await?;
    let known = known();
    if applied.iter().all(|migration| known.contains(migration)) {
        Ok(applied.len())
    } else {
        Err(DatabaseError::OtherBuild(setting))
    }
}

/// The database has the tables, functions and triggers of this build.
async fn check_version(
    setting: &'static str,
    connection: &mut PgConnection,
) -> Result<(), DatabaseError> {
    let applied = check_build(setting, connection).await?;
    if applied < known().len() || !sql_files::are_installed(connection).await? {
        return Err(DatabaseError::NotMigrated);
    }
    Ok(())
}

/// The role may not write events but through the function.
async fn check_rights(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let powerful: bool = sqlx::query_scalar(
        "select has_table_privilege('events', 'insert, update, delete, truncate')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if powerful {
        Err(DatabaseError::TooPowerful)
    } else {
        Ok(())
    }
}

/// The first process to start stores a known text under the master key; every later one opens it.
async fn check_master_key(
    connection: &mut PgConnection,
    keyring: &Keyring,
) -> Result<(), DatabaseError> {
    sqlx::query("update ledger set key_check = $1 where key_check is null")
        .bind(keyring.check())
        .execute(&mut *connection)
        .await?;
    let check: Vec<u8> = sqlx::query_scalar("select key_check from ledger")
        .fetch_one(&mut *connection)
        .await?;
    if keyring.opens(&check) {
        Ok(())
    } else {
        Err(DatabaseError::MasterKey)
    }
}

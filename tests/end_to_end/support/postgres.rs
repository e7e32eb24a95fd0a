//! One private Postgres for all tests of the process, and a fresh database for each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr as _;
use std::thread;

use customer_ledger::database::migrate::migrate;
use customer_ledger::kafka::projector::{self, Projection};
use devkit::postgres::Postgres;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::sync::{OnceCell, oneshot};

/// A test's own database, migrated.
pub(crate) struct Database {
    /// Its owner's way in: may change everything.
    pub(crate) owner_url: String,
    /// Connections as the service has them.
    pub(crate) pool: PgPool,
}

/// Makes a database of a test's own.
pub(crate) async fn database() -> Database {
    let owner_url = empty_database().await;
    migrate(&owner_url).await.unwrap();
    Database::at(&owner_url)
}

/// Makes a database of a test's own, without a ledger in it: its owner's URL.
pub(crate) async fn empty_database() -> String {
    let urls = SERVER.get_or_init(start).await;
    let name = format!("test_{:016x}", rand::random::<u64>());
    let mut admin = PgConnection::connect(&urls.of("postgres")).await.unwrap();
    let create = format!("create database {name}");
    sqlx::query(&create).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    urls.of(&name)
}

/// Makes a database whose owner may do nothing else on the server: the owner's URL.
pub(crate) async fn ordinary_database() -> String {
    let url = empty_database().await;
    let (server, database) = url.rsplit_once('/').unwrap();
    let role = format!("owner_of_{database}");
    let mut admin = PgConnection::connect(&url).await.unwrap();
    for sql in [
        format!("create role {role} login password 'ordinary'"),
        format!("alter database {database} owner to {role}"),
        // Another database's ledger made the role.
        format!("grant ledger_app to {role}"),
    ] {
        sqlx::query(&sql).execute(&mut admin).await.unwrap();
    }
    admin.close().await.unwrap();
    let (_, host) = server.rsplit_once('@').unwrap();
    format!("postgres://{role}:ordinary@{host}/{database}")
}

impl Database {
    /// A database that is there and migrated.
    pub(crate) fn at(owner_url: &str) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .connect_lazy_with(app(owner_url));
        Self {
            owner_url: owner_url.to_owned(),
            pool,
        }
    }

    /// The service's way in: what its role may do, and no more.
    pub(crate) fn app(&self) -> PgConnectOptions {
        app(&self.owner_url)
    }

    /// A connection as the owner.
    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.owner_url).await.unwrap()
    }

    /// Lets a projection start over.
    pub(crate) async fn clear(&self, projection: Projection) {
        let mut owner = self.owner().await;
        let mut transaction = owner.begin().await.unwrap();
        projector::clear(projection, &mut transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }
}

fn app(owner_url: &str) -> PgConnectOptions {
    PgConnectOptions::from_str(owner_url)
        .unwrap()
        .options([("role", "ledger_app")])
}

static SERVER: OnceCell<Urls> = OnceCell::const_new();

/// The server's URL, cut before the name of the database.
struct Urls(String);

impl Urls {
    fn of(&self, database: &str) -> String {
        format!("{}{database}", self.0)
    }
}

/// Starts the server on a thread of its own, since every test's runtime ends with the test. It ends
/// with the process, and its directory goes then, too.
async fn start() -> Urls {
    let dir = directory();
    let (started, start) = oneshot::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let postgres = Postgres::start(&dir.join("postgres")).await.unwrap();
            started.send(postgres.url("")).unwrap();
            std::future::pending::<()>().await;
        });
    });
    Urls(start.await.expect("postgres starts"))
}

/// A directory that every user can enter, gone after the tests.
pub(crate) fn directory() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("ledger-tests-{:016x}", rand::random::<u64>()));
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    remove_afterwards(&dir);
    dir
}

/// A shell waits for the end of this process, however it ends, and then removes the directory.
fn remove_afterwards(dir: &Path) {
    let mut command = Command::new("sh");
    let script = "cat >/dev/null; until rm -rf \"$0\" 2>/dev/null; do sleep 1; done";
    let shell = command.args(["-c", script]).arg(dir);
    // A Ctrl-C at the tests does not end it.
    let shell = shell.stdin(Stdio::piped()).process_group(0);
    let child = shell.spawn().unwrap();
    // Its end of the pipe closes with this process, and no earlier.
    std::mem::forget(child);
}

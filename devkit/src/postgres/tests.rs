//! The launcher, with a real server.

use std::os::unix::fs::PermissionsExt as _;

use sqlx::{Connection as _, PgConnection};

use super::*;

const PATIENCE: Duration = Duration::from_mins(1);

/// A directory of the test's own, gone with it.
struct Dir(PathBuf);

impl Dir {
    fn new_in(parent: &Path) -> Self {
        let dir = parent.join(format!("ledger-test-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&dir).unwrap();
        // As `mkdir` usually has it: others may enter.
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    fn new() -> Self {
        Self::new_in(&std::env::temp_dir())
    }

    /// Whether no process works in the data directory any more, as every server process does.
    fn is_unused(&self) -> bool {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut places = processes.filter_map(|p| std::fs::read_link(p.path().join("cwd")).ok());
        !places.any(|place| place == self.data())
    }

    fn data(&self) -> PathBuf {
        self.0.join("postgres")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // After a failed test the server may still be writing there; that says nothing new.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

async fn wait_for<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn connect(postgres: &Postgres) -> PgConnection {
    PgConnection::connect(&postgres.url("postgres"))
        .await
        .unwrap()
}

async fn execute(postgres: &Postgres, sql: &str) {
    let mut connection = connect(postgres).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
}

async fn count(postgres: &Postgres, table: &str) -> i64 {
    let mut connection = connect(postgres).await;
    sqlx::query_scalar(&format!("select count(*) from {table}"))
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_data_is_there_after_every_way_to_stop() {
    let dir = Dir::new();
    let postgres = Postgres::start(&dir.data()).await.unwrap();
    execute(
        &postgres,
        "create table kept (n int); insert into kept values (1)",
    )
    .await;
    postgres.stop().await.unwrap();

    let postgres = Postgres::start(&dir.data()).await.unwrap();
    execute(&postgres, "insert into kept values (2)").await;
    postgres.stop_immediately().await.unwrap();

    let postgres = Postgres::start(&dir.data()).await.unwrap();
    execute(&postgres, "insert into kept values (3)").await;
    // Dropped, as by a panic: the next start finds the old server gone or on its way out.
    drop(postgres);

    let postgres = Postgres::start(&dir.data()).await.unwrap();
    assert_eq!(count(&postgres, "kept").await, 3);
    postgres.stop().await.unwrap();
}

/// Runs itself as another process, which holds a server and is killed.
#[tokio::test]
async fn a_killed_process_leaves_no_server() {
    const HELD: &str = "CUSTOMER_LEDGER_TEST_HELD_DIR";
    if let Some(held) = std::env::var_os(HELD) {
        return hold_until_killed(Path::new(&held)).await;
    }
    let dir = Dir::new();
    let mut holder = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres::tests::a_killed_process_leaves_no_server",
        ])
        .env(HELD, &dir.0)
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let url = wait_for(|| std::fs::read_to_string(dir.0.join("url")).ok()).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let pid_file = dir.data().join("postmaster.pid");
    assert!(pid_file.exists());
    holder.kill().await.unwrap();
    // An immediate shutdown removes its pid file; a killed server could not.
    wait_for(|| (!pid_file.exists()).then_some(())).await;
    wait_for(|| dir.is_unused().then_some(())).await;
    assert!(
        sqlx::query("select 1")
            .execute(&mut connection)
            .await
            .is_err()
    );
}

async fn hold_until_killed(dir: &Path) {
    let postgres = Postgres::start(&dir.join("postgres")).await.unwrap();
    std::fs::write(dir.join("url.new"), postgres.url("postgres")).unwrap();
    std::fs::rename(dir.join("url.new"), dir.join("url")).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_server_starts_again() {
    let dir = Dir::new();
    let postgres = Postgres::start(&dir.data()).await.unwrap();
    execute(
        &postgres,
        "create table kept (n int); insert into kept values (1)",
    )
    .await;
    let pid_file = postgres.cluster.dir.join("postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let pid = text.lines().next().unwrap().to_owned();
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill -9 {pid}")])
        .status();
    assert!(kill.unwrap().success());
    postgres.stop_immediately().await.unwrap();
    assert!(pid_file.exists(), "a killed server leaves its pid file");

    // The pid may meanwhile be somebody else's: here it is our own.
    std::fs::write(
        &pid_file,
        text.replacen(&pid, &std::process::id().to_string(), 1),
    )
    .unwrap();
    let postgres = Postgres::start(&dir.data()).await.unwrap();
    assert_eq!(count(&postgres, "kept").await, 1);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let dir = Dir::new();
    let postgres = Postgres::start(&dir.data()).await.unwrap();
    let refusal = Postgres::start(&dir.data()).await.unwrap_err();
    assert!(
        refusal
            .to_string()
            .ends_with("is in use by a running server"),
        "{refusal}"
    );
    assert_eq!(
        count(&postgres, "pg_class where relname = 'pg_class'").await,
        1
    );
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_of_another_kind_is_refused_and_left_alone() {
    let dir = Dir::new();
    std::fs::create_dir(dir.data()).unwrap();
    std::fs::write(dir.data().join("letter.txt"), "dear").unwrap();
    let refusal = Postgres::start(&dir.data()).await.unwrap_err();
    assert!(matches!(refusal, Error::NotACluster(_)), "{refusal}");
    assert_eq!(std::fs::read_dir(dir.data()).unwrap().count(), 1);

    let old = dir.0.join("old");
    std::fs::create_dir(&old).unwrap();
    std::fs::write(old.join("PG_VERSION"), "9.6\n").unwrap();
    std::fs::write(dir.0.join("old.password"), "secret").unwrap();
    let refusal = Postgres::start(&old).await.unwrap_err();
    assert!(
        refusal.to_string().contains("belongs to PostgreSQL 9.6"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let dir = Dir::new();
    let postgres = Postgres::start(&dir.data()).await.unwrap();
    let data = postgres.cluster.dir.clone();
    postgres.stop().await.unwrap();
    let conf = data.join("postgresql.conf");
    let text = std::fs::read_to_string(&conf).unwrap();
    std::fs::write(&conf, text + "\nno_such_setting = 1\n").unwrap();
    let refusal = Postgres::start(&dir.data()).await.unwrap_err();
    assert!(refusal.to_string().contains("no_such_setting"), "{refusal}");
}

#[tokio::test]
async fn the_log_repeats_no_values() {
    let dir = Dir::new();
    let postgres = Postgres::start(&dir.data()).await.unwrap();
    execute(&postgres, "create table people (email text primary key)").await;
    let insert = "insert into people values ('olivia@example.com')";
    execute(&postgres, insert).await;
    let mut connection = connect(&postgres).await;
    sqlx::raw_sql(insert)
        .execute(&mut connection)
        .await
        .unwrap_err();
    sqlx::raw_sql("select 'olivia@example.com'::int")
        .execute(&mut connection)
        .await
        .unwrap_err();
    connection.close().await.unwrap();
    postgres.stop().await.unwrap();
    let log = std::fs::read_to_string(dir.0.join("postgres.log")).unwrap();
    assert!(log.contains("database system is shut down"), "{log}");
    assert!(!log.contains("olivia"), "{log}");
}

#[tokio::test]
async fn the_password_is_private_and_needed() {
    let dir = Dir::new();
    let postgres = Postgres::start(&dir.data()).await.unwrap();
    let file = std::fs::metadata(dir.0.join("postgres.password")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let url = postgres
        .url("postgres")
        .replace(&postgres.cluster.password, "guess");
    assert!(PgConnection::connect(&url).await.is_err());
    assert!(!format!("{postgres:?}").contains(&postgres.cluster.password));
    postgres.stop().await.unwrap();
}

/// As root the server has another user, who cannot enter root's home.
#[tokio::test]
async fn a_directory_out_of_the_servers_reach_is_replaced() {
    let dir = Dir::new();
    let closed = dir.0.join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let data = closed.join("postgres");
    let postgres = Postgres::start(&data).await.unwrap();
    let home = postgres.cluster.dir.clone();
    execute(&postgres, "create table kept (n int)").await;
    postgres.stop().await.unwrap();

    let postgres = Postgres::start(&data).await.unwrap();
    assert_eq!(postgres.cluster.dir, home);
    assert_eq!(count(&postgres, "kept").await, 0);
    postgres.stop().await.unwrap();
    assert!(closed.join("postgres.password").exists());
    if home != data {
        assert_eq!(home.parent(), Some(Path::new(RELOCATED)));
        std::fs::remove_dir_all(home).unwrap();
    }
}

/// Two clusters at a time, as tests have them, get two ports.
#[tokio::test]
async fn two_clusters_do_not_meet() {
    let (one, two) = (Dir::new(), Dir::new());
    let (one_data, two_data) = (one.data(), two.data());
    let starts = async { tokio::join!(Postgres::start(&one_data), Postgres::start(&two_data)) };
    let (first, second) = tokio::time::timeout(PATIENCE, starts).await.unwrap();
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.server.port, second.server.port);
    execute(&first, "create table mine (n int)").await;
    assert_eq!(count(&second, "pg_class where relname = 'mine'").await, 0);
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

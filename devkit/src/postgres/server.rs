//! The server process: started, waited for, stopped.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    net::{Ipv4Addr, TcpListener},
    process::Stdio,
    sync::mpsc,
    thread,
};

use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{
    Cluster, Error, Installation, OWNER, POLL_INTERVAL, START_TIMEOUT, STOP_TIMEOUT, cluster::at,
    installation::run,
};

/// Settings that are ours. The log keeps what concerns the server and nothing a statement says:
/// an error's text can quote a value.
const SETTINGS: [&str; 16] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=on",
    "max_connections=100",
    "shared_buffers=128MB",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "log_destination=stderr",
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_checkpoints=off",
    "log_statement=none",
];

/// How much of the log an error shows.
const TAIL_LINES: usize = 20;

/// A server that answers.
pub(super) struct Server {
    pub(super) port: u16,
    child: Child,
    keeper: Keeper,
    /// How to call `pg_ctl` of the server's own version.
    pg_ctl: OsString,
}

/// Why a server ended before it answered.
pub(super) enum Exit {
    PortTaken(String),
    ClusterInUse,
    Other(String),
}

/// The thread that spawned the server. The kernel's signal to the server comes when this thread
/// ends, not when the process does, so a thread of a pool would not do. It ends when dropped.
struct Keeper {
    _release: mpsc::Sender<()>,
}

impl Server {
    /// Starts a server on a free port and waits until it answers.
    pub(super) async fn start(
        cluster: &Cluster,
        installation: &Installation,
    ) -> Result<Result<Self, Exit>, Error> {
        let port = free_port()?;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&cluster.log);
        let log = log.map_err(at(&cluster.log))?;
        let log_start = log.metadata().map_err(at(&cluster.log))?.len();
        let mut command = cluster.command(&installation.program("postgres"))?;
        command
            .arg("-D")
            .arg(&cluster.dir)
            .arg("-c")
            .arg(format!("port={port}"));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let (child, keeper) = spawn(command).await?;
        let mut server = Self {
            port,
            child,
            keeper,
            pg_ctl: installation.program("pg_ctl"),
        };
        if server.answers(cluster).await {
            return Ok(Ok(server));
        }
        server.stop_immediately(cluster).await?;
        Ok(Err(exit(cluster, log_start)))
    }

    /// A fast shutdown: open transactions are rolled back, everything is written down.
    pub(super) async fn stop(mut self, cluster: &Cluster) -> Result<(), Error> {
        let mut stop = cluster.command(&self.pg_ctl)?;
        stop.args(["stop", "--mode=fast", "--no-wait", "--silent", "--pgdata"])
            .arg(&cluster.dir);
        run(&mut stop).await?;
        // The keeper stays until the server is gone: its end would cut the shutdown short.
        self.ended(cluster).await
    }

    /// Ends the keeper, and with it the server.
    pub(super) async fn stop_immediately(mut self, cluster: &Cluster) -> Result<(), Error> {
        let (gone, _) = mpsc::channel();
        drop(std::mem::replace(
            &mut self.keeper,
            Keeper { _release: gone },
        ));
        self.ended(cluster).await
    }

    async fn ended(&mut self, cluster: &Cluster) -> Result<(), Error> {
        match timeout(STOP_TIMEOUT, self.child.wait()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(source)) => Err(Error::Run {
                program: "postgres".to_owned(),
                source,
            }),
            Err(_) => Err(Error::Stop(cluster.log.clone())),
        }
    }

    /// Waits for the answer to `select 1`; false when the server ends or takes too long.
    async fn answers(&mut self, cluster: &Cluster) -> bool {
        // Not from a URL, and without TLS: the environment's `PG…` variables mean other servers.
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(OWNER)
            .password(&cluster.password)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging();
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            if select_one(&options).await.is_ok() {
                return true;
            }
            sleep(POLL_INTERVAL).await;
        }
        false
    }
}

async fn select_one(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = options.connect().await?;
    sqlx::query("select 1").execute(&mut connection).await?;
    connection.close().await
}

/// A port that is free now. Nothing keeps it free until the server has it.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::NoPort)?;
    Ok(listener.local_addr().map_err(Error::NoPort)?.port())
}

/// Spawns from a thread of its own, which then stays.
async fn spawn(mut command: Command) -> Result<(Child, Keeper), Error> {
    let failed = |source| Error::Run {
        program: "setpriv".to_owned(),
        source,
    };
    let (spawned, child) = oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let runtime = Handle::current();
    thread::Builder::new()
        .name("postgres".to_owned())
        .spawn(move || {
            let entered = runtime.enter();
            let sent = spawned.send(command.spawn());
            drop(entered);
            // Nothing is ever sent: this returns when the other end is dropped.
            if sent.is_ok() && released.recv().is_ok() {}
        })
        .map_err(failed)?;
    let child = child
        .await
        .unwrap_or_else(|gone| Err(std::io::Error::other(gone)));
    Ok((child.map_err(failed)?, Keeper { _release: release }))
}

/// Why the server ended, from what it wrote since this start. Its messages are English, because
/// the cluster's locale is C.
fn exit(cluster: &Cluster, log_start: u64) -> Exit {
    let log = fs::read(&cluster.log).unwrap_or_default();
    let start = usize::try_from(log_start).unwrap_or(usize::MAX);
    let text = String::from_utf8_lossy(log.get(start..).unwrap_or_default());
    let skipped = text.lines().count().saturating_sub(TAIL_LINES);
    let tail = text.lines().skip(skipped).collect::<Vec<_>>().join("\n");
    let says = |words| text.contains(words);
    if says("Address already in use") {
        Exit::PortTaken(tail)
    } else if says("lock file \"postmaster.pid\" already exists")
        || says("pre-existing shared memory block")
    {
        Exit::ClusterInUse
    } else {
        Exit::Other(tail)
    }
}

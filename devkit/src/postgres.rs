//! A private Postgres: one cluster in a directory of ours, served only to this machine, for as long
//! as this process lives.
//!
//! * It listens on 127.0.0.1, at a port that was free, with a password; there is no Unix socket.
//! * `fsync` stays on: what was committed survives a `kill -9` of this process and of the server.
//! * It ends with its parent, also when that is killed: `setpriv --pdeathsig QUIT` has the kernel
//!   tell the postmaster to shut down at once and take its children along. `KILL` would leave the
//!   children and the shared memory behind.
//! * It has a process group of its own: a Ctrl-C meant for the ledger, which then drains, does not
//!   reach the server it drains into.
//! * Its log carries no statements and no errors of statements, so no personal data.
//!
//! Beside the data directory `postgres` lie `postgres.log`, `postgres.password` and
//! `postgres.lock`. Root cannot run a server, so the server then runs as the user `postgres`; where
//! that user cannot reach the directory, the cluster lives in [`RELOCATED`] and only these three
//! files stay.

mod cluster;
mod installation;
mod server;

use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use cluster::Cluster;
use installation::Installation;
use server::{Exit, Server};

/// Where clusters go that the server's user could not reach at the place asked for.
pub(crate) const RELOCATED: &str = "/var/lib/customer-ledger";

/// The cluster's superuser.
pub(crate) const OWNER: &str = "ledger_owner";

/// The oldest major version that will do.
pub(crate) const VERSION_MIN: u32 = 15;

/// How often another port is tried when somebody else took the one found free.
const PORT_ATTEMPTS: u32 = 8;
/// Long enough for recovery after a crash.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Long enough for a shutdown checkpoint.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a server whose parent was just killed may take to leave.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The running server. Dropped without [`stop`](Self::stop) it goes the way it goes when this
/// process is killed: at once and without loss, but with a recovery at the next start.
pub struct Postgres {
    server: Server,
    /// Holds the lock: nobody else starts this cluster meanwhile.
    cluster: Cluster,
    installation: Installation,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing new enough is installed.
    #[error(
        "PostgreSQL's server programs, version 15 or newer, were not found: \
         `apt-get install postgresql` brings them, and DATABASE_URL does without them"
    )]
    NotInstalled,
    /// The cluster was made by a version that is not installed.
    #[error(
        "the data directory {} belongs to PostgreSQL {found}, which is not installed (version \
         {installed} is): install postgresql-{found} or choose another directory", .data_dir.display()
    )]
    OtherVersion {
        /// The directory.
        data_dir: PathBuf,
        /// Its version.
        found: String,
        /// The newest one installed.
        installed: u32,
    },
    /// The directory holds something else.
    #[error("the data directory {} is not empty and holds no PostgreSQL cluster", .0.display())]
    NotACluster(PathBuf),
    /// A server runs on it.
    #[error("the data directory {} is in use by a running server", .0.display())]
    InUse(PathBuf),
    /// The cluster is there, its password is not.
    #[error(
        "the cluster's password {} is missing, so that nobody can log in", .0.display()
    )]
    PasswordMissing(PathBuf),
    /// A program failed: `initdb`, `pg_ctl`, `install`.
    #[error("`{program}` failed: {output}")]
    Program {
        /// Which.
        program: String,
        /// What it printed.
        output: String,
    },
    /// A program could not be run.
    #[error("`{program}` could not be run")]
    Run {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or directory was out of reach.
    #[error("{} could not be read or written", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No port was free.
    #[error("no free port was found on 127.0.0.1")]
    NoPort(#[source] io::Error),
    /// The server ended instead of starting, or did not answer in time.
    #[error("PostgreSQL did not start; the end of {}:\n{tail}", .log.display())]
    Start {
        /// Its log.
        log: PathBuf,
        /// The last lines of this start.
        tail: String,
    },
    /// The server did not end in time.
    #[error("PostgreSQL did not stop within {} s; see {}", STOP_TIMEOUT.as_secs(), .0.display())]
    Stop(PathBuf),
}

impl Postgres {
    /// Starts the cluster whose data lives in `data_dir`, and makes it first if there is none.
    pub async fn start(data_dir: &Path) -> Result<Self, Error> {
        let installations = installation::find().await;
        let newest = installations.first().ok_or(Error::NotInstalled)?;
        let cluster = Cluster::open(data_dir).await?;
        let installation = match cluster.version()? {
            None => {
                cluster.create(newest).await?;
                newest
            }
            Some(found) => installations
                .iter()
                .find(|installation| installation.major.to_string() == found)
                .ok_or(Error::OtherVersion {
                    data_dir: cluster.dir.clone(),
                    found,
                    installed: newest.major,
                })?,
        };
        let server = serve(&cluster, installation).await?;
        let installation = installation.clone();
        Ok(Self {
            server,
            cluster,
            installation,
        })
    }

    /// Where to connect as the cluster's owner. Only `postgres` and `template1` are there at first.
    pub fn url(&self, database: &str) -> String {
        let (password, port) = (&self.cluster.password, self.server.port);
        format!("postgres://{OWNER}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Where its data is, which may not be the directory asked for.
    pub fn data_dir(&self) -> &Path {
        &self.cluster.dir
    }

    /// How to call a client program of the same version, which may not be installed.
    pub fn program(&self, name: &str) -> OsString {
        self.installation.program(name)
    }

    /// Ends all connections, writes everything down and stops.
    pub async fn stop(self) -> Result<(), Error> {
        self.server.stop(&self.cluster).await
    }

    /// Stops as after a `kill -9` of this process, and in the same way: by the kernel's signal.
    /// What was committed is there after the recovery of the next start.
    pub async fn stop_immediately(self) -> Result<(), Error> {
        self.server.stop_immediately(&self.cluster).await
    }
}

/// Without the password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("dir", &self.cluster.dir)
            .field("port", &self.server.port)
            .finish_non_exhaustive()
    }
}

/// Starts the server; again on another port when somebody took the one that was free; and again
/// while the previous server of this cluster, whose parent was killed, is still on its way out.
async fn serve(cluster: &Cluster, installation: &Installation) -> Result<Server, Error> {
    let leaving = tokio::time::Instant::now() + LEAVE_TIMEOUT;
    let mut ports = 0;
    loop {
        cluster.clear_stale_pid_file()?;
        let tail = match Server::start(cluster, installation).await? {
            Ok(server) => return Ok(server),
            Err(Exit::PortTaken(tail)) => {
                ports += 1;
                if ports < PORT_ATTEMPTS {
                    continue;
                }
                tail
            }
            Err(Exit::ClusterInUse) => {
                if tokio::time::Instant::now() >= leaving {
                    return Err(Error::InUse(cluster.dir.clone()));
                }
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            }
            Err(Exit::Other(tail)) => tail,
        };
        return Err(Error::Start {
            log: cluster.log.clone(),
            tail,
        });
    }
}

#[cfg(test)]
mod tests;

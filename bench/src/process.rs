//! The ledger under test, a process of its own, and what processes use.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use customer_ledger::auth::tokens::new_secret;
use devkit::postgres::Postgres;
use tokio::process::{Child, Command};

use crate::error::{Error, system};
use crate::load::Client;
use crate::store::{HANDLE, STORE_ID, Store};

/// How long it may take until it answers.
const START_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);
/// How much of its log an error shows.
const TAIL_LINES: usize = 20;
/// Linux counts a process's time in hundredths of a second, whatever its own clock does.
const TICK: Duration = Duration::from_millis(10);

/// `ledger serve`, running.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How long it took until it was ready.
    pub(crate) ready_after: Duration,
    child: Child,
    pid: u32,
    log: PathBuf,
}

impl Server {
    /// Starts the program `ledger` that lies beside this one, and waits until it is ready.
    pub(crate) async fn start(
        store: &Store,
        dir: &Path,
        roles: &str,
        brokers: Option<&str>,
    ) -> Result<Self, Error> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr());
        let address = free.map_err(system("no port is free"))?;
        let own = std::env::current_exe().map_err(system("this program's path"))?;
        let program = own.with_file_name("ledger");
        if !program.is_file() {
            return Err(Error::NoLedger(program));
        }
        let log = dir.join(format!("{roles}.log"));
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output = output.map_err(system("the ledger's log"))?;
        // It ends with this process, also when that is killed.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(["serve", "--roles", roles])
            // Nobody's settings but these.
            .env_clear()
            .env("LEDGER_LISTEN", address.to_string())
            .env("LEDGER_LOG", "warn")
            .env("LEDGER_MASTER_KEY", hex::encode(store.master_key))
            .env("MEDUSA_JWT_SECRET", new_secret())
            .env("SHOPLINE_JWT_SECRET", &store.jwt_secret)
            .env("SHOPLINE_HANDLE", HANDLE)
            .env("SHOPLINE_STORE_ID", STORE_ID)
            .env("DATABASE_URL", &store.url)
            .env("DATABASE_ROLE", "ledger_app")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .process_group(0)
            .kill_on_drop(true);
        if let Some(brokers) = brokers {
            let prefix = format!("bench-{:016x}", rand::random::<u64>());
            command
                .env("KAFKA_BROKERS", brokers)
                .env("KAFKA_PREFIX", prefix);
        }
        let started = Instant::now();
        let child = command
            .spawn()
            .map_err(system("setpriv could not be run"))?;
        let pid = child.id().unwrap_or_default();
        let mut server = Self {
            address,
            ready_after: Duration::ZERO,
            child,
            pid,
            log,
        };
        server.wait_until_ready().await?;
        server.ready_after = started.elapsed();
        Ok(server)
    }

    async fn wait_until_ready(&mut self) -> Result<(), Error> {
        let request = "GET /ready HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if let Ok(mut client) = Client::connect(self.address).await
                && client.ask(request.as_bytes(), 200).await.is_ok()
            {
                return Ok(());
            }
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Err(self.failed("ended"));
            }
            tokio::time::sleep(POLL).await;
        }
        Err(self.failed("is not ready"))
    }

    fn failed(&self, what: &'static str) -> Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let skipped = log.lines().count().saturating_sub(TAIL_LINES);
        let log = log.lines().skip(skipped).collect::<Vec<_>>().join("\n");
        Error::Server { what, log }
    }

    /// Memory it has that is resident.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Error> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.map_err(|_gone| self.failed("ended"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(kilobytes.unwrap_or_default() * 1024)
    }

    /// Processor time it has used.
    pub(crate) fn cpu(&self) -> Result<Duration, Error> {
        let stat = Stat::read(self.pid).ok_or_else(|| self.failed("ended"))?;
        Ok(TICK * stat.own)
    }

    /// Ends it as a crash would: what it answered has to be there all the same.
    pub(crate) async fn kill(mut self) -> Result<(), Error> {
        self.child
            .kill()
            .await
            .map_err(system("the ledger under test did not end"))
    }
}

/// Processor time that all processes of the cluster have used, those that ended included.
pub(crate) fn cluster_cpu(postgres: &Postgres) -> Result<Duration, Error> {
    let file = postgres.data_dir().join("postmaster.pid");
    let text = fs::read_to_string(file).map_err(system("the server's pid file"))?;
    let pid = text.lines().next().and_then(|line| line.parse().ok());
    let pid = pid.unwrap_or_default();
    loop {
        let before = Stat::read(pid);
        let children: u32 = fs::read_dir("/proc")
            .map_err(system("/proc"))?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(Stat::read)
            .filter(|stat| stat.parent == pid)
            .map(|child| child.own)
            .sum();
        // One that ended meanwhile would be missed, or counted twice.
        let after = Stat::read(pid);
        if before.map(|stat| stat.ended) == after.as_ref().map(|stat| stat.ended) {
            return Ok(TICK * after.map_or(0, |stat| stat.own + stat.ended + children));
        }
    }
}

/// What `/proc/<pid>/stat` says, in ticks.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: u32,
    /// Of children that were waited for.
    ended: u32,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name may hold anything, also spaces and parentheses.
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let field = |index: usize| fields.get(index)?.parse::<u32>().ok();
        Some(Self {
            parent: field(1)?,
            own: field(11)? + field(12)?,
            ended: field(13)? + field(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "7 (a) b) S 3 7 7 0 -1 4194304 1 2 3 4 50 6 70 8 20 0 1 0 99 0 0";
        let expected = Stat {
            parent: 3,
            own: 56,
            ended: 78,
        };
        assert_eq!(Stat::parse(stat), Some(expected));
    }
}

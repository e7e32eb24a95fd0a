//! The other side of each pair: `pgbench` inserts one row a transaction, in no order, checking
//! nothing. No event store on this cluster could be asked to do less.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use devkit::postgres::Postgres;
use sqlx::PgPool;
use tokio::process::Command;

use crate::error::{Error, system};
use crate::report::Measured;
use crate::store;

const DATABASE: &str = "pgbench";
const TABLE: &str = "create table inserted (id bigint generated always as identity primary key, event json not null)";
const SCRIPT: &str = "insert into inserted (event) values (:event);\n";
/// About what an event is with its metadata.
const EVENT_BYTES: usize = 500;
/// The share of transactions whose latency is logged: all would slow it down.
const SAMPLING_RATE: &str = "0.1";

/// `pgbench` on its own database.
pub(crate) struct Pgbench {
    /// Connected as the owner.
    pub(crate) owner: PgPool,
    program: OsString,
    url: String,
    dir: PathBuf,
    event: String,
}

impl Pgbench {
    /// Makes the table and sees that the program is there.
    pub(crate) async fn prepare(postgres: &Postgres, dir: &Path) -> Result<Self, Error> {
        let program = postgres.program("pgbench");
        let version = Command::new(&program).arg("--version").output().await;
        version.map_err(|_not_there| Error::NoPgbench)?;
        let url = store::create_database(postgres, DATABASE).await?;
        let owner = store::owner_pool(&url).await?;
        sqlx::query(TABLE).execute(&owner).await?;
        let dir = dir.join("pgbench");
        std::fs::create_dir(&dir).map_err(system("a directory for pgbench"))?;
        std::fs::write(dir.join("insert.sql"), SCRIPT).map_err(system("pgbench's script"))?;
        let (begin, end) = (r#"{"event":"CustomerUpdated","value":""#, r#""}"#);
        let filling = "0123456789abcdef".chars().cycle();
        let filling: String = filling
            .take(EVENT_BYTES - begin.len() - end.len())
            .collect();
        Ok(Self {
            owner,
            program,
            url,
            dir,
            event: format!("{begin}{filling}{end}"),
        })
    }

    /// Inserts for so long, whole seconds, over so many connections.
    pub(crate) async fn run(&self, clients: u16, time: Duration) -> Result<Measured, Error> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let output = Command::new(&self.program)
            .args(["--no-vacuum", "--protocol=prepared", "--file=insert.sql"])
            .arg(format!("--client={clients}"))
            .arg(format!("--jobs={}", threads.min(clients.into())))
            .arg(format!("--time={}", time.as_secs()))
            .arg(format!("--define=event={}", self.event))
            .args(["--log", "--log-prefix=log"])
            .arg(format!("--sampling-rate={SAMPLING_RATE}"))
            // Here, and not among the arguments, which everybody on the machine can read.
            .env("PGDATABASE", &self.url)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(system("pgbench"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Error::Pgbench(said));
        }
        // On a busy machine connecting may outlast a warm-up: then it says nothing of a rate.
        let per_second = parse_rate(&text).unwrap_or_default();
        Ok(Measured::sampled(self.take_latencies()?, per_second, time))
    }

    /// The logged latencies; the logs are then removed.
    fn take_latencies(&self) -> Result<Vec<u32>, Error> {
        let mut latencies_us = vec![];
        for entry in std::fs::read_dir(&self.dir).map_err(system("pgbench's logs"))? {
            let path = entry.map_err(system("pgbench's logs"))?.path();
            if path.extension().is_some_and(|kind| kind == "sql") {
                continue;
            }
            let log = std::fs::read_to_string(&path).map_err(system("pgbench's log"))?;
            latencies_us.extend(log.lines().filter_map(parse_latency));
            std::fs::remove_file(&path).map_err(system("pgbench's log"))?;
        }
        Ok(latencies_us)
    }
}

/// From `tps = 15955.12 (without initial connection time)`.
fn parse_rate(output: &str) -> Option<f64> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

/// Microseconds, the third number of a line.
fn parse_latency(line: &str) -> Option<u32> {
    line.split(' ').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbench_prints_is_read() {
        let output = "latency average = 4.0 ms\ntps = 15955.5 (without initial connection time)\n";
        assert_eq!(parse_rate(output), Some(15_955.5));
        assert_eq!(parse_latency("0 12 2417 0 1700000000 123456"), Some(2417));
    }
}

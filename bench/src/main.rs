//! How fast the ledger takes updates, beside the best that the same Postgres can do.
//!
//! Both sides of every pair run on one private cluster, one after the other within a round, so that
//! a noisy machine affects both alike. The ledger is a process of its own, as in production; the load
//! comes from here and shares its cores, as `pgbench` does. What is measured is checked: every
//! answer's status, and at the end that the store holds exactly what was answered.

mod appends;
mod bench;
mod context;
mod error;
mod flat;
mod history;
mod lists;
mod load;
mod options;
mod pgbench;
mod process;
mod rebuild;
mod report;
mod store;
mod visible;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use customer_ledger::config::LogConfig;
use customer_ledger::shutdown::Lifecycle;
use customer_ledger::telemetry;
use devkit::postgres::Postgres;
use devkit::scratch::Scratch;

use crate::context::Bench;
use crate::error::{Error, system};
use crate::options::Options;

/// The ledger's own allocator: the store alone is measured in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let ended = match LogConfig::parse(&options.log) {
        Ok(log) => {
            telemetry::start_logs(&log);
            run(&options).await.map_err(Into::into)
        }
        Err(error) => Err(error.into()),
    };
    report(ended)
}

fn report(ended: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    let Err(error) = ended else {
        return ExitCode::SUCCESS;
    };
    let text = telemetry::chain(error.as_ref());
    drop(writeln!(io::stderr().lock(), "ledger-bench: {text}"));
    ExitCode::FAILURE
}

/// Measures and prints. All that it starts has ended when it returns, also after a signal.
async fn run(options: &Options) -> Result<(), Error> {
    let lifecycle = Lifecycle::default();
    lifecycle.stop_on_signal().map_err(system("signals"))?;
    let dir = Scratch::make(&options.dir, "bench").map_err(|error| Error::Dir {
        path: options.dir.clone(),
        reason: error.to_string(),
    })?;
    let postgres = Postgres::start(&dir.path.join("postgres")).await?;
    let bench = Bench {
        options,
        postgres: &postgres,
        dir: &dir.path,
        stop: &lifecycle.stop,
    };
    let result = tokio::select! {
        result = bench.run() => result,
        () = lifecycle.stop.cancelled() => Err(Error::Interrupted),
    };
    let elsewhere = postgres.data_dir().to_owned();
    postgres.stop_immediately().await?;
    // As root the cluster may live in another place than the one asked for.
    drop(std::fs::remove_dir_all(elsewhere));
    let report = result?;
    let text = if options.json {
        report.json()
    } else {
        report.table()
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .map_err(system("printing failed"))
}

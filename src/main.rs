//! The program `ledger`: parses the command line, and hands it to [`customer_ledger::cli`].

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use customer_ledger::cli::error::UsageError;
use customer_ledger::cli::{Arguments, run};
use customer_ledger::telemetry;

/// An update makes many short-lived texts on two threads; the system's allocator spends a quarter
/// of its processor time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code of what was asked wrongly, by clap as by the ledger.
const USAGE: u8 = 2;
/// How long threads that talk to Kafka may take to notice that all else has ended.
const THREADS_MAX: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // A wrong command line ends here, with clap's own message.
    let arguments = Arguments::parse();
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let ended = runtime.block_on(run(arguments));
            runtime.shutdown_timeout(THREADS_MAX);
            ended
        }
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not through the log: `LEDGER_LOG` may be what is wrong, or turned down.
            drop(writeln!(
                io::stderr().lock(),
                "ledger: {}",
                telemetry::chain(error.as_ref())
            ));
            if error.is::<UsageError>() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

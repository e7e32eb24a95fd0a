//! The command line: parses the arguments and calls the library.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use customer_ledger::config::{Settings, help};
use customer_ledger::serve::Roles;
use customer_ledger::shutdown::Lifecycle;
use customer_ledger::{bench, dev, migrations, serve, telemetry, tokens};

/// An update makes many short-lived texts on two threads; the system's allocator spends a quarter
/// of its processor time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One ledger of what happened to every customer, written through two shops' own HTTP contracts.
#[derive(Parser)]
#[command(name = "ledger", version, after_help = help())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the contracts, relay to Kafka, build the views.
    Serve {
        /// What this process does, separated by commas.
        #[arg(long, default_value = "api,relay,projector")]
        roles: Roles,
    },
    /// Bring the database to this version, as its owner.
    Migrate,
    /// Run everything on this machine, with a demo store.
    Dev,
    /// Measure how fast the ledger is, beside pgbench on the same Postgres.
    Bench(bench::Options),
    /// Grant access, and print the token once.
    #[command(subcommand)]
    Token(tokens::Token),
}

#[tokio::main]
async fn main() -> ExitCode {
    // A wrong command line ends here, with clap's own message.
    let arguments = Arguments::parse();
    match run(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_environment()?;
    telemetry::start_logs(&settings.get("LEDGER_LOG").unwrap_or_default());
    match command {
        Command::Serve { roles } => {
            telemetry::start_metrics();
            let config = settings.config()?;
            let listener = serve::listen(&config).await?;
            let lifecycle = Lifecycle::default();
            lifecycle.stop_on_signal()?;
            let address = listener.local_addr()?;
            let ready = || tracing::info!(%address, "ready");
            Ok(serve::serve(config, roles, listener, &lifecycle, ready).await?)
        }
        Command::Migrate => {
            let owner = settings.get("DATABASE_OWNER_URL");
            let url = owner.map_or_else(|| settings.required("DATABASE_URL"), Ok)?;
            Ok(migrations::migrate(&url).await?)
        }
        Command::Dev => {
            telemetry::start_metrics();
            Ok(dev::run(settings).await?)
        }
        Command::Bench(options) => Ok(bench::run(&settings, &options).await?),
        Command::Token(token) => Ok(tokens::make(&settings, token).await?),
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

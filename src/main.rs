//! The command line: parses the arguments and calls the library.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use customer_ledger::config::{Settings, help};
use customer_ledger::owner::Wrong;
use customer_ledger::serve::Roles;
use customer_ledger::shutdown::Lifecycle;
use customer_ledger::{
    access_log, apps, bench, bisect, dev, epoch, explain, fixture, fold, migrations, questions,
    rebuild, replay, serve, telemetry, tokens, users,
};

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
    /// The apps that ask through SHOPLINE's contract.
    #[command(subcommand)]
    App(apps::App),
    /// Go on after positions were lost.
    #[command(subcommand)]
    Epoch(epoch::Epoch),
    /// Who opened whose personal data, when and why.
    AccessLog(access_log::Options),
    /// The first event at which something turned true of a customer, or two releases part.
    Bisect(bisect::Options),
    /// What became of a request: its events or its refusal, their way through Kafka, and the views.
    Explain(explain::Options),
    /// What this release makes of records: documents, for `bisect --against`.
    #[command(hide = true)]
    Fold,
    /// A customer's events as a fixture for tests, without personal data.
    Fixture(fixture::Options),
    /// What happened to a customer, a line an event.
    Log(questions::command::Log),
    /// A customer as a shop shows it, now or at any time before.
    Show(questions::command::Show),
    /// What differs between two times, and by which event.
    Diff(questions::command::Diff),
    /// Which event made each value what it is.
    Blame(questions::command::Blame),
    /// Step through a customer's life.
    Replay(replay::Options),
    /// Make a contract's views anew from the events, while reads and writes go on; or compare them.
    Rebuild(rebuild::Options),
    /// The people who sign in through Medusa's contract.
    #[command(subcommand)]
    User(users::User),
}

/// The exit code of what was asked wrongly, by clap as by the ledger.
const WRONG: u8 = 2;
/// How long threads that talk to Kafka may take to notice that all else has ended.
const THREADS_MAX: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // A wrong command line ends here, with clap's own message.
    let arguments = Arguments::parse();
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let ended = runtime.block_on(run(arguments.command));
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
            if error.is::<Wrong>() {
                ExitCode::from(WRONG)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_environment()?;
    telemetry::start_logs(&settings.required("LEDGER_LOG")?)?;
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
            let (setting, url) = settings.owner_url()?;
            Ok(migrations::migrate_at(setting, &url).await?)
        }
        Command::Dev => {
            telemetry::start_metrics();
            Ok(dev::run(settings).await?)
        }
        Command::Bench(options) => Ok(bench::run(&settings, &options).await?),
        Command::Token(token) => Ok(tokens::make(&settings, token).await?),
        Command::App(app) => Ok(apps::run(&settings, app).await?),
        Command::Epoch(epoch) => Ok(epoch::run(&settings, epoch).await?),
        Command::AccessLog(options) => access_log::run(&settings, options).await,
        Command::Bisect(options) => bisect::run(&settings, options).await,
        Command::Explain(options) => explain::run(&settings, options).await,
        Command::Fold => fold::run(),
        Command::Fixture(options) => fixture::run(&settings, options).await,
        Command::Log(log) => log.run(&settings).await,
        Command::Show(show) => show.run(&settings).await,
        Command::Diff(diff) => diff.run(&settings).await,
        Command::Blame(blame) => blame.run(&settings).await,
        Command::Replay(options) => replay::run(&settings, options).await,
        Command::Rebuild(options) => rebuild::run(&settings, options).await,
        Command::User(user) => Ok(users::run(&settings, user).await?),
    }
}

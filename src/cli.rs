//! The command line: one file a command.

mod access_log;
mod app;
mod bisect;
mod blame;
#[cfg(feature = "dev")]
pub mod dev;
mod diff;
mod epoch;
pub mod error;
mod explain;
mod fixture;
pub mod fold;
mod log;
mod migrate;
mod operator;
mod owner;
mod query;
mod rebuild;
mod replay;
mod serve;
mod show;
mod table;
mod token;
mod user;

use std::error::Error;

use clap::{Parser, Subcommand};

use crate::config::{Settings, help};
use crate::telemetry;

/// One ledger of what happened to every customer, written through two shops' own HTTP contracts.
#[derive(Parser)]
#[command(name = "ledger", version, after_help = help())]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the contracts, relay to Kafka, build the views.
    Serve(serve::Options),
    /// Bring the database to this version, as its owner.
    Migrate,
    /// Run everything on this machine, with a demo store.
    #[cfg(feature = "dev")]
    Dev,
    /// Grant access, and print the token once.
    #[command(subcommand)]
    Token(token::Token),
    /// The apps that ask through SHOPLINE's contract.
    #[command(subcommand)]
    App(app::App),
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
    Log(log::Log),
    /// A customer as a shop shows it, now or at any time before.
    Show(show::Show),
    /// What differs between two times, and by which event.
    Diff(diff::Diff),
    /// Which event made each value what it is.
    Blame(blame::Blame),
    /// Step through a customer's life.
    Replay(replay::Options),
    /// Make a contract's views anew from the events, while reads and writes go on; or compare them.
    Rebuild(rebuild::Options),
    /// The people who sign in through Medusa's contract.
    #[command(subcommand)]
    User(user::User),
}

/// Does what the command line asks.
pub async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_environment()?;
    telemetry::start_logs(&settings.read()?);
    match arguments.command {
        Command::Serve(options) => serve::run(&settings, options).await,
        Command::Migrate => migrate::run(&settings).await,
        #[cfg(feature = "dev")]
        Command::Dev => {
            telemetry::start_metrics();
            Ok(dev::run(&settings).await?)
        }
        Command::Token(token) => Ok(token::make(&settings, token).await?),
        Command::App(app) => Ok(app::run(&settings, app).await?),
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
        Command::User(user) => Ok(user::run(&settings, user).await?),
    }
}

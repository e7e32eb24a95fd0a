//! The promises, proven by breaking things.
//!
//! The ledger runs as six processes on a Postgres and a Kafka of its own. Clients ask through both
//! contracts ([`load`]) and write down what they were answered ([`journal`]); meanwhile things go wrong
//! ([`plan`], [`nemesis`]). In the end everything is mended, and the promises are judged from outside
//! ([`checker`]): by the answers, the table of events, the topic and the views. `--mutations` checks the
//! checker: each guard of the ledger is taken away in turn, and its absence has to be found.

mod checker;
mod client;
mod cluster;
mod control;
mod journal;
mod load;
mod mutations;
mod nemesis;
mod plan;
mod report;
mod run;
mod store;
mod topic;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use customer_ledger::database::migrate;
use customer_ledger::event_store::StoreError;
use customer_ledger::shutdown::Lifecycle;
use customer_ledger::telemetry::chain;
use devkit::kafka::{node, topic as topics};
use devkit::postgres;

use self::report::Trial;

/// Torture the ledger, and judge its promises from outside.
#[derive(Parser, Clone, Debug)]
#[command(name = "torture")]
struct Options {
    /// How long the load runs.
    #[arg(long, default_value_t = 2.0, value_parser = minutes)]
    minutes: f64,
    /// What everything is drawn from; another one each time unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// The ledger.
    #[arg(long)]
    program: PathBuf,
    /// Take the guards of the ledger away instead, one at a time, and see that it is found. The program
    /// has to be built with the feature `mutations`.
    #[arg(long, conflicts_with_all = ["minutes", "json"])]
    mutations: bool,
    /// Only the mutations whose name has this in it.
    #[arg(long, default_value = "", requires = "mutations")]
    only: String,
    /// Where to write the report as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_not| "not a number".to_owned())?;
    if (0.2..=600.0).contains(&minutes) {
        Ok(minutes)
    } else {
        Err("from 0.2 to 600".to_owned())
    }
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// A signal came.
    #[error("interrupted; everything that was started has ended")]
    Interrupted,
    /// The program is not there.
    #[error("there is no program {0}: `./dev torture` builds it")]
    NoProgram(PathBuf),
    /// The system did not do something.
    #[error("{what}")]
    System {
        /// What failed.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A process of the ledger did not start.
    #[error("the {0} did not get ready; the end of its log:\n{1}")]
    Member(&'static str, String),
    /// Kafka did not start.
    #[error(transparent)]
    Kafka(#[from] node::Error),
    /// Kafka did not do what was asked.
    #[error("the topic could not be changed")]
    Topic,
    /// The topic could not be read.
    #[error(transparent)]
    Client(#[from] topics::Error),
    /// A request that everything else needs was not answered.
    #[error("the ledger did not answer: {0}")]
    Unanswered(String),
    /// The private Postgres did not start.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    #[error("the database could not be asked")]
    Database(#[from] sqlx::Error),
    /// The tables could not be made.
    #[error(transparent)]
    Migrate(#[from] migrate::Error),
    /// The events could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
}

/// Says what the system did not do.
fn system(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { what, source }
}

/// Tells whoever waits.
fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "torture: {line}"));
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match torture(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&chain(&error));
            ExitCode::from(2)
        }
    }
}

async fn torture(options: Options) -> Result<bool, Error> {
    if !options.program.is_file() {
        return Err(Error::NoProgram(options.program));
    }
    let lifecycle = Lifecycle::default();
    lifecycle.stop_on_signal().map_err(system("signals"))?;
    let seed = options
        .seed
        .unwrap_or_else(|| u64::from(rand::random::<u32>()));
    if options.mutations {
        let (program, only) = (&options.program, &options.only);
        let trials = mutations::try_all(seed, program, only, &lifecycle.stop).await?;
        print(&report::table(&trials))?;
        return Ok(trials.iter().all(Trial::is_right));
    }
    let length = std::time::Duration::from_secs_f64(options.minutes * 60.0);
    say(&format!("seed {seed}, {} minutes", options.minutes));
    let case = run::Case {
        seed,
        length,
        steps: plan::plan(seed, length),
        program: options.program,
        sql: String::new(),
        settings: vec![],
    };
    let report = run::run(&case, &lifecycle.stop).await?;
    if let Some(path) = options.json {
        std::fs::write(path, report.json().to_string()).map_err(system("the report"))?;
    }
    print(&report.markdown())?;
    if !report.holds() {
        say(&format!(
            "promises were broken; --seed {seed} draws the same faults again"
        ));
    }
    Ok(report.holds())
}

fn print(text: &str) -> Result<(), Error> {
    let printed = io::stdout().lock().write_all(text.as_bytes());
    printed.map_err(system("printing failed"))
}

/// The end of a log.
fn tail(log: &str) -> String {
    let skipped = log.lines().count().saturating_sub(20);
    log.lines().skip(skipped).collect::<Vec<_>>().join("\n")
}

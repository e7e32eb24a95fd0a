//! `ledger bench`: how fast the ledger takes updates, beside the best that the same Postgres can do.
//!
//! Both sides of every pair run on one private cluster, one after the other within a round, so that
//! a noisy machine spoils both alike. The ledger is a process of its own, as in production; the load
//! comes from here and shares its cores, as `pgbench` does. What is measured is checked: every
//! answer's status, and at the end that the store holds exactly what was answered.

mod lists;
mod load;
mod pgbench;
mod process;
mod report;
mod store;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use self::load::{Load, Until};
use self::pgbench::Pgbench;
use self::process::{Server, cluster_cpu};
use self::report::{Lists, Machine, Measured, Pair, Part, Report, Sample};
use self::store::Store;
use crate::config::Settings;
use crate::database::DatabaseError;
use crate::dev::postgres::{self, Postgres};
use crate::dev::scratch::Scratch;
use crate::migrations;
use crate::shutdown::Lifecycle;

/// Connections that customers are created and the memory is measured with.
const CONNECTIONS_MANY: usize = 64;
/// How long each side runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long the relay and the projections are waited for once the load has ended.
const CATCH_UP_MAX: Duration = Duration::from_mins(1);

/// How to measure.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Numbers of connections, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64",
          value_parser = clap::value_parser!(u16).range(1..=90))]
    connections: Vec<u16>,
    /// Rounds; the medians are printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// How many customers there are.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    customers: u64,
    /// Requests before the memory is measured.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// Only this section.
    #[arg(long, value_enum)]
    only: Option<Section>,
    /// Where the cluster lives meanwhile: on a real disk, which /tmp often is not.
    #[arg(long, default_value = "/var/tmp")]
    dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A part of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Updates of customers, beside inserts of pgbench.
    Updates,
    /// Pages of 10^5 customers.
    Lists,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
    /// The directory cannot be used.
    #[error("the directory {} cannot be used: {reason}", .path.display())]
    Dir {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// `pgbench` is not installed.
    #[error(
        "pgbench is missing: on Debian the package postgresql has it, elsewhere often \
         postgresql-contrib"
    )]
    NoPgbench,
    /// `pgbench` failed.
    #[error("pgbench failed: {0}")]
    Pgbench(String),
    /// The ledger under test did not start or ended.
    #[error("the ledger under test {what}; the end of its log:\n{log}")]
    Server {
        /// What it did.
        what: &'static str,
        /// The end of its log.
        log: String,
    },
    /// An answer was not the expected one.
    #[error("an answer has the status {status}: {body}")]
    Answer {
        /// Its status.
        status: u16,
        /// The beginning of its body.
        body: String,
    },
    /// The connection to the ledger under test failed.
    #[error("the ledger under test could not be asked")]
    Connection(#[source] io::Error),
    /// A process could not be run or looked at.
    #[error("{what}")]
    System {
        /// What failed.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store does not hold what was answered.
    #[error("{0}")]
    Wrong(String),
    /// The private Postgres did not start.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    /// The database could not be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The tables could not be made.
    #[error(transparent)]
    Migrate(#[from] migrations::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

/// Measures and prints. All that it starts has ended when it returns, also after a signal.
pub async fn run(settings: &Settings, options: &Options) -> Result<(), Error> {
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
        result = bench.run(settings.get("KAFKA_BROKERS")) => result,
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

/// One run.
struct Bench<'a> {
    options: &'a Options,
    postgres: &'a Postgres,
    dir: &'a Path,
    stop: &'a CancellationToken,
}

impl Bench<'_> {
    async fn run(&self, brokers: Option<String>) -> Result<Report, Error> {
        let pgbench = Pgbench::prepare(self.postgres, self.dir).await?;
        let machine = Machine::look(&pgbench.owner).await?;
        let has = |section| self.options.only.is_none_or(|only| only == section);
        let lists = if has(Section::Lists) {
            Some(self.lists().await?)
        } else {
            None
        };
        let api = if has(Section::Updates) {
            Some(self.api_alone(&pgbench).await?)
        } else {
            None
        };
        let all = match (brokers, &api) {
            (Some(brokers), Some(api)) => Some(self.all_roles(&brokers, &api.pairs).await?),
            (Some(_) | None, Some(_) | None) => None,
        };
        Ok(Report {
            machine,
            customers: self.options.customers,
            rounds: self.options.rounds,
            seconds: self.options.seconds,
            api,
            all,
            lists,
        })
    }

    /// Pages of many customers, in a database of their own.
    async fn lists(&self) -> Result<Lists, Error> {
        let store = Store::create(self.postgres, "ledger_lists").await?;
        let server = Server::start(&store, self.dir, "api", None).await?;
        let seconds = Duration::from_secs(self.options.seconds);
        let measured = lists::run(&store, &server, seconds, self.stop).await;
        server.kill().await?;
        measured
    }

    /// Part (a): the API alone against `pgbench`, side by side.
    async fn api_alone(&self, pgbench: &Pgbench) -> Result<Part, Error> {
        let (store, server, load) = self.serve("ledger_api", "api", None).await?;
        let memory = self.memory_after_requests(&server, &load).await?;
        let mut pairs: Vec<Pair> = self.pairs();
        for _ in 0..self.options.rounds {
            for pair in &mut pairs {
                store.checkpoint().await?;
                let inserts = self.inserts(pgbench, pair.connections).await?;
                pair.inserts.push(inserts);
                store.checkpoint().await?;
                let updates = self.updates(&server, &load, pair.connections).await?;
                pair.updates.push(updates);
            }
        }
        self.finish(store, server, &load, pairs, memory, None).await
    }

    /// Part (b): all roles on the same cores. Whatever the relay and the projections have not done
    /// yet would run beside `pgbench`, so the inserts are those of part (a).
    async fn all_roles(&self, brokers: &str, inserts: &[Pair]) -> Result<Part, Error> {
        let roles = "api,relay,projector";
        let (store, server, load) = self.serve("ledger_all", roles, Some(brokers)).await?;
        let memory = self.memory_after_requests(&server, &load).await?;
        let mut pairs = self.pairs();
        for (pair, alone) in pairs.iter_mut().zip(inserts) {
            pair.inserts.clone_from(&alone.inserts);
        }
        for _ in 0..self.options.rounds {
            for pair in &mut pairs {
                store.checkpoint().await?;
                let updates = self.updates(&server, &load, pair.connections).await?;
                pair.updates.push(updates);
            }
        }
        let lag = store.lag().await?;
        let caught_up = store.catch_up(CATCH_UP_MAX).await?;
        let lag = report::Lag {
            at_end: lag,
            caught_up,
        };
        self.finish(store, server, &load, pairs, memory, Some(lag))
            .await
    }

    fn pairs(&self) -> Vec<Pair> {
        let connections = self.options.connections.iter();
        connections
            .map(|&connections| Pair::of(connections))
            .collect()
    }

    /// A ledger of its own with its customers.
    async fn serve(
        &self,
        database: &str,
        roles: &str,
        brokers: Option<&str>,
    ) -> Result<(Store, Server, Arc<Load>), Error> {
        let store = Store::create(self.postgres, database).await?;
        let server = Server::start(&store, self.dir, roles, brokers).await?;
        let mut load = Load::new(server.address, store.api_token.clone());
        load.create(CONNECTIONS_MANY, self.options.customers, self.stop)
            .await?;
        // What was loaded in bulk is planned as what it is.
        store.analyze().await?;
        Ok((store, server, Arc::new(load)))
    }

    async fn memory_after_requests(&self, server: &Server, load: &Arc<Load>) -> Result<u64, Error> {
        let until = Until::Answers(self.options.requests);
        load.update(CONNECTIONS_MANY, until, self.stop).await?;
        server.resident_bytes()
    }

    async fn inserts(&self, pgbench: &Pgbench, connections: u16) -> Result<Sample, Error> {
        pgbench.run(connections, WARM_UP).await?;
        let before = cluster_cpu(self.postgres)?;
        let seconds = Duration::from_secs(self.options.seconds);
        let measured = pgbench.run(connections, seconds).await?;
        let cpu = cluster_cpu(self.postgres)?.saturating_sub(before);
        Ok(Sample::new(measured, cpu, Duration::ZERO))
    }

    async fn updates(
        &self,
        server: &Server,
        load: &Arc<Load>,
        connections: u16,
    ) -> Result<Sample, Error> {
        let many = usize::from(connections);
        load.update(many, Until::Time(WARM_UP), self.stop).await?;
        let before = (cluster_cpu(self.postgres)?, server.cpu()?);
        let seconds = Duration::from_secs(self.options.seconds);
        let measured: Measured = load.update(many, Until::Time(seconds), self.stop).await?;
        let postgres = cluster_cpu(self.postgres)?.saturating_sub(before.0);
        let ledger = server.cpu()?.saturating_sub(before.1);
        Ok(Sample::new(measured, postgres, ledger))
    }

    /// Ends the ledger, and checks that the store holds exactly what it answered.
    async fn finish(
        &self,
        store: Store,
        server: Server,
        load: &Load,
        pairs: Vec<Pair>,
        memory: u64,
        lag: Option<report::Lag>,
    ) -> Result<Part, Error> {
        let memory_at_end = server.resident_bytes()?;
        server.kill().await?;
        let answered = load.answered();
        let event_bytes = store.check(self.options.customers, answered).await?;
        Ok(Part {
            pairs,
            requests: self.options.requests,
            memory,
            answered,
            memory_at_end,
            event_bytes,
            lag,
        })
    }
}

/// Says what the system did not do.
fn system(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { what, source }
}

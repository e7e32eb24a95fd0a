//! `ledger bench`: how fast the ledger takes updates, beside the best that the same Postgres can do.
//!
//! Both sides of every pair run on one private cluster, one after the other within a round, so that
//! a noisy machine spoils both alike. The ledger is a process of its own, as in production; the load
//! comes from here and shares its cores, as `pgbench` does. What is measured is checked: every
//! answer's status, and at the end that the store holds exactly what was answered.

mod appends;
mod flat;
mod history;
mod lists;
mod load;
mod pgbench;
mod process;
mod rebuild;
mod report;
mod store;
mod visible;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use self::appends::{Appends, Change};
use self::load::{Ask, Load, Until};
use self::pgbench::Pgbench;
use self::process::{Server, cluster_cpu};
use self::report::{Beside, Lists, Machine, Measured, Pair, Part, Report, Row, Sample, Table};
use self::store::Store;
use crate::cli::dev::postgres::{self, Postgres};
use crate::cli::dev::scratch::Scratch;
use crate::config::{ConfigError, Settings, kafka};
use crate::database::DatabaseError;
use crate::database::migrate;
use crate::shutdown::Lifecycle;

/// Connections that customers are created and the memory is measured with.
const CONNECTIONS_MANY: usize = 64;
/// Connections that share a load that is not the greatest.
const CONNECTIONS_PACED: usize = 16;
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
    /// Customers of the large table that updates and questions to the past are measured beside.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    table: u32,
    /// Events that views are rebuilt from.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    events: u32,
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
    /// Updates and reads of customers over HTTP, beside inserts of pgbench.
    Updates,
    /// Appends of the store alone, beside inserts of pgbench.
    Appends,
    /// Updates of a long stream, and in a large table.
    Flat,
    /// Pages of 10^5 customers.
    Lists,
    /// Questions to the past of a long stream.
    History,
    /// Views made anew from the events, beside COPY of them.
    Rebuild,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
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
    Migrate(#[from] migrate::Error),
    /// Views could not be made anew.
    #[error(transparent)]
    Rebuild(#[from] crate::rebuild::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

/// Measures and prints. All that it starts has ended when it returns, also after a signal.
pub async fn run(settings: &Settings, options: &Options) -> Result<(), Error> {
    let kafka::Section { brokers, .. } = settings.read()?;
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
        result = bench.run(brokers) => result,
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
        let mut tables = vec![];
        let api = if has(Section::Updates) {
            Some(self.api_alone(&pgbench, &mut tables).await?)
        } else {
            None
        };
        let all = match (&brokers, &api) {
            (Some(brokers), Some(api)) => {
                Some(self.all_roles(brokers, &api.pairs, &mut tables).await?)
            }
            (Some(_) | None, Some(_) | None) => None,
        };
        if has(Section::Appends) {
            tables.push(self.appends(&pgbench).await?);
        }
        if has(Section::Flat) {
            tables.push(flat::run(self, self.options.table).await?);
        }
        if has(Section::History) {
            tables.push(history::run(self, self.options.table).await?);
        }
        if has(Section::Rebuild) {
            let events = self.options.events;
            tables.extend(rebuild::run(self, events, brokers.as_deref()).await?);
        }
        Ok(Report {
            machine,
            customers: self.options.customers,
            rounds: self.options.rounds,
            seconds: self.options.seconds,
            api,
            all,
            lists,
            tables,
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
    async fn api_alone(&self, pgbench: &Pgbench, tables: &mut Vec<Table>) -> Result<Part, Error> {
        let (store, server, load) = self.serve("ledger_api", "api", None).await?;
        let memory = self.memory_after_requests(&server, &load).await?;
        let mut pairs: Vec<Pair> = self.pairs();
        let mut reads: Vec<Vec<Measured>> = pairs.iter().map(|_| vec![]).collect();
        for _ in 0..self.options.rounds {
            for (pair, reads) in pairs.iter_mut().zip(&mut reads) {
                store.checkpoint().await?;
                let inserts = self.inserts(pgbench, pair.connections).await?;
                pair.inserts.push(inserts);
                store.checkpoint().await?;
                let updates = self.updates(&server, &load, pair.connections).await?;
                pair.updates.push(updates);
                reads.push(self.asked(Ask::Read, &load, pair.connections).await?);
            }
        }
        tables.push(Table {
            name: "reads",
            heading: "GET /admin/customers/{id}, in the rounds of (a)".to_owned(),
            rows: pairs
                .iter()
                .zip(reads)
                .map(|(pair, reads)| {
                    let updates = Sample::measured(&pair.updates);
                    let beside = Beside::rate("the updates", &reads, &updates);
                    Row::new(connections(pair.connections), reads, Some(beside))
                })
                .collect(),
        });
        tables.push(self.two_processes(&store, &load).await?);
        self.finish(store, server, &load, pairs, memory, None).await
    }

    /// One more process of the same ledger: updates at one of them and at both, in turns.
    async fn two_processes(&self, store: &Store, load: &Arc<Load>) -> Result<Table, Error> {
        let second = Server::start(store, self.dir, "api", None).await?;
        let both = Arc::new(load.and_at(second.address));
        let most = self.options.connections.iter().copied().max();
        let most = most.unwrap_or_default();
        let (mut at_one, mut at_both) = (vec![], vec![]);
        for _ in 0..self.options.rounds {
            for (load, samples) in [(load, &mut at_one), (&both, &mut at_both)] {
                store.checkpoint().await?;
                samples.push(self.asked(Ask::Update, load, most).await?);
            }
        }
        second.kill().await?;
        let beside = Beside::rate("one", &at_both, &at_one);
        Ok(Table {
            name: "processes",
            heading: format!(
                "updates over {} at one and at two processes",
                connections(most)
            ),
            rows: vec![
                Row::new("one", at_one, None),
                Row::new("two", at_both, Some(beside)),
            ],
        })
    }

    /// The store alone against `pgbench`.
    async fn appends(&self, pgbench: &Pgbench) -> Result<Table, Error> {
        let store = Store::create(self.postgres, "ledger_appends").await?;
        let appends = Appends::prepare(&store, self.options.customers).await?;
        store.analyze().await?;
        let seconds = Duration::from_secs(self.options.seconds);
        let mut rows = vec![];
        for &callers in &self.options.connections {
            let (mut inserts, mut samples) = (vec![], Change::ALL.map(|_| vec![]));
            for _ in 0..self.options.rounds {
                store.checkpoint().await?;
                inserts.push(self.inserts(pgbench, callers).await?);
                for (change, samples) in Change::ALL.into_iter().zip(&mut samples) {
                    store.checkpoint().await?;
                    appends.run(callers.into(), change, WARM_UP).await?;
                    samples.push(appends.run(callers.into(), change, seconds).await?);
                }
            }
            let inserts = Sample::measured(&inserts);
            for (change, samples) in Change::ALL.into_iter().zip(samples) {
                let beside = Beside::rate("pgbench", &samples, &inserts);
                let what = format!("{} at {callers}", change.title());
                rows.push(Row::new(what, samples, Some(beside)));
            }
        }
        Ok(Table {
            name: "appends",
            heading:
                "the store alone, without HTTP, in the process of its callers; an e-mail's claim \
                      and mark change hands"
                    .to_owned(),
            rows,
        })
    }

    /// Part (b): all roles on the same cores. Whatever the relay and the projections have not done
    /// yet would run beside `pgbench`, so the inserts are those of part (a).
    async fn all_roles(
        &self,
        brokers: &str,
        inserts: &[Pair],
        tables: &mut Vec<Table>,
    ) -> Result<Part, Error> {
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
        tables.push(self.visible(&store, &server, &load, &pairs).await?);
        self.finish(store, server, &load, pairs, memory, Some(lag))
            .await
    }

    /// How long updates take into the views, at half the load that there can be.
    async fn visible(
        &self,
        store: &Store,
        server: &Server,
        load: &Arc<Load>,
        pairs: &[Pair],
    ) -> Result<Table, Error> {
        let rates = pairs.iter().map(|pair| Sample::rate(&pair.updates));
        let half = rates.fold(0.0, f64::max) / 2.0;
        let paced = Arc::new(load.but_one().at_most(half));
        let seconds = Duration::from_secs(self.options.seconds);
        let mut samples = vec![];
        for _ in 0..self.options.rounds {
            store.catch_up(CATCH_UP_MAX).await?;
            let background = Until::Time(seconds + WARM_UP);
            let (_, watched) = tokio::try_join!(
                paced.run(Ask::Update, CONNECTIONS_PACED, background, self.stop),
                async {
                    tokio::time::sleep(WARM_UP).await;
                    let customer = load.customer();
                    visible::watch(store, server.address, load, customer, seconds).await
                }
            )?;
            samples.push(watched);
        }
        Ok(Table {
            name: "visible",
            heading: format!(
                "from the answer to an update until both views show it, through Kafka, beside {half:.0} \
                 other updates a second"
            ),
            rows: vec![Row::new("visible", samples, None)],
        })
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
        load.run(Ask::Update, CONNECTIONS_MANY, until, self.stop)
            .await?;
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
        self.warm_up(Ask::Update, load, connections).await?;
        let before = (cluster_cpu(self.postgres)?, server.cpu()?);
        let measured = self.measure(Ask::Update, load, connections).await?;
        let postgres = cluster_cpu(self.postgres)?.saturating_sub(before.0);
        let ledger = server.cpu()?.saturating_sub(before.1);
        Ok(Sample::new(measured, postgres, ledger))
    }

    /// Without the processor time, which more than one process may use.
    async fn asked(&self, ask: Ask, load: &Arc<Load>, connections: u16) -> Result<Measured, Error> {
        self.warm_up(ask, load, connections).await?;
        self.measure(ask, load, connections).await
    }

    async fn warm_up(&self, ask: Ask, load: &Arc<Load>, connections: u16) -> Result<(), Error> {
        let until = Until::Time(WARM_UP);
        load.run(ask, connections.into(), until, self.stop).await?;
        Ok(())
    }

    async fn measure(
        &self,
        ask: Ask,
        load: &Arc<Load>,
        connections: u16,
    ) -> Result<Measured, Error> {
        let until = Until::Time(Duration::from_secs(self.options.seconds));
        load.run(ask, connections.into(), until, self.stop).await
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
        let (memory_at_end, ready_after) = (server.resident_bytes()?, server.ready_after);
        server.kill().await?;
        let answered = load.updated();
        let event_bytes = store.check(self.options.customers, answered).await?;
        Ok(Part {
            pairs,
            requests: self.options.requests,
            memory,
            answered,
            memory_at_end,
            event_bytes,
            ready_after,
            lag,
        })
    }
}

fn connections(number: u16) -> String {
    match number {
        1 => "1 connection".to_owned(),
        _ => format!("{number} connections"),
    }
}

/// Says what the system did not do.
fn system(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { what, source }
}

//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measure how fast the ledger is, beside pgbench on the same Postgres.
#[derive(Clone, Debug, Parser)]
#[command(name = "ledger-bench", version)]
pub(crate) struct Options {
    /// Numbers of connections, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64",
          value_parser = clap::value_parser!(u16).range(1..=90))]
    pub(crate) connections: Vec<u16>,
    /// Rounds; the medians are printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) rounds: u16,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
    /// How many customers there are.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) customers: u64,
    /// Requests before the memory is measured.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) requests: u64,
    /// Customers of the large table that updates and questions to the past are measured beside.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) table: u32,
    /// Events that views are rebuilt from.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    pub(crate) events: u32,
    /// Only this section.
    #[arg(long, value_enum)]
    pub(crate) only: Option<Section>,
    /// Where the cluster lives meanwhile: on a real disk, which /tmp often is not.
    #[arg(long, default_value = "/var/tmp")]
    pub(crate) dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// A Kafka; without one only the API is measured.
    #[arg(long, env = "KAFKA_BROKERS", hide_env_values = true)]
    pub(crate) kafka_brokers: Option<String>,
    /// A level, or a list of target=level.
    #[arg(long, env = "LEDGER_LOG", default_value = "info")]
    pub(crate) log: String,
}

/// A part of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
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

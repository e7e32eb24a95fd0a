//! Why there are no figures.

use std::io;
use std::path::PathBuf;

use customer_ledger::database::{DatabaseError, migrate};
use devkit::postgres;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
    #[error("the directory {} cannot be used: {reason}", .path.display())]
    Dir {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The program to measure was not built.
    #[error("there is no {}: `cargo build --release --bin ledger` makes it", .0.display())]
    NoLedger(PathBuf),
    /// `pgbench` is not installed.
    #[error(
        "pgbench is missing: on Debian the package postgresql has it, elsewhere often \
         postgresql-contrib"
    )]
    NoPgbench,
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
    Rebuild(#[from] customer_ledger::rebuild::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

/// Says what the system did not do.
pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { what, source }
}

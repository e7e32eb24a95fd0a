//! Everything that was asked, and what was answered: all that the checker knows of the requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// One request as it was sent and answered.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Its id, which the ledger writes into the metadata of whatever it records for it.
    pub(crate) request: String,
    /// Which process was asked.
    pub(crate) door: usize,
    /// When it was sent, from the start of the load.
    pub(crate) begin: Duration,
    /// When it was answered, or given up.
    pub(crate) end: Duration,
    /// What it asks.
    pub(crate) ask: Ask,
    /// What became of it.
    pub(crate) outcome: Outcome,
}

/// What a request asks.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// To change something.
    Write(Write),
    /// One customer by its id in a shop.
    Read(usize),
    /// A page of customers on which this one belongs.
    List(usize),
}

/// A request to change something.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    /// The customer, by the load's own number.
    pub(crate) customer: usize,
    /// Its idempotency key.
    pub(crate) key: Option<String>,
    /// What has to become of it once it is done.
    pub(crate) expects: Expects,
    /// The number it gives the customer, in the first name. One customer's numbers rise.
    pub(crate) sets: Option<u64>,
    /// The number that its answer has to show.
    pub(crate) shows: Option<u64>,
    /// Whether it deletes the customer.
    pub(crate) deletes: bool,
}

/// What has to become of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expects {
    /// Exactly these types of events, in this order, and an answer with success.
    Events(Vec<&'static str>),
    /// No event, and a refusal.
    Refusal,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered with success.
    Answered(Answer),
    /// It was refused: this status, 400 to 499.
    Refused(u16),
    /// Nobody knows: no answer came, or one that says that the ledger does not know.
    Unknown(String),
}

/// An answer, as far as it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// A digest of the body.
    pub(crate) digest: String,
    /// The number of the customer that it shows.
    pub(crate) shows: Option<u64>,
    /// Whether it says that it may be behind.
    pub(crate) behind: bool,
}

/// Collects attempts from everywhere.
pub(crate) struct Journal {
    start: Instant,
    attempts: Mutex<Vec<Attempt>>,
}

impl Journal {
    /// An empty one; its time starts now.
    pub(crate) fn begin() -> Self {
        Self {
            start: Instant::now(),
            attempts: Mutex::default(),
        }
    }

    /// The time since its start.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// When a time of the journal is.
    pub(crate) fn at(&self, time: Duration) -> Instant {
        self.start + time
    }

    /// Writes down an attempt.
    pub(crate) fn note(&self, attempt: Attempt) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.push(attempt);
    }

    /// Everything so far, in the order of its ends.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        let attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempts = attempts.clone();
        attempts.sort_by_key(|attempt| attempt.end);
        attempts
    }
}

impl Attempt {
    /// What it asks to change.
    pub(crate) const fn write(&self) -> Option<&Write> {
        match &self.ask {
            Ask::Write(write) => Some(write),
            Ask::Read(_) | Ask::List(_) => None,
        }
    }

    /// Its answer with success.
    pub(crate) const fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Answered(answer) => Some(answer),
            Outcome::Refused(_) | Outcome::Unknown(_) => None,
        }
    }
}

//! How a part of the ledger stands with Kafka, said once per change.

use std::fmt;
use std::mem::discriminant;

use tokio::sync::watch;

/// How the relay or a projector stands with Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KafkaStatus {
    /// It is starting.
    #[default]
    Starting,
    /// It works.
    Working,
    /// Another process is the relay; this one takes over when that one ends.
    Waiting,
    /// It tries again and again; the text says what is in the way.
    Away(String),
    /// It stopped for good and needs a person; the text says why.
    Stopped(String),
}

impl fmt::Display for KafkaStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Working => f.write_str("working"),
            Self::Waiting => f.write_str("waiting"),
            Self::Away(why) => write!(f, "away: {why}"),
            Self::Stopped(why) => write!(f, "stopped: {why}"),
        }
    }
}

/// Publishes a status, and logs it when it is of another kind than the last one.
#[derive(Clone)]
pub(crate) struct Reporter {
    who: String,
    status: watch::Sender<KafkaStatus>,
}

impl Reporter {
    pub(crate) fn new(who: impl Into<String>, status: watch::Sender<KafkaStatus>) -> Self {
        let who = who.into();
        Self { who, status }
    }

    pub(crate) fn set(&self, status: KafkaStatus) {
        let mut changed = false;
        let kept = status.clone();
        self.status.send_if_modified(|last| {
            changed = discriminant(last) != discriminant(&status);
            let differs = *last != status;
            *last = status;
            differs
        });
        if !changed {
            return;
        }
        match kept {
            KafkaStatus::Starting | KafkaStatus::Working | KafkaStatus::Waiting => {
                tracing::info!(status = %kept, "{}", self.who);
            }
            KafkaStatus::Away(_) => tracing::warn!(status = %kept, "{}", self.who),
            KafkaStatus::Stopped(_) => tracing::error!(status = %kept, "{}", self.who),
        }
    }

    /// Says that an error is in the way, with its causes.
    pub(crate) fn away(&self, error: &dyn std::error::Error) {
        self.set(KafkaStatus::Away(chain(error)));
    }

    /// Says that an error ended it.
    pub(crate) fn stopped(&self, error: &dyn std::error::Error) {
        self.set(KafkaStatus::Stopped(chain(error)));
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

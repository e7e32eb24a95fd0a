//! What keeps the relay from going on.

use events::ids::Position;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::loss::Loss;
use crate::event_store::StoreError;
use crate::kafka::message::Unreadable;

/// What keeps the relay from going on, for now or for good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka has records of a ledger that went on without the end of this one.
    #[error(
        "positions {}..{} are lost: {} has them, and the store has not, or has others in their \
         place. It was restored, or failed over to a copy that lagged. Nothing is sent to Kafka \
         until a person accepts that: `ledger epoch advance --accept-loss {}..{}`",
        .0.first, .0.last, .0.topics.join(" and "), .0.first, .0.last
    )]
    Lost(Box<Loss>),
    /// A message in the topic is no record of this ledger.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A record is larger than what Kafka takes.
    #[error("the record at position {0} is larger than a message may be")]
    TooLarge(Position),
    /// The store has not, any more, the record that was sent last.
    #[error("the store went back behind position {0}")]
    WentBack(Position),
    /// The topic was made anew, or lost its end, while the relay used it.
    #[error("the topic lost records")]
    TopicShrank,
    /// The session that holds the lease ended.
    #[error("the relay's lease was lost")]
    LeaseLost,
    /// Kafka was asked to create the topic, and does not show it yet: tried again.
    #[error("the topic is not there yet")]
    TopicMissing,
    /// A partition of the topic cannot be asked.
    #[error("a partition of the topic has no leader")]
    NoLeader,
    /// The store did not answer.
    #[error("the store could not be read")]
    Store(#[from] sqlx::Error),
    /// A record could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// Kafka did not do what was asked.
    #[error("kafka did not answer as it should")]
    Kafka(#[from] KafkaError),
    /// A thread that talked to Kafka panicked.
    #[error("the thread that talks to kafka failed")]
    Thread(#[from] tokio::task::JoinError),
}

impl Error {
    pub(super) const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Lost(_) | Self::Unreadable(_) | Self::TooLarge(_)
        )
    }

    /// Whether to give up the lease: another process may be the relay by now.
    pub(super) fn gives_up_lease(&self) -> bool {
        match self {
            Self::LeaseLost => true,
            Self::Kafka(error) => is_fenced(error),
            Self::Lost(_)
            | Self::Unreadable(_)
            | Self::TooLarge(_)
            | Self::WentBack(_)
            | Self::TopicShrank
            | Self::TopicMissing
            | Self::NoLeader
            | Self::Store(_)
            | Self::Read(_)
            | Self::Thread(_) => false,
        }
    }
}

/// Whether a newer producer took over, or the coordinator gave this one up.
fn is_fenced(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(transaction)
        if transaction.code() == RDKafkaErrorCode::Fenced)
}

//! Kafka → views: every record's effect once, whatever is killed, redelivered, rebalanced,
//! re-created or lost on the way.
//!
//! Each projection is a consumer group. Its offsets stand in Postgres and change in the transaction
//! that changes its views ([`offsets`], [`views`]), so the two never disagree. Kafka is only the
//! carrier: each record names the one before it in its partition, and what the topic does not
//! bring, lost, truncated, or made anew, comes from the store. Only the thread in [`worker`]
//! decides when; [`consumer`] talks to Kafka, and [`mod@watermark`] says how far a projection is.
//!
//! A record that cannot be read ends its projection, which says where it stands. Nothing is
//! skipped. So does a record that the store has not: what a restored store lost is in no view.

mod behind;
mod consumer;
mod offsets;
mod polls;
mod views;
mod watermark;
mod worker;

use std::sync::Arc;

use events::ids::{Position, StreamId};
pub use projections::Projection;
use projections::{View, Visitor, table};
use rdkafka::error::KafkaError;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::watermark::{Progress, Watcher, progress, watermark};
use self::worker::Worker;
use crate::event_store::StoreError;
use crate::event_store::keys::keyring::Keyring;
use crate::kafka::message::Unreadable;
use crate::kafka::{KafkaConfig, KafkaStatus, Reporter};

/// Forgets everything of a projection, views and offsets, so that it starts over from the topic. A
/// running projector notices that its offsets are gone: the views have to go with them, or it fills
/// them again before they go.
pub async fn clear(
    projection: Projection,
    transaction: &mut Transaction<'_, Postgres>,
) -> Result<(), sqlx::Error> {
    // Offsets first, as projectors do: two that lock in the same order never block each other.
    sqlx::query("delete from projection_offsets where projection = $1")
        .bind(projection.name())
        .execute(&mut **transaction)
        .await?;
    projection.visit(&mut Clear(transaction)).await
}

/// Empties the tables of views.
struct Clear<'a>(&'a mut PgConnection);

impl Visitor for Clear<'_> {
    type Error = sqlx::Error;

    async fn visit<V: View>(&mut self) -> Result<(), sqlx::Error> {
        table::clear::<V>(self.0).await
    }
}

/// What a projector has to know.
#[derive(Clone, Debug)]
pub struct ProjectorConfig {
    /// Where records come from.
    pub kafka: KafkaConfig,
}

impl ProjectorConfig {
    /// The usual configuration.
    pub const fn new(kafka: KafkaConfig) -> Self {
        Self { kafka }
    }
}

/// What keeps a projector from going on, for now or for good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A message in the topic is no record of this ledger.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A record does not open or decode.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// A record does not follow what the view has, and the store lacks what is between.
    #[error("the record at position {position} does not follow the view of stream {stream}")]
    Incomplete {
        /// The record's position.
        position: Position,
        /// Its stream.
        stream: StreamId,
    },
    /// The topic has a record that the store has not.
    #[error(
        "the store has not the record that the topic has at position {0}: it was restored, or \
         failed over to a copy that lagged"
    )]
    Lost(Position),
    /// The topic is gone while records are fetched that it should have brought.
    #[error("the topic is gone")]
    TopicGone,
    /// Another projector moved a row or an offset; both are read again.
    #[error("another projector went on")]
    Overtaken,
    /// The database did not answer.
    #[error("the views could not be read or written")]
    Store(#[from] sqlx::Error),
    /// The database did not say where to go on in partitions that were just handed out.
    #[error("the partitions handed out could not be taken over")]
    Assignment(#[source] sqlx::Error),
    /// Kafka did not do what was asked.
    #[error("kafka did not answer as it should")]
    Kafka(#[from] KafkaError),
    /// A panic of the thread; its message is in the log.
    #[error("the projector's thread failed")]
    Thread(#[from] tokio::task::JoinError),
}

impl Error {
    const fn is_final(&self) -> bool {
        match self {
            Self::Unreadable(_)
            | Self::Incomplete { .. }
            | Self::Lost(_)
            | Self::Read(StoreError::Corrupt(_) | StoreError::Lost)
            | Self::Thread(_) => true,
            Self::Read(StoreError::Unavailable(_) | StoreError::Unknown(_))
            | Self::TopicGone
            | Self::Overtaken
            | Self::Store(_)
            | Self::Assignment(_)
            | Self::Kafka(_) => false,
        }
    }

    const fn needs_new_consumer(&self) -> bool {
        matches!(self, Self::Kafka(_) | Self::Assignment(_))
    }
}

/// Projects until stopped. Several processes share the partitions.
///
/// Returns an error only when a person has to look: a record cannot be read.
pub async fn run(
    config: ProjectorConfig,
    pool: PgPool,
    keyring: Arc<Keyring>,
    projection: Projection,
    stop: CancellationToken,
    status: watch::Sender<KafkaStatus>,
) -> Result<(), Error> {
    let report = Reporter::new(format!("the projector of {}", projection.name()), status);
    // When this future is dropped, the thread ends as well.
    let stop = stop.child_token();
    let _guard = stop.clone().drop_guard();
    let worker = Worker {
        config: config.kafka,
        pool,
        keyring,
        projection,
        runtime: Handle::current(),
        stop,
        report: report.clone(),
    };
    let ended = tokio::task::spawn_blocking(move || worker.run()).await;
    let result = ended.map_err(Error::Thread).flatten();
    if let Err(error) = &result {
        report.stopped(error);
    }
    result
}

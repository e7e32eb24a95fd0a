//! postgres-es' repository over the ledger's table: its reads, opened; its writes, through `append`.
//!
//! With it cqrs-es' `PersistedEventStore` loads and commits the ledger's streams. The crate's own
//! INSERT is never used: it would write without a position, without claims and unsealed.

use std::sync::Arc;

use cqrs_es::persist::{
    PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot,
};
use cqrs_es::{Aggregate, EventStore as _};
use events::ids::{Sequence, StreamId};
use events::record::StreamKind;
use postgres_es::PostgresEventRepository;
use serde_json::Value;

use crate::domain::customer::Customer;
use crate::domain::group::CustomerGroup;
use crate::event_store::keys::seal::SealContext;
use crate::event_store::keys::unseal::{unseal_metadata, unseal_payload};
use crate::event_store::reader;
use crate::event_store::{Ledger, Loaded, Stream};

/// The ledger as a repository of cqrs-es.
pub struct Repository {
    ledger: Arc<Ledger>,
    inner: PostgresEventRepository,
}

impl Repository {
    /// The repository of a ledger.
    pub fn new(ledger: Arc<Ledger>) -> Self {
        let inner = PostgresEventRepository::new(ledger.pool.clone());
        Self { ledger, inner }
    }

    async fn open(
        &self,
        stream: &str,
        mut events: Vec<SerializedEvent>,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let stream = &StreamId::new(stream);
        let mut connection = self.ledger.pool.acquire().await.map_err(unknown)?;
        let keys = reader::keys(&mut connection, &self.ledger.keyring, &[stream])
            .await
            .map_err(unknown)?;
        let key = keys.get(stream).map(AsRef::as_ref);
        for event in &mut events {
            let sequence = Sequence::new(i64::try_from(event.sequence).map_err(unknown)?);
            let place = SealContext {
                store: &self.ledger.store,
                stream,
                sequence,
            };
            if event.aggregate_type == StreamKind::Customer.name() {
                unseal_payload(key, place, &mut event.payload).map_err(unknown)?;
            }
            if let Value::Object(metadata) = &mut event.metadata {
                unseal_metadata(key, place, metadata).map_err(unknown)?;
            }
        }
        Ok(events)
    }

    async fn append<S: Stream>(&self, events: &[SerializedEvent]) -> Result<(), PersistenceError> {
        let Some(first) = events.first() else {
            return Ok(());
        };
        let first_sequence = Sequence::new(i64::try_from(first.sequence).map_err(unknown)?);
        let context: Loaded<S> = self
            .ledger
            .load_until(
                &StreamId::new(first.aggregate_id.as_str()),
                first_sequence.previous(),
            )
            .await
            .map_err(unknown)?;
        let metadata = serde_json::from_value(first.metadata.clone())?;
        let events = events
            .iter()
            .map(|event| serde_json::from_value(event.payload.clone()))
            .collect::<Result<Vec<S::Event>, _>>()?;
        match self.ledger.commit(events, context, metadata).await {
            Ok(_) => Ok(()),
            Err(cqrs_es::AggregateError::AggregateConflict) => {
                Err(PersistenceError::OptimisticLockError)
            }
            Err(error) => Err(PersistenceError::UnknownError(error.to_string().into())),
        }
    }
}

impl PersistedEventRepository for Repository {
    async fn get_events<A: Aggregate>(
        &self,
        stream: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let events = self.inner.get_events::<A>(stream).await?;
        self.open(stream, events).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        stream: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let events = self
            .inner
            .get_last_events::<A>(stream, last_sequence)
            .await?;
        self.open(stream, events).await
    }

    /// There are no snapshots of cqrs-es' kind.
    async fn get_snapshot<A: Aggregate>(
        &self,
        _stream: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        _snapshot: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        match StreamKind::parse(A::TYPE) {
            Some(StreamKind::Customer) => self.append::<Customer>(events).await,
            Some(StreamKind::CustomerGroup) => self.append::<CustomerGroup>(events).await,
            None => Err(PersistenceError::UnknownError(
                format!("the ledger has no streams of type {}", A::TYPE).into(),
            )),
        }
    }

    async fn stream_events<A: Aggregate>(
        &self,
        stream: &str,
    ) -> Result<ReplayStream, PersistenceError> {
        self.inner.stream_events::<A>(stream).await
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        self.inner.stream_all_events::<A>().await
    }
}

fn unknown(error: impl std::error::Error + Send + Sync + 'static) -> PersistenceError {
    PersistenceError::UnknownError(Box::new(error))
}

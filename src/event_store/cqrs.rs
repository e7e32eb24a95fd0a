//! The store as cqrs-es sees it: for its tools and frameworks, over the same append and the same reads.

pub mod repository;

use std::collections::HashMap;

use cqrs_es::{AggregateContext, AggregateError, EventEnvelope, EventStore};
use events::ids::{Sequence, StreamId};
use events::record::{Metadata, Record};
use serde_json::{Map, Value};

use super::StoreError;
use super::append::Verdict;
use super::reader;
use super::{ExecuteError, Ledger, Loaded, Stream};

impl<S: Stream> AggregateContext<S> for Loaded<S> {
    fn aggregate(&mut self) -> &mut S {
        &mut self.aggregate
    }
}

impl<S: Stream> EventStore<S> for Ledger {
    type AC = Loaded<S>;

    async fn load_events(
        &self,
        stream: &str,
    ) -> Result<Vec<EventEnvelope<S>>, AggregateError<S::Error>> {
        let stream = &StreamId::new(stream);
        let mut connection = self.pool.acquire().await.map_err(database)?;
        let stored = reader::stream(
            &mut *connection,
            S::KIND,
            stream,
            Sequence::START,
            Sequence::MAX,
        )
        .await
        .map_err(unread)?;
        let keys = reader::keys(&mut connection, &self.keyring, &[stream])
            .await
            .map_err(unread)?;
        stored
            .iter()
            .map(|stored| {
                let record: Record<S::Event> =
                    reader::decode(stored, keys.get(stream).map(AsRef::as_ref)).map_err(unread)?;
                Ok(envelope(record))
            })
            .collect()
    }

    async fn load_aggregate(&self, stream: &str) -> Result<Loaded<S>, AggregateError<S::Error>> {
        self.load::<S>(&StreamId::new(stream))
            .await
            .map(|loaded| (*loaded).clone())
            .map_err(unread)
    }

    async fn commit(
        &self,
        events: Vec<S::Event>,
        context: Loaded<S>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<S>>, AggregateError<S::Error>> {
        let flat: Map<String, Value> = metadata
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        let metadata = Metadata::from_flat(&flat)
            .map_err(|error| AggregateError::DeserializationError(error.into()))?;
        // The context's state has the events applied when it went through `handle`, and has not
        // when it did not: what stands in the store decides.
        let before = self
            .load_until::<S>(&context.stream, context.sequence)
            .await
            .map_err(unread)?;
        let mut after = before.aggregate.clone();
        for event in &events {
            after.apply(event.clone());
        }
        let (append, _) = self
            .prepare(&before, &after, &events, &metadata)
            .map_err(unread)?;
        S::cache(&self.caches).invalidate(&context.stream);
        let verdict = self.combiner.append(append).await;
        match verdict.map_err(|error| AggregateError::DatabaseConnectionError(error.into()))? {
            Verdict::Stale | Verdict::Repeated(_) => Err(AggregateError::AggregateConflict),
            Verdict::Conflicts(failures) => {
                let refused: ExecuteError<S::Error> = ExecuteError::Conflicts(failures);
                Err(AggregateError::UnexpectedError(refused.to_string().into()))
            }
            Verdict::Appended { position, time } => {
                let records = self.records(&before, events, position, time, &metadata);
                Ok(records.map(envelope).collect())
            }
        }
    }
}

fn envelope<S: Stream>(record: Record<S::Event>) -> EventEnvelope<S> {
    let text = |value: Value| value.as_str().map(ToOwned::to_owned).unwrap_or_default();
    EventEnvelope {
        aggregate_id: record.stream.into(),
        sequence: usize::try_from(record.sequence.get()).unwrap_or_default(),
        payload: record.event,
        metadata: record
            .metadata
            .to_flat()
            .into_iter()
            .map(|(k, v)| (k, text(v)))
            .collect(),
    }
}

fn database<E: std::error::Error>(error: sqlx::Error) -> AggregateError<E> {
    AggregateError::DatabaseConnectionError(error.into())
}

fn unread<E: std::error::Error>(error: StoreError) -> AggregateError<E> {
    AggregateError::DatabaseConnectionError(error.into())
}

//! Streams as they are now or were at a sequence, and the streams of ids.

use std::collections::HashMap;
use std::sync::Arc;

use events::ids::{Sequence, StreamId};

use crate::event_store::StoreError;
use crate::event_store::count;
use crate::event_store::point::Point;
use crate::event_store::read::snapshots::{self, Passed, Snapshot};
use crate::event_store::reader;
use crate::event_store::{Ledger, Loaded, Stream};

/// Records of a stream that are read at a time: their payloads may take a megabyte each.
const PAGE: i64 = 256;

impl Ledger {
    /// A stream as it is now, or was when it was cached: good enough to decide on.
    pub async fn load<S: Stream>(&self, stream: &StreamId) -> Result<Arc<Loaded<S>>, StoreError> {
        if let Some(loaded) = S::cache(&self.caches).get(stream) {
            return Ok(loaded);
        }
        let loaded = Arc::new(self.load_until(stream, Sequence::MAX).await?);
        self.keep(&loaded);
        Ok(loaded)
    }

    /// Brings a cached stream up to date with what other processes appended; removes it from the
    /// cache where its history is not the one that was seen.
    pub(in crate::event_store) async fn catch_up<S: Stream>(
        &self,
        seen: &Loaded<S>,
    ) -> Result<(), StoreError> {
        S::cache(&self.caches).invalidate(&seen.stream);
        let stream = &seen.stream;
        let mut connection = self.pool.acquire().await?;
        let after = seen.sequence.previous();
        let stored =
            reader::stream(&mut *connection, S::KIND, stream, after, Sequence::MAX).await?;
        // Erased, or not yet born when it was seen: then there is no key, now or then.
        let has_key = seen.key.is_some() && reader::has_key(&mut *connection, stream).await?;
        if let [last, later @ ..] = stored.as_slice()
            && seen.last == Some(Point::from(last))
            && has_key
        {
            let mut loaded = seen.clone();
            for stored in later {
                loaded.fold(stored)?;
            }
            self.keep(&Arc::new(loaded));
        }
        Ok(())
    }

    /// A stream as it was at a sequence, read from the store, a page at a time: a long one does not
    /// fit into memory, nor into the time of one statement, and each page leaves its snapshots
    /// behind.
    pub async fn load_until<S: Stream>(
        &self,
        stream: &StreamId,
        sequence: Sequence,
    ) -> Result<Loaded<S>, StoreError> {
        let page = |after: Sequence| after.plus(PAGE).min(sequence);
        let mut connection = self.pool.acquire().await?;
        let snapshot = snapshots::newest::<S>(&mut connection, stream, sequence).await?;
        let after = snapshot
            .as_ref()
            .map_or(Sequence::START, Snapshot::sequence);
        let until = page(after);
        let mut stored = reader::stream(&mut *connection, S::KIND, stream, after, until).await?;
        let key = reader::keys(&mut connection, &self.keyring, &[stream])
            .await?
            .remove(stream);
        let mut loaded = Loaded::unborn(stream.clone(), key);
        match snapshot.map(|snapshot| snapshot.open(&loaded)) {
            None => {}
            Some(Some(then)) => loaded = then,
            Some(None) => {
                let after = Sequence::START;
                let until = page(after);
                stored = reader::stream(&mut *connection, S::KIND, stream, after, until).await?;
            }
        }
        drop(connection);
        let mut is_first = true;
        loop {
            let mut passed = Passed::default();
            for stored in &stored {
                loaded.fold(stored)?;
                passed.see(&loaded, stored);
            }
            self.leave::<S>(stream, passed).await;
            if page(loaded.sequence) == loaded.sequence || count(&stored) < PAGE {
                break;
            }
            let (after, until) = (loaded.sequence, page(loaded.sequence));
            stored = reader::stream(&self.pool, S::KIND, stream, after, until).await?;
            is_first = false;
        }
        // Erased meanwhile: nothing that was opened with the key may be kept.
        if !is_first && loaded.key.is_some() && !reader::has_key(&self.pool, stream).await? {
            return Box::pin(self.load_until(stream, sequence)).await;
        }
        Ok(loaded)
    }

    /// The stream that holds an id of a shop, if one ever did.
    pub async fn find(&self, kind: &str, id: &str) -> Result<Option<StreamId>, sqlx::Error> {
        let asked = (kind.to_owned(), id.to_owned());
        if let Some(stream) = self.ids.get(&asked) {
            return Ok(Some(stream));
        }
        let found: Option<StreamId> = sqlx::query_scalar(
            "select holder from claims where store = $1 and kind = $2 and key = $3",
        )
        .bind(&self.store)
        .bind(kind)
        .bind(id.as_bytes())
        .fetch_optional(&self.pool)
        .await?;
        if let Some(stream) = &found {
            self.ids.insert(asked, stream.clone());
        }
        Ok(found)
    }

    /// The streams that hold ids of a shop, or ever did, by id.
    pub(crate) async fn find_all(
        &self,
        kind: &str,
        ids: &[&str],
    ) -> Result<HashMap<String, StreamId>, sqlx::Error> {
        let keys: Vec<&[u8]> = ids.iter().map(|id| id.as_bytes()).collect();
        let found: Vec<HolderRow> = sqlx::query_as(
            "select convert_from(key, 'UTF8') as id, holder from claims \
             where store = $1 and kind = $2 and key = any($3)",
        )
        .bind(&self.store)
        .bind(kind)
        .bind(keys)
        .fetch_all(&self.pool)
        .await?;
        let found = found.into_iter();
        Ok(found.map(|row| (row.id, row.holder)).collect())
    }
}

/// A claim to an id.
#[derive(sqlx::FromRow)]
struct HolderRow {
    id: String,
    holder: StreamId,
}

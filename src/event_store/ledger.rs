//! The façade: one store's part of the ledger, with its pools, keys and caches.

use std::sync::Arc;

use events::ids::{StoreName, StreamId};
use moka::sync::Cache;
use sqlx::PgPool;
use tokio::sync::Notify;

use super::append::combiner::Combiner;
use super::cache::freshness::Freshness;
use super::cache::high_water_mark::HighWaterMark;
use super::cache::stream_locks::StreamLocks;
use super::cache::tail::{CacheTail, OwnAppends};
use super::keys::keyring::Keyring;
use super::reader;
use super::stream::{Loaded, Stream, StreamCaches};

/// Idempotency keys that one statement deletes.
const FORGOTTEN_AT_ONCE: i64 = 5000;
/// Ids of the shops whose streams are remembered.
const IDS_MAX: u64 = 32 * 1024;

/// One store's part of the ledger.
pub struct Ledger {
    /// Connections for reading.
    pub pool: PgPool,
    /// The keys.
    pub keyring: Arc<Keyring>,
    /// The store.
    pub store: StoreName,
    pub(super) combiner: Combiner,
    pub(super) high_water_mark: Arc<HighWaterMark>,
    pub(super) freshness: Freshness,
    /// The streams of ids, by kind and id. An id never changes its stream.
    pub(super) ids: Cache<(String, String), StreamId>,
    pub(super) caches: StreamCaches,
    pub(super) stream_locks: Arc<StreamLocks>,
}

impl Ledger {
    /// Opens one store over a pool for reading and one for writing. `appended` is woken after each
    /// commit.
    pub fn open(
        pool: PgPool,
        writers: PgPool,
        keyring: Arc<Keyring>,
        store: StoreName,
        appended: Arc<Notify>,
    ) -> Self {
        let high_water_mark = Arc::new(HighWaterMark::default());
        let caches = StreamCaches::default();
        let stream_locks = Arc::new(StreamLocks::new());
        let (own, heard) = OwnAppends::new();
        let tail = CacheTail {
            pool: pool.clone(),
            high_water_mark: Arc::clone(&high_water_mark),
            stream_locks: Arc::clone(&stream_locks),
            caches: caches.clone(),
        };
        tokio::spawn(tail.follow(heard));
        Self {
            combiner: Combiner::start(
                writers,
                store.clone(),
                appended,
                Arc::clone(&high_water_mark),
                own,
            ),
            high_water_mark,
            freshness: Freshness::start(&pool),
            ids: Cache::new(IDS_MAX),
            caches,
            stream_locks,
            pool,
            keyring,
            store,
        }
    }

    /// Takes a stream into the cache, if it exists.
    pub(super) fn keep<S: Stream>(&self, loaded: &Arc<Loaded<S>>) {
        if let Some(last) = loaded.last {
            self.high_water_mark.see(last);
            S::cache(&self.caches).insert(loaded.stream.clone(), Arc::clone(loaded));
        }
    }

    /// Whether the store still has the newest record that this ledger has seen.
    pub(crate) async fn goes_on(&self) -> Result<bool, sqlx::Error> {
        reader::goes_on(&self.pool, self.high_water_mark.get()).await
    }

    /// Deletes idempotency keys that are older than seven days, in pieces: a statement has little
    /// time, and what many requests left may take longer.
    pub async fn forget_requests(&self) -> Result<(), sqlx::Error> {
        let mut deleted = 1;
        while deleted > 0 {
            let piece = sqlx::query(
                "delete from idempotency_keys where ctid = any(array(\
                    select ctid from idempotency_keys \
                    where time < now() - interval '7 days' limit $1))",
            )
            .bind(FORGOTTEN_AT_ONCE)
            .execute(&self.pool)
            .await?;
            deleted = piece.rows_affected();
        }
        Ok(())
    }
}

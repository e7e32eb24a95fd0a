//! Makes the calls of the SQL function `append`.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use events::ids::{Position, StoreName};
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::time::Instant;

use super::batch::{Batch, Caller};
use crate::event_store::StoreError;
use crate::event_store::append::{Append, Verdict, append};
use crate::event_store::cache::high_water_mark::HighWaterMark;
use crate::event_store::cache::tail::OwnAppends;
use crate::event_store::count;

/// How long a writer keeps a connection that it does not use.
const KEPT_MAX: Duration = Duration::from_secs(1);
/// What Postgres says when `lock_timeout` is over.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// Class of codes: no memory, disk or connection is left.
const INSUFFICIENT_RESOURCES: &str = "53";
/// Class of codes: `statement_timeout` is over, or the server stops.
const OPERATOR_INTERVENTION: &str = "57";

/// Makes calls, one at a time, over a connection that it keeps: the pool would ask the server for
/// a sign of life whenever it got one back, and the next call would wait for that.
pub(super) struct Writer {
    pool: PgPool,
    store: StoreName,
    high_water_mark: Arc<HighWaterMark>,
    own: OwnAppends,
    /// The connection, and when it was last used.
    connection: Option<(PoolConnection<Postgres>, Instant)>,
}

impl Writer {
    /// A writer without a connection.
    pub(super) const fn new(
        pool: PgPool,
        store: StoreName,
        high_water_mark: Arc<HighWaterMark>,
        own: OwnAppends,
    ) -> Self {
        Self {
            pool,
            store,
            high_water_mark,
            own,
            connection: None,
        }
    }

    /// Appends a batch; one that fails as a whole is split, so that one bad command fails alone.
    /// What nobody waits for any more is not tried again.
    pub(super) async fn write(&mut self, batch: Batch) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop().map(Batch::wanted) {
            if batch.appends.is_empty() {
                continue;
            }
            match self.append(&batch.appends).await {
                Ok(verdicts) => {
                    if let Some(positions) = appended(&batch.appends, &verdicts) {
                        self.own.appended(positions);
                    }
                    for (caller, verdict) in batch.callers.into_iter().zip(verdicts) {
                        answer(caller, Ok(verdict));
                    }
                }
                Err(error) if batch.appends.len() > 1 && may_be_one_commands(&error) => {
                    let second = batch.split_off(batch.appends.len() / 2);
                    batches.extend([second, batch]);
                }
                Err(error) => {
                    for caller in batch.callers {
                        answer(caller, Err(error.clone()));
                    }
                }
            }
        }
    }

    /// One call. After an error the pool judges whether the connection is any good.
    async fn append(&mut self, batch: &[Append]) -> Result<Vec<Verdict>, StoreError> {
        // One that idled may be dead, as all are after a restart of Postgres: back in the pool it
        // is asked before it is used again.
        let fresh = |(_, used): &(_, Instant)| used.elapsed() < KEPT_MAX;
        let mut connection = match self.connection.take().filter(fresh) {
            Some((connection, _)) => connection,
            None => self.pool.acquire().await?,
        };
        let verdicts = append(
            &mut connection,
            &self.store,
            self.high_water_mark.get(),
            batch,
        )
        .await?;
        self.connection = Some((connection, Instant::now()));
        Ok(verdicts)
    }
}

/// The positions that one call wrote to: they follow each other.
fn appended(appends: &[Append], verdicts: &[Verdict]) -> Option<RangeInclusive<Position>> {
    let written = appends.iter().zip(verdicts);
    let written = written.filter_map(|(append, verdict)| match verdict {
        Verdict::Appended { position, time: _ } if !append.events.is_empty() => {
            Some((*position, count(&append.events)))
        }
        Verdict::Appended { .. }
        | Verdict::Stale
        | Verdict::Repeated(_)
        | Verdict::Conflicts(_) => None,
    });
    let (last, total) = written.fold((Position::START, 0), |(last, total), (position, events)| {
        (position.max(last), total + events)
    });
    (total > 0).then(|| last.plus(1 - total)..=last)
}

/// Whether an error may be one command's own. A lock that was not to be had, a call that took too
/// long and a server that is out of resources or stops befall any part of a batch.
fn may_be_one_commands(error: &StoreError) -> bool {
    let StoreError::Unavailable(error) = error else {
        return false;
    };
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| {
        code != LOCK_NOT_AVAILABLE
            && !code.starts_with(INSUFFICIENT_RESOURCES)
            && !code.starts_with(OPERATOR_INTERVENTION)
    })
}

fn answer(caller: Caller, verdict: Result<Verdict, StoreError>) {
    // The caller may have gone. Its command stands all the same.
    drop(caller.send(verdict));
}

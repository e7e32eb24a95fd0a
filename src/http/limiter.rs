//! Holds SHOPLINE's apps to their rate, all processes together.
//!
//! What may be admitted is decided by [`rate`](crate::contracts::shopline::rate); here its leases are
//! taken from the row of the app, one at a time in each process. A refusal is remembered until there
//! may be room again: a flood asks the database four times a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::ids::StoreName;
use jiff::Timestamp;
use moka::sync::Cache;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Mutex;

use crate::contracts::shopline::rate::{Lease, Row};

/// How many apps are known at a time. One that is forgotten loses its lease.
const KNOWN_MAX: u64 = 10_000;
/// After how long an app is forgotten that asks no more: its last lease is long over.
const KNOWN_FOR: Duration = Duration::from_mins(1);

/// Admits requests of apps.
pub struct Limiter {
    pool: PgPool,
    store: StoreName,
    apps: Cache<String, Arc<Mutex<App>>>,
}

/// Why a request is not admitted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAdmitted {
    /// The bucket is full.
    #[error("the app asks too often")]
    TooOften,
    /// The database could not be asked.
    #[error("the database could not be used")]
    Database(#[from] sqlx::Error),
    /// It could not be asked for a request that waited together with this one.
    #[error("the database could not be used")]
    Away,
}

/// One app, as this process knows it.
#[derive(Default)]
struct App {
    lease: Option<(Lease, Instant)>,
    /// Until when there is no room.
    full_until: Option<Instant>,
    /// When the database could not be asked.
    failed_at: Option<Instant>,
}

impl Limiter {
    /// For the apps of one store.
    pub fn new(pool: PgPool, store: StoreName) -> Self {
        let apps = Cache::builder()
            .max_capacity(KNOWN_MAX)
            .time_to_idle(KNOWN_FOR)
            .build();
        Self { pool, store, apps }
    }

    /// Counts a request of an app that has a limit.
    pub(crate) async fn admit(&self, app_key: &str) -> Result<(), NotAdmitted> {
        let came = Instant::now();
        let app = self.apps.get_with_by_ref(app_key, Arc::default);
        let mut app = app.lock().await;
        let now = Instant::now();
        if let Some((lease, asked)) = &mut app.lease
            && lease.admit(micros(now - *asked))
        {
            return Ok(());
        }
        if app.full_until.is_some_and(|until| now < until) {
            return Err(NotAdmitted::TooOften);
        }
        // A request that waited while another one failed fails with it.
        if app.failed_at.is_some_and(|failed| came <= failed) {
            return Err(NotAdmitted::Away);
        }
        let last = app.lease.as_ref();
        let last = last.map(|(lease, asked)| (lease, micros(now - *asked)));
        match self.take(app_key, last).await {
            Ok(Ok(lease)) => {
                app.lease = Some((lease, now));
                Ok(())
            }
            Ok(Err(wait)) => {
                app.full_until = Some(now + Duration::from_micros(wait.unsigned_abs()));
                Err(NotAdmitted::TooOften)
            }
            Err(error) => {
                app.failed_at = Some(Instant::now());
                Err(error.into())
            }
        }
    }

    /// Takes a lease, or says how many microseconds to wait for one.
    async fn take(
        &self,
        app_key: &str,
        last: Option<(&Lease, i64)>,
    ) -> Result<Result<Lease, i64>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let (row, now) = self.lock(&mut transaction, app_key).await?;
        let (left, taken) = Lease::take(last, row, now);
        if left != row {
            sqlx::query(
                "update shopline_rates set empty_at = $3, serial = $4 \
                 where store = $1 and app_key = $2",
            )
            .bind(&self.store)
            .bind(app_key)
            .bind(left.empty_at)
            .bind(left.serial)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(taken)
    }

    /// The row of an app, locked, and the time after that in microseconds since 1970.
    async fn lock(
        &self,
        connection: &mut PgConnection,
        app_key: &str,
    ) -> Result<(Row, i64), sqlx::Error> {
        if let Some(locked) = self.lock_known(connection, app_key).await? {
            return Ok(locked);
        }
        sqlx::query(
            "insert into shopline_rates (store, app_key) values ($1, $2) on conflict do nothing",
        )
        .bind(&self.store)
        .bind(app_key)
        .execute(&mut *connection)
        .await?;
        let locked = self.lock_known(connection, app_key).await?;
        locked.ok_or(sqlx::Error::RowNotFound)
    }

    async fn lock_known(
        &self,
        connection: &mut PgConnection,
        app_key: &str,
    ) -> Result<Option<(Row, i64)>, sqlx::Error> {
        // The clock is read after the lock was waited for, or time would go back from lease to lease.
        let row: Option<LockedRow> = sqlx::query_as(
            "with locked as materialized ( \
                 select empty_at, serial from shopline_rates \
                 where store = $1 and app_key = $2 for update \
             ) \
             select empty_at, serial, clock_timestamp() as now from locked",
        )
        .bind(&self.store)
        .bind(app_key)
        .fetch_optional(connection)
        .await?;
        Ok(row.map(|locked| {
            let LockedRow {
                empty_at,
                serial,
                now,
            } = locked;
            (Row { empty_at, serial }, now.as_microsecond())
        }))
    }
}

/// A row of `shopline_rates`, and the time at which it was locked.
#[derive(sqlx::FromRow)]
struct LockedRow {
    empty_at: i64,
    serial: i64,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    now: Timestamp,
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

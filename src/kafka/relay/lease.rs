//! Who relays: the holder of a session's advisory lock.
//!
//! The session ends itself after five idle seconds and is touched every second. So the lock outlives
//! a holder that hangs or is cut off by five seconds at most, while the holder trusts it for four
//! seconds after the last touch was sent: nobody else has it meanwhile. Where Postgres itself ends the
//! session, it is free at once, and two may believe in it for these seconds. Then, and for what is
//! under way when a lease ends, Kafka decides: it fences the older producer.
//!
//! The session needs a direct connection: a pooler that hands sessions around would lose the lock.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::mutations::{Guard, without};

/// Any fixed number but that of the function `append`.
const LOCK: i64 = 1_818_453_875;
const TOUCH_INTERVAL: Duration = Duration::from_secs(1);
/// Below the session's timeout, by more than clocks and networks are off.
const TRUST: Duration = Duration::from_secs(4);
const SESSION_TIMEOUT: &str = "5s";
/// How often one that waits asks for the lock.
const WAIT_INTERVAL: Duration = Duration::from_millis(250);

/// The right to relay. Dropping it ends the session, and with it the lock.
pub(super) struct Lease {
    trusted_until: watch::Receiver<Instant>,
    _keeper: AbortOnDropHandle<()>,
}

/// A cheap look at a lease, for the thread that talks to Kafka.
#[derive(Clone)]
pub(super) struct LeaseView(watch::Receiver<Instant>);

impl Lease {
    /// Waits for the lock; `waits` is called once when another process holds it.
    pub(super) async fn acquire(
        options: &PgConnectOptions,
        waits: impl FnOnce(),
    ) -> Result<Self, sqlx::Error> {
        let mut session = connect(options).await?;
        let mut waits = Some(waits);
        loop {
            let asked = Instant::now();
            if takes_lock(&mut session).await? || without(Guard::OneRelay) {
                return Ok(Self::keep(session, asked));
            }
            if let Some(waits) = waits.take() {
                waits();
            }
            tokio::time::sleep(WAIT_INTERVAL).await;
        }
    }

    /// The lock, unless another process holds it.
    pub(super) async fn acquire_now(
        options: &PgConnectOptions,
    ) -> Result<Option<Self>, sqlx::Error> {
        let mut session = connect(options).await?;
        let asked = Instant::now();
        let held = takes_lock(&mut session).await?;
        Ok(held.then(|| Self::keep(session, asked)))
    }

    fn keep(session: PgConnection, asked: Instant) -> Self {
        let (until, trusted_until) = watch::channel(asked + TRUST);
        Self {
            trusted_until,
            _keeper: AbortOnDropHandle::new(tokio::spawn(touch(session, until))),
        }
    }

    /// Whether it may be trusted now.
    pub(super) fn holds(&self) -> bool {
        self.view().holds()
    }

    pub(super) fn view(&self) -> LeaseView {
        LeaseView(self.trusted_until.clone())
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let options = options
        .clone()
        .application_name("ledger relay")
        .options([("idle_session_timeout", SESSION_TIMEOUT)]);
    timeout(TRUST, PgConnection::connect_with(&options))
        .await
        .map_err(|_elapsed| sqlx::Error::PoolTimedOut)?
}

async fn takes_lock(session: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let lock = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LOCK);
    timeout(TRUST, lock.fetch_one(session))
        .await
        .map_err(|_elapsed| sqlx::Error::PoolTimedOut)?
}

impl LeaseView {
    /// Whether the lease may be trusted now.
    pub(super) fn holds(&self) -> bool {
        Instant::now() < *self.0.borrow() || without(Guard::OneRelay)
    }
}

/// Touches the session until that fails once; trust then runs out by itself.
async fn touch(mut session: PgConnection, until: watch::Sender<Instant>) {
    let mut ticks = interval(TOUCH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        match timeout(TRUST, session.ping()).await {
            Ok(Ok(())) => {
                until.send_replace(asked + TRUST);
            }
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "the relay's session ended");
                until.send_replace(asked);
                return;
            }
            Err(_elapsed) => return,
        }
    }
}

//! A seat for each connection. When all are taken, whoever has been waiting longest for its client
//! gives up its own: for a request, for the rest of one, or for an answer to be read. A request that
//! is being worked on is never given up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

/// All seats.
pub(super) struct Seats {
    free: Arc<Semaphore>,
    /// Connections that wait for their clients, by since when.
    waiting: Mutex<BTreeMap<u64, CancellationToken>>,
    /// Numbers the moments at which connections begin to wait.
    moments: AtomicU64,
    /// Some connection began to wait.
    begun: Notify,
    all: CancellationToken,
}

/// One connection's seat.
pub(super) struct Seat {
    seats: Arc<Seats>,
    /// Since when it waits for its client; 0 when it does not.
    since: AtomicU64,
    closed: CancellationToken,
    _taken: OwnedSemaphorePermit,
}

impl Seats {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))),
            waiting: Mutex::default(),
            moments: AtomicU64::new(1),
            begun: Notify::new(),
            all: CancellationToken::new(),
        })
    }

    /// Closes all connections when it is dropped.
    pub(super) fn close_all(&self) -> DropGuard {
        self.all.clone().drop_guard()
    }

    /// A seat, for which another connection may have to go.
    pub(super) async fn take(self: &Arc<Self>) -> Seat {
        let taken = loop {
            if let Ok(free) = Arc::clone(&self.free).try_acquire_owned() {
                break free;
            }
            let one_goes = self.close_longest_waiting();
            tokio::select! {
                freed = Arc::clone(&self.free).acquire_owned() => {
                    break freed.expect("the semaphore is never closed");
                }
                () = self.begun.notified(), if !one_goes => {}
            }
        };
        let seat = Seat {
            seats: Arc::clone(self),
            since: AtomicU64::new(0),
            closed: self.all.child_token(),
            _taken: taken,
        };
        seat.waits();
        seat
    }

    fn close_longest_waiting(&self) -> bool {
        let longest = self.waiting().pop_first();
        if let Some((_, connection)) = &longest {
            metrics::counter!("ledger_connections_crowded_out").increment(1);
            connection.cancel();
        }
        longest.is_some()
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, CancellationToken>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The connection waits for its client from now on.
    pub(super) fn waits(&self) {
        let now = self.seats.moments.fetch_add(1, Ordering::Relaxed);
        let before = self.since.swap(now, Ordering::Relaxed);
        let mut waiting = self.seats.waiting();
        waiting.remove(&before);
        waiting.insert(now, self.closed.clone());
        drop(waiting);
        self.seats.begun.notify_one();
    }

    /// The connection waits no longer: its request is worked on.
    pub(super) fn works(&self) {
        let before = self.since.swap(0, Ordering::Relaxed);
        if before != 0 {
            self.seats.waiting().remove(&before);
        }
    }

    /// Ends when the connection has to go.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.works();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_waits_longest_goes_first_and_who_works_never() {
        let seats = Seats::new(3);
        let (works, reads, idles) = (seats.take().await, seats.take().await, seats.take().await);
        works.works();
        reads.waits();
        let next = seats.take();
        tokio::pin!(next);
        assert!(next.as_mut().now_or_never().is_none(), "nobody has gone");
        assert!(idles.closed().now_or_never().is_some());
        assert!(reads.closed().now_or_never().is_none());
        drop(idles);
        let next = next.await;
        next.works();
        reads.works();
        let last = seats.take();
        tokio::pin!(last);
        assert!(last.as_mut().now_or_never().is_none());
        assert!(works.closed().now_or_never().is_none(), "all work");
        works.waits();
        assert!(last.as_mut().now_or_never().is_none());
        assert!(works.closed().now_or_never().is_some());
        drop(works);
        assert!(last.now_or_never().is_some());
    }

    #[tokio::test]
    async fn all_go_at_the_end() {
        let seats = Seats::new(1);
        let all = seats.close_all();
        let seat = seats.take().await;
        seat.works();
        drop(all);
        assert!(seat.closed().now_or_never().is_some());
    }
}

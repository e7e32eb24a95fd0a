//! Waiting for a condition.

use std::time::Duration;

use tokio::time::{Instant, interval};

const PATIENCE: Duration = Duration::from_secs(40);
const INTERVAL: Duration = Duration::from_millis(10);

/// Waits until `condition` gives a value; fails, saying what it waited for, after [`PATIENCE`].
#[track_caller]
pub fn until<T>(
    what: &str,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + PATIENCE;
        let mut ticks = interval(INTERVAL);
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain until {what}, at {caller}"
            );
            ticks.tick().await;
        }
    }
}

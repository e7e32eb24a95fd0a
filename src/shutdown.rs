//! How the process ends: SIGTERM or Ctrl-C drains; a second one, or a minute, ends it at once.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long draining may take.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// Everything that runs, and the token that stops it.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Cancelled when everything should end.
    pub stop: CancellationToken,
    /// What has to end first.
    pub tasks: TaskTracker,
}

impl Lifecycle {
    /// Cancels [`Lifecycle::stop`] at the first SIGTERM or Ctrl-C.
    pub fn stop_on_signal(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = stop.cancelled() => {}
            }
            stop.cancel();
        });
        Ok(())
    }

    /// Stops everything and waits until it has ended, for a bounded time. Says whether it has.
    pub async fn drain(&self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(DRAIN_MAX, self.tasks.wait())
            .await
            .is_ok()
    }
}

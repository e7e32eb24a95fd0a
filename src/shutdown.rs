//! How the process ends: SIGTERM or Ctrl-C drains; a second one, or half a minute, ends it at once.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests in flight may take: as long as any request.
const REQUESTS_MAX: Duration = Duration::from_secs(30);
/// How long all else may take after them.
const TASKS_MAX: Duration = Duration::from_secs(10);

/// Everything that runs, and the token that stops it.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Cancelled when everything should end.
    pub stop: CancellationToken,
    /// Cancelled when nothing is waited for any more.
    now: CancellationToken,
    /// What has to end first.
    pub tasks: TaskTracker,
}

impl Lifecycle {
    /// Cancels [`Lifecycle::stop`] at the first SIGTERM or Ctrl-C, and waits for nothing at the second.
    pub fn stop_on_signal(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let tokens = [self.stop.clone(), self.now.clone()];
        tokio::spawn(async move {
            for token in tokens {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    () = token.cancelled() => {}
                }
                token.cancel();
            }
        });
        Ok(())
    }

    /// Ends once requests that were in flight when all was stopped have had their time.
    pub(crate) async fn overdue(&self) {
        self.stop.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(REQUESTS_MAX) => {}
            () = self.now.cancelled() => {}
        }
    }

    /// Stops everything and waits until it has ended, for a bounded time. Says whether it has.
    pub(crate) async fn drain(&self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => true,
            () = tokio::time::sleep(TASKS_MAX) => false,
            () = self.now.cancelled() => false,
        }
    }
}

//! A client of Postgres that has nothing to do with the ledger: while even it waits, the machine or the
//! disk stands still, and nobody can say that the ledger stalls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::journal::Journal;

/// What counts as waiting.
const SLOW: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(25);

/// When the client waited: from, until.
pub(crate) type Waits = Vec<(Duration, Duration)>;

/// Commits again and again.
pub(crate) struct Control {
    waits: Arc<Mutex<Waits>>,
    _task: AbortOnDropHandle<()>,
}

impl Control {
    /// Starts; `options` lead to a way on which nothing is cut.
    pub(crate) fn start(options: PgConnectOptions, journal: Arc<Journal>) -> Self {
        let waits = Arc::new(Mutex::new(Waits::new()));
        let noted = Arc::clone(&waits);
        let task = tokio::spawn(async move {
            let mut connection = None;
            loop {
                let begin = journal.now();
                while commit(&mut connection, &options).await.is_err() {
                    sleep(PAUSE).await;
                }
                let end = journal.now();
                if end.saturating_sub(begin) > SLOW {
                    let mut waits = noted.lock().unwrap_or_else(PoisonError::into_inner);
                    waits.push((begin, end));
                }
                sleep(PAUSE).await;
            }
        });
        Self {
            waits,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// When it waited so far.
    pub(crate) fn waits(&self) -> Waits {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.clone()
    }
}

/// One commit that waits for the disk.
async fn commit(
    connection: &mut Option<PgConnection>,
    options: &PgConnectOptions,
) -> Result<(), sqlx::Error> {
    let mut held = match connection.take() {
        Some(held) => held,
        None => connect(options).await?,
    };
    sqlx::query("insert into control values (1)")
        .execute(&mut held)
        .await?;
    *connection = Some(held);
    Ok(())
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    sqlx::query("create table if not exists control (beats bigint)")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

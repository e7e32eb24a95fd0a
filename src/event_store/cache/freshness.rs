//! Freshness: whether streams are still where this process last saw them.
//!
//! All questions that come while a statement runs share the next one. It begins after they were
//! asked, so it sees every update that any process answered before.

use std::sync::Arc;

use jiff_sqlx::ToSqlx as _;
use sqlx::PgPool;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::event_store::point::Seen;

/// Statements at a time: while one is under way, the next one gathers.
const READERS: usize = 2;
/// Most questions in one statement.
const BATCH_MAX: usize = 256;
/// Questions that may wait; more callers wait for a place.
const QUEUE_MAX: usize = 4096;

/// Asks the store on behalf of many.
pub(crate) struct Freshness {
    queue: mpsc::Sender<Question>,
}

struct Question {
    seen: Vec<Seen>,
    caller: oneshot::Sender<bool>,
}

impl Freshness {
    /// Starts the readers. They end when it is dropped.
    pub(crate) fn start(pool: &PgPool) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..READERS {
            tokio::spawn(read(pool.clone(), Arc::clone(&waiting)));
        }
        Self { queue }
    }

    /// Whether nothing has happened in any of these streams since; `false` when the store does not
    /// answer.
    pub(crate) async fn holds(&self, seen: Vec<Seen>) -> bool {
        let (caller, answer) = oneshot::channel();
        let asked = self.queue.send(Question { seen, caller }).await;
        asked.is_ok() && answer.await.unwrap_or(false)
    }
}

async fn read(pool: PgPool, waiting: Arc<Mutex<mpsc::Receiver<Question>>>) {
    let mut questions = vec![];
    loop {
        let received = waiting
            .lock()
            .await
            .recv_many(&mut questions, BATCH_MAX)
            .await;
        if received == 0 {
            return;
        }
        let seen: Vec<&Seen> = questions
            .iter()
            .flat_map(|question| &question.seen)
            .collect();
        let stand = stand(&pool, &seen).await.unwrap_or_else(|error| {
            tracing::debug!(error = %error, "the store was not asked where streams stand");
            vec![]
        });
        let mut stand = stand.into_iter();
        for Question { seen, caller } in questions.drain(..) {
            let answers = stand.by_ref().take(seen.len());
            let holding = answers.filter(|stands| *stands).count();
            // A caller that went away does not want to know.
            caller.send(holding == seen.len()).ok();
        }
    }
}

/// Of each stream, whether its last record still is the one that was seen.
async fn stand(pool: &PgPool, seen: &[&Seen]) -> Result<Vec<bool>, sqlx::Error> {
    sqlx::query_scalar(
        "select coalesce((\
             select e.position = s.position and e.time = s.time \
             from events e \
             where e.aggregate_type = s.kind and e.aggregate_id = s.stream \
             order by e.sequence desc limit 1), false) \
         from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) with ordinality \
             as s(kind, stream, position, time, number) \
         order by number",
    )
    .bind(seen.iter().map(|seen| seen.kind.name()).collect::<Vec<_>>())
    .bind(
        seen.iter()
            .map(|seen| seen.stream.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(
        seen.iter()
            .map(|seen| seen.last.position)
            .collect::<Vec<_>>(),
    )
    .bind(
        seen.iter()
            .map(|seen| seen.last.time.to_sqlx())
            .collect::<Vec<_>>(),
    )
    .fetch_all(pool)
    .await
}

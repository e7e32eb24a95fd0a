//! Refusals after authentication are kept: who was refused what, where, and which fields; no values.
//!
//! They are written off the request's path from a bounded queue. What does not fit is counted, so
//! that a flood of bad requests never slows the good ones.

use events::ids::{RequestId, StoreName};
use events::record::{Actor, Contract};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Refusals that may wait to be written.
const QUEUE_MAX: usize = 4096;
/// Refusals written in one statement.
const BATCH_MAX: usize = 256;

/// A request that was refused after its caller was known.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The request: 32 hexadecimal digits.
    pub request_id: RequestId,
    /// Who asked.
    pub actor: Actor,
    /// Through which contract.
    pub contract: Contract,
    /// Through which route: its template.
    pub route: String,
    /// Status of the answer.
    pub status: u16,
    /// What kind of refusal; never a value.
    pub kind: String,
    /// The fields that were named.
    pub fields: Vec<String>,
}

/// Takes refusals to be kept.
#[derive(Clone)]
pub struct Refusals(mpsc::Sender<Refusal>);

impl Refusals {
    /// The queue, and the task that empties it until it is stopped and empty.
    pub fn start(
        pool: PgPool,
        store: StoreName,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        (Self(queue), write_all(pool, store, waiting, stop))
    }

    /// Keeps a refusal, unless too many wait already.
    pub fn keep(&self, refusal: Refusal) {
        if self.0.try_send(refusal).is_err() {
            metrics::counter!("ledger_refusals_not_kept").increment(1);
        }
    }
}

async fn write_all(
    pool: PgPool,
    store: StoreName,
    mut waiting: mpsc::Receiver<Refusal>,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        tokio::select! {
            count = waiting.recv_many(&mut batch, BATCH_MAX) => if count == 0 { return },
            () = stop.cancelled() => {
                waiting.close();
                if waiting.recv_many(&mut batch, BATCH_MAX).await == 0 {
                    return;
                }
            }
        }
        if let Err(error) = write(&pool, &store, &batch).await {
            metrics::counter!("ledger_refusals_not_kept").increment(batch.len() as u64);
            tracing::warn!(error = %error, count = batch.len(), "refusals could not be kept");
        }
        batch.clear();
    }
}

async fn write(pool: &PgPool, store: &StoreName, batch: &[Refusal]) -> Result<(), sqlx::Error> {
    let column = |part: fn(&Refusal) -> String| batch.iter().map(part).collect::<Vec<_>>();
    sqlx::query(
        "insert into refusals \
            (store, request_id, actor_kind, actor_id, contract, route, status, kind, fields) \
         select $1, r.request_id, r.actor_kind, r.actor_id, r.contract, r.route, r.status, r.kind, \
            case when r.fields = '' then '{}' else string_to_array(r.fields, ',') end \
         from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], \
            $8::text[], $9::text[]) \
            as r(request_id, actor_kind, actor_id, contract, route, status, kind, fields)",
    )
    .bind(store)
    .bind(
        batch
            .iter()
            .map(|refusal| &refusal.request_id)
            .collect::<Vec<_>>(),
    )
    .bind(column(|refusal| refusal.actor.kind.name().to_owned()))
    .bind(column(|refusal| refusal.actor.id.clone()))
    .bind(column(|refusal| refusal.contract.name().to_owned()))
    .bind(column(|refusal| refusal.route.clone()))
    .bind(
        batch
            .iter()
            .map(|refusal| i32::from(refusal.status))
            .collect::<Vec<_>>(),
    )
    .bind(column(|refusal| refusal.kind.clone()))
    .bind(column(|refusal| refusal.fields.join(",")))
    .execute(pool)
    .await?;
    Ok(())
}

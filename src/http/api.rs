//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::block_in_place;
use tokio::time::timeout;

use super::limiter::Limiter;
use crate::auth::Auth;
use crate::config::{MedusaConfig, ShoplineConfig, TrustedProxies};
use crate::event_store::Ledger;
use crate::history::refusals::Refusals;
use crate::kafka::KafkaConfig;
use crate::kafka::projector::{Projection, Watcher};
use crate::mutations::{Guard, without};

/// How long a request may take in all, its body included.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a list waits for its projection.
const LIST_WAIT_MAX: Duration = Duration::from_millis(500);

/// What every handler can reach.
pub struct Api {
    /// The store.
    pub ledger: Arc<Ledger>,
    /// Proofs.
    pub auth: Auth,
    /// Holds SHOPLINE's apps to their rate.
    pub limiter: Limiter,
    /// Refusals to keep.
    pub refusals: Refusals,
    /// Medusa's settings.
    pub medusa: MedusaConfig,
    /// SHOPLINE's settings.
    pub shopline: ShoplineConfig,
    /// What SHOPLINE's answers say of the store.
    pub store: projections::shopline::Store,
    /// The topic that the projections follow.
    pub topic: String,
    /// Kafka, for those who ask where in it a record is.
    pub kafka: Option<KafkaConfig>,
    /// Says how far the projections are.
    pub watcher: Watcher,
    /// Connections that search in views: a statement there has little time.
    pub lists: PgPool,
    /// How many passwords may be hashed at a time: each takes 19 MiB.
    pub hashing: Arc<Semaphore>,
    /// How many questions to the past may be folded at a time.
    pub folding: Semaphore,
    /// Proxies whose headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// Whether the process is ready, and how Kafka is.
    pub health: watch::Receiver<Health>,
}

/// What `/ready` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// No further requests are wanted.
    pub draining: bool,
    /// What is wrong with Kafka or a projection, if anything.
    pub degraded: Option<String>,
}

impl Api {
    /// Folds what may be a long history, a few at a time and beside the async workers: writes go on.
    pub(super) async fn apart<T>(&self, fold: impl Future<Output = T> + Send) -> T {
        let _permit = self.folding.acquire().await;
        let fold = timeout(REQUEST_TIMEOUT, fold);
        let folded = block_in_place(|| Handle::current().block_on(fold));
        match folded {
            Ok(folded) => folded,
            // The request's own time began earlier, and is over, too.
            Err(_elapsed) => std::future::pending().await,
        }
    }

    /// Waits for a projection; says by how many positions it is behind, if it still is.
    pub(super) async fn behind(
        &self,
        projection: Projection,
    ) -> Result<Option<i64>, Arc<sqlx::Error>> {
        if without(Guard::Lists) {
            return Ok(None);
        }
        let progress = self.watcher.caught_up(projection, LIST_WAIT_MAX).await?;
        let lack = progress.head.since(progress.watermark);
        Ok((lack > 0).then_some(lack))
    }
}

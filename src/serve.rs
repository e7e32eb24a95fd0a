//! Runs the roles of one process until it is told to stop.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::auth::Auth;
use crate::config::Config;
use crate::database::{self, DatabaseError, Pools};
use crate::event_store::Ledger;
use crate::event_store::keys::keyring::Keyring;
use crate::history::refusals::Refusals;
use crate::http::server;
use crate::http::{self, Api, Health, Limiter};
use crate::kafka::projector::{self, Projection, ProjectorConfig, Watcher};
use crate::kafka::relay::{self, RelayConfig};
use crate::kafka::{self, Identity, KafkaStatus};
use crate::shutdown::Lifecycle;

/// How many passwords are hashed at a time: each takes 19 MiB and a core.
const HASHING_MAX: usize = 2;
/// How many questions to the past are folded at a time: a long history takes a core for seconds.
const FOLDING_MAX: usize = 2;

/// How often old idempotency keys and sessions are deleted.
const FORGET_INTERVAL: Duration = Duration::from_hours(1);
/// How long connections to Postgres may take to close.
const CLOSE_MAX: Duration = Duration::from_secs(5);
/// How often a process looks whether the store is still the one it began with.
const TURN_INTERVAL: Duration = Duration::from_secs(1);
/// How often `/ready` learns how Kafka is.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Serves the contracts.
    pub api: bool,
    /// Carries the store's records to Kafka.
    pub relay: bool,
    /// Builds the views from Kafka.
    pub projector: bool,
}

impl Roles {
    /// All of them.
    pub const ALL: Self = Self {
        api: true,
        relay: true,
        projector: true,
    };
}

impl FromStr for Roles {
    type Err = String;

    /// Reads a comma list of `api`, `relay` and `projector`.
    fn from_str(list: &str) -> Result<Self, String> {
        let mut roles = Self {
            api: false,
            relay: false,
            projector: false,
        };
        for name in list.split(',').map(str::trim) {
            match name {
                "api" => roles.api = true,
                "relay" => roles.relay = true,
                "projector" => roles.projector = true,
                _ => return Err("a role is api, relay or projector".to_owned()),
            }
        }
        Ok(roles)
    }
}

/// Why a process did not start or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("LEDGER_LISTEN {address} cannot be listened on: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// A role needs Kafka.
    #[error("KAFKA_BROKERS is not set, and the roles relay and projector need it")]
    NoKafka,
    /// The database will not do.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// What this process has in memory never happened in the store that it has now.
    #[error(
        "the store went back behind what this process has seen: it was restored, or failed over to \
         a copy that lagged; start again"
    )]
    WentBack,
    /// The topic is another one.
    #[error("the ledger went on in epoch {0}: start again")]
    NewEpoch(i64),
}

/// Takes the address to listen on, before anything else is begun.
pub async fn listen(config: &Config) -> Result<TcpListener, ServeError> {
    TcpListener::bind(config.http.listen)
        .await
        .map_err(|error| ServeError::Listen {
            address: config.http.listen.to_string(),
            reason: error.kind().to_string(),
        })
}

/// Runs the roles until the lifecycle stops, then drains. `ready` is called once all is connected,
/// before the first request is served.
pub async fn serve(
    config: Config,
    roles: Roles,
    listener: TcpListener,
    lifecycle: &Lifecycle,
    ready: impl FnOnce(),
) -> Result<(), ServeError> {
    if config.kafka.is_none() && (roles.relay || roles.projector) {
        return Err(ServeError::NoKafka);
    }
    let keyring = Arc::new(Keyring::new(&config.master_key.0));
    let pools = database::connect(&config.database, &keyring).await?;
    let readers = pools.readers.clone();
    let epoch = Identity::load(&readers)
        .await
        .map_err(DatabaseError::from)?
        .epoch;
    let appended = Arc::new(Notify::new());
    let health = start_kafka(&config, roles, &pools, &keyring, &appended, lifecycle)?;
    let topic = kafka::topic(&config.kafka_prefix, epoch);
    // Requests in flight can still be refused while all else ends.
    let served = CancellationToken::new();
    let (refusals, writing) =
        Refusals::start(readers.clone(), config.ledger.store.clone(), served.clone());
    lifecycle.tasks.spawn(writing);
    let api = api(&config, topic, pools, keyring, appended, health, refusals);
    let forget = forget(Arc::clone(&api), lifecycle.stop.clone());
    lifecycle.tasks.spawn(forget);
    let turned = turned(Arc::clone(&api), epoch, lifecycle.stop.clone());
    let turned = lifecycle.tasks.spawn(turned);
    let router = if roles.api {
        http::router(api)
    } else {
        http::operations(api)
    };
    let requests = TaskTracker::new();
    let router = router
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(requests.clone(), follow));
    ready();
    let answered = answered(lifecycle.stop.clone(), requests);
    tokio::select! {
        () = server::serve(listener, router, &config.http, answered) => {}
        () = lifecycle.overdue() => tracing::warn!("requests were not answered in time"),
    }
    served.cancel();
    let closed = async {
        let drained = lifecycle.drain().await;
        drained && timeout(CLOSE_MAX, readers.close()).await.is_ok()
    };
    if !closed.await {
        tracing::warn!("something did not end in time");
    }
    // A task is counted as ended a moment before its result can be taken.
    match timeout(CLOSE_MAX, turned).await {
        Ok(Ok(Err(error))) => Err(error),
        Ok(Ok(Ok(())) | Err(_)) | Err(_) => Ok(()),
    }
}

/// Stops everything once the store is another one than this process began with. The supervisor of the
/// process starts it again, with nothing in memory that the store does not have.
async fn turned(api: Arc<Api>, epoch: i64, stop: CancellationToken) -> Result<(), ServeError> {
    let mut tick = tokio::time::interval(TURN_INTERVAL);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return Ok(()),
        }
        // A database that does not answer says nothing about its history.
        let error = match Identity::load(&api.ledger.pool).await {
            Ok(identity) if identity.epoch != epoch => ServeError::NewEpoch(identity.epoch),
            Ok(_) if matches!(api.ledger.goes_on().await, Ok(false)) => ServeError::WentBack,
            Ok(_) | Err(_) => continue,
        };
        tracing::error!(error = %error, "stops");
        stop.cancel();
        return Err(error);
    }
}

/// Follows a request until it is answered. Who only asks how the process is does not hold it up.
async fn follow(State(requests): State<TaskTracker>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let follows = !requests.is_closed() && !http::OPERATIONS.contains(&path);
    let _token = follows.then(|| requests.token());
    let mut response = next.run(request).await;
    if requests.is_closed() {
        // The next request belongs to another process.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// Ends once all is stopped and the requests that were in flight then are answered. Until then
/// connections are taken, so that `/ready` can say that this process drains.
async fn answered(stop: CancellationToken, requests: TaskTracker) {
    stop.cancelled().await;
    requests.close();
    requests.wait().await;
}

/// Starts what follows the ledger through Kafka; says how it is doing.
fn start_kafka(
    config: &Config,
    roles: Roles,
    pools: &Pools,
    keyring: &Arc<Keyring>,
    appended: &Arc<Notify>,
    lifecycle: &Lifecycle,
) -> Result<watch::Receiver<Health>, ServeError> {
    let (health, seen) = watch::channel(Health::default());
    let mut parts = vec![];
    if roles.relay || roles.projector {
        let kafka = config.kafka.as_ref().ok_or(ServeError::NoKafka)?;
        if roles.relay {
            let (status, seen) = watch::channel(KafkaStatus::default());
            let relay = RelayConfig::new(kafka.clone(), database::options(&config.database)?);
            let wake = Arc::clone(appended);
            let (pool, stop) = (pools.readers.clone(), lifecycle.stop.clone());
            lifecycle
                .tasks
                .spawn(relay::run(relay, pool, wake, stop, status));
            parts.push(("relay", seen));
        }
        for projection in Projection::ALL.into_iter().filter(|_| roles.projector) {
            let (status, seen) = watch::channel(KafkaStatus::default());
            let projector = ProjectorConfig::new(kafka.clone());
            let (pool, keyring) = (pools.readers.clone(), Arc::clone(keyring));
            let stop = lifecycle.stop.clone();
            let run = projector::run(projector, pool, keyring, projection, stop, status);
            lifecycle.tasks.spawn(async { drop(run.await) });
            parts.push((projection.name(), seen));
        }
    }
    lifecycle
        .tasks
        .spawn(watch_health(parts, health, lifecycle.stop.clone()));
    Ok(seen)
}

/// Gathers how every part is into what `/ready` says, once a second.
async fn watch_health(
    parts: Vec<(&'static str, watch::Receiver<KafkaStatus>)>,
    health: watch::Sender<Health>,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(HEALTH_INTERVAL);
    while !stop.is_cancelled() {
        let degraded = parts
            .iter()
            .find_map(|(part, status)| match &*status.borrow() {
                KafkaStatus::Working | KafkaStatus::Waiting => None,
                // It is unknown yet whether Kafka answers.
                KafkaStatus::Starting => Some(format!("{part}: starting")),
                // Why stands in the log: here anybody may ask.
                KafkaStatus::Away(_) => Some(format!("{part}: away")),
                // Positions and topics, which a person has to know.
                KafkaStatus::Stopped(why) => Some(format!("{part}: stopped: {why}")),
            });
        health.send_replace(Health {
            draining: false,
            degraded,
        });
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => {}
        }
    }
    health.send_replace(Health {
        draining: true,
        degraded: None,
    });
}

/// Idempotency keys are kept for seven days, sessions until they are over.
async fn forget(api: Arc<Api>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(FORGET_INTERVAL);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                if let Err(error) = api.ledger.forget_requests().await {
                    tracing::warn!(error = %error, "old idempotency keys could not be deleted");
                }
                if let Err(error) = api.auth.forget_sessions().await {
                    tracing::warn!(error = %error, "sessions that are over could not be deleted");
                }
            }
            () = stop.cancelled() => return,
        }
    }
}

fn api(
    config: &Config,
    topic: String,
    pools: Pools,
    keyring: Arc<Keyring>,
    appended: Arc<Notify>,
    health: watch::Receiver<Health>,
    refusals: Refusals,
) -> Arc<Api> {
    let store = config.ledger.store.clone();
    let hashing = Arc::new(Semaphore::new(HASHING_MAX));
    Arc::new(Api {
        auth: Auth::new(
            pools.readers.clone(),
            Arc::clone(&keyring),
            store.clone(),
            config.medusa.jwt_secret.as_ref(),
            Arc::clone(&hashing),
        ),
        limiter: Limiter::new(pools.readers.clone(), store.clone()),
        watcher: Watcher::start(&pools.readers, &topic),
        ledger: Arc::new(Ledger::open(
            pools.readers,
            pools.writers,
            keyring,
            store,
            appended,
        )),
        refusals,
        medusa: config.medusa.clone(),
        shopline: config.shopline.clone(),
        store: config.store.clone().shown(),
        topic,
        kafka: config.kafka.clone(),
        lists: pools.lists,
        hashing,
        folding: Semaphore::new(FOLDING_MAX),
        trusted_proxies: config.http.trusted_proxies(),
        health,
    })
}

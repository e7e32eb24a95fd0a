//! A ledger on a test's own database and topic, without its front door: for what happens behind it.

use std::sync::Arc;
use std::time::Duration;

use customer_ledger::domain::customer::{
    self, CreateCustomer, Customer, Fields, Rules, UpdateCustomer,
};
use customer_ledger::domain::group::{self, CustomerGroup};
use customer_ledger::event_store::keys::keyring::Keyring;
use customer_ledger::event_store::reader;
use customer_ledger::event_store::{Ledger, Outcome, Request};
use customer_ledger::kafka::projector::{self, Projection};
use customer_ledger::kafka::relay::{self, RelayConfig};
use customer_ledger::kafka::{KafkaConfig, KafkaStatus};
use devkit::wait;
use events::ids::{ForeignIds, StreamId};
use events::patch::Patch;
use events::record::{Actor, ActorKind, Contract, Metadata};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::kafka;
use super::postgres::{Database, database};

/// How long a role may take to get where it is going.
const PATIENCE: Duration = Duration::from_secs(40);

/// Nobody's rules: these tests are not about refusals.
pub(crate) static RULES: Rules = Rules {
    contract: Contract::Ledger,
    email_required_and_fixed: false,
    contact_required_and_unique: false,
    limits: None,
};

/// One ledger.
pub(crate) struct TestLedger {
    pub(crate) database: Database,
    pub(crate) kafka: KafkaConfig,
    pub(crate) ledger: Ledger,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) wake: Arc<Notify>,
}

impl TestLedger {
    /// On the real Kafka.
    pub(crate) async fn open() -> Self {
        Self::open_on(kafka::config()).await
    }

    pub(crate) async fn open_on(kafka: KafkaConfig) -> Self {
        Self::over(database().await, kafka)
    }

    fn over(database: Database, kafka: KafkaConfig) -> Self {
        let keyring = Arc::new(Keyring::new(&[7; 32]));
        let wake = Arc::new(Notify::new());
        let ledger = Ledger::open(
            database.pool.clone(),
            database.pool.clone(),
            Arc::clone(&keyring),
            "main".into(),
            Arc::clone(&wake),
        );
        Self {
            database,
            kafka,
            ledger,
            keyring,
            wake,
        }
    }

    /// The same ledger, as a process that just started has it.
    pub(crate) fn reopened(&self) -> Self {
        Self::over(Database::at(&self.database.owner_url), self.kafka.clone())
    }

    /// Creates a customer: one event.
    pub(crate) async fn create(&self, name: &str) -> StreamId {
        let stream = StreamId::new(ulid::Ulid::new().to_string());
        let create = CreateCustomer {
            rules: &RULES,
            ids: ForeignIds {
                medusa: format!("cus_{stream}").into(),
                shopline: stream.as_str().into(),
            },
            fields: first_name(name),
            has_account: false,
            password: false,
            language: None,
            addresses: vec![],
        };
        self.execute(&stream, customer::Command::Create(Box::new(create)))
            .await;
        stream
    }

    /// Creates many, at once.
    pub(crate) async fn create_many(&self, count: usize) -> Vec<StreamId> {
        let create = (0..count).map(|n| async move { self.create(&format!("customer {n}")).await });
        futures_util::future::join_all(create).await
    }

    /// Gives a customer another name: one event.
    pub(crate) async fn rename(&self, stream: &StreamId, name: &str) {
        let update = UpdateCustomer {
            rules: &RULES,
            fields: first_name(name),
            password: false,
            groups: None,
            addresses: vec![],
        };
        self.execute(stream, customer::Command::Update(Box::new(update)))
            .await;
    }

    pub(crate) async fn execute(&self, stream: &StreamId, command: customer::Command) {
        let outcome = self
            .ledger
            .execute::<Customer>(stream, command, &request())
            .await;
        assert!(matches!(outcome.unwrap(), Outcome::Done(_)));
    }

    /// Creates a group: one event.
    pub(crate) async fn create_group(&self, name: &str) -> StreamId {
        let stream = StreamId::new(ulid::Ulid::new().to_string());
        let create = group::Command::Create {
            medusa_id: format!("cgrp_{stream}").into(),
            name: name.to_owned(),
            metadata: None,
        };
        let outcome = self
            .ledger
            .execute::<CustomerGroup>(&stream, create, &request())
            .await;
        assert!(matches!(outcome.unwrap(), Outcome::Done(_)));
        stream
    }

    pub(crate) async fn head(&self) -> i64 {
        reader::head(&self.database.pool).await.unwrap().get()
    }

    /// The topic of the first epoch.
    pub(crate) fn topic(&self) -> String {
        customer_ledger::kafka::topic(&self.kafka.prefix, 1)
    }

    /// Starts a relay, as another process would have one.
    pub(crate) fn relay(&self) -> Role<relay::Error> {
        self.relay_in_batches(1000)
    }

    pub(crate) fn relay_in_batches(&self, batch_max: i64) -> Role<relay::Error> {
        let config = RelayConfig {
            batch_max,
            ..RelayConfig::new(self.kafka.clone(), self.database.app())
        };
        let (pool, wake) = (self.database.pool.clone(), Arc::clone(&self.wake));
        Role::start(|stop, status| relay::run(config, pool, wake, stop, status))
    }

    /// Starts a projector, as another process would have one.
    pub(crate) fn projector(&self, projection: Projection) -> Role<projector::Error> {
        let config = projector::ProjectorConfig::new(self.kafka.clone());
        let (pool, keyring) = (self.database.pool.clone(), Arc::clone(&self.keyring));
        Role::start(|stop, status| projector::run(config, pool, keyring, projection, stop, status))
    }

    /// Waits until everything appended so far was sent.
    pub(crate) async fn relayed(&self) {
        let head = self.head().await;
        wait::until("everything was sent", async || {
            let sent: Option<i64> = sqlx::query_scalar("select max(position) from sent_positions")
                .fetch_one(&self.database.pool)
                .await
                .unwrap();
            (sent.unwrap_or(0) >= head).then_some(())
        })
        .await;
    }

    /// Waits until a projection holds everything appended so far.
    pub(crate) async fn projected(&self, projection: Projection) {
        let head = self.head().await;
        wait::until("everything is in the views", async || {
            (self.watermark(projection).await >= head).then_some(())
        })
        .await;
    }

    pub(crate) async fn watermark(&self, projection: Projection) -> i64 {
        projector::watermark(&self.database.pool, &self.topic(), projection)
            .await
            .unwrap()
            .get()
    }
}

/// A part of the service that runs by itself.
pub(crate) struct Role<E> {
    pub(crate) status: watch::Receiver<KafkaStatus>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), E>>,
}

impl<E: Send + std::fmt::Debug + 'static> Role<E> {
    fn start<F: Future<Output = Result<(), E>> + Send + 'static>(
        role: impl FnOnce(CancellationToken, watch::Sender<KafkaStatus>) -> F,
    ) -> Self {
        let stop = CancellationToken::new();
        let (sender, status) = watch::channel(KafkaStatus::default());
        Self {
            status,
            task: tokio::spawn(role(stop.clone(), sender)),
            stop,
        }
    }

    /// Asks it to stop, and waits until it did.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(self) {
        self.task.abort();
    }

    /// Waits until it gives up, and says why.
    pub(crate) async fn gives_up(self) -> E {
        let given_up = timeout(PATIENCE, self.task).await.expect("it gives up");
        given_up.unwrap().unwrap_err()
    }

    /// Waits until its status is as asked for.
    pub(crate) async fn is(&mut self, status: impl FnMut(&KafkaStatus) -> bool) {
        let reached = timeout(PATIENCE, self.status.wait_for(status)).await;
        reached.expect("the status is reached").unwrap();
    }
}

fn first_name(name: &str) -> Fields {
    Fields {
        first_name: Patch::Set(name.to_owned()),
        ..Fields::default()
    }
}

/// Somebody at the command line asks.
pub(crate) fn request() -> Request {
    Request {
        metadata: Metadata {
            actor: Actor {
                kind: ActorKind::Operator,
                id: "test".to_owned(),
            },
            on_behalf_of: Some("Somebody Else".to_owned().into()),
            reason: None,
            contract: Contract::Ledger,
            route: "test".to_owned(),
            request_id: format!("{:032x}", rand::random::<u128>() | 1).into(),
            idempotency_key: None,
        },
        idempotency: None,
        credential: None,
    }
}

//! The store alone, in this process: commands are decided, sealed, claimed and appended, without HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use customer_ledger::contracts::medusa::customer::RULES;
use customer_ledger::database;
use customer_ledger::domain::customer::{
    Command, CreateCustomer, Customer, Fields, UpdateCustomer,
};
use customer_ledger::event_store::keys::keyring::Keyring;
use customer_ledger::event_store::new_ids;
use customer_ledger::event_store::{Ledger, Outcome, Request};
use events::ids::StreamId;
use events::patch::Patch;
use events::record::{Actor, ActorKind, Contract, Metadata};
use rand::Rng as _;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::load::joined;
use crate::report::Measured;
use crate::store::Store;

/// What an update changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// One text, sealed.
    Name,
    /// The e-mail: a text, a claim and a mark, the old ones given back.
    Email,
}

impl Change {
    pub(crate) const ALL: [Self; 2] = [Self::Name, Self::Email];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Name => "append, a name",
            Self::Email => "append, an e-mail",
        }
    }

    fn fields(self, number: u64) -> Fields {
        match self {
            Self::Name => Fields {
                first_name: Patch::Set(format!("Ann {number:012}")),
                ..Fields::default()
            },
            Self::Email => Fields {
                email: Patch::Set(format!("ann.{number:012}@example.com")),
                ..Fields::default()
            },
        }
    }
}

/// A store in this process, and its customers.
pub(crate) struct Appends {
    ledger: Ledger,
    streams: Vec<StreamId>,
    /// Counts commands, and makes each one's value new.
    asked: AtomicU64,
}

impl Appends {
    /// Creates so many customers, guests all of them: their e-mails may change.
    pub(crate) async fn prepare(store: &Store, customers: u64) -> Result<Arc<Self>, Error> {
        let keyring = Arc::new(Keyring::new(&store.master_key));
        let pools = database::connect(&store.config(), &keyring).await?;
        let appended = Arc::new(Notify::new());
        let name = "main".into();
        let ledger = Ledger::open(pools.readers, pools.writers, keyring, name, appended);
        let appends = Arc::new(Self {
            ledger,
            streams: vec![],
            asked: AtomicU64::new(0),
        });
        let next = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..crate::context::CONNECTIONS_MANY {
            let (appends, next) = (Arc::clone(&appends), Arc::clone(&next));
            tasks.spawn(async move { appends.create(&next, customers).await });
        }
        let mut streams = vec![];
        while let Some(part) = tasks.join_next().await {
            streams.extend(joined(part)?);
        }
        let mut appends = Arc::into_inner(appends).expect("every task has ended");
        appends.streams = streams;
        Ok(Arc::new(appends))
    }

    async fn create(&self, next: &AtomicU64, count: u64) -> Result<Vec<StreamId>, Error> {
        let mut streams = vec![];
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(streams);
            }
            let (stream, ids) = new_ids::new_customer(&self.ledger.pool).await?;
            let create = CreateCustomer {
                rules: &RULES,
                ids,
                fields: Fields {
                    email: Patch::Set(format!("ann.{number}@example.com")),
                    ..Change::Name.fields(number)
                },
                has_account: false,
                password: false,
                language: None,
                addresses: vec![],
            };
            self.execute(&stream, Command::Create(Box::new(create)))
                .await?;
            streams.push(stream);
        }
    }

    /// So many callers at a time, each on a random customer.
    pub(crate) async fn run(
        self: &Arc<Self>,
        callers: usize,
        change: Change,
        time: Duration,
    ) -> Result<Measured, Error> {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let appends = Arc::clone(self);
            tasks.spawn(async move { appends.run_until(start, change, time).await });
        }
        let mut latencies_us = vec![];
        while let Some(part) = tasks.join_next().await {
            latencies_us.append(&mut joined(part)?);
        }
        Ok(Measured::new(latencies_us, start.elapsed()))
    }

    async fn run_until(
        &self,
        start: Instant,
        change: Change,
        time: Duration,
    ) -> Result<Vec<u32>, Error> {
        let mut latencies_us = vec![];
        while start.elapsed() < time {
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            let chosen = rand::rng().random_range(..self.streams.len());
            let stream = self.streams.get(chosen);
            let stream = stream.expect("it was drawn below the length");
            let update = UpdateCustomer {
                rules: &RULES,
                fields: change.fields(number),
                password: false,
                groups: None,
                addresses: vec![],
            };
            let asked = Instant::now();
            self.execute(stream, Command::Update(Box::new(update)))
                .await?;
            latencies_us.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        Ok(latencies_us)
    }

    async fn execute(&self, stream: &StreamId, command: Command) -> Result<(), Error> {
        let request = Request {
            metadata: Metadata {
                actor: Actor {
                    kind: ActorKind::Person,
                    id: "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
                },
                on_behalf_of: None,
                reason: None,
                contract: Contract::Medusa,
                route: "POST /admin/customers/{id}".to_owned(),
                request_id: format!("{:032x}", rand::random::<u128>()).into(),
                idempotency_key: None,
            },
            idempotency: None,
            credential: None,
        };
        match self
            .ledger
            .execute::<Customer>(stream, command, &request)
            .await
        {
            Ok(Outcome::Done(_)) => Ok(()),
            Ok(Outcome::Repeated(_)) => Err(Error::Wrong("nothing was repeated".into())),
            Err(error) => Err(Error::Wrong(format!("an append was refused: {error}"))),
        }
    }
}

//! Creates and updates through both contracts, from many tasks, each of which knows what it was
//! answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use devkit::http::{Answer, Call};
use devkit::wait;
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::shop::{API_TOKEN, LEDGER_TOKEN};

/// Updates of a customer before the next one is made: streams stay short, and creates are part of
/// the load.
const UPDATES: u64 = 15;

/// A customer as one task knows it. Each request gives it the next number for a first name.
pub(crate) struct Customer {
    pub(crate) medusa: String,
    pub(crate) shopline: String,
    pub(crate) stream: String,
    /// The numbers that were answered, in order.
    pub(crate) answered: Vec<u64>,
    /// Whether each unanswered request was repeated under its key until it was answered.
    pub(crate) repeats: bool,
}

/// What all tasks saw.
pub(crate) struct Told {
    pub(crate) customers: Vec<Customer>,
    pub(crate) answered: usize,
    pub(crate) unanswered: usize,
}

/// The running tasks.
pub(crate) struct Load {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<Vec<Customer>>>,
}

struct Shared {
    doors: watch::Sender<Vec<Option<Arc<Door>>>>,
    stop: CancellationToken,
    answered: AtomicUsize,
    unanswered: AtomicUsize,
    shopline_token: String,
    group: String,
}

/// A process that serves requests.
struct Door {
    base: String,
    in_flight: AtomicUsize,
}

impl Load {
    /// Starts tasks that wait for a door.
    pub(crate) fn start(shopline_token: &str, group: &str, tasks: usize) -> Self {
        let (doors, _) = watch::channel(vec![None, None]);
        let shared = Arc::new(Shared {
            doors,
            stop: CancellationToken::new(),
            answered: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            shopline_token: shopline_token.to_owned(),
            group: group.to_owned(),
        });
        let start = |number| {
            let task = Task {
                number,
                doors: shared.doors.subscribe(),
                shared: Arc::clone(&shared),
            };
            tokio::spawn(task.run())
        };
        let tasks = (0..tasks).map(start).collect();
        Self { shared, tasks }
    }

    pub(crate) fn open_door(&self, slot: usize, base: &str) {
        let door = Arc::new(Door {
            base: base.to_owned(),
            in_flight: AtomicUsize::new(0),
        });
        self.shared
            .doors
            .send_modify(|doors| doors[slot] = Some(door));
    }

    /// Nobody is behind it any more; what is in flight there stays unanswered.
    pub(crate) fn close_door(&self, slot: usize) {
        self.shared.doors.send_modify(|doors| {
            if let Some(door) = doors.get_mut(slot) {
                *door = None;
            }
        });
    }

    /// Requests sent and not answered yet, at one door or at all.
    pub(crate) fn in_flight(&self, slot: Option<usize>) -> usize {
        let doors = self.shared.doors.borrow();
        (0..)
            .zip(doors.iter())
            .filter(|(number, _)| slot.is_none_or(|slot| slot == *number))
            .filter_map(|(_, door)| Some(door.as_ref()?.in_flight.load(Ordering::SeqCst)))
            .sum()
    }

    /// Waits for so many more answers.
    pub(crate) async fn answers(&self, count: usize) {
        let answered = || self.shared.answered.load(Ordering::SeqCst);
        let goal = answered() + count;
        wait::until("requests are answered", async || {
            (answered() >= goal).then_some(())
        })
        .await;
    }

    /// Lets every task finish what it is at.
    pub(crate) async fn stop(self) -> Told {
        self.shared.stop.cancel();
        let mut customers = vec![];
        for task in self.tasks {
            customers.extend(task.await.unwrap());
        }
        Told {
            customers,
            answered: self.shared.answered.load(Ordering::SeqCst),
            unanswered: self.shared.unanswered.load(Ordering::SeqCst),
        }
    }
}

/// One caller: it prefers one door, and repeats what was not answered or goes on.
struct Task {
    number: usize,
    doors: watch::Receiver<Vec<Option<Arc<Door>>>>,
    shared: Arc<Shared>,
}

impl Task {
    async fn run(mut self) -> Vec<Customer> {
        let mut customers = vec![];
        while !self.shared.stop.is_cancelled() {
            if let Some(mut customer) = self.create(customers.len()).await {
                self.update(&mut customer).await;
                customers.push(customer);
            }
        }
        customers
    }

    /// Makes a customer through one contract, and asks for its ids. When its creation is not answered
    /// it has none, and it is left alone.
    async fn create(&mut self, count: usize) -> Option<Customer> {
        let email = format!(
            "{}-{count}-{:x}@example.com",
            self.number,
            rand::random::<u32>()
        );
        let created = if count.is_multiple_of(2) {
            let guest = json!({ "email": email, "first_name": "0", "last_name": "L",
                "password": "" });
            let answer = self
                .send(Method::POST, "/admin/customers", &guest, "")
                .await?;
            answer.ok()["customer"]["id"].clone()
        } else {
            let body = json!({ "customer": { "email": email, "first_name": "0" } });
            let path = "/admin/openapi/v20220901/customers.json";
            let answer = self.send(Method::POST, path, &body, "").await?;
            answer.ok()["customer"]["id"].clone()
        };
        let path = format!("/ledger/customers/{}", created.as_str().unwrap());
        let ids = loop {
            if let Some(answer) = self.send(Method::GET, &path, &Value::Null, "").await {
                break answer.ok()["ids"].clone();
            }
        };
        let id = |of: &str| ids[of].as_str().unwrap().to_owned();
        Some(Customer {
            medusa: id("medusa"),
            shopline: id("shopline"),
            stream: id("ledger"),
            answered: vec![0],
            repeats: self.number.is_multiple_of(2),
        })
    }

    async fn update(&mut self, customer: &mut Customer) {
        for number in 1..=UPDATES {
            let key = format!("{:032x}", rand::random::<u128>());
            let mut answer = self.update_once(customer, number, &key).await;
            while answer.is_none() && customer.repeats {
                answer = self.update_once(customer, number, &key).await;
            }
            if let Some(answer) = answer {
                assert_eq!(answer.ok()["customer"]["first_name"], number.to_string());
                customer.answered.push(number);
            }
            if self.shared.stop.is_cancelled() {
                return;
            }
        }
    }

    async fn update_once(&mut self, customer: &Customer, number: u64, key: &str) -> Option<Answer> {
        let name = number.to_string();
        if number.is_multiple_of(2) {
            let path = format!(
                "/admin/openapi/v20220901/customers/{}.json",
                customer.shopline
            );
            let body = json!({ "customer": { "first_name": name } });
            self.send(Method::PUT, &path, &body, key).await
        } else {
            let path = format!("/admin/customers/{}", customer.medusa);
            let mut body = json!({ "first_name": name });
            if number == 5 {
                body["groups"] = json!([{ "id": self.shared.group }]);
            }
            self.send(Method::POST, &path, &body, key).await
        }
    }

    /// Sends a request through a door that is open; `None` when it was sent and not answered.
    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
        key: &str,
    ) -> Option<Answer> {
        loop {
            let doors = self.doors.borrow_and_update().clone();
            let mine = doors.get(self.number % doors.len()).cloned().flatten();
            if let Some(door) = mine.or_else(|| doors.into_iter().flatten().next()) {
                let call = self.call(&door.base, method.clone(), path, body, key);
                // Where nobody is, nobody got the request.
                if let Ok(stream) = call.connect().await {
                    door.in_flight.fetch_add(1, Ordering::SeqCst);
                    // Who is told to come back, as by a busy machine, knows as little as who hears nothing.
                    let answer = call.send_on(stream).await.ok();
                    let answer = answer.filter(|answer| answer.status != 503);
                    door.in_flight.fetch_sub(1, Ordering::SeqCst);
                    let count = match answer {
                        Some(_) => &self.shared.answered,
                        None => &self.shared.unanswered,
                    };
                    count.fetch_add(1, Ordering::SeqCst);
                    return answer;
                }
            }
            self.doors.changed().await.unwrap();
        }
    }

    fn call(&self, base: &str, method: Method, path: &str, body: &Value, key: &str) -> Call {
        let bearer = |token: &str| format!("Bearer {token}");
        let call = Call::new(method, base, path);
        let call = if path.starts_with("/ledger/") {
            return call.header("authorization", &bearer(LEDGER_TOKEN));
        } else if path.starts_with("/admin/openapi/") {
            call.header("authorization", &bearer(&self.shared.shopline_token))
        } else {
            call.header("x-medusa-access-token", API_TOKEN)
        };
        let call = if key.is_empty() {
            call
        } else {
            call.header("idempotency-key", key)
        };
        call.json(body)
    }
}

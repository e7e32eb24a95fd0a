//! The load: writers that each have one customer at a time, and readers of everybody's.
//!
//! A writer numbers what it asks for, so that any later read shows how far the customer had come. A
//! request that has an idempotency key is repeated until it is answered. One that has none and is not
//! answered may still happen at any time: its writer leaves that customer alone from then on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::client::{Call, Keys, Reply};
use crate::journal::{Answer, Ask, Attempt, Expects, Journal, Outcome, Write};

/// Writers; each sends one request at a time.
const WRITERS: u64 = 12;
/// Readers.
const READERS: u64 = 4;
/// Requests about a customer before the next one is made: streams stay short, so that many end while
/// something is broken.
const REQUESTS_MAX: u32 = 14;
/// How many customers readers choose from: the ones last made.
const KNOWN_MAX: usize = 48;
/// How long a writer or reader thinks between two requests, in milliseconds.
const THINKS: std::ops::Range<u64> = 5..40;
/// How long to wait before a request is sent again.
const AGAIN: Duration = Duration::from_millis(40);
/// How long a request with a key is repeated once all is to stop.
const LAST_TRIES: usize = 200;

const SHOPLINE: &str = "/admin/openapi/v20220901";

/// What all writers and readers share.
pub(crate) struct Load {
    /// The ports of the processes that serve requests.
    pub(crate) doors: Vec<u16>,
    /// What opens them.
    pub(crate) keys: Keys,
    /// Where everything is written down.
    pub(crate) journal: Arc<Journal>,
    /// Ids of groups in Medusa.
    pub(crate) groups: Vec<String>,
    /// Cancelled when the load is to end.
    pub(crate) stop: CancellationToken,
    customers: AtomicUsize,
    known: Mutex<VecDeque<Known>>,
}

/// A customer as the load knows it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its number in the journal.
    pub(crate) customer: usize,
    /// Its id in Medusa.
    pub(crate) medusa: String,
    /// Its id in SHOPLINE.
    pub(crate) shopline: String,
    /// Its e-mail.
    pub(crate) email: String,
}

impl Load {
    /// A load that has not begun.
    pub(crate) fn new(
        doors: Vec<u16>,
        keys: Keys,
        journal: Arc<Journal>,
        groups: Vec<String>,
    ) -> Self {
        Self {
            doors,
            keys,
            journal,
            groups,
            stop: CancellationToken::new(),
            customers: AtomicUsize::new(0),
            known: Mutex::default(),
        }
    }

    /// Runs until it is to stop; returns once every request is answered or given up.
    pub(crate) async fn run(self: Arc<Self>, seed: u64) {
        let mut tasks = JoinSet::new();
        for number in 0..WRITERS {
            let load = Arc::clone(&self);
            tasks.spawn(async move { Caller::new(load, seed, number).write().await });
        }
        for number in 0..READERS {
            let load = Arc::clone(&self);
            tasks.spawn(async move { Caller::new(load, seed, WRITERS + number).read().await });
        }
        tasks.join_all().await;
    }

    /// The customers that were made last.
    pub(crate) fn last(&self) -> Vec<Known> {
        self.known().iter().cloned().collect()
    }

    fn introduce(&self, known: Known) {
        let mut all = self.known();
        all.push_back(known);
        if all.len() > KNOWN_MAX {
            all.pop_front();
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, VecDeque<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a customer through one of the contracts, as the checker wants it written down.
    pub(crate) async fn read(&self, random: &mut StdRng, known: &Known) {
        let call = if random.random() {
            Call::get(format!("/admin/customers/{}", known.medusa))
        } else {
            Call::get(format!("{SHOPLINE}/customers/v2/{}.json", known.shopline))
        };
        self.send(random, &call, None, &Ask::Read(known.customer))
            .await;
    }

    /// Asks for the page that shows a customer.
    async fn list(&self, random: &mut StdRng, known: &Known) {
        let call = if random.random() {
            Call::get(format!("/admin/customers?q={}", known.email))
        } else {
            let id = &known.shopline;
            Call::get(format!("{SHOPLINE}/v2/customers.json?ids={id}"))
        };
        self.send(random, &call, None, &Ask::List(known.customer))
            .await;
    }

    /// Sends a request to some process where somebody is, and writes down what became of it; also
    /// returns the body.
    async fn send(
        &self,
        random: &mut StdRng,
        call: &Call,
        key: Option<&str>,
        ask: &Ask,
    ) -> (Outcome, Value) {
        loop {
            let request = hex::encode(random.random::<[u8; 16]>());
            let door = random.random_range(..self.doors.len());
            let port = self.doors.get(door).copied().unwrap_or_default();
            let begin = self.journal.now();
            let (outcome, body) = match call.send(port, &self.keys, &request, key).await {
                Reply::NotSent => {
                    sleep(AGAIN).await;
                    continue;
                }
                Reply::Lost(why) => (Outcome::Unknown(why), Value::Null),
                Reply::Answer(answer) => {
                    let value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
                    let outcome = match answer.status {
                        200..300 => Outcome::Answered(Answer {
                            status: answer.status,
                            digest: hex::encode(Sha256::digest(&answer.body)),
                            shows: shown(&value),
                            behind: answer.headers.contains_key("ledger-behind"),
                        }),
                        400..500 => Outcome::Refused(answer.status),
                        status => Outcome::Unknown(format!("status {status}")),
                    };
                    (outcome, value)
                }
            };
            self.journal.note(Attempt {
                request,
                door,
                begin,
                end: self.journal.now(),
                ask: ask.clone(),
                outcome: outcome.clone(),
            });
            return (outcome, body);
        }
    }
}

/// The number of the one customer that an answer shows.
fn shown(body: &Value) -> Option<u64> {
    let one = body.get("customer").or_else(|| {
        let page = body.get("customers")?.as_array()?;
        page.first().filter(|_| page.len() == 1)
    });
    one?.get("first_name")?
        .as_str()?
        .strip_prefix("n-")?
        .parse()
        .ok()
}

fn name(number: u64) -> String {
    format!("n-{number:06}")
}

/// One writer or reader.
struct Caller {
    load: Arc<Load>,
    random: StdRng,
}

/// A writer's customer.
struct Mine {
    known: Known,
    number: u64,
    group: Option<usize>,
    family: u64,
    has_address: bool,
    /// Requests with a key, with their keys.
    keyed: Vec<(Call, Write)>,
}

impl Caller {
    fn new(load: Arc<Load>, seed: u64, number: u64) -> Self {
        let random = StdRng::seed_from_u64(seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { load, random }
    }

    async fn think(&mut self) {
        sleep(Duration::from_millis(self.random.random_range(THINKS))).await;
    }

    fn is_stopped(&self) -> bool {
        self.load.stop.is_cancelled()
    }

    async fn read(mut self) {
        while !self.is_stopped() {
            self.think().await;
            let recent = self.load.last();
            let Some(known) = recent.choose(&mut self.random) else {
                continue;
            };
            if self.random.random_bool(0.8) {
                self.load.read(&mut self.random, known).await;
            } else {
                self.load.list(&mut self.random, known).await;
            }
        }
    }

    async fn write(mut self) {
        while !self.is_stopped() {
            if let Some(mut mine) = self.create().await {
                self.live(&mut mine).await;
            }
        }
    }

    /// Sends a write; with a key it is repeated until it is answered.
    async fn ask(&mut self, call: &Call, write: &Write) -> (Outcome, Value) {
        let mut tries = 0;
        loop {
            let ask = Ask::Write(write.clone());
            let (outcome, body) = self
                .load
                .send(&mut self.random, call, write.key.as_deref(), &ask)
                .await;
            let again = matches!(outcome, Outcome::Unknown(_)) && write.key.is_some();
            tries += usize::from(self.is_stopped());
            if !again || tries > LAST_TRIES {
                return (outcome, body);
            }
            sleep(AGAIN).await;
        }
    }

    /// Makes a customer and learns its ids; none when nobody knows whether it is there.
    async fn create(&mut self) -> Option<Mine> {
        let customer = self.load.customers.fetch_add(1, Ordering::Relaxed);
        let email = format!(
            "c{customer}-{:08x}@example.com",
            self.random.random::<u32>()
        );
        let medusa = self.random.random();
        let name = name(1);
        let call = if medusa {
            let body = json!({ "email": email, "first_name": name, "last_name": "f-0",
                "password": "" });
            Call::create("/admin/customers", body)
        } else {
            let fields = json!({ "email": email, "first_name": name, "last_name": "f-0" });
            let path = format!("{SHOPLINE}/customers.json");
            Call::create(&path, json!({ "customer": fields }))
        };
        let mut write = Write {
            customer,
            key: self.key(0.7),
            expects: Expects::Events(vec!["CustomerCreated"]),
            sets: Some(1),
            shows: Some(1),
            deletes: false,
        };
        let (outcome, body) = self.ask(&call, &write).await;
        let Outcome::Answered(_) = outcome else {
            return None;
        };
        let id = body.pointer("/customer/id")?.as_str()?.to_owned();
        let (medusa, shopline) = self.ids(&id).await?;
        let known = Known {
            customer,
            medusa,
            shopline,
            email,
        };
        self.load.introduce(known.clone());
        let keyed = write.key.is_some().then_some((call.clone(), write.clone()));
        // Its e-mail is taken now.
        if self.random.random_bool(0.2) {
            write = Write {
                key: None,
                expects: Expects::Refusal,
                sets: None,
                shows: None,
                ..write
            };
            self.ask(&call, &write).await;
        }
        Some(Mine {
            known,
            number: 1,
            group: None,
            family: 0,
            has_address: false,
            keyed: keyed.into_iter().collect(),
        })
    }

    /// A customer's ids in both shops.
    async fn ids(&mut self, id: &str) -> Option<(String, String)> {
        let call = Call::get(format!("/ledger/customers/{id}"));
        for _ in 0..LAST_TRIES {
            let port = *self.load.doors.choose(&mut self.random)?;
            let request = hex::encode(self.random.random::<[u8; 16]>());
            if let Reply::Answer(answer) = call.send(port, &self.load.keys, &request, None).await {
                let body: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
                let of = |shop| Some(body.pointer(shop)?.as_str()?.to_owned());
                if let (Some(medusa), Some(shopline)) = (of("/ids/medusa"), of("/ids/shopline")) {
                    return Some((medusa, shopline));
                }
            }
            sleep(AGAIN).await;
        }
        None
    }

    /// Changes a customer until it has lived long enough, or nobody knows how it is.
    async fn live(&mut self, mine: &mut Mine) {
        let requests = self.random.random_range(2..=REQUESTS_MAX);
        for _ in 0..requests {
            self.think().await;
            if self.is_stopped() {
                return;
            }
            let (call, write) = self.next(mine);
            let (outcome, _) = self.ask(&call, &write).await;
            if matches!(outcome, Outcome::Unknown(_)) {
                return;
            }
            if write.key.is_some() {
                mine.keyed.push((call, write));
            }
        }
        if self.random.random_bool(0.15) {
            let call = Call::delete(format!("{SHOPLINE}/customers/{}.json", mine.known.shopline));
            let mut write = self.plain(mine, vec!["CustomerDeleted"]);
            (write.key, write.shows, write.deletes) = (None, None, true);
            self.ask(&call, &write).await;
        }
    }

    /// What to ask for next.
    fn next(&mut self, mine: &mut Mine) -> (Call, Write) {
        match self.random.random_range(0..100) {
            0..30 => self.rename(mine, true),
            30..50 => self.rename(mine, false),
            50..62 => self.assign(mine),
            62..70 => self.move_house(mine),
            70..84 => self.marry(mine),
            84..88 => self.say_again(mine),
            88..94 => self.ask_wrongly(mine),
            _ => match mine.keyed.choose(&mut self.random).cloned() {
                // The first answer again, and nothing recorded.
                Some(repeated) => repeated,
                None => self.rename(mine, true),
            },
        }
    }

    /// A new number for a first name.
    fn rename(&mut self, mine: &mut Mine, medusa: bool) -> (Call, Write) {
        mine.number += 1;
        let write = self.setting(mine, vec!["CustomerUpdated"]);
        let fields = json!({ "first_name": name(mine.number) });
        (Self::update(mine, medusa, fields), write)
    }

    /// A new number and another group: two events, or none.
    fn assign(&mut self, mine: &mut Mine) -> (Call, Write) {
        mine.number += 1;
        let group = match mine.group {
            Some(group) => (group + 1) % self.load.groups.len(),
            None => 0,
        };
        mine.group = Some(group);
        let write = self.setting(mine, vec!["CustomerUpdated", "GroupsAssigned"]);
        let id = self.load.groups.get(group);
        let fields = json!({ "first_name": name(mine.number), "groups": [{ "id": id }] });
        (Self::update(mine, true, fields), write)
    }

    /// A new number and an address: two events, or none.
    fn move_house(&mut self, mine: &mut Mine) -> (Call, Write) {
        if mine.has_address {
            return self.rename(mine, false);
        }
        mine.number += 1;
        mine.has_address = true;
        let write = self.setting(mine, vec!["CustomerUpdated", "AddressChanged"]);
        let address = json!({ "address1": "7720 Cherokee Road", "city": "Hagerman",
            "country_code": "US", "zip": "40202" });
        let fields = json!({ "first_name": name(mine.number), "addresses": [address] });
        (Self::update(mine, false, fields), write)
    }

    /// Another last name, of two that take turns: to a process that lags, nothing changes.
    fn marry(&mut self, mine: &mut Mine) -> (Call, Write) {
        mine.family = 1 - mine.family;
        let write = self.plain(mine, vec!["CustomerUpdated"]);
        let fields = json!({ "last_name": format!("f-{}", mine.family) });
        let medusa = self.random.random();
        (Self::update(mine, medusa, fields), write)
    }

    /// What is so already.
    fn say_again(&mut self, mine: &Mine) -> (Call, Write) {
        let write = self.plain(mine, vec![]);
        let fields = json!({ "first_name": name(mine.number),
            "last_name": format!("f-{}", mine.family) });
        let medusa = self.random.random();
        (Self::update(mine, medusa, fields), write)
    }

    /// What each shop refuses, whole.
    fn ask_wrongly(&mut self, mine: &Mine) -> (Call, Write) {
        let mut write = self.plain(mine, vec![]);
        (write.key, write.expects, write.shows) = (None, Expects::Refusal, None);
        let medusa = self.random.random();
        let fields = if medusa {
            json!({ "first_name": "refused", "groups": [{ "id": "cgrp_unknown" }] })
        } else {
            json!({ "first_name": "refused", "email": "nobody" })
        };
        (Self::update(mine, medusa, fields), write)
    }

    fn update(mine: &Mine, medusa: bool, fields: Value) -> Call {
        if medusa {
            Call::update(format!("/admin/customers/{}", mine.known.medusa), fields)
        } else {
            let path = format!("{SHOPLINE}/customers/{}.json", mine.known.shopline);
            Call::update(path, json!({ "customer": fields }))
        }
    }

    /// A write that sets the customer's number.
    fn setting(&mut self, mine: &Mine, events: Vec<&'static str>) -> Write {
        Write {
            sets: Some(mine.number),
            ..self.plain(mine, events)
        }
    }

    /// A write that leaves the number as it is.
    fn plain(&mut self, mine: &Mine, events: Vec<&'static str>) -> Write {
        Write {
            customer: mine.known.customer,
            key: self.key(0.7),
            expects: Expects::Events(events),
            sets: None,
            shows: Some(mine.number),
            deletes: false,
        }
    }

    fn key(&mut self, often: f64) -> Option<String> {
        let key = format!("{:032x}", self.random.random::<u128>());
        self.random.random_bool(often).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_shows_its_customers_number() {
        let customer = json!({ "first_name": "n-000012" });
        assert_eq!(shown(&json!({ "customer": customer })), Some(12));
        assert_eq!(shown(&json!({ "customers": [customer] })), Some(12));
        assert_eq!(shown(&json!({ "customers": [] })), None);
        assert_eq!(shown(&json!({ "customer": { "first_name": "Ann" } })), None);
    }
}

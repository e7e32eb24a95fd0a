//! Requests that nobody would think of, made from a seed, and answers that must all be documented.
//!
//! The server runs in the test's own process, on the real Postgres and the real Kafka. Another seed
//! is tried with `PIPELINE_SEED=…`, more or fewer requests with `PIPELINE_REQUESTS=…`.

pub(crate) mod ask;
mod medusa;
mod shopline;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use customer_ledger::shutdown::Lifecycle;
use devkit::http::{Answer, Connection};
use devkit::wait;
use futures_util::future::join_all;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::net::TcpStream;
use tokio::time::timeout;

use self::ask::{Asked, chance, send_body, target};
use crate::support::check::agrees;
use crate::support::shop::Shop;

/// How many requests are in flight.
const LANES: u64 = 12;
/// Of so many requests one is sent while no other is, so that a trace it leaves is its own.
const ALONE_SHARE: usize = 20;
/// An answer takes less than a second; on a machine that does much else, this.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// One contract under generated requests.
pub(crate) trait Contract: Sync {
    /// A method and a path.
    fn operation(&self, rng: &mut StdRng) -> (Method, String);
    /// A query.
    fn query(&self, rng: &mut StdRng) -> String;
    /// The headers, apart from those that the body brings.
    fn headers(&self, rng: &mut StdRng) -> Vec<(HeaderName, HeaderValue)>;
    /// Whether a request of this method comes with a body.
    fn has_body(&self, rng: &mut StdRng, method: &Method) -> bool;
    /// A body for a path.
    fn body(&self, rng: &mut StdRng, path: &str) -> String;
    /// The kind of documented answer this is, or what is wrong with it.
    fn documented(&self, asked: &Asked, answer: &Answer) -> Result<&'static str, String>;

    /// Any request at all.
    fn ask(&self, rng: &mut StdRng) -> Asked {
        let (method, path) = self.operation(rng);
        let query = if chance(rng, 60) {
            self.query(rng)
        } else {
            String::new()
        };
        let target = target(&path, &query);
        let mut headers = self.headers(rng);
        let body = if self.has_body(rng, &method) {
            let json = self.body(rng, target.path());
            send_body(rng, json, &mut headers)
        } else {
            vec![]
        };
        Asked {
            method,
            target,
            headers,
            body,
        }
    }
}

/// Sends generated requests, some at once and some alone; fails on the first answer that is not
/// documented. How often each kind of answer came.
pub(crate) async fn run(
    shop: &Shop,
    address: SocketAddr,
    contract: &impl Contract,
) -> BTreeMap<&'static str, usize> {
    let start = from_environment("PIPELINE_SEED", 4);
    let alone = requests() / ALONE_SHARE;
    let each = (requests() - alone).div_ceil(usize::try_from(LANES).unwrap());
    let lanes = (1..=LANES).map(|lane| async move {
        let mut lane = Lane::new(start ^ (lane << 32), address);
        for _ in 0..each {
            lane.ask(contract).await;
        }
        lane.seen
    });
    let mut seen = join_all(lanes).await;
    let mut single = Lane::new(start, address);
    for _ in 0..alone {
        let before = shop.head().await;
        let (asked, status) = single.ask(contract).await;
        let trace = shop.head().await - before;
        assert!(trace == 0 || status < 300, "{status} left a trace: {asked}");
    }
    seen.push(single.seen);
    let mut all = BTreeMap::new();
    for (kind, count) in seen.into_iter().flatten() {
        *all.entry(kind).or_default() += count;
    }
    all
}

/// How many requests are sent in all.
fn requests() -> usize {
    usize::try_from(from_environment("PIPELINE_REQUESTS", 100_000)).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the seed comes from outside")]
fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// One connection, which is opened anew when the server closes it.
struct Lane {
    rng: StdRng,
    address: SocketAddr,
    connection: Option<Connection>,
    seen: BTreeMap<&'static str, usize>,
}

impl Lane {
    fn new(seed: u64, address: SocketAddr) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            address,
            connection: None,
            seen: BTreeMap::new(),
        }
    }

    async fn ask(&mut self, contract: &impl Contract) -> (Asked, u16) {
        let asked = contract.ask(&mut self.rng);
        // A machine that does much else gives a list up, and may be asked again.
        let answer = wait::until("a list is not given up", async || {
            let answer = timeout(ANSWER_MAX, self.send(asked.request(self.address))).await;
            let answer = answer.unwrap_or_else(|_elapsed| panic!("no answer in time: {asked}"));
            let reads = matches!(asked.method, Method::GET | Method::HEAD);
            (!reads || answer.status != 503).then_some(answer)
        })
        .await;
        match contract.documented(&asked, &answer) {
            Ok(kind) => *self.seen.entry(kind).or_default() += 1,
            Err(wrong) => panic!(
                "{wrong}\n{asked}\nwas answered {} {:?}\n{}",
                answer.status, answer.headers, answer.body
            ),
        }
        (asked, answer.status)
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await,
        };
        if !connection.is_open().await {
            connection = self.connect().await;
        }
        let answer = connection.send(request).await.unwrap();
        self.connection = Some(connection);
        answer
    }

    async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).await.unwrap();
        Connection::over(stream).await.unwrap()
    }
}

/// Runs a contract, and sees that it met each kind of answer and that the ledger agrees with itself.
async fn hold<C: Contract>(shop: &Shop, kinds: &[&str], open: impl AsyncFnOnce(SocketAddr) -> C) {
    let lifecycle = Arc::new(Lifecycle::default());
    let (address, serving) = shop.serve_here(Arc::clone(&lifecycle)).await;
    let contract = open(address).await;
    let seen = run(shop, address, &contract).await;
    if requests() >= 10_000 {
        let met: Vec<_> = seen.keys().copied().collect();
        assert_eq!(met, kinds, "{seen:?}: each kind of answer was met");
    }
    agrees(shop).await;
    lifecycle.stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn medusa_answers_any_request_as_documented() {
    let shop = Shop::open().await;
    hold(&shop, &medusa::KINDS, medusa::Medusa::open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shopline_answers_any_request_as_documented() {
    let shop = Shop::open().await;
    let open = async |address| shopline::Shopline::open(&shop, address).await;
    hold(&shop, &shopline::KINDS, open).await;
}

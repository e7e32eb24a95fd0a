//! The load: keep-alive connections that each ask, wait for the answer, and ask again.
//!
//! It shares the cores with what it measures, so it does as little as it can: one thread, requests
//! written in place, and of an answer only status and length are read.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::Rng as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::report::Measured;

/// How long an answer may take: longer than any request is served.
const ANSWER_MAX: Duration = Duration::from_mins(1);
/// How much of an unexpected answer is shown.
const SHOWN_MAX: usize = 300;

/// When to stop asking.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After so long.
    Time(Duration),
    /// After so many answers.
    Answers(u64),
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// An update of a random customer.
    Update,
    /// A read of one by id.
    Read,
}

/// What is asked of whom.
#[derive(Clone)]
pub(crate) struct Load {
    /// Connections take turns among them.
    addresses: Vec<SocketAddr>,
    token: String,
    customers: Arc<[String]>,
    /// How many a second at most, in all.
    per_second: Option<f64>,
    /// Counts requests, and makes each one's value new.
    asked: Arc<AtomicU64>,
    /// Counts answered updates.
    updated: Arc<AtomicU64>,
}

impl Load {
    /// Nothing yet.
    pub(crate) fn new(address: SocketAddr, token: String) -> Self {
        Self {
            addresses: vec![address],
            token,
            customers: Arc::from([]),
            per_second: None,
            asked: Arc::default(),
            updated: Arc::default(),
        }
    }

    /// The same load on one more process of the same ledger.
    pub(crate) fn and_at(&self, address: SocketAddr) -> Self {
        let mut both = self.clone();
        both.addresses.push(address);
        both
    }

    /// The same load, never more than so many a second.
    pub(crate) fn at_most(&self, per_second: f64) -> Self {
        Self {
            per_second: Some(per_second),
            ..self.clone()
        }
    }

    /// The same load on one of the customers.
    pub(crate) fn of_one(&self) -> Self {
        Self {
            customers: self.customers.iter().take(1).cloned().collect(),
            ..self.clone()
        }
    }

    /// The same load on all but that one.
    pub(crate) fn but_one(&self) -> Self {
        Self {
            customers: self.customers.iter().skip(1).cloned().collect(),
            ..self.clone()
        }
    }

    /// That one.
    pub(crate) fn customer(&self) -> &str {
        self.customers.first().expect("customers were created")
    }

    /// One was answered that this load did not ask for.
    pub(crate) fn one_more_updated(&self) {
        self.updated.fetch_add(1, Ordering::Relaxed);
    }

    /// How many updates were answered in all.
    pub(crate) fn updated(&self) -> u64 {
        self.updated.load(Ordering::Relaxed)
    }

    /// Creates the customers that updates are about.
    pub(crate) async fn create(
        &mut self,
        connections: usize,
        count: u64,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let (address, token) = (self.address(0), self.token.clone());
        let created = on_one_thread(stop.clone(), move || async move {
            let next = Arc::new(AtomicU64::new(0));
            let mut tasks = JoinSet::new();
            for _ in 0..connections {
                let (token, next) = (token.clone(), Arc::clone(&next));
                tasks.spawn(async move { create(address, &token, &next, count).await });
            }
            let mut customers = vec![];
            while let Some(ids) = tasks.join_next().await {
                customers.extend(joined(ids)?);
            }
            Ok(customers)
        });
        self.customers = created.await?.into();
        Ok(())
    }

    fn address(&self, connection: usize) -> SocketAddr {
        let turn = connection % self.addresses.len();
        *self.addresses.get(turn).expect("it is below the length")
    }

    /// Asks over so many connections.
    pub(crate) async fn run(
        self: &Arc<Self>,
        ask: Ask,
        connections: usize,
        until: Until,
        stop: &CancellationToken,
    ) -> Result<Measured, Error> {
        let load = Arc::clone(self);
        on_one_thread(stop.clone(), move || async move {
            let first = load.asked.load(Ordering::Relaxed);
            let start = Instant::now();
            let mut tasks = JoinSet::new();
            let pace = load.pace(connections);
            for connection in 0..connections {
                let load = Arc::clone(&load);
                let address = load.address(connection);
                tasks.spawn(async move { load.ask(ask, address, start, first, until, pace).await });
            }
            let mut latencies_us = vec![];
            while let Some(part) = tasks.join_next().await {
                latencies_us.append(&mut joined(part)?);
            }
            Ok(Measured::new(latencies_us, start.elapsed()))
        })
        .await
    }

    /// One connection's share: the latency of each answer.
    async fn ask(
        &self,
        ask: Ask,
        address: SocketAddr,
        start: Instant,
        first: u64,
        until: Until,
        pace: Option<Duration>,
    ) -> Result<Vec<u32>, Error> {
        let mut client = Client::connect(address).await?;
        let mut turns = pace.map(tokio::time::interval);
        let mut request = String::new();
        let mut latencies_us = vec![];
        loop {
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            let over = match until {
                Until::Time(time) => start.elapsed() >= time,
                Until::Answers(answers) => number - first >= answers,
            };
            if over {
                return Ok(latencies_us);
            }
            if let Some(turns) = &mut turns {
                turns.tick().await;
            }
            self.write(ask, &mut request, number);
            let asked = Instant::now();
            client.ask(request.as_bytes(), 200).await?;
            let latency = asked.elapsed().as_micros();
            if matches!(ask, Ask::Update) {
                self.updated.fetch_add(1, Ordering::Relaxed);
            }
            latencies_us.push(u32::try_from(latency).unwrap_or(u32::MAX));
        }
    }

    /// Updates the first customer and reads it back, again and again until it is over: how long the reads
    /// take. One that does not show the update is an error; nobody else may update that customer.
    pub(crate) async fn read_back(&self, over: &CancellationToken) -> Result<Measured, Error> {
        let load = self.of_one();
        let mut client = Client::connect(self.address(0)).await?;
        let mut turns = load.pace(1).map(tokio::time::interval);
        let (mut request, mut latencies_us) = (String::new(), vec![]);
        let start = Instant::now();
        while !over.is_cancelled() {
            if let Some(turns) = &mut turns {
                turns.tick().await;
            }
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            load.write(Ask::Update, &mut request, number);
            client.ask(request.as_bytes(), 200).await?;
            self.one_more_updated();
            load.write(Ask::Read, &mut request, number);
            let asked = Instant::now();
            let body = client.ask(request.as_bytes(), 200).await?;
            let latency = asked.elapsed().as_micros();
            let shown: Option<Value> = serde_json::from_slice(body).ok();
            let shown = shown
                .as_ref()
                .and_then(|body| body.pointer("/customer/first_name")?.as_str());
            if shown != Some(&name(number)) {
                let sentence = "a read does not show the update that was answered before it";
                return Err(Error::Wrong(sentence.to_owned()));
            }
            latencies_us.push(u32::try_from(latency).unwrap_or(u32::MAX));
        }
        Ok(Measured::new(latencies_us, start.elapsed()))
    }

    /// How long one of so many connections waits from request to request.
    fn pace(&self, connections: usize) -> Option<Duration> {
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        let per_second = self.per_second?;
        Some(Duration::from_secs_f64(f64::from(connections) / per_second))
    }

    fn write(&self, ask: Ask, request: &mut String, number: u64) {
        let chosen = rand::rng().random_range(..self.customers.len());
        let id = self
            .customers
            .get(chosen)
            .expect("it was drawn below the length");
        request.clear();
        let token = &self.token;
        match ask {
            Ask::Update => write_request(
                request,
                &format_args!("POST /admin/customers/{id}"),
                token,
                &format_args!(r#"{{"first_name":"{}"}}"#, name(number)),
            ),
            Ask::Read => write_request(
                request,
                &format_args!("GET /admin/customers/{id}"),
                token,
                &"",
            ),
        }
    }
}

/// The name that an update gives.
fn name(number: u64) -> String {
    format!("Ann {number:012}")
}

/// Creates customers until there are enough; their ids.
async fn create(
    address: SocketAddr,
    token: &str,
    next: &AtomicU64,
    count: u64,
) -> Result<Vec<String>, Error> {
    let mut client = Client::connect(address).await?;
    let mut ids = vec![];
    let mut request = String::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(ids);
        }
        request.clear();
        write_request(
            &mut request,
            &"POST /admin/customers",
            token,
            &format_args!(
                r#"{{"email":"ann.{number}@example.com","first_name":"Ann","last_name":"Lee {number}","password":""}}"#
            ),
        );
        let body = client.ask(request.as_bytes(), 201).await?;
        let answer: Option<Value> = serde_json::from_slice(body).ok();
        let id = answer
            .as_ref()
            .and_then(|a| a.pointer("/customer/id")?.as_str());
        let id = id.ok_or_else(|| Error::Wrong("a customer was created without an id".into()))?;
        ids.push(id.to_owned());
    }
}

pub(crate) fn write_request(
    request: &mut String,
    line: &dyn std::fmt::Display,
    token: &str,
    body: &dyn std::fmt::Display,
) {
    let body = body.to_string();
    write!(
        request,
        "{line} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-medusa-access-token: {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("writing to a text never fails");
}

/// Runs on a thread of its own, until it is done or all is to stop: its tasks never wait for, nor
/// wake, another thread.
pub(crate) async fn on_one_thread<T, F>(
    stop: CancellationToken,
    run: impl FnOnce() -> F + Send + 'static,
) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>>,
{
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(crate::error::system("a runtime for the load"))?;
        runtime.block_on(async {
            tokio::select! {
                result = run() => result,
                () = stop.cancelled() => Err(Error::Interrupted),
            }
        })
    });
    thread
        .await
        .map_err(io::Error::other)
        .map_err(Error::Connection)?
}

/// What a task came to.
pub(crate) fn joined<T>(
    task: Result<Result<T, Error>, tokio::task::JoinError>,
) -> Result<T, Error> {
    task.map_err(io::Error::other).map_err(Error::Connection)?
}

/// One keep-alive connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(Error::Connection)?;
        stream.set_nodelay(true).map_err(Error::Connection)?;
        let buffer = Vec::with_capacity(16 * 1024);
        Ok(Self { stream, buffer })
    }

    /// Sends a request and reads its answer, which has to have this status; its body.
    pub(crate) async fn ask(&mut self, request: &[u8], status: u16) -> Result<&[u8], Error> {
        tokio::time::timeout(ANSWER_MAX, self.exchange(request, status))
            .await
            .map_err(|late| Error::Connection(io::Error::new(io::ErrorKind::TimedOut, late)))?
    }

    async fn exchange(&mut self, request: &[u8], status: u16) -> Result<&[u8], Error> {
        self.stream
            .write_all(request)
            .await
            .map_err(Error::Connection)?;
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await;
            if read.map_err(Error::Connection)? == 0 {
                return Err(Error::Connection(io::ErrorKind::UnexpectedEof.into()));
            }
            let Some(head) = Head::parse(&self.buffer) else {
                continue;
            };
            if head.status != status {
                let shown = self.buffer.get(head.length..).unwrap_or_default();
                let shown = shown.get(..SHOWN_MAX).unwrap_or(shown);
                return Err(Error::Answer {
                    status: head.status,
                    body: String::from_utf8_lossy(shown).into_owned(),
                });
            }
            if self.buffer.len() >= head.length + head.body {
                return Ok(self.buffer.get(head.length..).unwrap_or_default());
            }
        }
    }
}

/// What is read of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Head {
    /// `None` while it is not all there. An answer without a length has no body here: those that
    /// are measured have one.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let body = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse().ok()).flatten()
        });
        Some(Self {
            status,
            length: end + 4,
            body: body.unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let answer = b"HTTP/1.1 200 OK\r\netag: W/\"1\"\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        let head = Head {
            status: 200,
            length: 51,
            body: 7,
        };
        assert_eq!(Head::parse(answer), Some(head));
        assert_eq!(Head::parse(&answer[..50]), None);
    }
}

//! A way to a server that can be cut, closed and frozen.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A TCP proxy whose server may change. Its own address stays.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    way: watch::Sender<Way>,
    /// The local ports of its connections to the server.
    ports: Ports,
    _task: AbortOnDropHandle<()>,
}

type Ports = Arc<Mutex<HashSet<u16>>>;

#[derive(Clone, Debug)]
struct Way {
    server: Option<Arc<str>>,
    /// Whether the server names its own address, which clients then have to find changed.
    is_broker: bool,
    state: State,
    /// Connections of an earlier generation are closed.
    generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Every new connection is closed at once.
    Closed,
    /// Connections stand and nothing comes through.
    Frozen,
}

impl Proxy {
    /// A proxy that leads nowhere yet.
    pub async fn listen() -> io::Result<Self> {
        Self::leading(None, false).await
    }

    /// An open proxy to a server: `127.0.0.1:5432`.
    pub async fn before(server: &str) -> io::Result<Self> {
        Self::leading(Some(server.into()), false).await
    }

    /// An open proxy to a Kafka broker. A broker tells its clients where to find it, which the proxy
    /// changes to its own port on the way; so the broker has to be on this machine.
    pub async fn before_broker(server: &str) -> io::Result<Self> {
        Self::leading(Some(server.into()), true).await
    }

    async fn leading(server: Option<Arc<str>>, is_broker: bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (way, seen) = watch::channel(Way {
            server,
            is_broker,
            state: State::Open,
            generation: 0,
        });
        let ports = Ports::default();
        let held = Arc::clone(&ports);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(
                    client,
                    address.port(),
                    seen.clone(),
                    Arc::clone(&held),
                ));
            }
        });
        Ok(Self {
            address,
            way,
            ports,
            _task: AbortOnDropHandle::new(task),
        })
    }

    /// Leads to another port of this machine from now on.
    pub fn lead_to(&self, port: u16) {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string();
        self.way.send_modify(|way| way.server = Some(server.into()));
    }

    /// Cuts every connection that there is; new ones are let in.
    pub fn cut(&self) {
        self.way.send_modify(|way| way.generation += 1);
    }

    /// Cuts every connection and lets nobody in.
    pub fn close(&self) {
        self.set(State::Closed);
    }

    /// Lets nothing through, though connections stand. They are cut once it is open again, as after a
    /// broken network: what was on its way is lost.
    pub fn freeze(&self) {
        self.way.send_modify(|way| way.state = State::Frozen);
    }

    /// Lets everybody in again.
    pub fn open(&self) {
        self.set(State::Open);
    }

    /// Whether a connection to the server comes from this local port.
    pub fn has_port(&self, port: u16) -> bool {
        lock(&self.ports).contains(&port)
    }

    fn set(&self, state: State) {
        self.way.send_if_modified(|way| {
            let changed = way.state != state;
            way.state = state;
            way.generation += u64::from(changed);
            changed
        });
    }
}

fn lock(ports: &Ports) -> std::sync::MutexGuard<'_, HashSet<u16>> {
    ports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Copies both ways until one end closes or the way is cut.
async fn forward(
    mut client: TcpStream,
    own_port: u16,
    mut way: watch::Receiver<Way>,
    ports: Ports,
) {
    let begun = way.borrow().clone();
    let Some(server) = begun.server else {
        return;
    };
    if begun.state == State::Closed {
        return;
    }
    let mut upstream = None;
    if begun.state == State::Open {
        let Ok(connected) = TcpStream::connect(&*server).await else {
            return;
        };
        // Small messages go at once: waiting would only slow down what is tested.
        drop(connected.set_nodelay(true));
        drop(client.set_nodelay(true));
        let port = connected.local_addr().map_or(0, |local| local.port());
        lock(&ports).insert(port);
        upstream = Some((connected, port));
    }
    let copying = async {
        match &mut upstream {
            Some((connected, _)) if begun.is_broker => {
                copy_broker(&mut client, connected, &server, own_port).await;
            }
            Some((connected, _)) => drop(copy_bidirectional(&mut client, connected).await),
            None => std::future::pending().await,
        }
    };
    let generation = begun.generation;
    let leaves = |way: &Way| way.generation != generation || way.state != State::Open;
    let is_interrupted = tokio::select! {
        () = copying => false,
        _ = way.wait_for(leaves) => true,
    };
    if is_interrupted {
        // Frozen: both ends stay open, and nothing is copied.
        drop(way.wait_for(|way| way.generation != generation).await);
    }
    if let Some((_, port)) = upstream {
        lock(&ports).remove(&port);
    }
}

/// Copies both ways, a broker's address in its answers changed to the proxy's.
async fn copy_broker(client: &mut TcpStream, broker: &mut TcpStream, address: &str, port: u16) {
    let (mut from_client, to_client) = client.split();
    let (from_broker, mut to_broker) = broker.split();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_broker) => {}
        () = answer(from_broker, to_client, address, port) => {}
    }
}

/// Copies a broker's answers. Those that name its address are short and come whole.
async fn answer(mut broker: ReadHalf<'_>, mut client: WriteHalf<'_>, address: &str, port: u16) {
    let (host, its_port) = address
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse().ok()?)))
        .expect("a broker's address is host:port");
    let address_of = |port: u16| [host.as_bytes(), &i32::from(port).to_be_bytes()].concat();
    let (its, ours) = (address_of(its_port), address_of(port));
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = broker.read(&mut buffer).await {
        let mut bytes = buffer.get(..length).unwrap_or_default().to_vec();
        for start in 0..bytes.len() {
            if let Some(found) = bytes.get_mut(start..start + its.len())
                && found == its
            {
                found.copy_from_slice(&ours);
            }
        }
        if client.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::wait;

    /// Longer than anything takes that comes through.
    const SILENCE: Duration = Duration::from_millis(300);

    /// A server that sends back what it is sent.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reads, mut writes) = stream.split();
                    drop(copy(&mut reads, &mut writes).await);
                });
            }
        });
        address
    }

    async fn says_again(stream: &mut TcpStream) -> bool {
        let mut answer = [0];
        stream.write_all(b"a").await.is_ok() && stream.read_exact(&mut answer).await.is_ok()
    }

    #[tokio::test]
    async fn a_frozen_connection_stands_and_lets_nothing_through_until_it_is_cut() {
        let proxy = Proxy::before(&echo().await.to_string()).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        assert!(says_again(&mut stream).await);
        proxy.freeze();
        let silent = timeout(SILENCE, says_again(&mut stream)).await;
        assert!(silent.is_err(), "a frozen way lets it through");
        let mut late = TcpStream::connect(proxy.address).await.unwrap();
        let silent = timeout(SILENCE, says_again(&mut late)).await;
        assert!(silent.is_err(), "a frozen way lets another in");
        proxy.open();
        assert!(!says_again(&mut stream).await);
        assert!(!says_again(&mut late).await);
        let mut new = TcpStream::connect(proxy.address).await.unwrap();
        assert!(says_again(&mut new).await);
    }

    #[tokio::test]
    async fn a_closed_way_cuts_all_and_a_cut_one_lets_others_in() {
        let proxy = Proxy::before(&echo().await.to_string()).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        assert!(says_again(&mut stream).await);
        proxy.cut();
        assert!(!says_again(&mut stream).await);
        let mut new = TcpStream::connect(proxy.address).await.unwrap();
        assert!(says_again(&mut new).await);
        proxy.close();
        assert!(!says_again(&mut new).await);
        wait::until("nobody is let in", async || {
            let mut late = TcpStream::connect(proxy.address).await.unwrap();
            (!says_again(&mut late).await).then_some(())
        })
        .await;
    }
}

//! A way to a server that can be cut, closed and frozen.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A TCP proxy whose server may change. Its own port stays.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) port: u16,
    way: watch::Sender<Way>,
    /// The local ports of its connections to the server.
    ports: Ports,
    _task: AbortOnDropHandle<()>,
}

type Ports = Arc<Mutex<HashSet<u16>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    server: Option<u16>,
    state: State,
    /// Connections of an earlier generation are closed.
    generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nobody is let in.
    Closed,
    /// Connections stand and nothing comes through.
    Frozen,
}

impl Proxy {
    /// A proxy that leads nowhere yet.
    pub(crate) async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (way, seen) = watch::channel(Way {
            server: None,
            state: State::Open,
            generation: 0,
        });
        let ports = Ports::default();
        let held = Arc::clone(&ports);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, seen.clone(), Arc::clone(&held)));
            }
        });
        Ok(Self {
            port,
            way,
            ports,
            _task: AbortOnDropHandle::new(task),
        })
    }

    /// Leads to another port of this machine from now on.
    pub(crate) fn lead_to(&self, server: u16) {
        self.way.send_modify(|way| way.server = Some(server));
    }

    /// Cuts every connection that there is; new ones are let in.
    pub(crate) fn cut(&self) {
        self.way.send_modify(|way| way.generation += 1);
    }

    /// Cuts every connection and lets nobody in.
    pub(crate) fn close(&self) {
        self.set(State::Closed);
    }

    /// Lets nothing through, though connections stand. They are cut once it is open again, as after a
    /// broken network: what was on its way is lost.
    pub(crate) fn freeze(&self) {
        self.way.send_modify(|way| way.state = State::Frozen);
    }

    /// Lets everybody in again.
    pub(crate) fn open(&self) {
        self.set(State::Open);
    }

    /// Whether a connection to the server comes from this local port.
    pub(crate) fn has_port(&self, port: u16) -> bool {
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
async fn forward(mut client: TcpStream, mut way: watch::Receiver<Way>, ports: Ports) {
    let Way {
        server: Some(server),
        state,
        generation,
    } = *way.borrow()
    else {
        return;
    };
    if state == State::Closed {
        return;
    }
    let mut upstream = None;
    if state == State::Open {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server));
        let Ok(connected) = TcpStream::connect(address).await else {
            return;
        };
        // Small messages go at once: waiting would only slow down what is tortured.
        drop(connected.set_nodelay(true));
        drop(client.set_nodelay(true));
        let port = connected.local_addr().map_or(0, |local| local.port());
        lock(&ports).insert(port);
        upstream = Some((connected, port));
    }
    let copying = async {
        match &mut upstream {
            Some((connected, _)) => drop(copy_bidirectional(&mut client, connected).await),
            None => std::future::pending().await,
        }
    };
    let interrupted = async {
        let leaves = |way: &Way| way.generation != generation || way.state != State::Open;
        drop(way.wait_for(leaves).await);
        // Frozen: both ends stay open, and nothing comes through.
        drop(way.wait_for(|way| way.generation != generation).await);
    };
    tokio::select! {
        () = copying => {}
        () = interrupted => {}
    }
    if let Some((_, port)) = upstream {
        lock(&ports).remove(&port);
    }
}

//! A way to a server that can be cut and restored.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A TCP proxy. While it is cut, every connection through it is closed at once; while it is frozen,
/// connections stay open and nothing comes through.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Cut,
    Frozen,
}

impl Proxy {
    /// A proxy to a server, open. A broker tells its clients where to find it, which the proxy changes
    /// to its own port on the way; so it has to be on this machine, as that of `./dev test` is.
    pub(crate) async fn open(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel(State::Open);
        let server = server.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(
                    client,
                    server.clone(),
                    address.port(),
                    seen.clone(),
                ));
            }
        });
        Self { address, state }
    }

    /// A proxy that is cut from the start.
    pub(crate) async fn cut_off(server: &str) -> Self {
        let proxy = Self::open(server).await;
        proxy.cut();
        proxy
    }

    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    pub(crate) fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    pub(crate) fn restore(&self) {
        self.state.send_replace(State::Open);
    }
}

/// Copies both ways until one end closes or the way is cut. What was frozen stays so until it is cut
/// or restored: then the connection goes, as after a broken network.
async fn forward(client: TcpStream, server: String, port: u16, mut state: watch::Receiver<State>) {
    if *state.borrow() == State::Cut {
        return;
    }
    let Ok(upstream) = TcpStream::connect(&server).await else {
        return;
    };
    let ((mut from_client, to_client), (from_server, mut to_server)) =
        (client.into_split(), upstream.into_split());
    let both = async {
        tokio::select! {
            _ = copy(&mut from_client, &mut to_server) => {}
            () = answer(from_server, to_client, &server, port) => {}
        }
    };
    tokio::pin!(both);
    let open = *state.borrow() == State::Open;
    tokio::select! {
        () = &mut both, if open => return,
        _ = state.wait_for(|state| *state != State::Open) => {}
    }
    // Frozen: both ends stay open, and nothing comes through.
    drop(state.wait_for(|state| *state != State::Frozen).await);
}

/// Copies a server's answers, its own address in them changed to the proxy's. Those answers are short
/// and come whole.
async fn answer(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, address: &str, port: u16) {
    let (host, its_port) = address.rsplit_once(':').unwrap();
    let address_of = |port: u16| [host.as_bytes(), &i32::from(port).to_be_bytes()].concat();
    let (its, ours) = (address_of(its_port.parse().unwrap()), address_of(port));
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = server.read(&mut buffer).await {
        let mut bytes = buffer[..length].to_vec();
        for start in 0..bytes.len().saturating_sub(its.len() - 1) {
            if bytes[start..].starts_with(&its) {
                bytes[start..start + ours.len()].copy_from_slice(&ours);
            }
        }
        if client.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

//! Bytes on a connection, and what comes back.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::shop::Server;

/// Longer than anything is waited for, on a machine that does much else.
const CLOSED_MAX: Duration = Duration::from_secs(50);

/// What a server said until it closed the connection.
pub(super) struct Said(String);

impl Said {
    /// The status of each answer, in order.
    pub(super) fn statuses(&self) -> Vec<u16> {
        let answers = self.0.split("HTTP/1.").skip(1);
        answers
            .map(|answer| answer.split(' ').nth(1).unwrap().parse().unwrap())
            .collect()
    }

    /// All of it.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// A connection to a server.
pub(super) async fn connect(server: &Server) -> TcpStream {
    let authority = server.base.trim_start_matches("http://");
    TcpStream::connect(authority).await.unwrap()
}

/// Sends bytes on a connection of their own and reads until the server closes it.
pub(super) async fn send(server: &Server, bytes: &[u8]) -> Said {
    let mut stream = connect(server).await;
    let (mut reads, mut writes) = stream.split();
    // Who is refused in the middle cannot send the rest.
    let write = async { drop(writes.write_all(bytes).await) };
    let (said, ()) = tokio::join!(until_closed(&mut reads), write);
    said
}

/// Reads until the server closes the connection; fails when it does not.
pub(super) async fn until_closed(reads: &mut (impl tokio::io::AsyncRead + Unpin)) -> Said {
    let mut said = vec![];
    let closed = timeout(CLOSED_MAX, reads.read_to_end(&mut said)).await;
    let said = String::from_utf8_lossy(&said).into_owned();
    // Closed or reset is the same.
    drop(closed.unwrap_or_else(|_elapsed| panic!("the server keeps it open: {said}")));
    Said(said)
}

/// A request of Medusa's admin, with further lines of its head and a body.
pub(super) fn medusa(line: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let token = crate::support::shop::API_TOKEN;
    let head = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nx-medusa-access-token: {token}\r\n\
         content-type: application/json\r\n{lines}\r\n"
    );
    [head.as_bytes(), body].concat()
}

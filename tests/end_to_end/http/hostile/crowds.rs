//! More connections than anybody needs.

use std::process::Stdio;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::raw::{connect, medusa};
use super::{is_served, memory_is_bounded, while_others_are_served};
use crate::support::shop::{Server, Shop};

/// Files of this process that are no connection of the crowd.
const OTHER_FILES: u64 = 1500;

/// Opens connections: some silent, some with half a head, some with half a body.
async fn crowd(server: &Server, count: usize) -> Vec<TcpStream> {
    let body = medusa("POST /admin/customers", "content-length: 90\r\n", b"{");
    let starts: [&[u8]; 3] = [b"", b"GET /health HTTP/1.1\r\nx: ", &body];
    let opened = stream::iter(0..count).map(async |number| {
        let mut stream = connect(server).await;
        // It may have had to go already.
        drop(stream.write_all(starts[number % starts.len()]).await);
        stream
    });
    opened.buffered(100).collect().await
}

/// Opens a connection that waits for its client since it was answered: it is known to wait already.
async fn answered(server: &Server) -> TcpStream {
    let mut stream = connect(server).await;
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let answer = stream.read_u8().await;
    answer.expect("it has its seat until others come");
    stream
}

/// As many files as the system lets this process open.
fn more_files() -> u64 {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    maximum.unwrap_or(u64::MAX)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_silent_connections_stop_nobody() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let count = more_files().saturating_sub(OTHER_FILES).min(10_000);
    let count = usize::try_from(count).unwrap();
    let opened = while_others_are_served(&server, crowd(&server, count)).await;
    let head = shop.head().await;
    for _ in 0..20 {
        is_served(&server, id).await;
    }
    let memory = memory_is_bounded(&server);
    println!("{count} connections, at most {memory} MiB");
    drop(opened);
    is_served(&server, id).await;
    assert_eq!(shop.head().await, head, "something was appended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_longest_makes_room() {
    let shop = Shop::open().await;
    let settings = [("HTTP_CONNECTIONS_MAX", "20")];
    let server = shop.serve_with("api", &settings).await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let first = join_all((0..20).map(|_| answered(&server))).await;
    let _second = crowd(&server, 20).await;
    let closed = join_all(first.into_iter().map(async |mut stream| {
        // Reset or closed.
        drop(stream.read_to_end(&mut vec![]).await);
    }));
    tokio::time::timeout(super::ANSWER_MAX, closed)
        .await
        .expect("who came first had to go");
    is_served(&server, id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_files_are_room_for_few_connections() {
    let shop = Shop::open().await;
    let ledger = shop.command(&["serve", "--roles", "api"], &[]);
    let mut limited = tokio::process::Command::new("sh");
    limited
        .args(["-c", "ulimit -n 300 && exec \"$0\" \"$@\""])
        .arg(ledger.as_std().get_program())
        .args(ledger.as_std().get_args())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, value) in ledger.as_std().get_envs() {
        limited.env(name, value.unwrap());
    }
    let server = shop.serve_by(limited).await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let _crowd = crowd(&server, 500).await;
    for _ in 0..20 {
        is_served(&server, id).await;
    }
    let log = server.log.lock().unwrap().clone();
    assert!(log.contains("room=44"), "{log}");
    assert!(!log.contains("accept error"), "{log}");
}

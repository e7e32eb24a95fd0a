//! Clients that keep a connection and do nothing with it, or little.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use super::raw::{connect, medusa, until_closed};
use super::{is_served, memory_is_bounded, while_others_are_served};
use crate::support::shop::Shop;

/// Far below what draining may take when somebody holds it up.
const SOON: Duration = Duration::from_secs(15);
/// Longer than the server waits for a client that does not read.
const STALLED_MAX: Duration = Duration::from_secs(50);

/// Sends one byte after the other until the server has closed: the statuses that came.
async fn drip(mut stream: TcpStream, bytes: &[u8]) -> Vec<u16> {
    let (mut reads, mut writes) = stream.split();
    let mut pause = interval(Duration::from_millis(500));
    let drip = async {
        for byte in bytes {
            pause.tick().await;
            if writes.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        said = until_closed(&mut reads) => said.statuses(),
        () = drip => unreachable!("it never ends"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_slow_or_silent_is_not_waited_for() {
    let shop = Shop::open().await;
    let server = shop.serve_with("api", &[("HTTP_IDLE_SECONDS", "2")]).await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let large = json!({ "metadata": { "text": "x".repeat(90_000) } });
    assert_eq!(server.update(id, &large).await.status, 200);
    let path = format!("POST /admin/customers/{id}");
    let app = format!(
        "PUT /admin/openapi/v20220901/customers/1.json HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n",
        shop.shopline_token
    );
    let length = "content-length: 90\r\n";
    let half = br#"{"first_name":"#;
    // What is sent at once, what is sent byte by byte, and what it is answered.
    let cases: [(Vec<u8>, &[u8], &[u16]); 9] = [
        (vec![], b"", &[]),
        (vec![], &[b'G'; 1000], &[]),
        (b"GET /health HTTP/1.1\r\nx: ".to_vec(), &[b'a'; 1000], &[]),
        (
            b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            b"",
            &[200],
        ),
        (medusa(&path, length, b""), &[b' '; 1000], &[408]),
        (medusa(&path, length, half), b"", &[408]),
        (
            medusa(
                &path,
                "transfer-encoding: chunked\r\n",
                b"e\r\n{\"first_name\"",
            ),
            b"",
            &[408],
        ),
        (
            medusa(&path, &format!("expect: 100-continue\r\n{length}"), b""),
            b"",
            &[100, 408],
        ),
        (app.into_bytes(), half, &[408]),
    ];
    let slow = join_all(cases.into_iter().map(async |(first, rest, statuses)| {
        let mut stream = connect(&server).await;
        stream.write_all(&first).await.unwrap();
        let shown = String::from_utf8_lossy(&first).into_owned();
        assert_eq!(drip(stream, rest).await, statuses, "{shown}");
    }));
    let unread = async {
        let request = medusa(&format!("GET /admin/customers/{id}"), "", b"");
        let mut stream = connect(&server).await;
        // More than any two sockets hold. Once nobody reads them, the server lets go.
        let asks = async { while stream.write_all(&request).await.is_ok() {} };
        timeout(STALLED_MAX, asks).await.expect("it lets go");
    };
    while_others_are_served(&server, async {
        let head = shop.head().await;
        tokio::join!(slow, unread);
        assert_eq!(shop.head().await, head, "something was appended");
    })
    .await;
    memory_is_bounded(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_request_does_not_hold_up_the_end() {
    let shop = Shop::open().await;
    let mut server = shop.serve("api").await;
    let guest = server.create_guest("ann@example.com").await;
    let mut half = connect(&server).await;
    half.write_all(b"GET /health HTTP/1.1\r\nx: ")
        .await
        .unwrap();
    let mut idle = connect(&server).await;
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    idle.read_exact(&mut [0; 15]).await.unwrap();
    is_served(&server, guest["id"].as_str().unwrap()).await;
    server.signal("TERM").await;
    let status = timeout(SOON, server.child.wait()).await;
    let status = status.expect("nothing holds it up").unwrap();
    assert_eq!(status.code(), Some(0), "{}", server.log.lock().unwrap());
}

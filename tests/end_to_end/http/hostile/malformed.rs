//! What is no request, or more of one than anybody needs.

mod cases;

use devkit::wait;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::cases::Case;
use super::raw::{connect, medusa, send};
use super::{is_served, memory_is_bounded, while_others_are_served};
use crate::support::shop::{Server, Shop};

/// Sends a case. There is one answer at most, whatever else follows on the connection.
async fn hold(server: &Server, (name, bytes, expected): Case) {
    let said = send(server, &bytes).await;
    let statuses = said.statuses();
    assert!(statuses.len() < 2, "{name}: {}", said.text());
    let status = statuses.first().copied().unwrap_or_default();
    assert!(
        expected.contains(&status),
        "{name}: {status} {}",
        said.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_refused_and_leaves_nothing() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let cases = cases::all();
    while_others_are_served(&server, async {
        let head = shop.head().await;
        for case in cases {
            hold(&server, case).await;
        }
        assert_eq!(shop.head().await, head, "something was appended");
    })
    .await;
    memory_is_bounded(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_sent_at_once_are_answered_in_order() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let mut ids = vec![];
    for email in ["ann@example.com", "bob@example.com"] {
        let guest = server.create_guest(email).await;
        ids.push(guest["id"].as_str().unwrap().to_owned());
    }
    let asked: Vec<_> = (0..100).map(|number| &ids[number % 2]).collect();
    let mut requests = vec![];
    for (number, id) in (1..).zip(&asked) {
        let close = if number == asked.len() {
            "connection: close\r\n"
        } else {
            ""
        };
        requests.extend(medusa(&format!("GET /admin/customers/{id}"), close, b""));
    }
    let said = send(&server, &requests).await;
    assert_eq!(said.statuses(), [200; 100]);
    let answered = said.text().split(r#"{"customer":{"id":""#).skip(1);
    let answered: Vec<_> = answered.map(|id| id.split('"').next().unwrap()).collect();
    assert_eq!(answered, asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_in_the_middle_of_an_answer_harms_nobody() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    let large = json!({ "metadata": { "text": "x".repeat(90_000) } });
    assert_eq!(server.update(id, &large).await.status, 200);
    let requests = medusa(&format!("GET /admin/customers/{id}"), "", b"").repeat(10);
    for _ in 0..50 {
        let mut stream = connect(&server).await;
        stream.write_all(&requests).await.unwrap();
        stream.read_exact(&mut [0; 10]).await.unwrap();
        // With answers unread, closing resets the connection.
    }
    is_served(&server, id).await;
    let own = format!("/proc/{}/fd", server.child.id().unwrap());
    wait::until("their connections are closed", async || {
        (std::fs::read_dir(&own).unwrap().count() < 100).then_some(())
    })
    .await;
    memory_is_bounded(&server);
}

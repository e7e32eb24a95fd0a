//! When a process wants requests and when not: without Postgres, and while it drains.

use std::time::Duration;

use devkit::http::Call;
use devkit::proxy::Proxy;
use devkit::wait;
use hyper::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::shop::{API_TOKEN, Server, Shop};

/// Far below what draining may take when somebody holds it up.
const SOON: Duration = Duration::from_secs(15);

/// A request whose body is still to come, and that a handler already waits for.
struct Slow(TcpStream);

impl Slow {
    async fn begin(server: &Server, path: &str, body: &str) -> Self {
        let authority = server.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(authority).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\nx-medusa-access-token: {API_TOKEN}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut continues = [0; 25];
        stream.read_exact(&mut continues).await.unwrap();
        assert_eq!(&continues, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(stream)
    }

    /// The whole answer, until the server closes.
    async fn finish(mut self, body: &str) -> String {
        self.0.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_flight_are_answered_before_it_ends() {
    let shop = Shop::open().await;
    let mut server = shop.serve("api,relay,projector").await;
    let guest = server.create_guest("ann@example.com").await;
    let path = format!("/admin/customers/{}", guest["id"].as_str().unwrap());
    let (good, bad) = (r#"{"first_name":"Ann"}"#, r#"{"first_name":7}"#);
    let updates = [
        Slow::begin(&server, &path, good).await,
        Slow::begin(&server, &path, good).await,
    ];
    let refused = Slow::begin(&server, &path, bad).await;
    // Nobody waits for those who ask nothing.
    let authority = server.base.trim_start_matches("http://").to_owned();
    let _silent = TcpStream::connect(&authority).await.unwrap();
    server.signal("TERM").await;
    let ready = wait::until("it drains", async || {
        let ready = server.ready().await;
        (ready.status == 503).then_some(ready)
    })
    .await;
    assert_eq!(ready.json(), json!({ "status": "draining" }));
    for slow in updates {
        let answer = slow.finish(good).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(r#""first_name":"Ann""#), "{answer}");
    }
    let answer = refused.finish(bad).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let status = timeout(SOON, server.child.wait()).await;
    let status = status.expect("nothing holds it up").unwrap();
    assert_eq!(status.code(), Some(0), "{}", server.log.lock().unwrap());
    let kept: i64 = sqlx::query_scalar("select count(*) from refusals")
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
    assert_eq!(kept, 1, "the refusal was kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_waits_for_nobody() {
    let shop = Shop::open().await;
    let mut server = shop.serve("api").await;
    let guest = server.create_guest("ann@example.com").await;
    let path = format!("/admin/customers/{}", guest["id"].as_str().unwrap());
    let _never = Slow::begin(&server, &path, r#"{"first_name":"Ann"}"#).await;
    server.signal("TERM").await;
    wait::until("it drains", async || {
        (server.ready().await.status == 503).then_some(())
    })
    .await;
    server.signal("TERM").await;
    let status = timeout(SOON, server.child.wait()).await;
    let status = status.expect("nothing holds it up").unwrap();
    assert_eq!(status.code(), Some(0), "{}", server.log.lock().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_it_is_not_ready_until_it_is_back() {
    let shop = Shop::open().await;
    let url = &shop.database.owner_url;
    let (login, rest) = url.rsplit_once('@').unwrap();
    let (address, database) = rest.split_once('/').unwrap();
    let proxy = Proxy::before(address).await.unwrap();
    let through = format!("{login}@{}/{database}", proxy.address);
    let server = shop
        .serve_with("api,relay,projector", &[("DATABASE_URL", &through)])
        .await;
    let guest = server.create_guest("ann@example.com").await;
    let id = guest["id"].as_str().unwrap();
    for freezes in [false, true, false] {
        if freezes {
            proxy.freeze();
        } else {
            proxy.close();
        }
        let ready = wait::until("it is not ready", async || {
            let ready = timeout(SOON, server.ready())
                .await
                .expect("it says so soon");
            (ready.status == 503).then_some(ready)
        })
        .await;
        assert_eq!(ready.json()["status"], "unavailable");
        let health = Call::new(Method::GET, &server.base, "/health").send().await;
        assert_eq!(health.status, 200);
        if !freezes {
            let update = server.update(id, &json!({ "first_name": "Lost" })).await;
            assert!(update.status >= 500, "{} {}", update.status, update.body);
            assert!(server.get_medusa(id).await.status >= 500);
        }
        proxy.open();
        wait::until("it is ready again", async || {
            (server.ready().await.status == 200).then_some(())
        })
        .await;
        let update = wait::until("it writes again", async || {
            let update = server.update(id, &json!({ "first_name": "Ann" })).await;
            (update.status == 200).then_some(update)
        })
        .await;
        assert_eq!(update.json()["customer"]["first_name"], "Ann");
        let read = wait::until("it reads again", async || {
            let read = server.get_medusa(id).await;
            (read.status == 200).then_some(read)
        })
        .await;
        assert_eq!(read.json()["customer"]["first_name"], "Ann");
    }
    let head = shop.head().await;
    wait::until("the relay goes on", async || {
        let sent: Option<i64> = sqlx::query_scalar("select max(position) from sent_positions")
            .fetch_one(&shop.database.pool)
            .await
            .unwrap();
        (sent.unwrap_or(0) >= head).then_some(())
    })
    .await;
}

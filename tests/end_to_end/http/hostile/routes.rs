//! The ledger's own routes under generated requests, over real connections. The two contracts' are
//! in `pipeline`.

use devkit::http::{Answer, Call};
use hyper::Method;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::http::pipeline::ask::{chance, json_value, odd_text, one, send_body, target};
use crate::support::shop::{LEDGER_TOKEN, Server, Shop};

const REQUESTS: usize = 2000;
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "get",
];
const PATHS: [&str; 14] = [
    "/health",
    "/ready",
    "/metrics",
    "/ledger/customers/{id}",
    "/ledger/customers/{id}/log",
    "/ledger/customers/{id}/diff",
    "/ledger/customers/{id}/blame",
    "/ledger/requests/{id}",
    "/ledger/projections",
    "/ledger/customers/",
    "/ledger/customers/{id}/{odd}",
    "/ledger/{odd}",
    "/ledger",
    "//ledger//customers//{id}",
];
const PARAMETERS: [&str; 12] = [
    "shape", "as_of", "from", "to", "pointer", "limit", "after", "before", "open", "version",
    "expand", "fields",
];
const VALUES: [&str; 22] = [
    "medusa",
    "shopline",
    "medusa",
    "shopline",
    "0",
    "1",
    "2",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "1000",
    "2026-03-01",
    "2026-03-01T10:00:00%2B02:00",
    "2%20hours%20ago",
    "/customer/first_name",
    "/email",
    "/~2",
    "true",
    "v20220901",
    "groups",
    "first_name",
    "",
];
/// What these routes answer; what is none of them is answered as by Medusa, outside its admin.
const STATUSES: [u16; 7] = [200, 400, 401, 404, 405, 413, 415];

async fn ask(rng: &mut StdRng, server: &Server, ids: &[String]) -> (String, Answer) {
    let method: Method = one(rng, &METHODS).parse().unwrap();
    let id = if chance(rng, 50) {
        one(rng, ids)
    } else {
        odd_text(rng)
    };
    let path = one(rng, &PATHS)
        .replace("{id}", &id)
        .replace("{odd}", &odd_text(rng));
    let query = match rng.random_range(0..10) {
        0 | 1 => odd_text(rng),
        2..=7 => query(rng),
        _ => String::new(),
    };
    let target = target(&path, &query).to_string();
    let mut headers = vec![];
    let body = if chance(rng, 30) {
        let json = json_value(rng, 3);
        send_body(rng, json, &mut headers)
    } else {
        vec![]
    };
    let token = match rng.random_range(0..4) {
        0 => odd_text(rng).into_bytes(),
        1 => vec![0xff; 20],
        _ => format!("Bearer {LEDGER_TOKEN}").into_bytes(),
    };
    let mut call = Call::new(method.clone(), &server.base, &target);
    if hyper::header::HeaderValue::from_bytes(&token).is_ok() {
        call = call.header_bytes("authorization", &token);
    }
    for (name, value) in &headers {
        call = call.header_bytes(name.as_str(), value.as_bytes());
    }
    let asked = format!("{method} {target} {headers:?} {} bytes", body.len());
    (asked, call.bytes(body).send().await)
}

/// Parameters of questions to the past, each with what one of them may be.
fn query(rng: &mut StdRng) -> String {
    let pairs: Vec<String> = (0..rng.random_range(1..4))
        .map(|_| {
            let value = if chance(rng, 90) {
                one(rng, &VALUES).to_owned()
            } else {
                odd_text(rng)
            };
            format!("{}={value}", one(rng, &PARAMETERS))
        })
        .collect();
    pairs.join("&")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledgers_own_routes_answer_any_request_as_documented() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let guest = server.create_guest("ann@example.com").await;
    let ids = server.ids(guest["id"].as_str().unwrap()).await.ok();
    let ids = ids["ids"].as_object().unwrap().values();
    let ids: Vec<_> = ids.map(|id| id.as_str().unwrap().to_owned()).collect();
    let head = shop.head().await;
    let mut rng = StdRng::seed_from_u64(6);
    let mut seen = vec![];
    for _ in 0..REQUESTS {
        let (asked, answer) = ask(&mut rng, &server, &ids).await;
        assert!(
            STATUSES.contains(&answer.status),
            "{} {asked}",
            answer.status
        );
        seen.push(answer.status);
    }
    for status in [200, 401, 404, 405] {
        assert!(seen.contains(&status), "{status} was not met");
    }
    assert_eq!(shop.head().await, head, "something was appended");
}

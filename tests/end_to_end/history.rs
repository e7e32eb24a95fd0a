//! Questions to the past: as of, log, diff and blame, over HTTP and from the command line.

mod access_log;
mod answers;
mod command;
mod explain;
mod groups;
mod long;
mod refused;
mod shows;

use devkit::http::{Answer, Call};
use hyper::Method;
use serde_json::Value;

use crate::support::shop::{LEDGER_TOKEN, Server, Shop};

/// A shop with a process that serves both contracts.
async fn open() -> (Shop, Server) {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    (shop, server)
}

impl Server {
    /// A question about a customer to the ledger's own API.
    async fn ask(&self, id: &str, question: &str) -> Answer {
        let path = format!("/ledger/customers/{id}{question}");
        let token = format!("Bearer {LEDGER_TOKEN}");
        let call = Call::new(Method::GET, &self.base, &path);
        call.header("authorization", &token).send().await
    }
}

/// The questions that were written to the access log, each with who asked.
async fn accesses(shop: &Shop) -> Vec<(String, String)> {
    let owner = sqlx::PgPool::connect(&shop.database.owner_url)
        .await
        .unwrap();
    sqlx::query_as("select question, actor_kind from access_log order by access_id")
        .fetch_all(&owner)
        .await
        .unwrap()
}

/// What stands at a pointer of an answer.
#[track_caller]
fn at<'a>(answer: &'a Value, pointer: &str) -> &'a Value {
    let found = answer.pointer(pointer);
    found.unwrap_or_else(|| panic!("nothing at {pointer}: {answer}"))
}

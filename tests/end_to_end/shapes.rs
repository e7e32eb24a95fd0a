//! One customer, both shapes: made and changed through one contract, read through the other. Every
//! row and rule of the design's table of the two contracts is a test here.

mod addresses;
mod birth;
mod clocks;
mod emails;
mod fields;
mod gone;
mod ledger_ids;

use devkit::http::Answer;
use serde_json::Value;

use crate::support::shop::{Server, Shop};

/// A shop with a process that serves both contracts.
async fn open() -> (Shop, Server) {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    (shop, server)
}

/// SHOPLINE's refusal of a request, in these words.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, errors: &str) {
    let seen = (answer.status, &answer.json()["errors"]);
    assert_eq!(seen, (status, &Value::from(errors)));
}

/// Medusa's refusal of a request, in these words.
#[track_caller]
fn assert_medusa_refused(answer: &Answer, status: u16, message: &str) {
    let seen = (answer.status, &answer.json()["message"]);
    assert_eq!(seen, (status, &Value::from(message)));
}

//! What Medusa's own integration tests assert of the admin side, each statement a test with its
//! number (source: contracts, section 10), and what a stranger would try beside it.

mod customers;
mod groups;
mod lists;
mod model;
mod pages;

use customer_ledger::domain::customer::AddressPatch;
use events::address::Slot;
use events::patch::Patch;
use hyper::Method;
use serde_json::Value;

use crate::support::customer::Known;
use crate::support::lists::current_list;
use crate::support::shop::{Server, Shop};

/// A list under `/admin/` that is behind nothing.
async fn get(server: &Server, path: &str) -> Value {
    let call = server.medusa(Method::GET, &format!("/admin/{path}"));
    current_list(&call).await.ok()
}

impl Shop {
    /// Adds an address in this city.
    async fn add_address(&self, known: &Known, slot: Slot, city: &str) {
        let address = AddressPatch {
            slot,
            city: Patch::Set(city.to_owned()),
            ..AddressPatch::default()
        };
        self.add_addresses(&known.stream, vec![address]).await;
    }
}

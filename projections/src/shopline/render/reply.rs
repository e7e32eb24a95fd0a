//! The short answers, which show no customer or little of one.

use serde_json::json;

use super::super::customer::Customer;
use super::text;

/// What there is to say when nothing is shown.
pub fn render_nothing() -> String {
    "{}".to_owned()
}

/// `{"count":…}` as `GET customers/v2/count.json` answers it.
pub fn render_count(count: i64) -> String {
    json!({ "count": count }).to_string()
}

/// `{"customer_invite":{…}}` as `POST customers/{id}/send_invite.json` answers it.
pub fn render_invite(customer: &Customer, domain: &str) -> String {
    let from = format!("no-reply@{domain}");
    let to = text(customer.profile.email.as_deref());
    json!({ "customer_invite": { "from": from, "to": to } }).to_string()
}

/// `{"data":{…}}` as `POST customers/{id}/account_activation_url.json` answers it.
pub fn render_activation_url(customer: &Customer, domain: &str, token: &str) -> String {
    let id = &customer.id;
    let url = format!("https://{domain}/user/activate?id={id}&token={token}");
    json!({ "data": { "account_activation_url": url } }).to_string()
}

/// `{"list":[]}` as `GET customers/{id}/orders.json` answers it: the ledger knows no orders yet.
pub fn render_orders() -> String {
    json!({ "list": [] }).to_string()
}

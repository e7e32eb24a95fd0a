//! SHOPLINE's Admin API under any request.

mod documented;

use std::net::SocketAddr;

use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::json;

pub(crate) use self::documented::KINDS;
use self::documented::documented;
use super::Contract;
use super::ask::{self, Asked, chance, json_value, odd_text, one, quoted};
use crate::support::shop::Shop;
use devkit::http::{Answer, Call};

/// Few addresses: most creates are refused, and the shop stays small.
const EMAILS: usize = 40;

/// Methods and paths after the version; `C` stands for a customer's id, `A` for an address's.
const ROUTES: [(Method, &str); 20] = [
    (Method::GET, "v2/customers.json"),
    (Method::GET, "v2/customers.json"),
    (Method::POST, "customers.json"),
    (Method::GET, "customers/v2/search.json"),
    (Method::GET, "customers/v2/count.json"),
    (Method::GET, "customers/v2/C.json"),
    (Method::GET, "customers/subscribe.json"),
    (Method::PUT, "customers/C.json"),
    (Method::PUT, "customers/C.json"),
    (Method::POST, "customers/C/send_invite.json"),
    (Method::POST, "customers/C/account_activation_url.json"),
    (Method::GET, "customers/C/orders.json"),
    (Method::POST, "customers/addresses/list.json"),
    (Method::POST, "customers/C/addresses.json"),
    (Method::PUT, "customers/C/addresses/set.json"),
    (Method::GET, "customers/C/addresses/A.json"),
    (Method::PUT, "customers/C/addresses/A.json"),
    (Method::DELETE, "customers/C/addresses/A.json"),
    (Method::PUT, "customers/C/addresses/A/default.json"),
    (Method::POST, "customer_tags_remove.json"),
];

/// Parameters of queries: those that there are, and others.
const KEYS: [&str; 24] = [
    "as_of",
    "as_of",
    "limit",
    "fields",
    "ids",
    "since_id",
    "page_info",
    "created_at_min",
    "created_at_max",
    "updated_at_min",
    "updated_at_max",
    "order",
    "query",
    "query",
    "query_param",
    "query_param",
    "customer_ids",
    "address_ids",
    "operation",
    "status",
    "status",
    "a[]",
    "",
    "%",
];

/// Values of parameters, most of which some parameter takes.
const VALUES: [&str; 28] = [
    "1",
    "50",
    "250",
    "251",
    "0",
    "-1",
    "1.5",
    "99999999999999999999",
    "destroy",
    "any",
    "open",
    "id,email",
    "first_name",
    "bogus",
    "2022-12-05T15:15:47+08:00",
    "2022-12-05",
    "2022-13-45",
    "e30",
    "eyJzaXplIjo1fQ",
    "!!!",
    "email:c1@example.com",
    "tags:loyal;state:1",
    "state:x",
    "customer_id:1",
    ":",
    "c1",
    "%25_",
    "%00",
];

/// What is there to be asked for, and who asks.
pub(crate) struct Shopline {
    customers: Vec<String>,
    addresses: Vec<String>,
    writes: String,
    reads: String,
}

impl Shopline {
    /// Makes some customers with addresses first.
    pub(crate) async fn open(shop: &Shop, address: SocketAddr) -> Self {
        let writes = format!("Bearer {}", shop.shopline_token);
        let reads = format!("Bearer {}", shop.shopline_read_token);
        let base = format!("http://{address}");
        let (mut customers, mut addresses) = (vec![], vec![]);
        for n in 0..EMAILS / 2 {
            let body = json!({ "customer": { "email": format!("c{n}@example.com"),
                "first_name": "Aria", "tags": "loyal", "addresses": [{ "city": "Rome" }] } });
            let call = Call::new(
                Method::POST,
                &base,
                "/admin/openapi/v20220901/customers.json",
            );
            let call = call.header("authorization", &writes).json(&body);
            let customer = call.send().await.ok()["customer"].clone();
            customers.push(customer["id"].as_str().unwrap().to_owned());
            addresses.push(customer["addresses"][0]["id"].as_str().unwrap().to_owned());
        }
        Self {
            customers,
            addresses,
            writes,
            reads,
        }
    }

    /// A customer and one of its addresses, more often than any others.
    fn ids(&self, rng: &mut StdRng) -> (String, String) {
        let odd = |rng: &mut StdRng| match rng.random_range(0..4) {
            0 => "1".to_owned(),
            1 => odd_text(rng).replace(['/', '?'], ""),
            2 => one(rng, &["%00", "%E0%A4%A", "null", "v2", "set"]).to_owned(),
            _ => one(rng, &self.addresses),
        };
        let at = rng.random_range(0..self.customers.len());
        let customer = if chance(rng, 88) {
            self.customers[at].clone()
        } else {
            odd(rng)
        };
        let address = if chance(rng, 80) {
            self.addresses[at].clone()
        } else {
            odd(rng)
        };
        (customer, address)
    }
}

fn address_members(rng: &mut StdRng) -> Vec<(&'static str, String)> {
    vec![
        ("address1", quoted(&odd_text(rng))),
        ("city", quoted(one(rng, &["Rome", "", "Oslo"]))),
        ("town", quoted(&odd_text(rng))),
        ("country_code", quoted(one(rng, &["US", "zz", "USA", ""]))),
        ("def", one(rng, &["true", "false"]).to_owned()),
        ("zip", quoted(one(rng, &["40202", "12345678901"]))),
        ("phone", quoted(one(rng, &["0015", "12345678901234567"]))),
    ]
}

fn consent(rng: &mut StdRng) -> String {
    let members = some(rng, |rng| {
        vec![
            ("state", one(rng, &["0", "1", "2", "3", "4"]).to_owned()),
            ("opt_in_level", one(rng, &["0", "1", "2", "3"]).to_owned()),
            (
                "consent_updated_at",
                quoted(one(
                    rng,
                    &["2024-01-01T00:00:00Z", "1960-01-01", "2024-13-01"],
                )),
            ),
            ("consent_collected_from", quoted(&odd_text(rng))),
        ]
    });
    format!("{{{members}}}")
}

fn customer_members(rng: &mut StdRng) -> Vec<(&'static str, String)> {
    let email = format!("c{}@example.com", rng.random_range(0..EMAILS));
    let address = if chance(rng, 5) {
        format!("{{{}}}", some(rng, address_members))
    } else {
        String::new()
    };
    vec![
        ("email", quoted(&email)),
        ("first_name", quoted(one(rng, &["Aria", "Ben", "", "Zoë"]))),
        (
            "phone",
            quoted(one(rng, &["", "0015550001", "123456789012345678901"])),
        ),
        ("note", quoted(&odd_text(rng))),
        (
            "tags",
            quoted(one(rng, &["", "loyal", "a,b,,a", " x , y "])),
        ),
        ("gender", one(rng, &["0", "3", "4", "1.0"]).to_owned()),
        ("birthday", quoted(one(rng, &["", "19990304", "19990230"]))),
        ("accepts_marketing", one(rng, &["true", "false"]).to_owned()),
        ("addresses", format!("[{address}]")),
        ("verified_email", one(rng, &["true", "false"]).to_owned()),
        ("multipass_identifier", quoted(&odd_text(rng))),
        ("email_marketing_consent", consent(rng)),
        ("sms_marketing_consent", consent(rng)),
    ]
}

/// Some of the members.
fn some(
    rng: &mut StdRng,
    members: impl FnOnce(&mut StdRng) -> Vec<(&'static str, String)>,
) -> String {
    let members = members(rng);
    ask::some(rng, members, |rng, _| chance(rng, 35))
}

impl Contract for Shopline {
    /// A method and a path, which fit more often than not.
    fn operation(&self, rng: &mut StdRng) -> (Method, String) {
        const OTHERS: [Method; 4] = [Method::HEAD, Method::PATCH, Method::OPTIONS, Method::DELETE];
        let (mut method, template) = one(rng, &ROUTES);
        let (mut customer, address) = self.ids(rng);
        if template == "customers/C/addresses.json" && chance(rng, 90) {
            // One customer gets them all: pages of the others stay small.
            customer.clone_from(&self.customers[0]);
        }
        let path = template.replace('C', &customer).replace('A', &address);
        let version = if chance(rng, 96) {
            one(rng, &["v20220901", "v20230901"])
        } else {
            one(rng, &["v1", "v20990101", ""])
        };
        let mut path = format!("/admin/openapi/{version}/{path}");
        match rng.random_range(0..100) {
            0..3 => path = path.replacen('/', "//", rng.random_range(1..5)),
            3 => path = path.replace("customer", "Customer"),
            4 => path.push('/'),
            5 => path = format!("/admin/openapi/{}", odd_text(rng).replace('?', "")),
            6 => method = one(rng, &OTHERS),
            _ => {}
        }
        // A deleted customer would leave less and less to do.
        if method == Method::DELETE && !path.contains("/addresses/") {
            method = Method::GET;
        }
        (method, path)
    }

    fn headers(&self, rng: &mut StdRng) -> Vec<(HeaderName, HeaderValue)> {
        const WRONG: [&str; 4] = ["Bearer", "Basic eA==", "\u{7f}", "Bearer \u{e9}"];
        const FURTHER: [(&str, &str); 5] = [
            ("accept", "text/html"),
            ("accept", "application/json;q=0"),
            ("idempotency-key", "the same again"),
            ("ledger-reason", "because"),
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ),
        ];
        let token = match rng.random_range(0..100) {
            0..2 => None,
            2 => Some("Bearer a.b.c"),
            3 => Some(one(rng, &WRONG)),
            4..9 => Some(self.reads.as_str()),
            _ => Some(self.writes.as_str()),
        };
        let mut headers = vec![];
        if let Some(value) = token.and_then(|it| HeaderValue::from_bytes(it.as_bytes()).ok()) {
            headers.push((HeaderName::from_static("authorization"), value));
        }
        if chance(rng, 5) {
            let (name, value) = one(rng, &FURTHER);
            let value = HeaderValue::from_static(value);
            headers.push((HeaderName::from_static(name), value));
        }
        headers
    }

    fn query(&self, rng: &mut StdRng) -> String {
        let mut pairs = vec![];
        for _ in 0..one(rng, &[0, 1, 1, 2, 3]) {
            let key = if chance(rng, 94) {
                one(rng, &KEYS).to_owned()
            } else {
                odd_text(rng)
            };
            let value = match rng.random_range(0..20) {
                0 => one(rng, &self.customers),
                1 => format!(
                    "{},{}",
                    one(rng, &self.customers),
                    one(rng, &self.addresses)
                ),
                2 => odd_text(rng),
                _ => one(rng, &VALUES).to_owned(),
            };
            pairs.push(format!("{key}={value}"));
        }
        pairs.join("&")
    }

    fn body(&self, rng: &mut StdRng, path: &str) -> String {
        if chance(rng, 4) {
            return json_value(rng, 3);
        }
        if path.ends_with("list.json") {
            let uids = [one(rng, &self.customers), odd_text(rng)].map(|id| quoted(&id));
            return format!("{{\"uids\":[{}],\"address_types\":[0]}}", uids.join(","));
        }
        if path.ends_with("remove.json") {
            let (customer, _) = self.ids(rng);
            return format!(
                "{{\"user_id\":{},\"tag_ids\":[\"loyal\"]}}",
                quoted(&customer)
            );
        }
        if path.contains("/addresses") {
            let members = some(rng, address_members);
            return format!("{{\"customer_address\":{{{members}}}}}");
        }
        let members = some(rng, customer_members);
        format!("{{\"customer\":{{{members}}}}}")
    }

    fn has_body(&self, _: &mut StdRng, method: &Method) -> bool {
        *method == Method::POST || *method == Method::PUT
    }

    fn documented(&self, asked: &Asked, answer: &Answer) -> Result<&'static str, String> {
        documented(asked, answer)
    }
}

//! Medusa's admin under any request.

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
use super::ask::{Asked, chance, json_value, odd_text, one, quoted, some};
use crate::support::shop::API_TOKEN;
use devkit::http::{Answer, Call};

/// Few names and few addresses: most creates are refused, and the shop stays small.
const EMAILS: usize = 40;
const GROUPS: usize = 8;

/// Keys of queries: those that there are, more often, and others.
const KEYS: [&str; 39] = [
    "as_of",
    "q",
    "q",
    "expand",
    "expand",
    "expand",
    "fields",
    "fields",
    "limit",
    "limit",
    "offset",
    "order",
    "order",
    "order",
    "groups",
    "groups[]",
    "groups[]",
    "groups[0]",
    "groups[a]",
    "groups[25]",
    "name",
    "name[]",
    "created_at[gt]",
    "created_at[gte]",
    "updated_at[lt]",
    "updated_at[lte]",
    "created_at[eq]",
    "created_at",
    "updated_at[]",
    "has_account",
    "has_account",
    "discount_condition_id",
    "id",
    "id[gt]",
    "email",
    "[]",
    "[a]",
    "a[b][c]",
    "%",
];
/// Values of queries, most of which some key takes.
const VALUES: [&str; 50] = [
    "a",
    "c1",
    "example",
    "%25",
    "_",
    "%5C",
    "0",
    "1",
    "5",
    "-1",
    "1.5",
    "1e1",
    "0x10",
    "99999999999999999999",
    "Infinity",
    "null",
    "true",
    "false",
    "TRUE",
    "",
    "groups",
    "groups,orders",
    "orders",
    "shipping_addresses",
    "billing_address",
    "groups.customers",
    "groups.customers.groups",
    "customers",
    "customers.groups",
    "price_lists",
    "nothing",
    "orders.items",
    "email",
    "-email",
    "created_at",
    "-created_at",
    "id",
    "metadata",
    "-metadata",
    "groups.name",
    "-groups.id",
    "customers.email",
    "password_hash",
    "name",
    "-name,-id",
    "2020-01-01",
    "2020-02-30",
    "1700000000",
    "2026-01-01T00:00:00Z",
    "now()",
];

/// What is there to be asked for.
pub(crate) struct Medusa {
    customers: Vec<String>,
    groups: Vec<String>,
}

impl Medusa {
    /// Makes some customers and groups first.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let base = format!("http://{address}");
        let create = async |path: &str, what: &str, body: serde_json::Value| {
            let call = Call::new(Method::POST, &base, path);
            let call = call.header("x-medusa-access-token", API_TOKEN);
            let answer = call.json(&body).send().await.ok();
            answer[what]["id"].as_str().unwrap().to_owned()
        };
        let (mut customers, mut groups) = (vec![], vec![]);
        for n in 0..EMAILS / 2 {
            let body = json!({ "email": format!("c{n}@example.com"), "first_name": "Aria",
                "last_name": format!("L{n}"), "password": "", "metadata": { "n": n } });
            customers.push(create("/admin/customers", "customer", body).await);
        }
        for n in 0..GROUPS / 2 {
            let body = json!({ "name": format!("g{n}") });
            groups.push(create("/admin/customer-groups", "customer_group", body).await);
        }
        Self { customers, groups }
    }

    fn customer(&self, rng: &mut StdRng) -> String {
        id(rng, &self.customers)
    }

    fn group(&self, rng: &mut StdRng) -> String {
        id(rng, &self.groups)
    }

    fn path(&self, rng: &mut StdRng) -> String {
        let path = match rng.random_range(0..100) {
            0..18 => "/admin/customers".to_owned(),
            18..45 => format!("/admin/customers/{}", self.customer(rng)),
            45..58 => "/admin/customer-groups".to_owned(),
            58..72 => format!("/admin/customer-groups/{}", self.group(rng)),
            72..80 => format!("/admin/customer-groups/{}/customers", self.group(rng)),
            80..91 => format!("/admin/customer-groups/{}/customers/batch", self.group(rng)),
            91..94 => "/admin/auth".to_owned(),
            94..95 => "/admin/auth/token".to_owned(),
            95..98 => format!("/admin/{}", odd_text(rng).replace('?', "")),
            _ => format!("/{}", odd_text(rng).replace('?', "")),
        };
        if chance(rng, 92) {
            return path;
        }
        let mut chars: Vec<char> = path.chars().collect();
        let at = rng.random_range(0..=chars.len());
        match rng.random_range(0..4) {
            0 => chars.insert(at, '/'),
            1 => chars.insert(at, one(rng, &['%', '.', ';', '&', '+', '~', 'é', '\u{0}'])),
            2 => return path.to_uppercase(),
            _ => drop(chars.get(at).is_some().then(|| chars.remove(at))),
        }
        chars.into_iter().collect()
    }

    /// The members that the operation of a path knows, each with a value that may fit.
    fn members(&self, rng: &mut StdRng, path: &str) -> Vec<(&'static str, String)> {
        let ids = |rng: &mut StdRng, of: &[String]| {
            let objects: Vec<_> = (0..rng.random_range(0..4))
                .map(|_| format!("{{\"id\":{}}}", quoted(&id(rng, of))))
                .collect();
            format!("[{}]", objects.join(","))
        };
        if path.contains("batch") {
            vec![("customer_ids", ids(rng, &self.customers))]
        } else if path.contains("auth") {
            vec![
                ("email", quoted("admin@medusa-test.com")),
                ("password", quoted(one(rng, &["", "wrong"]))),
            ]
        } else if path.contains("groups") {
            vec![
                ("name", quoted(&format!("g{}", rng.random_range(0..GROUPS)))),
                ("metadata", metadata(rng)),
            ]
        } else {
            vec![
                (
                    "email",
                    quoted(&format!("c{}@example.com", rng.random_range(0..EMAILS))),
                ),
                ("first_name", quoted(one(rng, &["Aria", "Ben", "", "Zoë"]))),
                ("last_name", quoted(&odd_text(rng))),
                ("phone", quoted(one(rng, &["", "+1 555", "00155"]))),
                ("password", quoted(if chance(rng, 2) { "pw" } else { "" })),
                ("metadata", metadata(rng)),
                ("groups", ids(rng, &self.groups)),
            ]
        }
    }
}

/// Members of metadata.
fn metadata(rng: &mut StdRng) -> String {
    let members: Vec<_> = (0..rng.random_range(0..3))
        .map(|_| {
            let value = if chance(rng, 50) {
                quoted("")
            } else {
                json_value(rng, 1)
            };
            format!("{}:{value}", quoted(one(rng, &["a", "b", "1", "n"])))
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

/// An id that is there, or not, or is none.
fn id(rng: &mut StdRng, known: &[String]) -> String {
    match rng.random_range(0..20) {
        0 => "cus_nope".to_owned(),
        1 => odd_text(rng).replace(['/', '?'], ""),
        2 => one(rng, &["%00", "%E0%A4%A", "%", "a%20b", "null", "undefined"]).to_owned(),
        _ => one(rng, known),
    }
}

/// Whose proof is with the request, if any.
fn proof(rng: &mut StdRng) -> Option<(&'static str, &'static str)> {
    /// Unsigned, and signed with another key.
    const FORGED: [&str; 2] = [
        "Bearer eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoidXNyXzEiLCJkb21haW4iOiJhZG1pbiJ9.",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoidXNyXzEiLCJkb21haW4iOiJhZG1pbiJ9.\
         0123456789012345678901234567890123456789012",
    ];
    match rng.random_range(0..100) {
        0..3 => None,
        3 => Some(("x-medusa-access-token", "")),
        4 => Some(("x-medusa-access-token", "forged")),
        5 => Some(("authorization", one(rng, &FORGED))),
        6 => Some((
            "authorization",
            one(
                rng,
                &["Bearer", "Basic cGVlci10b2tlbjo=", "Bearer a.b.c", "ü"],
            ),
        )),
        7 => Some((
            "cookie",
            one(
                rng,
                &["connect.sid=s%3Ax.y", "connect.sid=", "=", ";;;", "a=b"],
            ),
        )),
        _ => Some(("x-medusa-access-token", API_TOKEN)),
    }
}

impl Contract for Medusa {
    fn operation(&self, rng: &mut StdRng) -> (Method, String) {
        let path = self.path(rng);
        let method = match rng.random_range(0..100) {
            0..40 => Method::GET,
            40..43 => Method::HEAD,
            43..45 => Method::OPTIONS,
            45..46 => Method::PUT,
            46..47 => Method::PATCH,
            47..60 => Method::DELETE,
            _ => Method::POST,
        };
        // A deleted group would leave less and less to do.
        let deletes_group = method == Method::DELETE && !path.contains("batch") && chance(rng, 95);
        (if deletes_group { Method::GET } else { method }, path)
    }

    fn query(&self, rng: &mut StdRng) -> String {
        let mut pairs = vec![];
        for _ in 0..one(rng, &[0, 0, 1, 1, 2, 3]) {
            let key = if chance(rng, 92) {
                one(rng, &KEYS).to_owned()
            } else {
                odd_text(rng)
            };
            let value = match rng.random_range(0..20) {
                0 => self.group(rng),
                1 => format!("{},{}", self.group(rng), self.group(rng)),
                2 => odd_text(rng),
                _ => one(rng, &VALUES).to_owned(),
            };
            pairs.push(if chance(rng, 95) {
                format!("{key}={value}")
            } else {
                key
            });
        }
        pairs.join(one(rng, &["&", "&", "&", "&&", ";"]))
    }

    fn headers(&self, rng: &mut StdRng) -> Vec<(HeaderName, HeaderValue)> {
        const HEADERS: [(&str, &str); 14] = [
            ("origin", "http://localhost:7000"),
            ("origin", "null"),
            ("if-none-match", "*"),
            ("if-none-match", "W/\"x\", \"y\""),
            ("cache-control", "no-cache"),
            ("idempotency-key", "the same again"),
            ("idempotency-key", ""),
            ("idempotency-key", "\u{7f}"),
            ("ledger-reason", "because"),
            ("ledger-reason", "\u{e9}"),
            (
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ),
            ("traceparent", "ff-zz"),
            ("x-forwarded-proto", "https"),
            ("expect", "200-nothing"),
        ];
        let mut headers = vec![];
        if chance(rng, 12) {
            let (name, value) = one(rng, &HEADERS);
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.push((HeaderName::from_static(name), value));
            }
        }
        if let Some((name, value)) = proof(rng) {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.push((HeaderName::from_static(name), value));
        }
        headers
    }

    fn has_body(&self, rng: &mut StdRng, method: &Method) -> bool {
        *method == Method::POST || *method == Method::DELETE || chance(rng, 2)
    }

    fn body(&self, rng: &mut StdRng, path: &str) -> String {
        if chance(rng, 4) {
            return json_value(rng, 3);
        }
        let creates = path.trim_end_matches('/').ends_with("customers");
        let members = self.members(rng, path);
        let members = some(rng, members, |rng, name| {
            if creates {
                name != "groups" && chance(rng, 97)
            } else {
                chance(rng, 45)
            }
        });
        format!("{{{members}}}")
    }

    fn documented(&self, asked: &Asked, answer: &Answer) -> Result<&'static str, String> {
        documented(asked, answer)
    }
}

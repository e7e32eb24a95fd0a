//! Random histories through both contracts: the past shows what was answered when it was the present,
//! differences lead from one to the other, and each leaf is blamed on the last event that changed it.

use std::collections::BTreeMap;

use customer_ledger::history::{Shape, parsed, shape};
use devkit::http::Answer;
use events::ids::Position;
use events::record::StreamKind;
use hyper::Method;
use jiff::tz::TimeZone;
use projections::shopline::Store;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::open;
use crate::support::customer::Known;
use crate::support::model::draw;
use crate::support::shop::{Server, Shop};

const CUSTOMERS: usize = 3;
const STEPS: usize = 40;
const EVERYTHING: &str = "expand=billing_address,groups,orders,shipping_addresses";

/// What somebody does through a contract.
#[derive(Clone, Debug)]
enum Step {
    Update(Value),
    Put(Value),
    AddAddress(Value),
    ChangeAddress(usize, Value),
    RemoveAddress(usize),
    Group(String),
    Rename(usize, String),
    RemoveGroup(usize),
    Join(usize),
    Leave(usize),
    Delete,
}

fn text() -> impl Strategy<Value = String> {
    select(vec!["", "Ann", "Bob", "Zoë ~/\"", "1"]).prop_map(ToOwned::to_owned)
}

fn address() -> impl Strategy<Value = Value> {
    (text(), text(), select(vec!["US", "CN", "de"])).prop_map(|(address1, zip, country_code)| {
        json!({ "address1": address1, "zip": zip, "country_code": country_code, "city": "Town" })
    })
}

fn step() -> impl Strategy<Value = Step> {
    let name = || "[a-c]{1,2}";
    let metadata = prop_oneof![
        Just(json!({ "a": [1, { "b": null }], "c/~": {} })),
        Just(json!({ "a": [], "c/~": { "d": 1.5 } })),
        Just(json!({ "a": "" })),
    ];
    let update = (text(), metadata).prop_map(|(name, metadata)| {
        Step::Update(json!({ "first_name": name, "metadata": metadata }))
    });
    let put = (text(), text(), 0..4_u8).prop_map(|(note, tag, subscription)| {
        let mut customer = json!({ "note": note, "tags": format!("{tag},t") });
        if subscription < 2 {
            customer["email_subscribe_flag"] = subscription.into();
        }
        Step::Put(customer)
    });
    prop_oneof![
        4 => update,
        4 => put,
        3 => address().prop_map(Step::AddAddress),
        3 => (0..3_usize, address()).prop_map(|(at, address)| Step::ChangeAddress(at, address)),
        2 => (0..3_usize).prop_map(Step::RemoveAddress),
        2 => name().prop_map(Step::Group),
        3 => (0..3_usize, name()).prop_map(|(at, name)| Step::Rename(at, name)),
        1 => (0..3_usize).prop_map(Step::RemoveGroup),
        4 => (0..3_usize).prop_map(Step::Join),
        1 => (0..3_usize).prop_map(Step::Leave),
        1 => Just(Step::Delete),
    ]
}

/// What a reader got of a customer: by path of the read, status and body.
type Read = BTreeMap<&'static str, (u16, String)>;

/// One store's life, recorded while it was lived.
struct Recorded {
    server: Server,
    customers: Vec<Known>,
    groups: Vec<String>,
    /// What each customer's reads answered when this was the ledger's last position.
    answers: BTreeMap<i64, Vec<Read>>,
}

/// The ways to read a customer: name, and the same question to `/ledger`.
const READS: [(&str, &str); 4] = [
    ("medusa", "shape=medusa"),
    (
        "medusa, all",
        "shape=medusa&expand=billing_address,groups,orders,shipping_addresses",
    ),
    ("shopline", "shape=shopline"),
    ("shopline, later", "shape=shopline&version=v20230901"),
];

impl Recorded {
    /// A contract's own read, now or as of a position.
    async fn contract(&self, read: &str, known: &Known, as_of: Option<i64>) -> Answer {
        let as_of = as_of.map_or_else(String::new, |position| format!("as_of={position}"));
        let (medusa, id) = (&known.medusa, &known.shopline);
        let shopline = format!("customers/v2/{id}.json?{as_of}");
        let call = match read {
            "medusa" => self
                .server
                .medusa(Method::GET, &format!("/admin/customers/{medusa}?{as_of}")),
            "medusa, all" => {
                let path = format!("/admin/customers/{medusa}?{EVERYTHING}&{as_of}");
                self.server.medusa(Method::GET, path.trim_end_matches('&'))
            }
            "shopline" => self.server.shopline(Method::GET, &shopline),
            _ => self.server.shopline_at("v20230901", Method::GET, &shopline),
        };
        call.send().await
    }

    async fn record(&mut self, shop: &Shop) {
        let mut answers = vec![];
        for known in &self.customers {
            let mut reads = Read::new();
            for (read, _) in READS {
                let answer = self.contract(read, known, None).await;
                reads.insert(read, (answer.status, answer.body));
            }
            answers.push(reads);
        }
        self.answers.insert(shop.head().await, answers);
    }

    /// Does a step; what a contract refuses is no part of history.
    async fn take(&mut self, customer: usize, step: Step) {
        let known = self.customers[customer].clone();
        let server = &self.server;
        let group = |at: usize| self.groups.get(at % self.groups.len().max(1)).cloned();
        let group_path = |group: &str| format!("/admin/customer-groups/{group}");
        let address = async |at: usize| {
            let customer = server.get_shopline(&known.shopline).await;
            let addresses = customer.json()["customer"]["addresses"].as_array().cloned();
            let addresses = addresses.filter(|addresses| !addresses.is_empty())?;
            let id = addresses[at % addresses.len()]["id"].as_str()?;
            Some(format!("customers/{}/addresses/{id}.json", known.shopline))
        };
        let call = match step {
            Step::Update(body) => {
                return drop(server.update(&known.medusa, &body).await);
            }
            Step::Put(customer) => return drop(server.put(&known.shopline, &customer).await),
            Step::AddAddress(address) => {
                let path = format!("customers/{}/addresses.json", known.shopline);
                let body = json!({ "customer_address": address });
                Some(server.shopline(Method::POST, &path).json(&body))
            }
            Step::ChangeAddress(at, changed) => address(at).await.map(|path| {
                let body = json!({ "customer_address": changed });
                server.shopline(Method::PUT, &path).json(&body)
            }),
            Step::RemoveAddress(at) => {
                let path = address(at).await;
                path.map(|path| server.shopline(Method::DELETE, &path))
            }
            Step::Group(name) => {
                let call = server.medusa(Method::POST, "/admin/customer-groups");
                let answer = call.json(&json!({ "name": name })).send().await;
                let id = answer.json()["customer_group"]["id"]
                    .as_str()
                    .map(ToOwned::to_owned);
                self.groups.extend(id);
                None
            }
            Step::Rename(at, name) => group(at).map(|group| {
                server
                    .medusa(Method::POST, &group_path(&group))
                    .json(&json!({ "name": name }))
            }),
            Step::RemoveGroup(at) => {
                group(at).map(|group| server.medusa(Method::DELETE, &group_path(&group)))
            }
            Step::Join(at) => {
                group(at).map(|group| server.batch(Method::POST, &group, &[&known.medusa]))
            }
            Step::Leave(at) => {
                group(at).map(|group| server.batch(Method::DELETE, &group, &[&known.medusa]))
            }
            Step::Delete => {
                let path = format!("customers/{}.json", known.shopline);
                Some(server.shopline(Method::DELETE, &path))
            }
        };
        if let Some(call) = call {
            call.send().await;
        }
    }
}

/// A life of three customers, who share groups.
#[expect(
    clippy::print_stdout,
    reason = "a life that a test fails on must be known"
)]
async fn live(shop: &Shop, server: Server) -> Recorded {
    let mut recorded = Recorded {
        server,
        customers: vec![],
        groups: vec![],
        answers: BTreeMap::new(),
    };
    for number in 0..CUSTOMERS {
        let guest = recorded
            .server
            .guest(&format!("{number}@example.com"))
            .await;
        recorded.customers.push(guest);
    }
    recorded.record(shop).await;
    let mut runner = TestRunner::default();
    for _ in 0..STEPS {
        let (customer, step) = draw(&mut runner, (0..CUSTOMERS, step()));
        // The first outlives all, so that there is a long life.
        if !(customer == 0 && matches!(step, Step::Delete)) {
            println!("customer {customer}: {step:?}");
            recorded.take(customer, step).await;
            recorded.record(shop).await;
        }
    }
    recorded
}

fn shape(read: &str) -> Shape {
    let question = READS.iter().find(|(name, _)| *name == read).unwrap().1;
    let value = |name: &str| {
        let mut pairs = question.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let asked = shape::Asked {
        shape: value("shape"),
        expand: value("expand"),
        version: value("version"),
        fields: None,
    };
    let store = Store {
        time_zone: TimeZone::get("Asia/Shanghai").unwrap(),
        currency: "USD".to_owned(),
    };
    Shape::parse(asked, &store).unwrap()
}

#[tokio::test]
async fn the_past_is_what_was_answered_when_it_was_the_present() {
    let (shop, server) = open().await;
    let recorded = live(&shop, server).await;
    let (ledger, head) = (shop.ledger(), Position::new(shop.head().await));
    for (number, known) in recorded.customers.iter().enumerate() {
        let history = ledger
            .history(StreamKind::Customer, &known.stream, Position::START, head)
            .await
            .unwrap();
        for (read, question) in READS {
            let shape = shape(read);
            let folded: Vec<_> = history
                .documents(&shape)
                .map(|(entry, document)| (entry.position().get(), document))
                .collect();
            for (&position, reads) in &recorded.answers {
                let (status, body) = &reads[number][read];
                let then = folded.iter().rfind(|(at, _)| *at <= position);
                let then = then.and_then(|(_, document)| document.as_ref());
                assert_eq!(
                    then,
                    (*status == 200).then_some(body),
                    "{read} as of {position}"
                );
                let question = format!("?{question}&as_of={position}");
                let shown = recorded.server.ask(&known.medusa, &question).await;
                if *status == 200 {
                    assert_eq!((shown.status, &shown.body), (200, body), "{question}");
                } else {
                    assert_eq!(shown.status, 404, "{question}");
                }
                let again = recorded.contract(read, known, Some(position)).await;
                assert_eq!(
                    again.status, *status,
                    "{read} as of {position}: {}",
                    again.body
                );
                if *status == 200 {
                    assert_eq!(&again.body, body, "{read} as of {position}");
                }
            }
        }
    }
}

#[tokio::test]
async fn differences_lead_from_one_document_to_the_other_and_name_the_last_event_between() {
    let (shop, server) = open().await;
    let recorded = live(&shop, server).await;
    let (ledger, head) = (shop.ledger(), Position::new(shop.head().await));
    let positions: Vec<i64> = recorded.answers.keys().copied().collect();
    for (number, known) in recorded.customers.iter().enumerate() {
        let history = ledger
            .history(StreamKind::Customer, &known.stream, Position::START, head)
            .await
            .unwrap();
        for read in ["medusa, all", "shopline"] {
            let shape = shape(read);
            let folded: Vec<_> = history
                .documents(&shape)
                .map(|(entry, document)| (entry.position().get(), parsed(document.as_deref())))
                .collect();
            for (from, to) in positions.iter().zip(positions.iter().skip(7)) {
                let name = read.split(',').next().unwrap();
                let question = format!("/diff?from={from}&to={to}&shape={name}");
                let diff = recorded.server.ask(&known.shopline, &question).await.ok();
                let document = |position: &i64| {
                    let (status, body) = &recorded.answers[position][number][read];
                    parsed((*status == 200).then_some(body))
                };
                let mut applied = document(from);
                for difference in diff["differences"].as_array().unwrap() {
                    let pointer = difference["pointer"].as_str().unwrap();
                    let mut changes = folded.windows(2).filter(|pair| {
                        let is_between = pair[1].0 > *from && pair[1].0 <= *to;
                        is_between && pair[0].1.pointer(pointer) != pair[1].1.pointer(pointer)
                    });
                    let last = changes.next_back().unwrap()[1].0;
                    assert_eq!(difference["by"]["position"], last, "{question} {pointer}");
                    apply(&mut applied, difference);
                }
                assert_eq!(applied, document(to), "{question}");
            }
        }
    }
}

#[tokio::test]
async fn every_leaf_is_blamed_on_the_last_event_that_changed_it() {
    let (shop, server) = open().await;
    let recorded = live(&shop, server).await;
    let (ledger, head) = (shop.ledger(), Position::new(shop.head().await));
    for (number, known) in recorded.customers.iter().enumerate() {
        let history = ledger
            .history(StreamKind::Customer, &known.stream, Position::START, head)
            .await
            .unwrap();
        for read in ["medusa, all", "shopline"] {
            // Which event made each leaf what it is, by the leaf's identity.
            let (shape, mut made) = (shape(read), BTreeMap::new());
            let mut documents = BTreeMap::new();
            for (entry, document) in history.documents(&shape) {
                let document = parsed(document.as_deref());
                let before = std::mem::take(&mut made);
                for (leaf, value) in leaves(&document) {
                    let same = before.get(&leaf).filter(|(was, _)| *was == value);
                    let by: i64 = same.map_or(entry.position().get(), |(_, by)| *by);
                    made.insert(leaf, (value, by));
                }
                documents.insert(entry.position().get(), (document, made.clone()));
            }
            for (position, reads) in &recorded.answers {
                if reads[number][read].0 != 200 {
                    continue;
                }
                let name = read.split(',').next().unwrap();
                let question = format!("/blame?as_of={position}&shape={name}");
                let blame = recorded.server.ask(&known.stream, &question).await.ok();
                let (document, made) = documents.range(..=position).next_back().unwrap().1;
                let blamed = blame["leaves"].as_array().unwrap();
                assert_eq!(blamed.len(), made.len());
                for leaf in blamed {
                    let pointer = leaf["pointer"].as_str().unwrap();
                    assert_eq!(document.pointer(pointer), Some(&leaf["value"]), "{pointer}");
                    let (value, by) = &made[&identity(document, pointer)];
                    assert_eq!(
                        (&leaf["value"], &leaf["by"]["position"]),
                        (value, &json!(by)),
                        "{question} {pointer}"
                    );
                }
            }
        }
    }
}

/// Does to a document what a difference says.
pub(super) fn apply(document: &mut Value, difference: &Value) {
    let pointer = difference["pointer"].as_str().unwrap();
    assert_eq!(
        document.pointer(pointer),
        difference
            .get("from")
            .or((pointer.is_empty()).then_some(&Value::Null))
    );
    let Some((parent, step)) = pointer.rsplit_once('/') else {
        *document = difference["to"].clone();
        return;
    };
    let step = step.replace("~1", "/").replace("~0", "~");
    let to = difference.get("to").cloned();
    let parent = document.pointer_mut(parent).unwrap();
    if let Some(members) = parent.as_object_mut() {
        match to {
            Some(value) => drop(members.insert(step, value)),
            None => drop(members.shift_remove(&step)),
        }
        return;
    }
    let (elements, index) = (parent.as_array_mut().unwrap(), step.parse().unwrap());
    match to {
        Some(value) if index == elements.len() => elements.push(value),
        Some(value) => elements[index] = value,
        None => drop(elements.remove(index)),
    }
}

/// The leaves of a document, by identity: an element that has an id is named by it.
fn leaves(document: &Value) -> BTreeMap<Vec<String>, Value> {
    fn walk(path: &[String], value: &Value, leaves: &mut BTreeMap<Vec<String>, Value>) {
        let below = |step: &str| [path, &[step.to_owned()]].concat();
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    walk(&below(name), value, leaves);
                }
            }
            Value::Array(elements) if !elements.is_empty() => {
                for (index, value) in elements.iter().enumerate() {
                    let id = value.get("id").and_then(Value::as_str);
                    walk(&below(id.unwrap_or(&index.to_string())), value, leaves);
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => drop(leaves.insert(path.to_vec(), value.clone())),
        }
    }
    let mut leaves = BTreeMap::new();
    if !document.is_null() {
        walk(&[], document, &mut leaves);
    }
    leaves
}

/// The identity of the leaf at a pointer.
fn identity(document: &Value, pointer: &str) -> Vec<String> {
    let mut value = document;
    let step = |step: &str| {
        let step = step.replace("~1", "/").replace("~0", "~");
        let is_element = value.is_array();
        value = if is_element {
            &value[step.parse::<usize>().unwrap()]
        } else {
            &value[&step]
        };
        let id = value.get("id").and_then(Value::as_str);
        let id = id.filter(|_| is_element);
        id.map_or(step, ToOwned::to_owned)
    };
    pointer.split('/').skip(1).map(step).collect()
}

//! Addresses as resources of their own.

use devkit::http::Answer;
use hyper::Method;
use serde_json::{Value, json};

use super::{assert_refused, assert_traced};
use crate::support::customer::Known;
use crate::support::shop::{Server, Shop};

const UNKNOWN: &str = "The requested data does not exist.";

async fn serve() -> (Shop, Server, Known) {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let bob = json!({ "email": "bob@example.com", "first_name": "Bob", "last_name": "Norman" });
    let known = server.app_customer(&bob).await;
    (shop, server, known)
}

impl Known {
    fn at(&self, rest: &str) -> String {
        format!("customers/{}/addresses{rest}.json", self.shopline)
    }
}

async fn add(server: &Server, known: &Known, address: &Value) -> Answer {
    let body = json!({ "customer_address": address });
    let call = server.shopline(Method::POST, &known.at(""));
    call.json(&body).send().await
}

async fn added(server: &Server, known: &Known, address: &Value) -> String {
    let answer = add(server, known, address).await.ok();
    answer["customer_address"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The ids of the customer's addresses, and which is the default.
async fn listed(server: &Server, known: &Known) -> (Vec<String>, Option<String>) {
    let customer = server.get_shopline(&known.shopline).await.ok()["customer"].clone();
    let id = |address: &Value| address["id"].as_str().map(ToOwned::to_owned);
    let addresses = customer["addresses"].as_array().unwrap();
    (
        addresses.iter().filter_map(id).collect(),
        id(&customer["default_address"]),
    )
}

#[tokio::test]
async fn the_documented_address_has_the_documented_answer() {
    let (shop, server, known) = serve().await;
    let request = example!("address_add_request.synthetic.json");
    let answer = server.shopline(Method::POST, &known.at("")).json(&request);
    let answer = answer.send().await;
    assert_traced(&answer);
    let mut expected = example!("address_add_response.synthetic.json");
    let shown = answer.ok()["customer_address"].clone();
    let id = shown["id"].as_str().unwrap();
    assert!(id.len() == 26 && id.starts_with("SL201UA"), "{id}");
    expected["customer_address"]["id"] = json!(id);
    expected["customer_address"]["customer_id"] = json!(known.shopline);
    assert_eq!(json!({ "customer_address": shown }), expected);
    let read = server.shopline(Method::GET, &known.at(&format!("/{id}")));
    assert_eq!(read.send().await.ok(), expected);
    let types = shop.event_types(&known.stream).await;
    assert_eq!(types, ["CustomerCreated", "AddressChanged"]);
}

#[tokio::test]
async fn the_documented_batch_query_has_the_documented_answer() {
    let (_shop, server, known) = serve().await;
    let id = added(
        &server,
        &known,
        &example!("address_add_request.synthetic.json")["customer_address"],
    )
    .await;
    let mut request = example!("addresses_list_request.synthetic.json");
    // One that is not there, and one named twice, are no further lines.
    request["uids"] = json!([known.shopline, "1", "x\u{0}", known.shopline]);
    let list = server.shopline(Method::POST, "customers/addresses/list.json");
    let answer = list.json(&request).send().await.ok();
    let mut expected = example!("addresses_list_response.synthetic.json");
    expected["user_address"][0]["uid"] = json!(known.shopline);
    expected["user_address"][0]["addresses"][0]["id"] = json!(id);
    let later = server.shopline_at("v20230901", Method::POST, "customers/addresses/list.json");
    assert_eq!(later.json(&request).send().await.ok(), expected);
    let address = expected["user_address"][0]["addresses"][0].as_object_mut();
    address.unwrap().shift_remove("province_code_v2");
    assert_eq!(answer, expected);
    // What SHOPLINE's Go client can say of the types.
    let body = json!({ "uids": [known.shopline], "address_types": [{}] });
    let list = server.shopline(Method::POST, "customers/addresses/list.json");
    assert_eq!(list.json(&body).send().await.ok(), expected);
}

#[tokio::test]
async fn an_address_is_changed_by_what_is_given_and_null_keeps() {
    let (shop, server, known) = serve().await;
    let id = added(
        &server,
        &known,
        &json!({ "address1": "1 Street", "city": "Rome" }),
    )
    .await;
    let change = json!({ "customer_address": { "address1": null, "city": "", "zip": "40202" } });
    let put = || {
        server
            .shopline(Method::PUT, &known.at(&format!("/{id}")))
            .json(&change)
    };
    let shown = put().send().await.ok()["customer_address"].clone();
    for (member, value) in [("address1", "1 Street"), ("city", ""), ("zip", "40202")] {
        assert_eq!(shown[member], value, "{member}");
    }
    let head = shop.head().await;
    put().send().await.ok();
    assert_eq!(shop.head().await, head, "saying it again changes nothing");
}

#[tokio::test]
async fn the_first_address_is_the_default_until_another_one_is() {
    let (_shop, server, known) = serve().await;
    let one = added(&server, &known, &json!({ "city": "One", "def": false })).await;
    let two = added(&server, &known, &json!({ "city": "Two" })).await;
    assert_eq!(listed(&server, &known).await.1, Some(one.clone()));
    let path = known.at(&format!("/{two}/default"));
    let answer = server.shopline(Method::PUT, &path).send().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(listed(&server, &known).await.1, Some(two.clone()));
    let three = added(&server, &known, &json!({ "city": "Three", "def": true })).await;
    assert_eq!(listed(&server, &known).await.1, Some(three.clone()));
    let path = known.at(&format!("/{three}"));
    let answer = server.shopline(Method::DELETE, &path).send().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(
        listed(&server, &known).await,
        (vec![one.clone(), two], Some(one))
    );
    // Medusa shows the same two.
    let medusa = server.get_medusa(&known.medusa).await.ok();
    let shipping = medusa["customer"]["shipping_addresses"].as_array().unwrap();
    assert_eq!(shipping.len(), 2);
}

#[tokio::test]
async fn addresses_are_destroyed_all_or_none() {
    let (shop, server, known) = serve().await;
    let mut ids = vec![];
    for city in ["One", "Two", "Three"] {
        ids.push(added(&server, &known, &json!({ "city": city })).await);
    }
    let destroy = async |list: &str, operation: &str| {
        let path = known.at("/set");
        let path = format!("{path}?address_ids={list}&operation={operation}");
        server.shopline(Method::PUT, &path).send().await
    };
    let head = shop.head().await;
    let unknown = destroy(&format!("{},SL1", ids[0]), "destroy").await;
    let text = "addresses.id must be the id of an address of this customer";
    assert_refused(&unknown, 422, text);
    let other = destroy(&ids[0], "keep").await;
    assert_refused(&other, 422, "operation must be destroy");
    assert_refused(
        &destroy(",", "destroy").await,
        422,
        "address_ids is required",
    );
    assert_eq!(shop.head().await, head);
    let answer = destroy(&format!("{},{}", ids[0], ids[2]), "destroy").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(listed(&server, &known).await.0, [ids[1].clone()]);
}

#[tokio::test]
async fn what_is_not_there_is_data_that_does_not_exist() {
    let (shop, server, known) = serve().await;
    let other = server
        .app_customer(&json!({ "email": "o@example.com" }))
        .await;
    let id = added(&server, &other, &json!({ "city": "Rome" })).await;
    let head = shop.head().await;
    let body = json!({ "customer_address": { "city": "Oslo" } });
    for path in [
        known.at("/SL1"),
        known.at(&format!("/{id}")),
        known.at("/%00"),
        format!("customers/1/addresses/{id}.json"),
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let mut call = server.shopline(method.clone(), &path);
            if method == Method::PUT {
                call = call.json(&body);
            }
            assert_refused(&call.send().await, 406, UNKNOWN);
        }
        let path = path.replace(".json", "/default.json");
        let call = server.shopline(Method::PUT, &path);
        assert_refused(&call.send().await, 406, UNKNOWN);
    }
    let call = server
        .shopline(Method::POST, "customers/1/addresses.json")
        .json(&body);
    assert_refused(&call.send().await, 406, UNKNOWN);
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn the_fifty_first_address_is_one_too_many() {
    let (shop, server, known) = serve().await;
    let fifty: Vec<_> = (1..=50)
        .map(|n| json!({ "city": format!("C{n}") }))
        .collect();
    server
        .put(&known.shopline, &json!({ "addresses": fifty }))
        .await
        .ok();
    let head = shop.head().await;
    let refused = add(&server, &known, &json!({ "city": "One more" })).await;
    assert_refused(
        &refused,
        422,
        "addresses has 51 items, at most 50 are allowed",
    );
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn a_repeated_request_shows_the_address_it_made() {
    let (shop, server, known) = serve().await;
    let make = || {
        let call = server.shopline(Method::POST, &known.at(""));
        let call = call.header("Idempotency-Key", "once");
        call.json(&json!({ "customer_address": { "city": "Rome" } }))
            .send()
    };
    let first = make().await;
    first.ok();
    added(&server, &known, &json!({ "city": "Oslo" })).await;
    let head = shop.head().await;
    assert_eq!(make().await.body, first.body);
    assert_eq!(shop.head().await, head);
}

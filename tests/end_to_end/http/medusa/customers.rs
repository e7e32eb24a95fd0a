//! Create, update, get.

use hyper::Method;
use serde_json::{Value, json};

use crate::support::shop::{Server, Shop};

async fn serve() -> (Shop, Server) {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    (shop, server)
}

async fn post(server: &Server, path: &str, body: &Value) -> devkit::http::Answer {
    server.medusa(Method::POST, path).json(body).send().await
}

fn keys(customer: &Value) -> Vec<&str> {
    let members = customer.as_object().unwrap();
    members.keys().map(String::as_str).collect()
}

const COLUMNS: [&str; 11] = [
    "id",
    "created_at",
    "updated_at",
    "deleted_at",
    "email",
    "first_name",
    "last_name",
    "billing_address_id",
    "phone",
    "has_account",
    "metadata",
];

/// Statement 6.
#[tokio::test]
async fn a_customer_is_created_with_what_was_sent() {
    let (_shop, server) = serve().await;
    let body = json!({ "first_name": "Newf", "last_name": "Newl", "email": "new@email.com",
        "password": "newpass", "metadata": { "foo": "bar" } });
    let answer = post(&server, "/admin/customers", &body).await;
    assert_eq!(answer.status, 201);
    let customer = &answer.json()["customer"];
    for name in ["first_name", "last_name", "email", "metadata"] {
        assert_eq!(customer[name], body[name], "{name}");
    }
    assert_eq!(customer.get("password"), None);
}

/// Statement 7.
#[tokio::test]
async fn a_guest_is_updated_with_what_was_sent() {
    let (_shop, server) = serve().await;
    let guest = server.create_guest("test3@email.com").await;
    let body = json!({ "first_name": "newf", "last_name": "newl", "email": "new@email.com",
        "metadata": { "foo": "bar" } });
    let answer = server.update(guest["id"].as_str().unwrap(), &body).await;
    assert_eq!(answer.status, 200);
    let customer = &answer.json()["customer"];
    for name in ["first_name", "last_name", "email", "metadata"] {
        assert_eq!(customer[name], body[name], "{name}");
    }
}

/// Statement 8.
#[tokio::test]
async fn an_update_that_names_an_unknown_group_is_not_found() {
    let (_shop, server) = serve().await;
    let guest = server.create_guest("test3@email.com").await;
    let path = format!(
        "/admin/customers/{}?expand=groups",
        guest["id"].as_str().unwrap()
    );
    let answer = post(
        &server,
        &path,
        &json!({ "groups": [{ "id": "fake-group-0" }] }),
    )
    .await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.json(),
        json!({ "type": "not_found",
            "message": "Customer_group with customer_group_id fake-group-0 does not exist." })
    );
}

/// Statement 9.
#[tokio::test]
async fn groups_are_set_and_cleared() {
    let (_shop, server) = serve().await;
    let guest = server.create_guest("test3@email.com").await;
    let path = format!(
        "/admin/customers/{}?expand=groups",
        guest["id"].as_str().unwrap()
    );
    let (one, two) = (
        server.create_group("one").await,
        server.create_group("two").await,
    );
    let set = async |groups: Value| {
        let answer = post(&server, &path, &json!({ "groups": groups }))
            .await
            .ok();
        let groups = answer["customer"]["groups"].as_array().unwrap().clone();
        let mut ids: Vec<_> = groups
            .iter()
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(set(json!([{ "id": one }])).await, [&*one]);
    assert_eq!(set(json!([])).await, [""; 0]);
    let mut both = [one, two];
    both.sort();
    assert_eq!(
        set(json!([{ "id": both[0] }, { "id": both[1] }])).await,
        both
    );
}

/// Statement 10.
#[tokio::test]
async fn a_customer_is_read_with_its_columns_orders_and_shipping_addresses() {
    let (_shop, server) = serve().await;
    let guest = server.create_guest("test1@email.com").await;
    let id = guest["id"].as_str().unwrap();
    let known = server.known(id).await;
    let address = json!({ "addresses": [{ "address1": "21st Jump Street", "city": "Springfield",
        "country_code": "US", "zip": "12345" }] });
    server.put(&known.shopline, &address).await.ok();
    let answer = server.get_medusa(id).await;
    assert_eq!(answer.status, 200);
    let customer = &answer.json()["customer"];
    let mut expected = COLUMNS.to_vec();
    expected.extend(["orders", "shipping_addresses"]);
    assert_eq!(keys(customer), expected);
    for name in ["deleted_at", "billing_address_id", "phone", "metadata"] {
        assert_eq!(customer[name], Value::Null, "{name}");
    }
    assert_eq!(customer["orders"], json!([]));
    let addresses = customer["shipping_addresses"].as_array().unwrap();
    assert_eq!(addresses.len(), 1);
    assert_eq!(addresses[0]["address_1"], "21st Jump Street");
}

/// Statement 11.
#[tokio::test]
async fn expand_replaces_the_relations_that_are_shown() {
    let (_shop, server) = serve().await;
    let guest = server.create_guest("test3@email.com").await;
    let id = guest["id"].as_str().unwrap();
    let path = format!("/admin/customers/{id}?expand=billing_address,groups");
    let answer = server.medusa(Method::GET, &path).send().await.ok();
    let mut expected = COLUMNS.to_vec();
    expected.extend(["billing_address", "groups"]);
    assert_eq!(keys(&answer["customer"]), expected);
    assert_eq!(answer["customer"]["billing_address"], Value::Null);
    assert_eq!(answer["customer"]["groups"], json!([]));
}

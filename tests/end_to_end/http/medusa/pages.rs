//! What a list is beyond Medusa's own tests: every order and relation, and whatever a caller may send.

use std::time::{Duration, Instant};

use customer_ledger::domain::customer::{Command, Fields, UpdateCustomer};
use customer_ledger::kafka::projector::Projection;
use devkit::wait;
use events::address::Slot;
use events::patch::Patch;
use hyper::Method;
use serde_json::{Value, json};

use super::get;
use crate::support::ledger::RULES;
use crate::support::lists;
use crate::support::shop::{Server, Shop};

/// An answer takes less than a second; on a machine that does much else, this.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A letter for each customer, in the order of a list.
fn letters(list: &Value) -> String {
    let first = |customer: &Value| customer["email"].as_str().unwrap().chars().next().unwrap();
    list["customers"]
        .as_array()
        .unwrap()
        .iter()
        .map(first)
        .collect()
}

/// Customers a, B and c: a in the groups `two` and `Three`, B in `One`, c in none; only a has a phone,
/// a and B live somewhere.
async fn three(shop: &Shop, server: &Server) {
    let mut groups = vec![];
    for name in ["One", "two", "Three"] {
        groups.push(json!({ "id": server.create_group(name).await }));
    }
    for (email, update) in [
        ("c@example.com", json!({ "metadata": { "k": 2 } })),
        (
            "a@example.com",
            json!({ "phone": "1", "groups": groups[1..], "metadata": { "k": 1 } }),
        ),
        ("B@example.com", json!({ "groups": groups[..1] })),
    ] {
        let known = server.guest("x@example.com").await;
        let mut update = update;
        update["email"] = json!(email);
        server.update(&known.medusa, &update).await.ok();
        for (slot, city) in match email {
            "a@example.com" => vec![(Slot::Shipping, "Zwolle"), (Slot::Shipping, "Aarau")],
            "B@example.com" => vec![(Slot::Shipping, "Lyon"), (Slot::Billing, "Bonn")],
            _ => vec![],
        } {
            shop.add_address(&known, slot, city).await;
        }
    }
}

#[tokio::test]
async fn customers_are_ordered_by_every_column_and_those_of_relations() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    three(&shop, &server).await;
    for (query, expected) in [
        ("", "caB"),
        ("order=id", "caB"),
        ("order=-id", "Bac"),
        ("order=created_at", "caB"),
        ("order=-created_at", "Bac"),
        ("order=updated_at", "caB"),
        ("order=deleted_at", "caB"),
        ("order=-deleted_at", "caB"),
        ("order=has_account", "caB"),
        ("order=email", "Bac"),
        ("order=-email", "caB"),
        ("order=first_name", "caB"),
        ("order=-last_name", "caB"),
        ("order=phone", "acB"),
        ("order=-phone", "cBa"),
        ("order=metadata", "acB"),
        ("order=billing_address_id", "Bca"),
        ("order=groups.name&expand=groups", "Bac"),
        ("order=-groups.name&expand=groups", "caB"),
        ("order=groups.created_at&expand=groups", "Bac"),
        ("order=-groups.metadata&expand=groups.customers", "caB"),
        (
            "order=shipping_addresses.city&expand=shipping_addresses",
            "aBc",
        ),
        (
            "order=-shipping_addresses.city&expand=shipping_addresses",
            "caB",
        ),
        (
            "order=-shipping_addresses.created_at&expand=shipping_addresses",
            "cBa",
        ),
        (
            "order=shipping_addresses.customer_id&expand=shipping_addresses",
            "aBc",
        ),
        (
            "order=shipping_addresses.metadata&expand=shipping_addresses",
            "caB",
        ),
        ("order=billing_address.city&expand=billing_address", "Bca"),
        (
            "order=billing_address.customer_id&expand=billing_address",
            "caB",
        ),
        ("order=orders.display_id&expand=orders", "caB"),
        ("order=email&limit=1&offset=1", "a"),
        ("order=-email&offset=2", "B"),
    ] {
        let list = get(&server, &format!("customers?{query}")).await;
        assert_eq!((query, letters(&list).as_str()), (query, expected));
    }
}

#[tokio::test]
async fn groups_are_ordered_by_every_column_and_those_of_relations() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    three(&shop, &server).await;
    for (query, expected) in [
        ("", ["Three", "two", "One"]),
        ("order=name", ["One", "Three", "two"]),
        ("order=id&expand=customers.orders", ["One", "two", "Three"]),
        ("order=-metadata", ["One", "two", "Three"]),
        (
            "order=-customers.email&expand=customers",
            ["two", "Three", "One"],
        ),
        (
            "order=price_lists.name&expand=price_lists",
            ["One", "two", "Three"],
        ),
    ] {
        let list = get(&server, &format!("customer-groups?{query}")).await;
        let groups = list["customer_groups"].as_array().unwrap();
        let names: Vec<_> = groups
            .iter()
            .map(|group| group["name"].as_str().unwrap())
            .collect();
        assert_eq!((query, names.as_slice()), (query, &expected[..]));
    }
}

/// A text of SHOPLINE's may hold U+0000, which PostgreSQL does not read in JSON.
#[tokio::test]
async fn a_nul_from_the_other_shop_spoils_no_order() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    three(&shop, &server).await;
    let known = server.guest("d@example.com").await;
    let update = UpdateCustomer {
        rules: &RULES,
        fields: Fields {
            first_name: Patch::Set("\\\0\0\\u0000".to_owned()),
            ..Fields::default()
        },
        password: false,
        groups: None,
        addresses: vec![],
    };
    shop.execute(&known.stream, Command::Update(Box::new(update)))
        .await;
    for (query, expected) in [
        ("order=metadata", "acBd"),
        ("order=billing_address_id", "Bcad"),
        (
            "order=shipping_addresses.city&expand=shipping_addresses",
            "aBcd",
        ),
    ] {
        let list = get(&server, &format!("customers?{query}")).await;
        assert_eq!((query, letters(&list).as_str()), (query, expected));
    }
}

#[tokio::test]
async fn the_count_follows_births_and_deaths() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let count =
        async |query: &str| get(&server, &format!("customers?{query}")).await["count"].clone();
    assert_eq!(count("").await, 0);
    let guest = server.guest("guest@example.com").await;
    server.registered("registered@example.com").await;
    assert_eq!(count("").await, 2);
    assert_eq!(count("has_account=true").await, 1);
    shop.execute(&guest.stream, Command::Delete).await;
    assert_eq!(count("").await, 1);
    assert_eq!(count("has_account=false").await, 0);
    assert_eq!(count("has_account=true").await, 1);
    // A rebuild empties the table and counts anew.
    shop.database.clear(Projection::Medusa).await;
    wait::until("the view is rebuilt", async || {
        (count("").await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    for path in [
        "customers",
        "customer-groups",
        "customer-groups/x/customers",
    ] {
        let path = format!("/admin/{path}");
        let get = lists::list(&server.medusa(Method::GET, &path)).await;
        let head = lists::list(&server.medusa(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.header("etag"), get.header("etag"));
    }
}

/// Whatever is sent, the answer is documented, comes within a second and tells nothing.
#[tokio::test]
async fn a_hostile_query_ends_in_a_documented_answer() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    three(&shop, &server).await;
    let long = "x".repeat(50_000);
    let expensive = "%25_".repeat(4_000);
    for (status, query) in [
        (500, "q=%00"),
        (500, "order=%00"),
        (500, "order=password_hash"),
        (500, "order=email%3bdrop%20table%20events"),
        (500, "order=groups.name"),
        (500, "groups=x"),
        (500, "groups[]=%00"),
        (500, "limit=-1"),
        (500, "offset=9223372036854775808"),
        (500, "created_at[gt]=-271821-04-20"),
        (500, "created_at[][gt]=2020"),
        (200, "offset=9223372036854774784&limit=9223372036854774784"),
        (200, "created_at[lt]=%2B275760-09-13"),
        (200, "created_at[gt]=-004000-01-01&q='%5c"),
        (200, "q=%5c"),
        (200, "q=%25%5c%25"),
        (200, "q=%FF%FE"),
        (200, "q=%F0%9F%98%80"),
        (200, &format!("q={long}")),
        (200, &format!("q={expensive}")),
        (200, &format!("groups[]={long}")),
        (400, "limit=x"),
        (400, "%00=x"),
    ] {
        let path = format!("/admin/customers?{query}");
        let shown: String = query.chars().take(60).collect();
        let answer = wait::until("the list is not given up", async || {
            let start = Instant::now();
            let answer = server.medusa(Method::GET, &path).send().await;
            assert!(start.elapsed() < ANSWER_MAX, "{shown}");
            (answer.status != 503).then_some(answer)
        })
        .await;
        assert_eq!(answer.status, status, "{shown}");
        if status == 500 {
            let unknown = r#"{"code":"unknown_error","type":"unknown_error","message":"An unknown error occurred."}"#;
            assert_eq!(answer.body, unknown, "{shown}");
        }
    }
}

/// A pattern that would take PostgreSQL long is given up on, and the client may repeat.
#[tokio::test]
async fn a_search_that_takes_too_long_is_given_up() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let known = server.guest("long@example.com").await;
    let update = json!({ "last_name": "a".repeat(100_000) });
    server.update(&known.medusa, &update).await.ok();
    assert_eq!(get(&server, "customers").await["count"], 1);
    // It nearly fits at each of its places, and no trigram tells that it does not.
    let pattern = format!("{}_b", "a".repeat(30_000));
    let start = Instant::now();
    let answer = server
        .medusa(Method::GET, &format!("/admin/customers?q={pattern}"))
        .send()
        .await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(start.elapsed() < ANSWER_MAX);
    assert_eq!(get(&server, "customers").await["count"], 1);
}

#[tokio::test]
async fn without_a_projector_a_list_says_by_how_much_it_is_behind() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay").await;
    server.guest("late@example.com").await;
    for path in [
        "customers",
        "customer-groups",
        "customer-groups/x/customers",
    ] {
        let call = server.medusa(Method::GET, &format!("/admin/{path}"));
        let answer = lists::list(&call).await;
        assert_eq!(answer.ok()["count"], 0);
        assert_eq!(answer.header("ledger-behind"), "1", "{path}");
    }
}

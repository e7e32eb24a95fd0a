//! Lists of customers and groups, as Medusa's own tests seed and ask for them.

use serde_json::{Value, json};

use super::get;
use crate::support::customer::Known;
use crate::support::shop::{Server, Shop};

/// The seed of Medusa's own tests: eight customers, of which the fifth and sixth are in the group 5,
/// the seventh in 5 and 6, and the last in one that is to be deleted; seven groups.
struct Seed {
    customers: Vec<Known>,
    groups: Vec<String>,
}

async fn seed(shop: &Shop, server: &Server) -> Seed {
    let mut groups = vec![];
    for name in [
        "vip-customers",
        "test-group",
        "test-group-2",
        "test-group-3",
        "test-group-5",
        "test-group-6",
        "test-group-delete",
    ] {
        groups.push(server.create_group(name).await);
    }
    let mut customers = vec![];
    for n in 1..=8 {
        let email = format!("test{n}@email.com");
        customers.push(if n == 2 {
            server.registered(&email).await
        } else {
            server.guest(&email).await
        });
    }
    shop.add_address(&customers[0], events::address::Slot::Shipping, "Paris")
        .await;
    let (five, six, last) = (&groups[4], &groups[5], &groups[6]);
    for (customer, groups) in [
        (5, vec![five]),
        (6, vec![five]),
        (7, vec![five, six]),
        (8, vec![last]),
    ] {
        let groups: Vec<_> = groups.into_iter().map(|id| json!({ "id": id })).collect();
        let update = json!({ "groups": groups });
        server
            .update(&customers[customer - 1].medusa, &update)
            .await
            .ok();
    }
    Seed { customers, groups }
}

async fn open() -> (Shop, Server, Seed) {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let seed = seed(&shop, &server).await;
    (shop, server, seed)
}

fn texts(list: &Value, member: &str) -> Vec<String> {
    let text = |item: &Value| item[member].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn customers_are_listed_and_counted() {
    let (_shop, server, seed) = open().await;
    let list = get(&server, "customers").await;
    assert_eq!(list["count"], 8);
    let ids: Vec<_> = seed
        .customers
        .iter()
        .map(|known| known.medusa.clone())
        .collect();
    // Ours are in the order of ids, which is that of their births.
    assert_eq!(texts(&list["customers"], "id"), ids);
    assert_eq!((&list["offset"], &list["limit"]), (&json!(0), &json!(50)));
}

#[tokio::test]
async fn customers_with_an_account_are_listed_without_guests() {
    let (_shop, server, _seed) = open().await;
    let list = get(&server, "customers?has_account=true").await;
    assert_eq!(list["count"], 1);
    assert!(
        list["customers"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["has_account"] == true)
    );
    let list = get(&server, "customers?has_account=false").await;
    assert_eq!(list["count"], 7);
}

#[tokio::test]
async fn members_of_a_group_are_listed_with_the_groups_that_match() {
    let (_shop, server, seed) = open().await;
    let (five, six) = (&seed.groups[4], &seed.groups[5]);
    let list = get(&server, &format!("customers?groups[]={five}")).await;
    assert_eq!(list["count"], 3);
    let emails = ["test5@email.com", "test6@email.com", "test7@email.com"];
    assert_eq!(texts(&list["customers"], "email"), emails);
    for customer in list["customers"].as_array().unwrap() {
        assert_eq!(texts(&customer["groups"], "id"), std::slice::from_ref(five));
    }
    let both = get(
        &server,
        &format!("customers?groups[]={six},{five}&order=-email&limit=1"),
    )
    .await;
    assert_eq!(both["count"], 3);
    assert_eq!(
        texts(&both["customers"][0]["groups"], "name"),
        ["test-group-5", "test-group-6"]
    );
    let none = get(&server, "customers?groups[]=cgrp_nope").await;
    assert_eq!(
        none,
        json!({ "customers": [], "count": 0, "offset": 0, "limit": 50 })
    );
}

#[tokio::test]
async fn a_part_of_an_e_mail_finds_its_customer() {
    let (_shop, server, _seed) = open().await;
    let list = get(&server, "customers?q=est2@").await;
    assert_eq!(list["count"], 1);
    assert_eq!(texts(&list["customers"], "email"), ["test2@email.com"]);
}

#[tokio::test]
async fn a_search_shows_addresses_when_asked() {
    let (_shop, server, _seed) = open().await;
    let list = get(
        &server,
        "customers?q=TEST1@email.com&expand=shipping_addresses",
    )
    .await;
    assert_eq!(list["count"], 1);
    assert_eq!(
        texts(&list["customers"][0]["shipping_addresses"], "city"),
        ["Paris"]
    );
}

#[tokio::test]
async fn a_groups_customers_are_listed() {
    let (_shop, server, seed) = open().await;
    let list = get(
        &server,
        &format!("customer-groups/{}/customers", seed.groups[4]),
    )
    .await;
    assert_eq!(list["count"], 3);
    assert_eq!(
        texts(&list["customers"][2]["groups"], "name"),
        ["test-group-5"]
    );
    let none = get(&server, "customer-groups/cgrp_nope/customers").await;
    assert_eq!(
        none,
        json!({ "customers": [], "count": 0, "offset": 0, "limit": 50 })
    );
}

#[tokio::test]
async fn a_deleted_group_is_in_no_list_and_filters_nobody() {
    let (shop, server, seed) = open().await;
    let gone = &seed.groups[6];
    shop.delete_group(gone).await;
    for path in [
        format!("customers?groups[]={gone}"),
        format!("customer-groups/{gone}/customers"),
    ] {
        assert_eq!(get(&server, &path).await["count"], 0, "{path}");
    }
    let list = get(&server, "customers?expand=groups&q=test8@").await;
    assert_eq!(list["customers"][0]["groups"], json!([]));
    assert_eq!(get(&server, "customer-groups?q=delete").await["count"], 0);
}

#[tokio::test]
async fn groups_are_listed_in_an_order_with_their_customers() {
    let (_shop, server, _seed) = open().await;
    let path = "customer-groups?limit=5&offset=2&order=created_at&expand=customers";
    let list = get(&server, path).await;
    assert_eq!(list["count"], 7);
    let groups = list["customer_groups"].as_array().unwrap();
    assert_eq!(groups.len(), 5);
    assert_eq!(groups[0]["name"], "test-group-2");
    assert_eq!(groups[0]["customers"], json!([]));
    let emails = ["test5@email.com", "test6@email.com", "test7@email.com"];
    assert_eq!(texts(&groups[2]["customers"], "email"), emails);
}

#[tokio::test]
async fn a_part_of_a_name_finds_its_group() {
    let (_shop, server, _seed) = open().await;
    let list = get(&server, "customer-groups?q=vip-customers").await;
    assert_eq!(list["count"], 1);
    assert_eq!(list["customer_groups"][0]["name"], "vip-customers");
    assert_eq!(list["customer_groups"][0].get("customers"), None);
}

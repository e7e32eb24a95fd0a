//! Addresses: one list, two shapes; Medusa's billing address, SHOPLINE's default, and countries.

use customer_ledger::domain::customer::AddressPatch;
use events::CustomerEvent;
use events::address::{AddressChange, AddressChanged, Slot};
use events::patch::Patch;
use serde_json::{Value, json};

use super::{assert_refused, open};
use crate::support::customer::Known;
use crate::support::shop::{Server, Shop};

/// An address whose every text is this.
pub(super) fn written(text: &str) -> AddressPatch {
    let text = || Patch::Set(text.to_owned());
    AddressPatch {
        first_name: text(),
        last_name: text(),
        company: text(),
        address_1: text(),
        address_2: text(),
        city: text(),
        province: text(),
        province_code: text(),
        postal_code: text(),
        country: text(),
        country_code: text(),
        phone: text(),
        ..AddressPatch::default()
    }
}

fn at(line: &str) -> AddressPatch {
    AddressPatch {
        address_1: Patch::Set(line.to_owned()),
        ..AddressPatch::default()
    }
}

async fn listed(server: &Server, known: &Known) -> Vec<Value> {
    let customer = server.in_shopline(known).await;
    customer["addresses"].as_array().unwrap().clone()
}

async fn default_line(server: &Server, known: &Known) -> String {
    let customer = server.in_shopline(known).await;
    let addresses = customer["addresses"].as_array().unwrap();
    let flagged: Vec<&Value> = addresses.iter().filter(|a| a["default"] == true).collect();
    assert_eq!(
        flagged,
        [&customer["default_address"]],
        "one default, the same in both places"
    );
    customer["default_address"]["address1"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_address_of_an_apps_is_shown_in_medusas_words() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let address = json!({ "first_name": "Ann", "last_name": "Lee", "company": "Joy",
        "address1": "7720 Cherokee Road", "address2": "Apartment 2", "city": "Hagerman",
        "province": "Kentucky", "province_code": "KY", "country": "The States",
        "country_code": "US", "zip": "40202", "phone": "0015834564475" });
    server
        .put(&known.shopline, &json!({ "addresses": [address] }))
        .await
        .ok();
    let medusa = server.in_medusa(&known).await;
    let shown = &medusa["shipping_addresses"][0];
    for (member, value) in [
        ("customer_id", json!(known.medusa)),
        ("first_name", json!("Ann")),
        ("last_name", json!("Lee")),
        ("company", json!("Joy")),
        ("address_1", json!("7720 Cherokee Road")),
        ("address_2", json!("Apartment 2")),
        ("city", json!("Hagerman")),
        ("province", json!("Kentucky")),
        ("country_code", json!("us")),
        ("postal_code", json!("40202")),
        ("phone", json!("0015834564475")),
        ("metadata", Value::Null),
        ("deleted_at", Value::Null),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    assert_eq!(
        shown.get("province_code"),
        None,
        "a province has no code in Medusa"
    );
}

#[tokio::test]
async fn an_address_of_medusas_is_shown_in_shoplines_words() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let address = AddressPatch {
        country: Patch::Keep,
        country_code: Patch::Set("us".to_owned()),
        metadata: Patch::Set(json!({ "door": "the blue one" })),
        ..written("as written")
    };
    shop.add_addresses(&known.stream, vec![address]).await;
    let listed = listed(&server, &known).await;
    let shown = &listed[0];
    assert_eq!(shown["customer_id"], *known.shopline);
    assert!(shown["id"].as_str().unwrap().starts_with("SL201UA"));
    let texts = [
        "first_name",
        "last_name",
        "company",
        "address1",
        "address2",
        "city",
        "province",
    ];
    for member in texts.into_iter().chain(["province_code", "zip", "phone"]) {
        assert_eq!(shown[member], "as written", "{member}");
    }
    assert_eq!(
        (&shown["country_code"], &shown["country"]),
        (&json!("US"), &json!("United States"))
    );
    assert!(!shown.to_string().contains("blue"), "metadata is Medusa's");
    let medusa = server.in_medusa(&known).await;
    assert_eq!(
        medusa["shipping_addresses"][0]["metadata"]["door"],
        "the blue one"
    );
}

#[tokio::test]
async fn an_absent_text_of_an_address_is_empty_in_shopline_and_null_in_medusa() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let address = json!({ "address1": "only this" });
    server
        .put(&known.shopline, &json!({ "addresses": [address] }))
        .await
        .ok();
    let listed = listed(&server, &known).await;
    for member in [
        "first_name",
        "company",
        "city",
        "country",
        "country_code",
        "zip",
        "phone",
    ] {
        assert_eq!(listed[0][member], "", "{member}");
    }
    let medusa = server.in_medusa(&known).await;
    for member in [
        "first_name",
        "company",
        "city",
        "country_code",
        "postal_code",
        "phone",
    ] {
        assert_eq!(
            medusa["shipping_addresses"][0][member],
            Value::Null,
            "{member}"
        );
    }
}

#[tokio::test]
async fn country_codes_are_known_in_medusa_and_as_written_in_shopline() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    // As sent: code, country; as SHOPLINE shows them; as Medusa shows the code.
    let cases = [
        ("us", "", "US", "United States", json!("us")),
        ("De", "Deutschland", "DE", "Deutschland", json!("de")),
        ("zz", "", "ZZ", "", Value::Null),
        ("usa", "", "usa", "", Value::Null),
        ("", "France", "", "France", Value::Null),
        ("République", "", "République", "", Value::Null),
    ];
    let sent: Vec<Value> = cases
        .iter()
        .map(|(code, country, ..)| json!({ "country_code": code, "country": country }))
        .collect();
    server
        .put(&known.shopline, &json!({ "addresses": sent }))
        .await
        .ok();
    let (listed, medusa) = (
        listed(&server, &known).await,
        server.in_medusa(&known).await,
    );
    for (index, (sent, _, code, country, in_medusa)) in cases.iter().enumerate() {
        let shown = &listed[index];
        assert_eq!(
            (&shown["country_code"], &shown["country"]),
            (&json!(code), &json!(country))
        );
        let shown = &medusa["shipping_addresses"][index]["country_code"];
        assert_eq!(shown, in_medusa, "{sent}");
    }
}

#[tokio::test]
async fn a_billing_address_is_medusas_alone() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let billing = AddressPatch {
        slot: Slot::Billing,
        ..written("us")
    };
    let before = server.in_shopline(&known).await;
    shop.add_addresses(&known.stream, vec![billing]).await;
    let medusa = server.in_medusa(&known).await;
    assert_eq!(medusa["billing_address"]["address_1"], "us");
    assert_eq!(medusa["billing_address"]["customer_id"], Value::Null);
    assert_eq!(
        medusa["billing_address_id"],
        medusa["billing_address"]["id"]
    );
    assert_eq!(medusa["shipping_addresses"], json!([]));
    assert_eq!(server.in_shopline(&known).await, before);
    // Nor can an app reach it by an id that it was never shown.
    let payload: Value = sqlx::query_scalar(
        "select payload->'address' from events where event_type = 'AddressChanged'",
    )
    .fetch_one(&shop.database.pool)
    .await
    .unwrap();
    let reached = json!({ "addresses": [{ "id": payload["ids"]["shopline"], "zip": "1" }] });
    let answer = server.put(&known.shopline, &reached).await;
    let message = "addresses.id must be the id of an address of this customer";
    assert_refused(&answer, 422, message);
}

#[tokio::test]
async fn the_first_live_address_is_the_default_until_one_is_chosen() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let three = vec![at("first"), at("second"), at("third")];
    shop.add_addresses(&known.stream, three).await;
    assert_eq!(default_line(&server, &known).await, "first");
    let ids: Vec<Value> = listed(&server, &known)
        .await
        .iter()
        .map(|a| a["id"].clone())
        .collect();
    let ignored = json!({ "addresses": [{ "id": ids[0], "default": false }] });
    server.put(&known.shopline, &ignored).await.ok();
    assert_eq!(default_line(&server, &known).await, "first");
    let several = json!({ "addresses": [{ "id": ids[2], "default": true },
        { "id": ids[1], "default": true }] });
    server.put(&known.shopline, &several).await.ok();
    assert_eq!(default_line(&server, &known).await, "second");
    remove_address(&shop, &known, "second").await;
    assert_eq!(default_line(&server, &known).await, "first");
    remove_address(&shop, &known, "first").await;
    assert_eq!(default_line(&server, &known).await, "third");
    remove_address(&shop, &known, "third").await;
    let customer = server.in_shopline(&known).await;
    assert_eq!(
        (&customer["addresses"], customer.get("default_address")),
        (&json!([]), None)
    );
    assert_eq!(
        server.in_medusa(&known).await["shipping_addresses"],
        json!([])
    );
}

async fn remove_address(shop: &Shop, known: &Known, line: &str) {
    let loaded = shop
        .ledger()
        .load::<customer_ledger::domain::customer::Customer>(&known.stream)
        .await;
    let loaded = loaded.unwrap();
    let is_it = |address: &&events::address::Address| {
        address
            .address_1
            .as_ref()
            .and_then(|line| line.open())
            .is_some_and(|it| it == line)
    };
    let address = loaded
        .aggregate
        .addresses
        .iter()
        .find(is_it)
        .unwrap()
        .clone();
    let removed = AddressChanged {
        change: AddressChange::Removed,
        address,
    };
    let events = vec![CustomerEvent::AddressChanged(removed)];
    shop.record(&known.stream, events).await;
}

#[tokio::test]
async fn more_than_fifty_addresses_are_shown_and_kept_but_not_added_to() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let many = (0..52).map(|n| at(&format!("{n} Main Street"))).collect();
    shop.add_addresses(&known.stream, many).await;
    let shown = listed(&server, &known).await;
    assert_eq!(shown.len(), 52);
    let medusa = server.in_medusa(&known).await;
    assert_eq!(medusa["shipping_addresses"].as_array().unwrap().len(), 52);
    let head = shop.head().await;
    let one_more = json!({ "addresses": [{ "address1": "one more" }] });
    let answer = server.put(&known.shopline, &one_more).await;
    assert_refused(
        &answer,
        422,
        "addresses has 53 items, at most 50 are allowed",
    );
    assert_eq!(shop.head().await, head);
    let all = json!({ "note": "n", "addresses": shown });
    server.put(&known.shopline, &all).await.ok();
    assert_eq!(
        shop.head().await,
        head + 1,
        "all of them come back unchanged"
    );
    let changed = json!({ "addresses": [{ "id": shown[51]["id"], "zip": "1" }] });
    let answer = server.put(&known.shopline, &changed).await.ok();
    assert_eq!(answer["customer"]["addresses"][51]["zip"], "1");
}

#[tokio::test]
async fn the_fiftieth_address_fits_and_the_fifty_first_does_not() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let many = (0..49).map(|n| at(&format!("{n} Main Street"))).collect();
    shop.add_addresses(&known.stream, many).await;
    let two = json!({ "addresses": [{ "address1": "50th" }, { "address1": "51st" }] });
    let answer = server.put(&known.shopline, &two).await;
    assert_refused(
        &answer,
        422,
        "addresses has 51 items, at most 50 are allowed",
    );
    let one = json!({ "addresses": [{ "address1": "50th" }] });
    server.put(&known.shopline, &one).await.ok();
    assert_eq!(listed(&server, &known).await.len(), 50);
}

#[tokio::test]
async fn an_unlisted_address_stays_and_an_unknown_id_is_refused() {
    let (shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let other = server.guest("o@example.com").await;
    shop.add_addresses(&known.stream, vec![at("mine")]).await;
    shop.add_addresses(&other.stream, vec![at("theirs")]).await;
    server
        .put(
            &known.shopline,
            &json!({ "addresses": [{ "address1": "new" }] }),
        )
        .await
        .ok();
    let lines: Vec<Value> = listed(&server, &known)
        .await
        .iter()
        .map(|a| a["address1"].clone())
        .collect();
    assert_eq!(lines, ["mine", "new"]);
    let head = shop.head().await;
    let theirs = listed(&server, &other).await[0]["id"].clone();
    for id in [theirs, json!("SL201UA0000000000000000000")] {
        let unknown = json!({ "note": "n", "addresses": [{ "id": id, "address1": "x" }] });
        let answer = server.put(&known.shopline, &unknown).await;
        let message = "addresses.id must be the id of an address of this customer";
        assert_refused(&answer, 422, message);
    }
    assert_eq!(shop.head().await, head);
}

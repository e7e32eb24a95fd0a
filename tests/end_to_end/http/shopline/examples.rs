//! The documented examples, against customers appended under the examples' own ids.

use customer_ledger::domain::customer::{
    AddressPatch, Command, CreateCustomer, Fields, NewAddress,
};
use devkit::http::Answer;
use events::ids::{ForeignIds, StreamId};
use events::patch::Patch;
use hyper::Method;
use serde_json::{Value, json};

use super::assert_traced;
use crate::support::ledger::RULES;
use crate::support::shop::{Server, Shop};

/// Appends a customer under an id of SHOPLINE's choice.
async fn append(shop: &Shop, id: &str, fields: Fields, addresses: Vec<AddressPatch>) {
    let stream = StreamId::new(ulid::Ulid::new().to_string());
    let create = CreateCustomer {
        rules: &RULES,
        ids: ForeignIds {
            medusa: format!("cus_{stream}").into(),
            shopline: id.into(),
        },
        fields,
        has_account: false,
        password: false,
        language: None,
        addresses,
    };
    shop.execute(&stream, Command::Create(Box::new(create)))
        .await;
}

fn address(id: &str) -> AddressPatch {
    let ulid = ulid::Ulid::new().to_string();
    AddressPatch {
        new: NewAddress {
            ids: ForeignIds {
                medusa: format!("addr_{ulid}").into(),
                shopline: id.into(),
            },
            id: ulid,
        },
        ..AddressPatch::default()
    }
}

async fn put(server: &Server, id: &str, body: &Value) -> Answer {
    let path = format!("customers/{id}.json");
    server.shopline(Method::PUT, &path).json(body).send().await
}

/// The address of the example's answer.
fn louisville() -> AddressPatch {
    let text = |text: &str| Patch::Set(text.to_owned());
    AddressPatch {
        address_1: text("address1"),
        address_2: text("address2"),
        city: text("Louisville"),
        company: text("company"),
        country: text("UnitedStates"),
        country_code: text("US"),
        first_name: text("first_name"),
        last_name: text("last_name"),
        phone: text("5556251199"),
        province: text("Kentucky"),
        province_code: text("4200021"),
        postal_code: text("403210"),
        ..address("SL201UA5702515980125086505")
    }
}

#[tokio::test]
async fn the_documented_update_has_the_documented_answer_byte_for_byte() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    append(&shop, "4211465524", Fields::default(), vec![louisville()]).await;
    let answer = put(
        &server,
        "4211465524",
        &example!("update_request_name.seed.json"),
    )
    .await;
    let seen = answer.ok();
    let mut expected = example!("update_response_name.seed.json");
    for time in ["created_at", "updated_at"] {
        let shown = seen["customer"][time].as_str().unwrap();
        let pattern = expected["customer"][time].as_str().unwrap();
        let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(shape(shown), shape(pattern));
        expected["customer"][time] = json!(shown);
    }
    assert_eq!(answer.body, expected.to_string());
    assert_eq!(
        answer.header("content-type"),
        "application/json; charset=utf-8"
    );
    assert_traced(&answer);
}

#[tokio::test]
async fn a_read_tells_what_the_documented_update_left_out() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    append(&shop, "4211465524", Fields::default(), vec![louisville()]).await;
    let updated = put(
        &server,
        "4211465524",
        &example!("update_request_name.seed.json"),
    )
    .await;
    let updated = updated.ok()["customer"].clone();
    let answer = server.get_shopline("4211465524").await;
    let read = answer.ok()["customer"].clone();
    assert_traced(&answer);
    for (member, value) in [
        ("birthday", "19990304"),
        ("gender", "secret"),
        ("language", ""),
        ("nick_name", ""),
    ] {
        assert_eq!(read[member], value, "{member}");
        assert!(updated.get(member).is_none(), "{member}");
    }
    assert_eq!(read["accepts_mobile_marketing"], false);
    assert!(read.get("accepts_phone_marketing").is_none());
    for member in [
        "addresses",
        "default_address",
        "email",
        "id",
        "note",
        "tags",
        "updated_at",
    ] {
        assert_eq!(read[member], updated[member], "{member}");
    }
}

#[tokio::test]
async fn the_documented_update_of_all_fields_sets_all_fields() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    append(
        &shop,
        "4201825054",
        Fields::default(),
        vec![address("207119551")],
    )
    .await;
    let request = example!("update_request_all_fields.seed.json");
    let updated = put(&server, "4201825054", &request).await.ok()["customer"].clone();
    let asked = &request["customer"];
    for member in [
        "accepts_marketing",
        "email",
        "first_name",
        "last_name",
        "note",
        "phone",
        "tags",
    ] {
        assert_eq!(updated[member], asked[member], "{member}");
    }
    let (asked, shown) = (&asked["addresses"][0], &updated["addresses"][0]);
    for (member, value) in asked.as_object().unwrap() {
        // Documented for requests, and in no answer.
        if member == "country_name" || member == "name" {
            assert!(shown.get(member).is_none(), "{member}");
        } else {
            assert_eq!(&shown[member], value, "{member}");
        }
    }
    assert_eq!(&updated["default_address"], shown);
    assert_eq!(updated["email_subscribe_flag"], 1);
    assert_eq!(
        updated["accepts_marketing_updated_at"],
        updated["updated_at"]
    );
    let read = server.get_shopline("4201825054").await.ok();
    assert_eq!(read["customer"]["birthday"], "19970102");
    assert_eq!(read["customer"]["gender"], "others");
    // Asked for once more, it changes nothing.
    let head = shop.head().await;
    put(&server, "4201825054", &request).await.ok();
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn the_go_clients_empty_consents_are_ignored() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    append(&shop, "4201825054", Fields::default(), vec![]).await;
    let body = example!("update_request_go_sdk_last_name_only.derived.json");
    let call = server
        .shopline(Method::PUT, "customers/4201825054.json")
        .json(&body);
    // Everything it sends, its signature's headers among it.
    let answer = call
        .header("accept", "application/json")
        .header("appkey", "app")
        .header("timestamp", "1675319492439")
        .header("user-agent", "shopline-sdk-go/0.0.26")
        .send()
        .await;
    assert_eq!(
        (answer.status, &answer.ok()["customer"]["last_name"]),
        (200, &json!("Smith"))
    );
    let id = server.known("4201825054").await;
    assert_eq!(
        shop.event_types(&id.stream).await,
        ["CustomerCreated", "CustomerUpdated"]
    );
}

#[tokio::test]
async fn the_go_clients_read_has_a_content_type_and_no_body() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    append(&shop, "4201825054", Fields::default(), vec![]).await;
    let call = server.shopline(Method::GET, "customers/v2/4201825054.json");
    call.header("content-type", "application/json")
        .send()
        .await
        .ok();
}

#[tokio::test]
async fn the_documented_create_is_answered_200_with_the_whole_customer() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let request = example!("create_request.synthetic.json");
    let answer = server
        .shopline(Method::POST, "customers.json")
        .json(&request)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_traced(&answer);
    let created = answer.ok()["customer"].clone();
    let read = server
        .get_shopline(created["id"].as_str().unwrap())
        .await
        .ok();
    let mut read = read["customer"].clone();
    read.as_object_mut().unwrap().shift_remove("nick_name");
    assert_eq!(created, read, "a read adds the nickname and nothing else");
    assert_eq!(created["gender"], "male");
    assert_eq!(created["accepts_marketing"], true);
    assert_eq!(created["default_address"]["zip"], "40202");
}

#[tokio::test]
async fn doubled_slashes_are_one() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    append(&shop, "4201825054", Fields::default(), vec![]).await;
    for path in [
        "/customers/v2/4201825054.json",
        "customers//v2//4201825054.json",
    ] {
        server.shopline(Method::GET, path).send().await.ok();
    }
}

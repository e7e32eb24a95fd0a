//! SHOPLINE's answers, byte for byte as documented.

use events::CustomerEvent;
use events::address::{Address, CountryCode};
use events::customer::{
    Consent, CustomerCreated, CustomerUpdated, Gender, OptInLevel, Subscription,
};
use events::ids::ForeignIds;
use jiff::Timestamp;
use projections::shopline::{
    Customer, Version, render_address, render_created, render_read, render_updated,
};
use serde_json::{Value, json};

use crate::given::{History, added, address, born, created, some, store, updated};

/// A documented answer.
macro_rules! documented {
    ($name:literal) => {
        include_str!(concat!("../../../tests/conformance/shopline/", $name))
    };
}

/// A documented answer, without its white space.
fn example(text: &str) -> String {
    serde_json::from_str::<Value>(text).unwrap().to_string()
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

#[test]
fn an_update_answers_as_documented() {
    let ids = |medusa: &str, shopline: &str| ForeignIds {
        medusa: medusa.into(),
        shopline: shopline.into(),
    };
    let history = created(CustomerCreated {
        ids: ids("cus_1", "4211465524"),
        email: some("hqh0315@test.com"),
        first_name: some("修改"),
        last_name: some("用户0315"),
        phone: some("0015834564475"),
        note: some("Placedanorderthathadafraudwarning"),
        tags: Some(vec!["loyal".to_owned()].into()),
        birthday: some("19990304"),
        gender: Some(Gender::Secret.into()),
        ..born()
    })
    .then(added(Address {
        ids: ids("addr_1", "SL201UA5702515980125086505"),
        address_1: some("address1"),
        address_2: some("address2"),
        city: some("Louisville"),
        company: some("company"),
        country: some("UnitedStates"),
        country_code: Some(CountryCode::new("US".into())),
        first_name: some("first_name"),
        last_name: some("last_name"),
        phone: some("5556251199"),
        province: some("Kentucky"),
        province_code: some("4200021"),
        postal_code: some("403210"),
        ..address("A")
    }));
    let mut view = history.shopline();
    view.created_at = at("2022-12-05T15:15:47.999+08:00");
    view.updated_at = at("2022-12-05T15:53:52+08:00");
    let expected = example(documented!("update_response_name.seed.json"));
    assert_eq!(
        render_updated(&view, &store(), Version::V20220901),
        expected
    );
}

fn bob() -> Customer {
    let history = created(CustomerCreated {
        email: some("bob@example.com"),
        first_name: some("Bob"),
        last_name: some("Norman"),
        phone: some("001467326483"),
        note: some("n"),
        tags: Some(vec!["loyal".to_owned()].into()),
        birthday: some("19970102"),
        gender: Some(Gender::Male.into()),
        language: some("en"),
        nick_name: some("BobNorman"),
        email_subscription: Subscription::Subscribed,
        ..born()
    })
    .then(added(Address {
        ids: ForeignIds {
            medusa: "addr_1".into(),
            shopline: "SL201UA5006511321220969539".into(),
        },
        address_1: some("1 Test Street"),
        city: some("Hagerman"),
        country: some("United States"),
        country_code: Some(CountryCode::new("US".into())),
        first_name: some("Bob"),
        last_name: some("Norman"),
        province: some("Kentucky"),
        province_code: some("KY"),
        postal_code: some("40202"),
        ..address("A")
    }));
    let mut view = history.shopline();
    view.created_at = at("2022-12-05T15:15:47+08:00");
    view.updated_at = at("2022-12-05T15:53:52+08:00");
    view.email_subscription_at = Some(at("2022-12-16T11:06:11+08:00"));
    view
}

#[test]
fn a_read_answers_as_documented() {
    let expected = example(documented!("get_customer_response.synthetic.json"));
    assert_eq!(
        render_read(&bob(), &store(), Version::V20220901, None),
        expected
    );
}

#[test]
fn a_create_answers_as_documented() {
    let expected = example(documented!("create_response.synthetic.json"));
    assert_eq!(
        render_created(&bob(), &store(), Version::V20220901),
        expected
    );
}

#[test]
fn social_accounts_are_in_every_answer_but_that_of_an_update() {
    let accounts = vec!["fb:1".to_owned(), "line:2".to_owned()];
    let history = created(CustomerCreated {
        social_customer: Some(accounts.clone().into()),
        ..born()
    });
    let (view, plain) = (history.shopline(), created(born()).shopline());
    let version = Version::V20220901;
    let shown = |text: String| -> Value {
        let mut body: Value = serde_json::from_str(&text).unwrap();
        body["customer"]["social_customer"].take()
    };
    let read = shown(render_read(&view, &store(), version, None));
    assert_eq!(read, json!(accounts));
    assert_eq!(shown(render_created(&view, &store(), version)), read);
    for absent in [
        render_updated(&view, &store(), version),
        render_read(&plain, &store(), version, None),
        render_created(&plain, &store(), version),
    ] {
        assert!(!absent.contains("social_customer"), "{absent}");
    }
}

#[test]
fn subscriptions_are_flags_and_booleans() {
    for (subscription, flag, accepts) in [
        (Subscription::Unsubscribed, 0, false),
        (Subscription::Subscribed, 1, true),
        (Subscription::Never, 2, false),
        (Subscription::Pending, 2, false),
    ] {
        let history = created(CustomerCreated {
            email_subscription: subscription,
            mobile_subscription: subscription,
            ..born()
        });
        let shown = history.in_shopline();
        assert_eq!(shown["email_subscribe_flag"], flag);
        assert_eq!(shown["mobile_subscribe_flag"], flag);
        assert_eq!(shown["accepts_marketing"], accepts);
        assert_eq!(shown["accepts_mobile_marketing"], accepts);
        let never = subscription == Subscription::Never;
        assert_eq!(shown.get("accepts_marketing_updated_at").is_none(), never);
    }
}

#[test]
fn a_gender_is_a_word() {
    for (gender, shown) in [
        (None, "others"),
        (Some(Gender::Unknown), "others"),
        (Some(Gender::Male), "male"),
        (Some(Gender::Female), "female"),
        (Some(Gender::Secret), "secret"),
    ] {
        let history = created(CustomerCreated {
            gender: gender.map(Into::into),
            ..born()
        });
        assert_eq!(history.in_shopline()["gender"], shown);
    }
}

/// The customer as a read at this version shows it.
fn shown(history: &History<CustomerEvent>, version: Version) -> Value {
    let text = render_read(&history.shopline(), &store(), version, None);
    serde_json::from_str::<Value>(&text).unwrap()["customer"].clone()
}

fn consented() -> History<CustomerEvent> {
    created(CustomerCreated {
        email_subscription: Subscription::Pending,
        email_consent: Some(Consent {
            opt_in_level: OptInLevel::Confirmed,
            updated_at: Some(at("2023-12-27T11:31:06+08:00")),
            collected_from: some("popup"),
        }),
        multipass_identifier: some("m-1"),
        ..born()
    })
}

#[test]
fn consents_are_shown_since_v20230901() {
    let later = shown(&consented(), Version::V20230901);
    let email = json!({
        "consent_collected_from": "popup",
        "consent_updated_at": "2023-12-27T11:31:06+08:00",
        "opt_in_level": 2,
        "state": 3,
    });
    let sms = json!({ "consent_collected_from": "", "opt_in_level": 1, "state": 2 });
    assert_eq!(later["email_marketing_consent"], email);
    assert_eq!(later["sms_marketing_consent"], sms);
    assert_eq!(later["multipass_identifier"], "m-1");
    // Asked for is not subscribed.
    assert_eq!(later["accepts_marketing"], false);
    assert_eq!(later["email_subscribe_flag"], 2);
    let mut first = shown(&consented(), Version::V20220901);
    for member in [
        "email_marketing_consent",
        "sms_marketing_consent",
        "multipass_identifier",
    ] {
        assert_eq!(first.get(member), None);
        first[member] = later[member].clone();
    }
    assert_eq!(first, later);
}

#[test]
fn a_subscription_that_changes_forgets_the_consent_of_the_one_before() {
    let subscribed = updated(CustomerUpdated {
        email_subscription: Some(Subscription::Subscribed),
        ..CustomerUpdated::default()
    });
    let shown = shown(&consented().then(subscribed), Version::V20230901);
    let expected = json!({ "consent_collected_from": "", "opt_in_level": 1, "state": 1 });
    assert_eq!(shown["email_marketing_consent"], expected);
}

#[test]
fn a_provinces_other_code_is_shown_where_it_reads_as_one() {
    for (code, expected) in [
        ("KY", "KY"),
        ("13", "13"),
        ("4200021", ""),
        ("é", ""),
        ("", ""),
    ] {
        let history = consented().then(added(Address {
            province_code: some(code),
            ..address("A")
        }));
        let later = shown(&history, Version::V20230901);
        assert_eq!(later["addresses"][0]["province_code_v2"], expected);
        assert_eq!(later["default_address"]["province_code_v2"], expected);
        let first = shown(&history, Version::V20220901);
        assert_eq!(first["addresses"][0].get("province_code_v2"), None);
    }
}

#[test]
fn the_finer_places_are_shown_by_the_address_alone() {
    let history = consented().then(added(Address {
        city_code: some("c"),
        district: some("d"),
        district_code: some("dc"),
        town: some("t"),
        ..address("A")
    }));
    let view = history.shopline();
    let id = &view.addresses[0].id;
    let text = render_address(&view, id).unwrap();
    let alone = serde_json::from_str::<Value>(&text).unwrap()["customer_address"].clone();
    let places = ["city_code", "district", "district_code", "town"];
    assert_eq!(
        places.map(|place| alone[place].clone()),
        ["c", "d", "dc", "t"]
    );
    let within = &shown(&history, Version::V20230901)["addresses"][0];
    assert_eq!(places.map(|place| within.get(place)), [None; 4]);
}

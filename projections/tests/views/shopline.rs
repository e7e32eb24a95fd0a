//! SHOPLINE's answers, byte for byte as documented.

use events::address::{Address, CountryCode};
use events::customer::{CustomerCreated, Gender, Subscription};
use events::ids::ForeignIds;
use jiff::Timestamp;
use projections::shopline::{Customer, render, render_created, render_updated};
use serde_json::Value;

use crate::given::{added, address, born, created, some, store};

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
    let expected = example(include_str!("../examples/shopline_update.json"));
    assert_eq!(render_updated(&view, &store()), expected);
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
    let expected = example(include_str!("../examples/shopline_get.json"));
    assert_eq!(render(&bob(), &store()), expected);
}

#[test]
fn a_create_answers_as_documented() {
    let expected = example(include_str!("../examples/shopline_create.json"));
    assert_eq!(render_created(&bob(), &store()), expected);
}

#[test]
fn subscriptions_are_flags_and_booleans() {
    for (subscription, flag, accepts) in [
        (Subscription::Unsubscribed, 0, false),
        (Subscription::Subscribed, 1, true),
        (Subscription::Never, 2, false),
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

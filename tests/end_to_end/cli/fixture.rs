//! `ledger fixture`: a stream for a test, as it is or about nobody.

use cqrs_es::Aggregate as _;
use customer_ledger::domain::customer::Customer;
use customer_ledger::history::fixture::Fixture;
use hyper::Method;
use serde_json::json;

use crate::support::shop::{Server, Shop};

/// A customer with something in every kind of member, changed through both shops.
async fn known(server: &Server) -> String {
    let known = server.guest("gustav@example.org").await;
    let update = json!({ "first_name": "Gustav", "note": "likes Anna", "birthday": "19970102",
        "gender": 2, "tags": "anna,loyal",
        "addresses": [{ "address1": "Main 1", "zip": "10115", "city": "Berlin",
            "country_code": "DE", "first_name": "Gustav" }] });
    server.put(&known.shopline, &update).await.ok();
    let metadata = json!({ "metadata": { "nick of Gustav": "Gus", "size": 43 } });
    server
        .medusa(Method::POST, &format!("/admin/customers/{}", known.medusa))
        .json(&metadata)
        .send()
        .await
        .ok();
    known.medusa
}

fn folded(fixture: &Fixture) -> Customer {
    let mut customer = Customer::default();
    for event in fixture.given().unwrap() {
        customer.apply(event);
    }
    customer
}

#[tokio::test]
async fn a_redacted_stream_folds_into_the_same_customer_about_nobody() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let id = known(&server).await;
    let (code, open, err) = shop
        .run(&["fixture", &id, "--open", "--reason", "a bug"], "")
        .await;
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        open.contains("Gustav") && open.contains("likes Anna"),
        "{open}"
    );
    let (code, redacted, err) = shop.run(&["fixture", &id, "--redact"], "").await;
    assert_eq!((code, err.as_str()), (0, ""));
    let lower = redacted.to_lowercase();
    for personal in [
        "gustav", "anna", "loyal", "gus\"", "nick", "1997", "main 1", "10115", "berlin", "43",
        "female",
    ] {
        // 43 may be part of an id or a time, but no value.
        let quoted = format!("\"$open\":{personal}");
        let found = lower.contains(personal) && personal != "43" || lower.contains(&quoted);
        assert!(!found, "{personal}: {redacted}");
    }
    let (open, redacted) = (
        Fixture::parse(&open).unwrap(),
        Fixture::parse(&redacted).unwrap(),
    );
    assert!(!open.redacted && redacted.redacted);
    let again = shop.run(&["fixture", &id, "--redact"], "").await.1;
    assert_eq!(
        Fixture::parse(&again).unwrap(),
        redacted,
        "the same each time"
    );
    let (open, redacted) = (folded(&open), folded(&redacted));
    assert_eq!(open.addresses.len(), redacted.addresses.len());
    assert_eq!(open.profile.has_account, redacted.profile.has_account);
    let name = redacted.profile.first_name.clone().unwrap();
    assert_eq!(
        redacted.addresses[0].first_name,
        Some(name.into()),
        "equality is kept"
    );
    assert_eq!(
        redacted.addresses[0].country_code,
        open.addresses[0].country_code
    );
    let email = redacted.profile.email.unwrap();
    assert_eq!(email, "person-1@example.com");

    let (code, log, _) = shop.run(&["access-log", &id], "").await;
    assert_eq!(code, 0);
    assert_eq!(log.lines().count(), 3, "{log}");
    assert!(
        log.contains("fixture --open") && log.contains("a bug"),
        "{log}"
    );
}

#[tokio::test]
async fn a_fixture_that_was_asked_for_wrongly_is_refused_in_a_sentence() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let id = known(&server).await;
    for (arguments, said) in [
        (&["fixture", &id][..], "--redact"),
        (
            &["fixture", "cus_nobody", "--redact"],
            "no customer or group has or had this id",
        ),
    ] {
        let (code, out, err) = shop.run(arguments, "").await;
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(said) && err.lines().count() == 1, "{err}");
    }
    // Neither opened anything.
    let (_, log, _) = shop.run(&["access-log"], "").await;
    assert_eq!(log, "");
}

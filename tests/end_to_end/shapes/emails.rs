//! E-mails: each shop judges by its own rules, and each shows what the other has.

use events::CustomerEvent;
use events::customer::CustomerUpdated;
use serde_json::json;

use super::{assert_medusa_refused, assert_refused, open};
use crate::support::customer::Known;
use crate::support::shop::{Server, Shop};

const TAKEN: &str = "email has already been taken";

fn long_email(length: usize) -> String {
    format!("{}@example.com", "a".repeat(length - "@example.com".len()))
}

async fn email_of(server: &Server, known: &Known) -> (String, String) {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (
        text(&server.in_medusa(known).await["email"]),
        text(&server.in_shopline(known).await["email"]),
    )
}

#[tokio::test]
async fn a_long_email_is_shown_whole_and_only_a_new_long_one_is_refused() {
    let (shop, server) = open().await;
    let email = long_email(51);
    let known = server.guest(&email).await;
    assert_eq!(
        email_of(&server, &known).await,
        (email.clone(), email.clone())
    );
    let unchanged = json!({ "email": email, "note": "kept" });
    server.put(&known.shopline, &unchanged).await.ok();
    let head = shop.head().await;
    let answer = server
        .put(&known.shopline, &json!({ "email": format!("b{email}") }))
        .await;
    assert_refused(
        &answer,
        422,
        "email has 52 characters, at most 50 are allowed",
    );
    assert_eq!(shop.head().await, head);
    let fits = long_email(50);
    server
        .put(&known.shopline, &json!({ "email": fits }))
        .await
        .ok();
    assert_eq!(email_of(&server, &known).await, (fits.clone(), fits));
}

#[tokio::test]
async fn an_email_is_shown_as_written_in_either_shop() {
    let (_shop, server) = open().await;
    let known = server
        .app_customer(&json!({ "email": "MiXed@Example.com" }))
        .await;
    let (medusa, shopline) = email_of(&server, &known).await;
    assert_eq!(
        (medusa.as_str(), shopline.as_str()),
        ("MiXed@Example.com", "MiXed@Example.com")
    );
    server
        .update(&known.medusa, &json!({ "email": "OTHER@example.com" }))
        .await
        .ok();
    let (medusa, shopline) = email_of(&server, &known).await;
    assert_eq!(
        (medusa.as_str(), shopline.as_str()),
        ("OTHER@example.com", "OTHER@example.com")
    );
}

#[tokio::test]
async fn who_has_only_a_phone_has_an_empty_email_in_medusa() {
    let (_shop, server) = open().await;
    let known = server
        .app_customer(&json!({ "phone": "0015834564475" }))
        .await;
    assert_eq!(
        email_of(&server, &known).await,
        (String::new(), String::new())
    );
    // Medusa may change what it shows, and may not take an e-mail away that is not there.
    server
        .update(&known.medusa, &json!({ "first_name": "Phoebe" }))
        .await
        .ok();
    let answer = server
        .update(&known.medusa, &json!({ "email": null }))
        .await;
    let message = "Can't insert null value in field email on insert in table customer";
    assert_medusa_refused(&answer, 400, message);
    server
        .update(&known.medusa, &json!({ "email": "p@example.com" }))
        .await
        .ok();
    assert_eq!(server.in_shopline(&known).await["email"], "p@example.com");
}

#[tokio::test]
async fn a_guest_and_a_registered_customer_may_share_an_email() {
    let (_shop, server) = open().await;
    let email = "shared@example.com";
    let guest = server.guest(email).await;
    let registered = server.registered(email).await;
    for known in [&guest, &registered] {
        assert_eq!(email_of(&server, known).await.1, email);
        let kept = json!({ "email": email, "note": known.medusa });
        let answer = server.put(&known.shopline, &kept).await.ok();
        assert_eq!(answer["customer"]["note"], *known.medusa);
    }
}

#[tokio::test]
async fn an_app_cannot_take_an_email_that_anybody_has_in_any_case() {
    let (shop, server) = open().await;
    server.guest("guest@example.com").await;
    server.registered("registered@example.com").await;
    server
        .app_customer(&json!({ "email": "App@Example.com" }))
        .await;
    let known = server
        .app_customer(&json!({ "email": "mine@example.com" }))
        .await;
    let head = shop.head().await;
    for taken in [
        "guest@example.com",
        "Guest@Example.com",
        "registered@example.com",
        "REGISTERED@example.com",
        "App@Example.com",
        "app@example.com",
    ] {
        let put = server
            .put(&known.shopline, &json!({ "email": taken }))
            .await;
        assert_refused(&put, 422, TAKEN);
        let created = server.post_shopline(&json!({ "email": taken })).await;
        assert_refused(&created, 422, TAKEN);
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn an_app_may_rewrite_its_customers_email_in_another_case() {
    let (_shop, server) = open().await;
    let known = server
        .app_customer(&json!({ "email": "mine@example.com" }))
        .await;
    server
        .put(&known.shopline, &json!({ "email": "Mine@Example.com" }))
        .await
        .ok();
    assert_eq!(email_of(&server, &known).await.0, "Mine@Example.com");
}

#[tokio::test]
async fn rewriting_an_email_that_another_customer_shares_is_taking_it() {
    let (_shop, server) = open().await;
    let guest = server.guest("shared@example.com").await;
    server.registered("shared@example.com").await;
    let rewritten = json!({ "email": "Shared@example.com" });
    let answer = server.put(&guest.shopline, &rewritten).await;
    assert_refused(&answer, 422, TAKEN);
}

#[tokio::test]
async fn medusa_judges_emails_exactly_and_by_kind_of_account() {
    let (_shop, server) = open().await;
    server.registered("taken@example.com").await;
    server.guest("guest@example.com").await;
    let known = server
        .app_customer(&json!({ "email": "App@example.com" }))
        .await;
    for free in ["taken@example.com", "GUEST@example.com"] {
        server
            .update(&known.medusa, &json!({ "email": free }))
            .await
            .ok();
        assert_eq!(server.in_shopline(&known).await["email"], free);
    }
    let taken = json!({ "email": "guest@example.com" });
    let answer = server.update(&known.medusa, &taken).await;
    let message = "Customer with email, has_account guest@example.com, f already exists.";
    assert_medusa_refused(&answer, 422, message);
}

async fn verify_email(shop: &Shop, known: &Known) {
    let verified = CustomerUpdated {
        verified_email: Some(true),
        ..CustomerUpdated::default()
    };
    let events = vec![CustomerEvent::CustomerUpdated(verified)];
    shop.record(&known.stream, events).await;
}

#[tokio::test]
async fn an_app_may_change_a_registered_email_and_the_claim_moves_with_it() {
    let (shop, server) = open().await;
    let known = server.registered("old@example.com").await;
    verify_email(&shop, &known).await;
    server
        .put(&known.shopline, &json!({ "note": "n" }))
        .await
        .ok();
    assert_eq!(server.in_shopline(&known).await["verified_email"], true);
    let answer = server
        .put(&known.shopline, &json!({ "email": "new@example.com" }))
        .await
        .ok();
    assert_eq!(answer["customer"]["verified_email"], false);
    assert_eq!(answer["customer"]["state"], 3);
    assert_eq!(server.in_medusa(&known).await["email"], "new@example.com");
    let again = json!({ "email": "new@example.com", "password": "p", "first_name": "A",
        "last_name": "B" });
    let message = "A customer with the given email already has an account. Log in instead";
    assert_medusa_refused(&server.post_medusa(&again).await, 422, message);
    server.registered("old@example.com").await;
}

#[tokio::test]
async fn a_registered_email_cannot_be_cleared_nor_changed_in_medusa() {
    let (shop, server) = open().await;
    let known = server.registered("mine@example.com").await;
    server
        .put(&known.shopline, &json!({ "phone": "0015834564475" }))
        .await
        .ok();
    let head = shop.head().await;
    let answer = server.put(&known.shopline, &json!({ "email": "" })).await;
    assert_refused(&answer, 422, "email or phone is required");
    for email in ["mine@example.com", "other@example.com"] {
        let answer = server
            .update(&known.medusa, &json!({ "email": email }))
            .await;
        let message = "Email cannot be changed when the user has registered their account";
        assert_medusa_refused(&answer, 400, message);
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn an_app_may_clear_a_guests_email_while_a_phone_is_left() {
    let (_shop, server) = open().await;
    let known = server.guest("g@example.com").await;
    let answer = server.put(&known.shopline, &json!({ "email": "" })).await;
    assert_refused(&answer, 422, "email or phone is required");
    let phone = json!({ "email": "", "phone": "0015834564475" });
    server.put(&known.shopline, &phone).await.ok();
    assert_eq!(
        email_of(&server, &known).await,
        (String::new(), String::new())
    );
    // The claim is free again.
    server.guest("g@example.com").await;
}

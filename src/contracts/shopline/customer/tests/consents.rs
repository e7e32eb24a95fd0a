//! Consents to marketing, and what else a customer can say since v20230901.
//! Source: SHOPLINE, update customer v20230901, request fields; the decisions in docs/shopline.md.

use super::*;

/// What this update records, at v20230901.
fn later(given: &[CustomerEvent], customer: &Value) -> Value {
    told(update_at(&LATER, given, customer))
}

fn refused(given: &[CustomerEvent], customer: &Value) -> (u16, String) {
    let refused = update_at(&LATER, given, customer).unwrap_err();
    (refused.status(), refused.to_string())
}

/// The customer after one more update.
fn after(given: &[CustomerEvent], customer: &Value) -> Vec<CustomerEvent> {
    let events = update_at(&LATER, given, customer).unwrap();
    [given, &events].concat()
}

fn email(consent: &Value) -> Value {
    json!({ "email_marketing_consent": consent })
}

#[test]
fn a_new_state_is_a_new_consent_of_the_single_level_and_of_now() {
    for (state, name) in [(0, "unsubscribed"), (1, "subscribed"), (3, "pending")] {
        let expected = json!([{
            "event": "CustomerUpdated",
            "email_subscription": name,
            "email_consent": { "opt_in_level": "single", "updated_at": "2024-01-01T00:00:00Z" },
        }]);
        assert_eq!(later(&bob(), &email(&json!({ "state": state }))), expected);
    }
    let told = json!({
        "state": 1,
        "opt_in_level": 2,
        "consent_updated_at": "2023-12-27T11:31:06.960+08:00",
        "consent_collected_from": "popup",
    });
    let expected = json!([{
        "event": "CustomerUpdated",
        "email_subscription": "subscribed",
        "email_consent": {
            "opt_in_level": "confirmed",
            "updated_at": "2023-12-27T03:31:06Z",
            "collected_from": open("popup"),
        },
    }]);
    assert_eq!(later(&bob(), &email(&told)), expected);
}

#[test]
fn a_birth_may_bring_consents_and_a_confirmed_email() {
    let customer = json!({
        "email": "bob@example.com",
        "phone": "001467326483",
        "verified_email": true,
        "multipass_identifier": "m-1",
        "email_marketing_consent": { "state": 1, "opt_in_level": 0 },
        "sms_marketing_consent": { "state": 0 },
    });
    let events = told(create_at(&LATER, &customer));
    let created = &events[0];
    assert_eq!(created["verified_email"], true);
    assert_eq!(created["multipass_identifier"], open("m-1"));
    assert_eq!(created["email_subscription"], "subscribed");
    assert_eq!(created["email_consent"]["opt_in_level"], "unknown");
    assert_eq!(created["mobile_subscription"], "unsubscribed");
    assert_eq!(created["mobile_consent"]["opt_in_level"], "single");
}

#[test]
fn while_the_state_stays_what_is_left_out_of_a_consent_stays() {
    let told = json!({ "state": 1, "opt_in_level": 2, "consent_collected_from": "popup" });
    let given = after(&bob(), &email(&told));
    for says_the_same in [
        json!({ "state": 1 }),
        json!({ "state": 1.0, "opt_in_level": 2, "consent_collected_from": null }),
        json!({ "state": 1, "consent_updated_at": "2024-01-01T08:00:00+08:00" }),
    ] {
        assert_eq!(later(&given, &email(&says_the_same)), json!([]));
    }
    let expected = json!([{
        "event": "CustomerUpdated",
        "email_consent": { "opt_in_level": "confirmed", "updated_at": "2024-01-01T00:00:00Z" },
    }]);
    let emptied = json!({ "state": 1, "consent_collected_from": "" });
    assert_eq!(later(&given, &email(&emptied)), expected);
}

#[test]
fn who_never_subscribed_has_no_consent_to_record() {
    for says_nothing in [
        json!({ "state": 2 }),
        json!({ "state": 2, "opt_in_level": 1, "consent_collected_from": "" }),
    ] {
        assert_eq!(later(&bob(), &email(&says_nothing)), json!([]));
    }
}

#[test]
fn accepts_marketing_is_the_same_subscription_and_the_consent_wins() {
    let accepts = json!({ "accepts_marketing": true });
    let expected = json!([{ "event": "CustomerUpdated", "email_subscription": "subscribed" }]);
    assert_eq!(later(&bob(), &accepts), expected);
    let given = after(&bob(), &accepts);
    assert_eq!(later(&given, &email(&json!({ "state": 1 }))), json!([]));
    let both = json!({ "accepts_marketing": true, "email_marketing_consent": { "state": 0 } });
    assert_eq!(
        later(&given, &both)[0]["email_subscription"],
        "unsubscribed"
    );
    // Asked for and not confirmed is shown as not accepted: saying so changes nothing.
    let pending = after(&bob(), &email(&json!({ "state": 3 })));
    let declines = json!({ "accepts_marketing": false });
    assert_eq!(later(&pending, &declines), json!([]));
    assert_eq!(later(&pending, &accepts), expected);
}

#[test]
fn an_empty_consent_says_nothing_at_every_version() {
    for empty in [
        json!({}),
        Value::Null,
        json!({ "state": null }),
        json!({ "more": 1 }),
    ] {
        let body = json!({ "email_marketing_consent": empty, "sms_marketing_consent": empty });
        assert_eq!(told(update(&bob(), &body)), json!([]));
        assert_eq!(later(&bob(), &body), json!([]));
    }
}

#[test]
fn before_v20230901_these_members_are_unknown_and_may_hold_anything() {
    for body in [
        json!({ "email_marketing_consent": { "state": 1 }, "verified_email": true }),
        json!({ "sms_marketing_consent": [], "multipass_identifier": 7, "verified_email": "x" }),
    ] {
        assert_eq!(told(update(&bob(), &body)), json!([]));
    }
}

#[test]
fn a_consent_without_its_state_is_refused() {
    let expected = |member: &str| (422, format!("{member}.state is required"));
    for consent in ["email_marketing_consent", "sms_marketing_consent"] {
        for sibling in [
            json!({ "opt_in_level": 1 }),
            json!({ "state": null, "consent_collected_from": "popup" }),
            json!({ "consent_updated_at": "2023-12-27" }),
        ] {
            assert_eq!(
                refused(&bob(), &json!({ consent: sibling })),
                expected(consent)
            );
        }
    }
}

#[test]
fn values_outside_their_domain_are_refused_by_name() {
    for (consent, member, value, expected) in [
        ("email_marketing_consent", "state", json!(4), "0, 1, 2 or 3"),
        (
            "email_marketing_consent",
            "state",
            json!(-1),
            "0, 1, 2 or 3",
        ),
        ("sms_marketing_consent", "state", json!(3), "0, 1 or 2"),
        (
            "sms_marketing_consent",
            "opt_in_level",
            json!(3),
            "0, 1 or 2",
        ),
    ] {
        let mut body = json!({ "state": 1 });
        body[member] = value;
        let expected = format!("{consent}.{member} must be {expected}");
        assert_eq!(refused(&bob(), &json!({ consent: body })), (422, expected));
    }
    for time in [
        "",
        "now",
        "1969-12-31T23:59:59Z",
        "2023-13-01T00:00:00Z",
        "1704067200",
    ] {
        let body = email(&json!({ "state": 1, "consent_updated_at": time }));
        let expected =
            "email_marketing_consent.consent_updated_at must be an ISO 8601 time since 1970";
        assert_eq!(refused(&bob(), &body), (422, expected.to_owned()));
    }
}

#[test]
fn wrong_types_are_told_before_wrong_values() {
    for (body, expected) in [
        (
            email(&json!([])),
            "email_marketing_consent must be an object",
        ),
        (
            email(&json!({ "state": "1" })),
            "email_marketing_consent.state must be an integer",
        ),
        (
            json!({ "gender": 9, "sms_marketing_consent": { "opt_in_level": 1.5 } }),
            "sms_marketing_consent.opt_in_level must be an integer",
        ),
        (
            email(&json!({ "consent_updated_at": 1 })),
            "email_marketing_consent.consent_updated_at must be a string",
        ),
        (
            json!({ "verified_email": 1 }),
            "verified_email must be a boolean",
        ),
    ] {
        assert_eq!(refused(&bob(), &body), (400, expected.to_owned()));
    }
}

#[test]
fn a_subscription_by_phone_needs_a_phone_when_it_changes() {
    let sms = json!({ "sms_marketing_consent": { "state": 1 } });
    let expected = "sms_marketing_consent requires a phone";
    assert_eq!(refused(&bob(), &sms), (422, expected.to_owned()));
    let never = json!({ "sms_marketing_consent": { "state": 2 } });
    assert_eq!(later(&bob(), &never), json!([]));
    let with_phone = after(&bob(), &json!({ "phone": "001467326483" }));
    assert_eq!(
        later(&with_phone, &sms)[0]["mobile_subscription"],
        "subscribed"
    );
}

#[test]
fn a_confirmed_email_is_confirmed_until_it_changes_or_is_said_not_to_be() {
    let confirmed = after(&bob(), &json!({ "verified_email": true }));
    assert_eq!(
        later(&confirmed, &json!({ "verified_email": true })),
        json!([])
    );
    let says = |body: Value| later(&confirmed, &body)[0]["verified_email"].clone();
    assert_eq!(says(json!({ "verified_email": false })), false);
    assert_eq!(says(json!({ "email": "b@example.com" })), false);
    let both = json!({ "email": "b@example.com", "verified_email": true });
    assert_eq!(later(&confirmed, &both)[0].get("verified_email"), None);
}

//! The ledger's own headers: how long they may be, and where they go.

use customer_ledger::event_store::reader;
use events::CustomerEvent;
use events::ids::Sequence;
use events::record::{Record, StreamKind};
use serde_json::json;

use super::{put, update};
use crate::support::shop::Shop;

/// Each header, its longest text in characters, and a body of a request's own.
const HEADERS: [(&str, usize); 3] = [
    ("Ledger-On-Behalf-Of", 200),
    ("Ledger-Reason", 500),
    ("Idempotency-Key", 255),
];

#[tokio::test]
async fn a_header_may_be_as_long_as_its_limit_in_characters() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let mut note = 0;
    for (header, limit) in HEADERS {
        for (length, taken) in [(limit, true), (limit + 1, false)] {
            let text = "é".repeat(length);
            note += 1;
            let medusa = update(&known, json!({ "last_name": note.to_string() }));
            let shopline = put(&known, &json!({ "note": note.to_string() }));
            for asked in [medusa, shopline] {
                let head = shop.head().await;
                let answer = asked.call(&server).header(header, &text).send().await;
                let expected = if taken { (200, head + 1) } else { (400, head) };
                assert_eq!(
                    (answer.status, shop.head().await),
                    expected,
                    "{header} {length}"
                );
                if !taken {
                    let said = format!("{header} must be at most {limit} characters of UTF-8 text");
                    assert!(answer.body.contains(&said), "{}", answer.body);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_header_that_is_no_utf_8_is_refused() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let head = shop.head().await;
    for (header, _) in HEADERS {
        for asked in [
            update(&known, json!({ "phone": "1" })),
            put(&known, &json!({ "note": "n" })),
        ] {
            let answer = asked
                .call(&server)
                .header_bytes(header, b"caf\xe9")
                .send()
                .await;
            assert_eq!(answer.status, 400, "{header}");
            assert!(answer.body.contains(header), "{}", answer.body);
        }
    }
    assert_eq!(shop.head().await, head);
}

#[tokio::test]
async fn on_whose_behalf_and_why_stand_sealed_in_every_event_of_the_request() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let known = server.guest("g@example.com").await;
    let asked = put(
        &known,
        &json!({ "note": "n", "addresses": [{ "address1": "1 Main Street" }] }),
    );
    let call = asked
        .call(&server)
        .header("Ledger-On-Behalf-Of", "Ann Lee, +1 555 · Büro");
    let answer = call.header("Ledger-Reason", "she moved").send().await;
    answer.ok();
    let mut connection = shop.database.pool.acquire().await.unwrap();
    let stored = reader::stream(
        &mut *connection,
        StreamKind::Customer,
        &known.stream,
        Sequence::FIRST,
        Sequence::MAX,
    )
    .await
    .unwrap();
    let keys = reader::keys(
        &mut connection,
        &crate::support::shop::keyring(),
        &[&known.stream],
    )
    .await
    .unwrap();
    assert_eq!(stored.len(), 2);
    for stored in &stored {
        assert!(!stored.metadata.contains("Ann Lee") && !stored.metadata.contains("she moved"));
        let key = keys.get(&known.stream).map(AsRef::as_ref);
        let record: Record<CustomerEvent> = reader::decode(stored, key).unwrap();
        let open = |text: &Option<events::personal::Personal<String>>| {
            text.as_ref().and_then(|text| text.open().cloned())
        };
        let metadata = &record.metadata;
        assert_eq!(
            open(&metadata.on_behalf_of).as_deref(),
            Some("Ann Lee, +1 555 · Büro")
        );
        assert_eq!(open(&metadata.reason).as_deref(), Some("she moved"));
        assert_eq!(metadata.request_id, answer.header("ledger-request-id"));
        assert_eq!(
            (metadata.actor.id.as_str(), metadata.actor.kind.name()),
            ("app", "app")
        );
        assert_eq!(metadata.route, "PUT customers/{id}.json");
    }
}

//! Nobody who only looks stops a write.

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::timeout;

use crate::support::shop::Shop;

/// Far longer than a write takes, far shorter than what stands in its way here.
const SOON: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_open_transaction_and_a_long_query_stall_no_write() {
    let shop = Shop::open().await;
    let server = shop.serve("api").await;
    let id = server.create_guest("ann@example.com").await["id"].clone();
    let id = id.as_str().unwrap();
    let mut reader = PgConnection::connect_with(&shop.database.app())
        .await
        .unwrap();
    let mut reading = reader.begin().await.unwrap();
    reading
        .execute("set transaction isolation level repeatable read")
        .await
        .unwrap();
    for table in [
        "events",
        "claims",
        "marks",
        "stream_keys",
        "idempotency_keys",
    ] {
        let sql = format!("select * from {table}");
        reading.execute(sql.as_str()).await.unwrap();
    }
    let mut slow = PgConnection::connect_with(&shop.database.app())
        .await
        .unwrap();
    let query = tokio::spawn(async move {
        slow.execute("select pg_sleep(600), count(*) from events")
            .await
            .map(drop)
    });
    let writes = async {
        for number in 0..50 {
            server
                .update(id, &json!({ "first_name": number.to_string() }))
                .await
                .ok();
        }
    };
    timeout(SOON, writes).await.expect("writes go on");
    assert_eq!(shop.head().await, 51);
    let seen: i64 = sqlx::query_scalar("select count(*) from events")
        .fetch_one(&mut *reading)
        .await
        .unwrap();
    assert_eq!(seen, 1, "the open transaction still sees what it saw");
    assert!(!query.is_finished(), "the long query still runs");
    query.abort();
}

//! `ledger rebuild`: tables made anew from the events, while reads and writes go on.

mod ended;
mod found;
mod live;

use std::collections::BTreeMap;

use crate::support::shop::{Server, Shop};

/// Runs `ledger rebuild`, which succeeds: what it printed.
async fn rebuild(shop: &Shop, arguments: &[&str]) -> String {
    let (code, out, log) = run(shop, arguments).await;
    assert_eq!(code, 0, "{out}{log}");
    out
}

async fn run(shop: &Shop, arguments: &[&str]) -> (i32, String, String) {
    shop.run(&[&["rebuild"], arguments].concat(), "").await
}

/// Some customers, one of them deleted, in a group: with what they were called.
async fn customers(server: &Server) -> Vec<String> {
    let group = server.create_group("vip").await;
    let mut ids = vec![];
    for number in 0..10 {
        let guest = server.create_guest(&format!("{number}@example.com")).await;
        let id = guest["id"].as_str().unwrap().to_owned();
        let body = serde_json::json!({ "last_name": "Lee", "groups": [{ "id": group }] });
        server.update(&id, &body).await.ok();
        ids.push(id);
    }
    let last = server.ids(&ids[9]).await.ok()["ids"]["shopline"].clone();
    let path = format!("customers/{}.json", last.as_str().unwrap());
    server
        .shopline(hyper::Method::DELETE, &path)
        .send()
        .await
        .ok();
    ids
}

/// All that the tables of both projections hold, by table and stream.
async fn rows(shop: &Shop) -> BTreeMap<(String, String), String> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select 'medusa_customers', stream, to_jsonb(held)::text from medusa_customers held \
         union all select 'medusa_groups', stream, to_jsonb(held)::text from medusa_groups held \
         union all select 'shopline_customers', stream, to_jsonb(held)::text \
         from shopline_customers held \
         union all select 'medusa_customer_counts', store || has_account, sum(live)::text \
         from medusa_customer_counts group by 1, 2",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(table, stream, row)| ((table, stream), row))
        .collect()
}

//! What `--compare` finds.

use customer_ledger::kafka::projector::Projection;
use customer_ledger::rebuild::{Code, Error, Rebuild};
use events::CustomerEvent;
use events::record::Record;
use projections::medusa;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

use super::{customers, rebuild, rows, run};
use crate::support::check::agrees;
use crate::support::shop::{Shop, keyring};

/// A row of a customer that is not what the events say.
async fn spoil(shop: &Shop, assignment: &str, id: &str) {
    let mut owner = shop.database.owner().await;
    let sql = format!("update medusa_customers set {assignment} where id = $1");
    let spoilt = sqlx::query(&sql)
        .bind(id)
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(spoilt.rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_row_is_found_and_named_and_mended() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let ids = customers(&server).await;
    agrees(&shop).await;
    let before = rows(&shop).await;
    let out = rebuild(&shop, &["all", "--compare"]).await;
    assert_eq!(
        out,
        "medusa: 11 rows compared, 0 differ\nshopline: 10 rows compared, 0 differ\n"
    );
    let name = "view = replace(view::text, 'Gustavius', 'Mallory')::json";
    spoil(&shop, name, &ids[2]).await;
    spoil(&shop, "phone = '+1'", &ids[3]).await;
    let mut owner = shop.database.owner().await;
    for sql in [
        "delete from medusa_customers where id = $1",
        "update shopline_customers set view = (view::text || ' ')::json \
         where stream = (select holder from claims where key = convert_to($1, 'UTF8'))",
    ] {
        let done = sqlx::query(sql)
            .bind(&ids[4])
            .execute(&mut owner)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1);
    }
    let spoilt = rows(&shop).await;
    let (code, out, log) = run(&shop, &["all", "--compare", "--json"]).await;
    assert_eq!(code, 1);
    assert!(log.contains("4 rows are not what the events say"), "{log}");
    assert!(!out.contains("Mallory"), "{out}");
    // Values are personal: whoever sees them is on record.
    let arguments = ["medusa", "--compare", "--values", "--reason", "a complaint"];
    let (_, values, _) = run(&shop, &arguments).await;
    assert!(values.contains("\"Mallory\" → \"Gustavius\""), "{values}");
    let (_, noted, _) = shop.run(&["access-log", &ids[2]], "").await;
    assert!(noted.contains("rebuild --compare --values"), "{noted}");
    assert!(noted.contains("a complaint"), "{noted}");
    let position = |id: &str| {
        let row = before.iter().find(|((table, _), row)| {
            table == "medusa_customers" && row.contains(&format!(r#""id": "{id}""#))
        });
        let row: Value = serde_json::from_str(row.unwrap().1).unwrap();
        row["position"].clone()
    };
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let named = |id: &str, pointer: &str| {
        lines.iter().any(|line| {
            line["table"] == "medusa_customers"
                && line["id"] == id
                && line["position"] == position(id)
                && line["pointer"] == pointer
        })
    };
    assert!(named(&ids[2], "/profile/first_name"), "{out}");
    assert!(named(&ids[3], "/phone"), "{out}");
    assert!(named(&ids[4], ""), "{out}");
    assert_eq!(
        lines[3],
        json!({ "view": "medusa", "rows": 10, "differing": 3 })
    );
    assert_eq!(lines[4]["table"], "shopline_customers");
    assert_eq!(lines[4]["pointer"], "");
    assert_eq!(rows(&shop).await, spoilt, "nothing was switched");
    rebuild(&shop, &["all"]).await;
    assert_eq!(rows(&shop).await, before);
    rebuild(&shop, &["all", "--compare"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_row_with_a_character_that_jsonb_refuses_is_found_like_others() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let ids = customers(&server).await;
    agrees(&shop).await;
    let name = r"view = replace(view::text, 'Gustavius', 'Gus\u0000')::json";
    spoil(&shop, name, &ids[2]).await;
    let (code, out, log) = run(&shop, &["medusa", "--compare"]).await;
    assert_eq!(code, 1, "{log}");
    assert!(log.contains("1 rows are not what the events say"), "{log}");
    assert!(out.contains("\"/profile/first_name\""), "{out}");
}

/// Medusa's projection with a bug: whoever is called Lee loses the e-mail at the next change.
fn with_a_bug(view: &mut medusa::Customer, record: &Record<CustomerEvent>) {
    view.apply(record);
    if view.profile.last_name.as_deref() == Some("Lee") {
        view.profile.email = None;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_with_a_bug_is_found_before_it_is_live() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let ids = customers(&server).await;
    agrees(&shop).await;
    let options: PgConnectOptions = shop.database.owner_url.parse().unwrap();
    let topic = shop.topic().await;
    let begin = async || {
        let rebuild = Rebuild::begin(
            options.clone(),
            keyring(),
            topic.clone(),
            Projection::Medusa,
        );
        rebuild.await.unwrap()
    };
    let mut found = vec![];
    let tell = async |differing: customer_ledger::rebuild::Differing| {
        let pointers: Vec<String> = differing
            .differences
            .into_iter()
            .map(|it| it.pointer)
            .collect();
        found.push((differing.id, differing.position.get(), pointers));
        Ok::<(), Error>(())
    };
    let code = Code::default().with::<medusa::Customer>(with_a_bug);
    let told = begin().await.with_code(code).compare(tell).await.unwrap();
    // The tenth is deleted, and has no e-mail either way.
    assert_eq!((told.rows, told.differing), (11, 9));
    let expected: Vec<_> = ids[..9]
        .iter()
        .zip(1..)
        // The group's creation is the first event, then come creation, change and assignment of each.
        .map(|(id, number): (_, i64)| {
            (
                id.clone(),
                1 + 3 * number,
                vec!["/profile/email".to_owned()],
            )
        })
        .collect();
    assert_eq!(found, expected);
    let silent = async |_differing| Ok::<(), Error>(());
    let told = begin().await.compare(silent).await.unwrap();
    assert_eq!(told.differing, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_behind_what_the_projection_claims_is_found() {
    let shop = Shop::open().await;
    let server = shop.serve("api,relay,projector").await;
    let ids = customers(&server).await;
    agrees(&shop).await;
    let row = "select view::text from medusa_customers where id = $1";
    let mut owner = shop.database.owner().await;
    let old: String = sqlx::query_scalar(row)
        .bind(&ids[0])
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let sequence: i64 = serde_json::from_str::<Value>(&old).unwrap()["sequence"]
        .as_i64()
        .unwrap();
    server
        .update(&ids[0], &json!({ "first_name": "New" }))
        .await
        .ok();
    agrees(&shop).await;
    // As if the last change had been lost on its way.
    let lost = "update medusa_customers set view = $2::json, sequence = $3 where id = $1";
    sqlx::query(lost)
        .bind(&ids[0])
        .bind(&old)
        .bind(sequence)
        .execute(&mut owner)
        .await
        .unwrap();
    let (code, out, _) = run(&shop, &["medusa", "--compare"]).await;
    assert_eq!(code, 1);
    assert!(
        out.contains(&format!("{} ", ids[0])) && out.contains("\"/profile/first_name\""),
        "{out}"
    );
}

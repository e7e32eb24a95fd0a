//! What is there in the end, as seen from outside: the events as plain text, the stored views, and
//! the views that follow from the events.

use std::collections::BTreeMap;

use customer_ledger::event_store::keys::keyring::Keyring;
use customer_ledger::event_store::reader;
use events::ids::{Position, StreamId};
use events::record::StreamKind;
use projections::{medusa, shopline};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use crate::Error;

/// A row of the table `events`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Event {
    /// Its place in the ledger.
    pub(crate) position: i64,
    /// Its place in its stream.
    pub(crate) sequence: i64,
    /// Its stream.
    pub(crate) stream: String,
    /// Its type.
    pub(crate) kind: String,
    /// Its payload, as written.
    pub(crate) payload: String,
    /// The id of the request that it was recorded for.
    pub(crate) request: String,
    /// Its time, in microseconds.
    pub(crate) time: i64,
}

/// Every event, in the order of positions.
pub(crate) async fn events(connection: &mut PgConnection) -> Result<Vec<Event>, sqlx::Error> {
    sqlx::query_as(
        "select position, sequence, aggregate_id as stream, event_type as kind, payload::text as payload, \
            metadata->>'request_id' as request, \
            (extract(epoch from time) * 1000000)::bigint as time \
         from events order by position, sequence",
    )
    .fetch_all(connection)
    .await
}

/// The tables of views.
pub(crate) const TABLES: [&str; 3] = ["medusa_customers", "medusa_groups", "shopline_customers"];

/// Views as text, by table and stream.
pub(crate) type Views = BTreeMap<(&'static str, String), String>;

/// The rows of all views.
pub(crate) async fn views(connection: &mut PgConnection) -> Result<Views, sqlx::Error> {
    let mut views = Views::new();
    for table in TABLES {
        let rows: Vec<(String, String)> =
            sqlx::query_as(&format!("select stream, view::text from {table}"))
                .fetch_all(&mut *connection)
                .await?;
        views.extend(
            rows.into_iter()
                .map(|(stream, view)| ((table, stream), view)),
        );
    }
    Ok(views)
}

/// The views that follow from the events, folded from the first to the last.
pub(crate) async fn fold(pool: &PgPool, keyring: &Keyring) -> Result<Views, Error> {
    const PAGE: i64 = 1000;
    let mut medusa: BTreeMap<StreamId, medusa::Customer> = BTreeMap::new();
    let mut groups: BTreeMap<StreamId, medusa::Group> = BTreeMap::new();
    let mut shopline: BTreeMap<StreamId, shopline::Customer> = BTreeMap::new();
    let mut position = Position::START;
    loop {
        let records = reader::after(pool, position, PAGE).await?;
        let Some(last) = records.last() else { break };
        position = last.position;
        let streams: Vec<&StreamId> = records.iter().map(|it| &it.stream).collect();
        let mut connection = pool.acquire().await?;
        let keys = reader::keys(&mut connection, keyring, &streams).await?;
        for stored in &records {
            let (stream, key) = (stored.stream.clone(), keys.get(&stored.stream));
            match stored.kind {
                StreamKind::Customer => {
                    let record = reader::decode(stored, key.map(AsRef::as_ref))?;
                    medusa.entry(stream.clone()).or_default().apply(&record);
                    shopline.entry(stream).or_default().apply(&record);
                }
                StreamKind::CustomerGroup => {
                    let record = reader::decode(stored, None)?;
                    groups.entry(stream).or_default().apply(&record);
                }
            }
        }
    }
    let [customers, all_groups, shoplines] = TABLES;
    let mut views = texts(customers, &medusa);
    views.extend(texts(all_groups, &groups));
    views.extend(texts(shoplines, &shopline));
    Ok(views)
}

fn texts<V: Serialize>(table: &'static str, views: &BTreeMap<StreamId, V>) -> Views {
    let text = |view| serde_json::to_string(view).expect("a view always serialises");
    let views = views.iter();
    views
        .map(|(stream, view)| ((table, stream.to_string()), text(view)))
        .collect()
}

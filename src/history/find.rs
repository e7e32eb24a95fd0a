//! Finds the customer or group that an id names.

use events::ids::{MedusaId, Position, Sequence, ShoplineId, StoreName, StreamId};
use events::record::StreamKind;
use sqlx::PgPool;

use super::error::Error;
use crate::domain::claims::{MEDUSA_ID, SHOPLINE_ID};

/// Beside the kinds of claims to ids: the ledger's own.
pub(crate) const STREAM: &str = "stream";

/// A customer or a group that was found by an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundStream {
    /// Which of the two it is.
    pub kind: StreamKind,
    /// The stream.
    pub stream: StreamId,
    /// The id in Medusa.
    pub medusa: Option<MedusaId>,
    /// The id in SHOPLINE.
    pub shopline: Option<ShoplineId>,
    /// The stream's last sequence.
    pub sequence: Sequence,
    /// The position of that.
    pub position: Position,
    /// The ledger's last position.
    pub head: Position,
}

/// The customer that has or had an id of either shop or of the ledger, else the group; `medusa:`,
/// `shopline:` or `ledger:` before it says whose it is.
pub async fn find(pool: &PgPool, store: &StoreName, id: &str) -> Result<FoundStream, Error> {
    let mut found = Err(Error::Unknown);
    for kind in [StreamKind::Customer, StreamKind::CustomerGroup] {
        found = find_of(pool, store, kind, id).await;
        if !matches!(found, Err(Error::Unknown)) {
            break;
        }
    }
    found
}

/// The customer that has or had an id.
pub(crate) async fn find_customer(
    pool: &PgPool,
    store: &StoreName,
    id: &str,
) -> Result<FoundStream, Error> {
    let found = find(pool, store, id).await?;
    match found.kind {
        StreamKind::Customer => Ok(found),
        StreamKind::CustomerGroup => Err(Error::Group),
    }
}

async fn find_of(
    pool: &PgPool,
    store: &StoreName,
    kind: StreamKind,
    id: &str,
) -> Result<FoundStream, Error> {
    let (kinds, id): (&[&str], &str) = match id.split_once(':') {
        Some(("medusa", id)) => (&[MEDUSA_ID], id),
        Some(("shopline", id)) => (&[SHOPLINE_ID], id),
        Some(("ledger", id)) => (&[STREAM], id),
        _ => (&[MEDUSA_ID, SHOPLINE_ID, STREAM], id),
    };
    let mut found = streams_of(pool, store, kind, id, kinds).await?;
    let first = found.pop().ok_or(Error::Unknown)?;
    if found.is_empty() {
        Ok(first)
    } else {
        Err(Error::Ambiguous)
    }
}

/// The customers or groups that have or had an id: of Medusa, of SHOPLINE or of the ledger. `kinds`
/// says of which, by kind of claim or [`STREAM`]. More than one when several know the id.
pub(crate) async fn streams_of(
    pool: &PgPool,
    store: &StoreName,
    kind: StreamKind,
    id: &str,
    kinds: &[&str],
) -> Result<Vec<FoundStream>, sqlx::Error> {
    // No id is anything but text without U+0000, which Postgres does not take.
    if id.contains('\0') {
        return Ok(vec![]);
    }
    let rows: Vec<FoundRow> = sqlx::query_as(
        "with found as ( \
            select holder as stream from claims \
            where store = $1 and kind in ('medusa_id', 'shopline_id') and kind = any($4) \
                and key = $3 \
            union select $2 where 'stream' = any($4)) \
         select e.aggregate_id as stream, e.sequence, e.position, \
            (select max(position) from events) as head, \
            (select min(convert_from(key, 'UTF8')) from claims c \
             where c.store = $1 and c.holder = e.aggregate_id and c.kind = 'medusa_id') as medusa, \
            (select min(convert_from(key, 'UTF8')) from claims c \
             where c.store = $1 and c.holder = e.aggregate_id and c.kind = 'shopline_id') as shopline \
         from found f, lateral ( \
            select * from events \
            where aggregate_type = $5 and aggregate_id = f.stream and store = $1 \
            order by sequence desc limit 1) e",
    )
    .bind(store)
    .bind(id)
    .bind(id.as_bytes())
    .bind(kinds)
    .bind(kind.name())
    .fetch_all(pool)
    .await?;
    let found = rows.into_iter().map(|row| FoundStream {
        kind,
        stream: row.stream,
        medusa: row.medusa,
        shopline: row.shopline,
        sequence: row.sequence,
        position: row.position,
        head: row.head,
    });
    Ok(found.collect())
}

/// What the store says of a stream that was found.
#[derive(sqlx::FromRow)]
struct FoundRow {
    stream: StreamId,
    sequence: Sequence,
    position: Position,
    head: Position,
    medusa: Option<MedusaId>,
    shopline: Option<ShoplineId>,
}

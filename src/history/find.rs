//! Finds the customer or group that an id names.

use events::ids::StoreName;
use events::record::StreamKind;
use sqlx::PgPool;

use super::error::Error;
use crate::domain::claims::{MEDUSA_ID, SHOPLINE_ID};
use crate::event_store::read::as_of::{FoundStream, STREAM, streams_of};

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
pub async fn find_customer(
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

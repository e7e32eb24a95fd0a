//! The access log: who opened whose personal data, when, and why.
//!
//! An access is written here before personal data is shown; when that fails, nothing is shown. A
//! row says what was asked and never what was answered. The reason is in the caller's words and may
//! name anybody, so it is sealed under the customer's key, and erased with it.

use std::collections::HashMap;

use events::ids::{RequestId, Sequence, StoreName, StreamId};
use events::personal::Personal;
use events::record::Actor;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::event_store::keys::keyring::Keyring;
use crate::event_store::keys::seal::SealContext;
use crate::event_store::keys::unseal::unseal_payload;
use crate::event_store::reader;
use crate::event_store::{Corrupt, StoreError};

/// Accesses are listed at most this many at a time: the newest.
pub(crate) const LISTED_MAX: usize = 10_000;

/// An access to a customer's personal data, before it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The store.
    pub store: &'a StoreName,
    /// Who.
    pub actor: &'a Actor,
    /// Whose data: the customer's stream; a group's for what callers said of its changes.
    pub stream: &'a StreamId,
    /// To answer which question, e.g. `blame`; no value of the customer's.
    pub question: &'a str,
    /// The request, over HTTP.
    pub request_id: Option<&'a RequestId>,
    /// Why, in the caller's words: `--reason`, or the header `Ledger-Reason`.
    pub reason: Option<&'a str>,
}

/// Writes an access down. Until it has, and if it fails, nothing may be shown.
pub async fn note(pool: &PgPool, keyring: &Keyring, access: &Access<'_>) -> Result<(), StoreError> {
    note_all(pool, keyring, &[*access]).await
}

/// The same for several, all or none.
pub(crate) async fn note_all(
    pool: &PgPool,
    keyring: &Keyring,
    accesses: &[Access<'_>],
) -> Result<(), StoreError> {
    let streams: Vec<&StreamId> = accesses.iter().map(|access| access.stream).collect();
    let has_reasons = accesses.iter().any(|access| access.reason.is_some());
    let keys = if has_reasons {
        reader::keys(&mut *pool.acquire().await?, keyring, &streams).await?
    } else {
        HashMap::new()
    };
    // Of an erased customer nothing is opened, and no reason is kept.
    let reasons: Vec<Option<String>> = accesses
        .iter()
        .map(|access| {
            let (key, reason) = keys.get(access.stream).zip(access.reason)?;
            let mut sealed = json!({ "$open": reason });
            key.seal_payload(place(access.store, access.stream), &mut sealed);
            Some(sealed.to_string())
        })
        .collect();
    let column = |part: for<'a> fn(&'a Access<'_>) -> &'a str| {
        let column = accesses.iter().map(part);
        column.map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    sqlx::query(
        "insert into access_log \
            (store, actor_kind, actor_id, stream, question, request_id, reason) \
         select store, actor_kind, actor_id, stream, question, request_id, reason::json \
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
            $7::text[]) \
            as access(store, actor_kind, actor_id, stream, question, request_id, reason)",
    )
    .bind(
        accesses
            .iter()
            .map(|access| access.store)
            .collect::<Vec<_>>(),
    )
    .bind(column(|access| access.actor.kind.name()))
    .bind(column(|access| &access.actor.id))
    .bind(&streams)
    .bind(column(|access| access.question))
    .bind(
        accesses
            .iter()
            .map(|access| access.request_id)
            .collect::<Vec<_>>(),
    )
    .bind(reasons)
    .execute(pool)
    .await?;
    Ok(())
}

/// An access as it is listed.
#[derive(Clone, Debug)]
pub struct Noted {
    /// When.
    pub time: Timestamp,
    /// Who: the kind of actor and its id, as in metadata.
    pub actor_kind: String,
    /// See [`Noted::actor_kind`].
    pub actor_id: String,
    /// The role of the database that wrote it down.
    pub role: String,
    /// Whose data.
    pub stream: StreamId,
    /// To answer which question.
    pub question: String,
    /// The request, over HTTP.
    pub request_id: Option<RequestId>,
    /// Why, if that was said.
    pub reason: Option<Personal<String>>,
}

/// Which accesses to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// To one customer; else to all.
    pub stream: Option<&'a StreamId>,
    /// None earlier.
    pub since: Option<Timestamp>,
    /// None later.
    pub until: Option<Timestamp>,
}

/// The accesses that are listed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// In order.
    pub accesses: Vec<Noted>,
    /// Whether there are earlier ones that were wanted, too.
    pub is_cut: bool,
}

/// The accesses that are wanted, at most [`LISTED_MAX`]: the newest. As the owner.
pub async fn list(
    owner: &PgPool,
    keyring: &Keyring,
    store: &StoreName,
    wanted: Wanted<'_>,
) -> Result<Listed, StoreError> {
    let Wanted {
        stream,
        since,
        until,
    } = wanted;
    let mut connection = owner.acquire().await?;
    let rows: Vec<AccessRow> = sqlx::query_as(
        "select time, actor_kind, actor_id, role, stream, question, request_id, \
            reason::text as sealed_reason \
         from (select * from access_log \
            where store = $1 and ($2::text is null or stream = $2) \
                and (extract(epoch from time) * 1000000)::bigint between $3 and $4 \
            order by access_id desc limit $5) newest \
         order by access_id desc",
    )
    .bind(store)
    .bind(stream)
    .bind(since.map_or(i64::MIN, Timestamp::as_microsecond))
    .bind(until.map_or(i64::MAX, Timestamp::as_microsecond))
    .bind(i64::try_from(LISTED_MAX + 1).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await?;
    let is_cut = rows.len() > LISTED_MAX;
    let rows = rows.into_iter().take(LISTED_MAX).rev();
    let mut noted: Vec<(Noted, Option<String>)> = rows.map(AccessRow::split).collect();
    let sealed = |(noted, reason): &(Noted, Option<String>)| {
        reason.as_ref().map(|_sealed| noted.stream.clone())
    };
    let streams: Vec<StreamId> = noted.iter().filter_map(sealed).collect();
    let streams: Vec<&StreamId> = streams.iter().collect();
    let keys = reader::keys(&mut connection, keyring, &streams).await?;
    for (noted, reason) in &mut noted {
        let key = keys.get(&noted.stream).map(AsRef::as_ref);
        if let Some(reason) = reason
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
        {
            let mut reason: Value = reason;
            unseal_payload(key, place(store, &noted.stream), &mut reason).map_err(|source| {
                let stream = noted.stream.clone();
                Corrupt::AccessReason { stream, source }
            })?;
            noted.reason = serde_json::from_value(reason).ok();
        }
    }
    Ok(Listed {
        accesses: noted.into_iter().map(|(noted, _)| noted).collect(),
        is_cut,
    })
}

/// A row of `access_log`.
#[derive(sqlx::FromRow)]
struct AccessRow {
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    time: Timestamp,
    actor_kind: String,
    actor_id: String,
    role: String,
    stream: StreamId,
    question: String,
    request_id: Option<RequestId>,
    sealed_reason: Option<String>,
}

impl AccessRow {
    /// The access, and the sealed reason beside it.
    fn split(self) -> (Noted, Option<String>) {
        let noted = Noted {
            time: self.time,
            actor_kind: self.actor_kind,
            actor_id: self.actor_id,
            role: self.role,
            stream: self.stream,
            question: self.question,
            request_id: self.request_id,
            reason: None,
        };
        (noted, self.sealed_reason)
    }
}

/// Where a reason is sealed for: no event has this sequence.
const fn place<'a>(store: &'a StoreName, stream: &'a StreamId) -> SealContext<'a> {
    SealContext {
        store,
        stream,
        sequence: Sequence::START,
    }
}

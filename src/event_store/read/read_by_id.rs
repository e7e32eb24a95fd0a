//! Reads by id: the view's row, and the events that the ledger holds beyond it.
//!
//! One statement, so that a read shows every update answered before it, at any process, however far
//! the projections are behind. The row only saves work; without it the whole stream is folded. A
//! cached stream saves more: then the statement only says whether it is fresh.

use std::collections::BTreeMap;
use std::sync::Arc;

use events::ids::{MedusaId, Position, Sequence, ShoplineId, StreamId};
use events::record::{Record, StreamKind};
use projections::{medusa, shopline};
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::domain::claims::{MEDUSA_ID, SHOPLINE_ID};
use crate::domain::customer::Customer;
use crate::domain::group::CustomerGroup;
use crate::event_store::StoreError;
use crate::event_store::keys::seal::StreamKey;
use crate::event_store::point::Seen;
use crate::event_store::reader;
use crate::event_store::{Corrupt, Ledger, Loaded, Stream};
use crate::mutations::{Guard, without};

/// The groups that a customer is in: as its newest event says, else as its row does.
const SHOWN: &str = "\
    shown as ( \
        select unnest(coalesce( \
            (select array(select json_array_elements_text(e.payload->'groups')) \
             from customer_tail e where e.event_type = 'GroupsAssigned' \
             order by e.sequence desc limit 1), \
            (select c.groups from customer c))) as stream \
        where $5)";

/// The rows of the groups in `shown`, and their later events.
const GROUPS: &str = "\
    group_row as ( \
        select 'CustomerGroup' as kind, s.stream, g.view::text as view, \
            coalesce(g.sequence, 0) as sequence \
        from shown s left join medusa_groups g on g.store = $1 and g.stream = s.stream), \
    group_tail as ( \
        select e.* from group_row g join events e on e.aggregate_type = 'CustomerGroup' \
            and e.aggregate_id = g.stream and e.sequence > g.sequence)";

/// The row of the customer whose id in a shop is `$2`, and its later events. A row that is not
/// there yet is found through the claim to its id, of kind `$3` and key `$4`.
fn customer_sql(table: &str, groups: &str) -> String {
    format!(
        "row as materialized ( \
            select v.stream, v.sequence, v.view::text as view, {groups} as groups \
            from {table} v where v.store = $1 and v.id = $2), \
        customer as ( \
            select 'Customer' as kind, r.stream, r.view, r.sequence, r.groups from row r \
            union all \
            select 'Customer', c.holder, null, 0, '{{}}'::text[] from claims c \
            where c.store = $1 and c.kind = $3 and c.key = $4 \
                and not exists (select from row)), \
        customer_tail as ( \
            select e.* from customer c join events e on e.aggregate_type = 'Customer' \
                and e.aggregate_id = c.stream and e.sequence > c.sequence{shown})",
        shown = if without(Guard::Tail) {
            " and c.sequence = 0"
        } else {
            ""
        },
    )
}

/// The answer: a line for each stream in `found` with its view and key, then one for each event in
/// `tail`, in order.
fn parts_sql() -> String {
    format!(
        "select f.kind as shown_kind, f.stream as shown_stream, f.view as shown_view, k.number, \
            k.wrapped, {nothing} \
        from found f left join stream_keys k on k.stream = f.stream \
        union all \
        select * from ( \
            select aggregate_type, aggregate_id, null, null::integer, null::bytea, {columns} \
            from tail order by aggregate_id, sequence) t",
        nothing = "null::bigint as position, null::bigint as sequence, null as store, \
            null as aggregate_type, null as aggregate_id, null as event_type, \
            null as event_version, null as payload, null as metadata, null::timestamptz as time",
        columns = reader::COLUMNS,
    )
}

/// A customer, and the groups it is in.
type Remembered = (Arc<Loaded<Customer>>, Vec<Arc<Loaded<CustomerGroup>>>);

impl Ledger {
    /// A customer in Medusa's shape, by its id there; with `groups`, also the groups it is in.
    pub(crate) async fn medusa_customer(
        &self,
        id: &MedusaId,
        groups: bool,
    ) -> Result<Option<(medusa::Customer, Vec<medusa::Group>)>, StoreError> {
        if let Some((customer, groups)) = self.remembered(MEDUSA_ID, id, groups).await? {
            let customer = Some(&customer.views.medusa).filter(|customer| !customer.deleted);
            let groups = || groups.iter().map(|group| group.views.clone()).collect();
            return Ok(customer.map(|customer| (customer.clone(), groups())));
        }
        let sql = format!(
            "with {customer}, {SHOWN}, {GROUPS}, \
             found as (select kind, stream, view from customer \
                union all select kind, stream, view from group_row), \
             tail as (select * from customer_tail union all select * from group_tail) {parts}",
            customer = customer_sql("medusa_customers", "v.group_ids"),
            parts = parts_sql(),
        );
        let rows = sqlx::query(&sql)
            .bind(&self.store)
            .bind(id)
            .bind(MEDUSA_ID)
            .bind(id.as_bytes())
            .bind(groups)
            .fetch_all(&self.pool)
            .await?;
        self.remember_id(MEDUSA_ID, id, &rows)?;
        let customers = self.fold::<Customer, _>(&rows, medusa::Customer::apply)?;
        let groups = self.fold::<CustomerGroup, _>(&rows, medusa::Group::apply)?;
        let live = customers
            .into_iter()
            .find(|customer| customer.sequence > Sequence::START && !customer.deleted);
        Ok(live.map(|customer| (customer, groups)))
    }

    /// A customer in SHOPLINE's shape, by its id there.
    pub(crate) async fn shopline_customer(
        &self,
        id: &ShoplineId,
    ) -> Result<Option<shopline::Customer>, StoreError> {
        if let Some((customer, _)) = self.remembered(SHOPLINE_ID, id, false).await? {
            let customer = Some(&customer.views.shopline).filter(|customer| !customer.deleted);
            return Ok(customer.cloned());
        }
        let sql = format!(
            "with {customer}, found as (select kind, stream, view from customer), \
             tail as (select * from customer_tail) {parts}",
            customer = customer_sql("shopline_customers", "'{}'::text[]"),
            parts = parts_sql(),
        );
        let rows = sqlx::query(&sql)
            .bind(&self.store)
            .bind(id)
            .bind(SHOPLINE_ID)
            .bind(id.as_bytes())
            .fetch_all(&self.pool)
            .await?;
        self.remember_id(SHOPLINE_ID, id, &rows)?;
        let customers = self.fold::<Customer, _>(&rows, shopline::Customer::apply)?;
        Ok(customers
            .into_iter()
            .find(|customer| customer.sequence > Sequence::START && !customer.deleted))
    }

    /// Remembers which stream has the id: the first line of the answer says so.
    fn remember_id(&self, kind: &str, id: &str, rows: &[PgRow]) -> Result<(), StoreError> {
        if let Some(row) = rows.first()
            && StreamKind::parse(row.try_get("shown_kind")?) == Some(StreamKind::Customer)
        {
            self.ids.insert(
                (kind.to_owned(), id.to_owned()),
                row.try_get("shown_stream")?,
            );
        }
        Ok(())
    }

    /// A customer as this process remembers it, if nothing has happened since to it, or to its
    /// groups where those are asked for.
    async fn remembered(
        &self,
        kind: &str,
        id: &str,
        with_groups: bool,
    ) -> Result<Option<Remembered>, StoreError> {
        let stream = self.ids.get(&(kind.to_owned(), id.to_owned()));
        let Some(customer) = stream.and_then(|stream| Customer::cache(&self.caches).get(&stream))
        else {
            return Ok(None);
        };
        let mut groups = vec![];
        for group in customer.views.medusa.groups.iter().filter(|_| with_groups) {
            groups.push(self.load::<CustomerGroup>(group).await?);
        }
        let seen = groups.iter().map(|group| group.seen());
        let seen: Option<Vec<Seen>> = seen.chain([customer.seen()]).collect();
        let stands = match seen {
            Some(_) if without(Guard::Tail) => true,
            Some(seen) => self.freshness.holds(seen).await,
            None => false,
        };
        Ok(stands.then_some((customer, groups)))
    }

    /// Groups in Medusa's shape, by stream; deleted ones too, absent ones not.
    pub async fn medusa_groups(
        &self,
        streams: &[StreamId],
    ) -> Result<Vec<medusa::Group>, StoreError> {
        let sql = format!(
            "with shown as (select unnest($2::text[]) as stream), {GROUPS}, \
             found as (select kind, stream, view from group_row), \
             tail as (select * from group_tail) {parts}",
            parts = parts_sql(),
        );
        let rows = sqlx::query(&sql)
            .bind(&self.store)
            .bind(streams)
            .fetch_all(&self.pool)
            .await?;
        let groups = self.fold::<CustomerGroup, _>(&rows, medusa::Group::apply)?;
        Ok(groups
            .into_iter()
            .filter(|group| group.sequence > Sequence::START)
            .collect())
    }

    /// Groups in Medusa's shape as they were at a position of the ledger.
    pub(crate) async fn medusa_groups_at(
        &self,
        streams: &[StreamId],
        position: Position,
    ) -> Result<Vec<medusa::Group>, StoreError> {
        let streams: Vec<&StreamId> = streams.iter().collect();
        let mut groups: BTreeMap<StreamId, medusa::Group> = BTreeMap::new();
        for record in self.group_records(&streams, position).await? {
            let group = groups.entry(record.stream.clone()).or_default();
            group.apply(&record);
        }
        Ok(groups.into_values().collect())
    }

    /// The views of one kind of stream among the lines of an answer, folded to their last event.
    fn fold<S: Stream, V: DeserializeOwned + Default>(
        &self,
        rows: &[PgRow],
        apply: impl Fn(&mut V, &Record<S::Event>),
    ) -> Result<Vec<V>, StoreError> {
        let mut views: BTreeMap<StreamId, (V, Option<StreamKey>)> = BTreeMap::new();
        for row in rows {
            if StreamKind::parse(row.try_get("shown_kind")?) != Some(S::KIND) {
                continue;
            }
            let stream: StreamId = row.try_get("shown_stream")?;
            if row.try_get::<Option<Position>, _>("position")?.is_none() {
                let view = match row.try_get::<Option<&str>, _>("shown_view")? {
                    None => V::default(),
                    Some(text) => {
                        serde_json::from_str(text).map_err(|_not_a_view| Corrupt::View {
                            stream: stream.clone(),
                        })?
                    }
                };
                let key = match (
                    row.try_get("number")?,
                    row.try_get::<Option<&[u8]>, _>("wrapped")?,
                ) {
                    (Some(number), Some(wrapped)) => Some(
                        self.keyring
                            .unwrap(&stream, number, wrapped)
                            .map_err(|source| Corrupt::StreamKey {
                                stream: stream.clone(),
                                source,
                            })?,
                    ),
                    _ => None,
                };
                views.insert(stream, (view, key));
            } else if let Some((view, key)) = views.get_mut(&stream) {
                let stored = reader::stored_record(row)?;
                apply(view, &reader::decode(&stored, key.as_ref())?);
            }
        }
        Ok(views.into_values().map(|(view, _)| view).collect())
    }
}

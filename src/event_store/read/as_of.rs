//! Reads the past: whose id it was, where a time lies, and a customer's history with its groups'.
//!
//! Every read is along an index and takes no more than what is asked about: a place in the ledger or
//! in a stream is found by halving, and a state of the past begins at a snapshot. While halving, each
//! step is limited to the one row it finds: else Postgres, where it takes streams to be short, reads
//! all of a stream at each step.

use std::collections::BTreeSet;

use events::ids::{MedusaId, Position, Sequence, ShoplineId, StoreName, StreamId};
use events::record::{Record, StreamKind};
use events::{CustomerEvent, GroupEvent};
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use sqlx::{PgPool, Row as _};

use crate::domain::customer::Customer;
use crate::event_store::StoreError;
use crate::event_store::read::reader::{self, decode};
use crate::event_store::{Ledger, Loaded};
use crate::history::{Entry, History, State};

/// Beside the kinds of claims to ids: the ledger's own.
pub const STREAM: &str = "stream";

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

/// A customer or a group as it was at a position.
pub struct AsOf {
    /// The customer, with its groups; of a group what [`State::of_group`] says.
    pub state: State,
    /// The sequence that its stream had come to; 0 before it was born.
    pub sequence: Sequence,
    /// Whether its key is gone: nothing personal can be shown, of no time.
    pub is_erased: bool,
}

/// The customers or groups that have or had an id: of Medusa, of SHOPLINE or of the ledger. `kinds`
/// says of which, by kind of claim or [`STREAM`]. More than one when several know the id.
pub async fn streams_of(
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
    let rows = sqlx::query(
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
    let found = rows.iter().map(|row| {
        Ok(FoundStream {
            kind,
            stream: row.try_get("stream")?,
            sequence: row.try_get("sequence")?,
            position: row.try_get("position")?,
            head: row.try_get("head")?,
            medusa: row.try_get("medusa")?,
            shopline: row.try_get("shopline")?,
        })
    });
    found.collect()
}

impl Ledger {
    /// The position of the last record that is not later than a time; 0 before the first. Times never
    /// go back from position to position.
    pub async fn position_at(&self, time: Timestamp) -> Result<Position, sqlx::Error> {
        sqlx::query_scalar(
            "with recursive search(low, high) as ( \
                select 0::bigint, (select coalesce(max(position), 0) from events) \
                union all \
                select case when e.early then middle else low end, \
                    case when e.early then high else middle - 1 end \
                from search, \
                    lateral (select (low + high + 1) / 2 as middle) m, \
                    lateral ( \
                        select (extract(epoch from time) * 1000000)::bigint <= $1 as early \
                        from events where position = middle limit 1) e \
                where low < high) \
             select low from search where low = high",
        )
        .bind(time.as_microsecond())
        .fetch_one(&self.pool)
        .await
    }

    /// The sequence that a stream had come to at a position; 0 before its first.
    pub async fn sequence_at(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        position: Position,
    ) -> Result<Sequence, sqlx::Error> {
        sqlx::query_scalar(
            "with recursive search(low, high) as ( \
                select 0::bigint, coalesce(( \
                    select sequence from events \
                    where aggregate_type = $3 and aggregate_id = $1 \
                    order by sequence desc limit 1), 0) \
                union all \
                select case when e.early then middle else low end, \
                    case when e.early then high else middle - 1 end \
                from search, \
                    lateral (select (low + high + 1) / 2 as middle) m, \
                    lateral ( \
                        select position <= $2 as early from events \
                        where aggregate_type = $3 and aggregate_id = $1 \
                            and sequence = middle limit 1) e \
                where low < high) \
             select low from search where low = high",
        )
        .bind(stream)
        .bind(position)
        .bind(kind.name())
        .fetch_one(&self.pool)
        .await
    }

    /// Where a record of a stream stands: its position and time.
    pub async fn place_of(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        sequence: Sequence,
    ) -> Result<Option<(Position, Timestamp)>, StoreError> {
        let stored =
            reader::stream(&self.pool, kind, stream, sequence.previous(), sequence).await?;
        Ok(stored.first().map(|stored| (stored.position, stored.time)))
    }

    /// A customer or a group as it was right after a position.
    pub async fn past(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        position: Position,
    ) -> Result<AsOf, StoreError> {
        match kind {
            StreamKind::Customer => self.customer_past(stream, position).await,
            StreamKind::CustomerGroup => self.group_past(stream, position).await,
        }
    }

    /// What happened to a customer or a group after a position, up to another: its own records, and of
    /// a customer all of each group that it is in at some time between.
    pub async fn history(
        &self,
        kind: StreamKind,
        stream: &StreamId,
        after: Position,
        until: Position,
    ) -> Result<History, StoreError> {
        match kind {
            StreamKind::Customer => self.customer_history(stream, after, until).await,
            StreamKind::CustomerGroup => self.group_history(stream, after, until).await,
        }
    }

    async fn customer_past(
        &self,
        stream: &StreamId,
        position: Position,
    ) -> Result<AsOf, StoreError> {
        let sequence = self
            .sequence_at(StreamKind::Customer, stream, position)
            .await?;
        let loaded: Loaded<Customer> = self.load_until(stream, sequence).await?;
        let is_erased = loaded.is_erased();
        let (views, addresses) = (loaded.views, loaded.aggregate.addresses);
        let groups = self
            .medusa_groups_at(&views.medusa.groups, position)
            .await?;
        let addresses = addresses
            .into_iter()
            .map(|address| (address.id.clone(), address));
        Ok(AsOf {
            state: State {
                views,
                addresses: addresses.collect(),
                groups: groups
                    .into_iter()
                    .map(|group| (group.stream.clone(), group))
                    .collect(),
            },
            sequence,
            is_erased,
        })
    }

    async fn group_past(&self, stream: &StreamId, position: Position) -> Result<AsOf, StoreError> {
        let history = self.group_history(stream, position, position).await?;
        let state = history.start().clone();
        Ok(AsOf {
            sequence: state
                .group()
                .map_or(Sequence::START, |group| group.sequence),
            state,
            is_erased: false,
        })
    }

    async fn customer_history(
        &self,
        stream: &StreamId,
        after: Position,
        until: Position,
    ) -> Result<History, StoreError> {
        let AsOf {
            mut state,
            sequence,
            is_erased: _,
        } = self.customer_past(stream, after).await?;
        let last = self
            .sequence_at(StreamKind::Customer, stream, until)
            .await?;
        let own = self.own_records(stream, sequence, last).await?;
        let mut streams: BTreeSet<StreamId> = state.views.medusa.groups.iter().cloned().collect();
        for record in &own {
            if let CustomerEvent::GroupsAssigned(assigned) = &record.event {
                streams.extend(assigned.groups.iter().cloned());
            }
        }
        let mut entries: Vec<_> = own.into_iter().map(Entry::Customer).collect();
        let streams: Vec<&StreamId> = streams.iter().collect();
        for record in self.group_records(&streams, until).await? {
            if record.position > after {
                entries.push(Entry::Group(record));
            } else if !state.views.medusa.groups.contains(&record.stream) {
                // The groups that it is in at `after` stand in the state already.
                state.apply(&Entry::Group(record));
            }
        }
        Ok(History::new(state, entries))
    }

    async fn group_history(
        &self,
        stream: &StreamId,
        after: Position,
        until: Position,
    ) -> Result<History, StoreError> {
        let mut state = State::of_group(stream);
        let mut entries = vec![];
        for record in self.group_records(&[stream], until).await? {
            let is_past = record.position <= after;
            let entry = Entry::Group(record);
            if is_past {
                state.apply(&entry);
            } else {
                entries.push(entry);
            }
        }
        Ok(History::new(state, entries))
    }

    async fn own_records(
        &self,
        stream: &StreamId,
        after: Sequence,
        until: Sequence,
    ) -> Result<Vec<Record<CustomerEvent>>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let kind = StreamKind::Customer;
        let stored = reader::stream(&mut *connection, kind, stream, after, until).await?;
        let keys = reader::keys(&mut connection, &self.keyring, &[stream]).await?;
        let key = keys.get(stream).map(AsRef::as_ref);
        stored.iter().map(|stored| decode(stored, key)).collect()
    }

    /// The records of groups up to a position, group by group, each in order.
    pub(in crate::event_store) async fn group_records(
        &self,
        streams: &[&StreamId],
        until: Position,
    ) -> Result<Vec<Record<GroupEvent>>, StoreError> {
        let kind = StreamKind::CustomerGroup;
        let records = reader::streams_until(&self.pool, kind, streams, until);
        // Of a group, the callers' words are sealed.
        records
            .map(|record| {
                let (stored, key) = record?;
                let key = reader::key_of(&self.keyring, &stored, key.as_ref())?;
                decode(&stored, key.as_ref())
            })
            .try_collect()
            .await
    }
}

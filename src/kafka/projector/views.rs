//! Records into rows: load the views, apply what is next, save them at the sequence they were at.
//!
//! A record whose predecessors are not in the view is preceded by them, from the store. Whatever does
//! not open, decode or follow is an error: nothing is skipped but what is in the view already.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use events::record::{Record, StoredRecord, StreamKind};
use events::{CustomerEvent, GroupEvent};
use projections::table::Advance;
use projections::{Continuity, medusa, shopline};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::Error;
use crate::event_store::keys::keyring::{Keyring, StreamKey};
use crate::event_store::read::reader;

/// A view with its table.
pub(crate) trait View: Clone + Default + Send + Sync + Serialize + 'static {
    /// What happens to it.
    type Event: DeserializeOwned + Send;
    /// Kind of its streams.
    const KIND: StreamKind;

    fn sequence(&self) -> i64;
    fn continuity(&self, sequence: i64) -> Continuity;
    fn apply(&mut self, record: &Record<Self::Event>);
    fn load(
        conn: &mut PgConnection,
        store: &str,
        streams: &[String],
    ) -> impl Future<Output = Result<HashMap<String, Self>, sqlx::Error>> + Send;
    fn save(
        conn: &mut PgConnection,
        store: &str,
        rows: &[Advance<'_, Self>],
    ) -> impl Future<Output = Result<i64, sqlx::Error>> + Send;
}

macro_rules! view {
    ($view:ty, $event:ty, $kind:ident, $($table:ident)::+) => {
        impl View for $view {
            type Event = $event;
            const KIND: StreamKind = StreamKind::$kind;

            fn sequence(&self) -> i64 {
                self.sequence
            }

            fn continuity(&self, sequence: i64) -> Continuity {
                self.applies(sequence)
            }

            fn apply(&mut self, record: &Record<$event>) {
                self.apply(record);
            }

            async fn load(
                conn: &mut PgConnection,
                store: &str,
                streams: &[String],
            ) -> Result<HashMap<String, Self>, sqlx::Error> {
                $($table)::+::load(conn, store, streams).await
            }

            async fn save(
                conn: &mut PgConnection,
                store: &str,
                rows: &[Advance<'_, Self>],
            ) -> Result<i64, sqlx::Error> {
                $($table)::+::save(conn, store, rows).await
            }
        }
    };
}

view!(
    medusa::Customer,
    CustomerEvent,
    Customer,
    medusa::table::customers
);
view!(
    medusa::Group,
    GroupEvent,
    CustomerGroup,
    medusa::table::groups
);
view!(shopline::Customer, CustomerEvent, Customer, shopline::table);

/// A transaction on its way into the views.
pub(super) struct Fold<'a> {
    pub(super) conn: &'a mut PgConnection,
    pub(super) keyring: &'a Keyring,
    /// Streams whose missing records came from the store, once for each time.
    pub(super) store_reads: Vec<String>,
}

type Keys = HashMap<String, Arc<StreamKey>>;

impl Fold<'_> {
    /// Applies records to the views of one table. They come in order within each stream; those of
    /// other kinds are none of this table's business.
    pub(super) async fn apply<V: View>(&mut self, records: &[StoredRecord]) -> Result<(), Error> {
        let mut stores: BTreeMap<&str, Vec<&StoredRecord>> = BTreeMap::new();
        for record in records.iter().filter(|record| record.kind == V::KIND) {
            stores.entry(&record.store).or_default().push(record);
        }
        for (store, records) in stores {
            self.apply_in_store::<V>(store, &records).await?;
        }
        Ok(())
    }

    async fn apply_in_store<V: View>(
        &mut self,
        store: &str,
        records: &[&StoredRecord],
    ) -> Result<(), Error> {
        let mut streams: Vec<String> = records.iter().map(|r| r.stream.clone()).collect();
        streams.sort_unstable();
        streams.dedup();
        let names: Vec<&str> = streams.iter().map(String::as_str).collect();
        let keys = reader::keys(self.conn, self.keyring, &names).await?;
        let mut views = V::load(self.conn, store, &streams).await?;
        let loaded: BTreeMap<String, i64> = streams
            .iter()
            .map(|stream| (stream.clone(), views.get(stream).map_or(0, View::sequence)))
            .collect();
        for record in records {
            let view = views.entry(record.stream.clone()).or_default();
            match view.continuity(record.sequence) {
                Continuity::Seen => {}
                Continuity::Next => advance(view, record, &keys)?,
                Continuity::Gap => {
                    self.fill(view, record, &keys).await?;
                    advance(view, record, &keys)?;
                }
            }
        }
        let rows: Vec<Advance<'_, V>> = loaded
            .iter()
            .filter_map(|(stream, from)| {
                let view = views.get(stream).filter(|view| view.sequence() > *from)?;
                Some(Advance { from: *from, view })
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let saved = V::save(self.conn, store, &rows).await?;
        if usize::try_from(saved).ok() == Some(rows.len()) {
            Ok(())
        } else {
            Err(Error::Overtaken)
        }
    }

    /// Applies what the store has between a view and a record.
    async fn fill<V: View>(
        &mut self,
        view: &mut V,
        record: &StoredRecord,
        keys: &Keys,
    ) -> Result<(), Error> {
        self.store_reads.push(record.stream.clone());
        let (from, until) = (view.sequence(), record.sequence - 1);
        let missing = reader::stream(&mut *self.conn, V::KIND, &record.stream, from, until).await?;
        for missing in &missing {
            advance(view, missing, keys)?;
        }
        Ok(())
    }
}

/// Applies the next record to its view.
fn advance<V: View>(view: &mut V, record: &StoredRecord, keys: &Keys) -> Result<(), Error> {
    if view.continuity(record.sequence) != Continuity::Next {
        return Err(Error::Incomplete {
            position: record.position,
            stream: record.stream.clone(),
        });
    }
    let key = keys.get(&record.stream).map(AsRef::as_ref);
    view.apply(&reader::decode(record, key)?);
    Ok(())
}

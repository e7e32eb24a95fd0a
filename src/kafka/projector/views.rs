//! Records into rows: load the views, apply what is next, save them at the sequence they were at.
//!
//! A record whose predecessors are not in the view is preceded by them, from the store. Whatever does
//! not open, decode or follow is an error: nothing is skipped but what is in the view already.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use events::ids::{Sequence, StoreName, StreamId};
use events::record::StoredRecord;
use projections::table::{self, Advance};
use projections::{Continuity, View, Visitor};
use sqlx::PgConnection;

use super::Error;
use crate::event_store::keys::keyring::Keyring;
use crate::event_store::keys::seal::StreamKey;
use crate::event_store::reader;

/// A transaction on its way into the views.
pub(super) struct Fold<'a> {
    pub(super) conn: &'a mut PgConnection,
    pub(super) keyring: &'a Keyring,
    /// What to fold: in order within each stream, of every kind.
    pub(super) records: &'a [StoredRecord],
    /// Streams whose missing records came from the store, once for each time.
    pub(super) store_reads: Vec<StreamId>,
}

type Keys = HashMap<StreamId, Arc<StreamKey>>;

impl Visitor for Fold<'_> {
    type Error = Error;

    /// Applies the records to the views of one table; those of other kinds change none of them.
    async fn visit<V: View>(&mut self) -> Result<(), Error> {
        let mut stores: BTreeMap<&StoreName, Vec<&StoredRecord>> = BTreeMap::new();
        for record in self.records.iter().filter(|record| record.kind == V::KIND) {
            stores.entry(&record.store).or_default().push(record);
        }
        for (store, records) in stores {
            self.apply_in_store::<V>(store, &records).await?;
        }
        Ok(())
    }
}

impl Fold<'_> {
    async fn apply_in_store<V: View>(
        &mut self,
        store: &StoreName,
        records: &[&StoredRecord],
    ) -> Result<(), Error> {
        let mut streams: Vec<StreamId> = records.iter().map(|r| r.stream.clone()).collect();
        streams.sort_unstable();
        streams.dedup();
        let names: Vec<&StreamId> = streams.iter().collect();
        let keys = reader::keys(self.conn, self.keyring, &names).await?;
        let mut views = table::load::<V>(self.conn, store, &streams).await?;
        let loaded: BTreeMap<StreamId, Sequence> = streams
            .iter()
            .map(|stream| {
                (
                    stream.clone(),
                    views.get(stream).map_or(Sequence::START, sequence),
                )
            })
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
                let view = views.get(stream).filter(|view| sequence(*view) > *from)?;
                Some(Advance { from: *from, view })
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let saved = table::save(self.conn, store, &rows).await?;
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
        let (from, until) = (sequence(view), record.sequence.previous());
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

fn sequence(view: &impl View) -> Sequence {
    view.row().sequence
}

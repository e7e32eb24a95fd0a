//! Records into the tables of a rebuild, straight from the store, in order of position.
//!
//! A stream's records are folded in memory, and its row is written once: when everything is read, or
//! when so many streams are held that they have to make room. Workers share the streams by hash, so
//! that each stream's records come to one of them, in order.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use events::ids::{Position, Sequence, StoreName, StreamId};
use events::record::{Record, StoredRecord, StreamKind};
use projections::table::{self, Advance};
use projections::{Continuity, Projection, View, Visitor};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::watch;

use super::{Error, Progress};
use crate::event_store::keys::keyring::Keyring;
use crate::event_store::keys::seal::StreamKey;
use crate::event_store::reader;

/// Positions that are read in one statement. No snapshot is held for longer, so that nothing that the
/// service writes meanwhile piles up.
const POSITIONS: i64 = 4_000;
/// Views that a worker holds; a view and its key take some kilobytes.
const HELD_MAX: usize = 100_000;
/// Bytes of the payloads that were folded into the views that all workers hold: a customer's metadata
/// may take a megabyte.
const HELD_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Rows in one statement.
const ROWS: usize = 1000;

/// How a record changes a view.
pub(crate) type Apply<V> = fn(&mut V, &Record<<V as View>::Event>);

/// How records change views: the projections' own code, or other code to compare it with.
#[derive(Clone, Default)]
pub struct Code(Vec<Arc<dyn Any + Send + Sync>>);

impl Code {
    /// The same with other code for one view.
    #[must_use]
    pub fn with<V: View>(mut self, apply: Apply<V>) -> Self {
        self.0.push(Arc::new(apply));
        self
    }

    /// The code for a view.
    pub(super) fn of<V: View>(&self) -> Apply<V> {
        let other = self.0.iter().find_map(|code| code.downcast_ref());
        other.copied().unwrap_or(V::apply)
    }
}

/// The views of one table, as far as they are held.
struct Views<V: View> {
    apply: Apply<V>,
    held: HashMap<StreamId, Held<V>>,
    /// Bytes of the payloads that were folded into these.
    bytes: usize,
    bytes_max: usize,
    /// Whether the table may have rows of streams that are not held.
    has_rows: bool,
}

/// A view and what it takes to go on with it.
struct Held<V> {
    store: StoreName,
    /// Sequence of the row; 0 without one.
    from: Sequence,
    key: Option<Arc<StreamKey>>,
    view: V,
}

/// The views of one table, of whichever type.
#[async_trait]
trait Table: Send {
    /// The table has rows from here on.
    fn has_rows(&mut self);

    /// Folds records; those of other kinds change nothing here.
    async fn take(
        &mut self,
        records: &[StoredRecord],
        reader: &mut PgConnection,
        writer: &mut PgConnection,
        keyring: &Keyring,
    ) -> Result<(), Error>;

    /// Writes what changed, and holds nothing any longer.
    async fn write(&mut self, writer: &mut PgConnection) -> Result<(), Error>;
}

/// Lists the tables of a projection, none held yet.
struct Tables<'a> {
    code: &'a Code,
    bytes_max: usize,
    listed: Vec<Box<dyn Table>>,
}

impl Visitor for Tables<'_> {
    type Error = Infallible;

    async fn visit<V: View>(&mut self) -> Result<(), Infallible> {
        self.listed
            .push(Box::new(Views::new(self.code.of::<V>(), self.bytes_max)));
        Ok(())
    }
}

/// Which streams are a worker's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) index: i32,
    pub(super) of: i32,
}

impl Share {
    pub(super) const ALL: Self = Self { index: 0, of: 1 };
}

/// One that folds a share of the streams.
pub(super) struct Worker {
    /// Reads the store.
    reader: PgConnection,
    /// Writes the tables. It sees no others: whatever becomes of these, it cannot touch the live ones.
    writer: PgConnection,
    keyring: Arc<Keyring>,
    share: Share,
    /// Everything of the share up to here was read.
    position: Position,
    tables: Vec<Box<dyn Table>>,
}

impl Worker {
    /// Begins after a position, in the empty tables of a schema.
    pub(super) async fn new(
        options: &PgConnectOptions,
        keyring: Arc<Keyring>,
        (projection, code): (Projection, &Code),
        schema: &str,
        (share, position): (Share, Position),
    ) -> Result<Self, sqlx::Error> {
        // What was not on disk yet when Postgres ends is made anew.
        let writer = options
            .clone()
            .options([("search_path", schema), ("synchronous_commit", "off")]);
        let workers = usize::try_from(share.of).unwrap_or(1);
        let mut tables = Tables {
            code,
            bytes_max: HELD_BYTES_MAX / workers.max(1),
            listed: vec![],
        };
        let Ok(()) = projection.visit(&mut tables).await;
        Ok(Self {
            reader: PgConnection::connect_with(options).await?,
            writer: PgConnection::connect_with(&writer).await?,
            keyring,
            share,
            position,
            tables: tables.listed,
        })
    }

    /// The same in tables that have rows.
    pub(super) fn with_rows(mut self) -> Self {
        for table in &mut self.tables {
            table.has_rows();
        }
        self
    }

    /// Everything up to here is in the tables.
    pub(super) const fn position(&self) -> Position {
        self.position
    }

    /// Takes everything up to a position into the tables.
    pub(super) async fn advance(
        &mut self,
        until: Position,
        progress: &watch::Sender<Progress>,
    ) -> Result<(), Error> {
        while self.position < until {
            let next = until.min(self.position.plus(POSITIONS));
            let records = self.read(next).await?;
            for table in &mut self.tables {
                let (reader, writer) = (&mut self.reader, &mut self.writer);
                table.take(&records, reader, writer, &self.keyring).await?;
            }
            self.position = next;
            progress.send_modify(|progress| progress.done += records.len() as u64);
        }
        for table in &mut self.tables {
            table.write(&mut self.writer).await?;
        }
        Ok(())
    }

    async fn read(&mut self, until: Position) -> Result<Vec<StoredRecord>, Error> {
        let sql = format!(
            "select {} from events where position > $1 and position <= $2 \
                and (hashtext(aggregate_id) & 2147483647) % $3 = $4 \
             order by position",
            reader::COLUMNS
        );
        let rows = sqlx::query(&sql)
            .bind(self.position)
            .bind(until)
            .bind(self.share.of)
            .bind(self.share.index)
            .fetch_all(&mut self.reader)
            .await?;
        let records: Result<_, _> = rows.iter().map(reader::stored_record).collect();
        Ok(records?)
    }
}

impl<V: View> Views<V> {
    fn new(apply: Apply<V>, bytes_max: usize) -> Self {
        Self {
            apply,
            held: HashMap::new(),
            bytes: 0,
            bytes_max,
            has_rows: false,
        }
    }

    /// Loads what is not held yet of the streams of these records.
    async fn hold<'a>(
        &mut self,
        records: impl Iterator<Item = &'a StoredRecord>,
        reader: &mut PgConnection,
        writer: &mut PgConnection,
        keyring: &Keyring,
    ) -> Result<(), Error> {
        let mut stores: BTreeMap<&StoreName, BTreeSet<&StreamId>> = BTreeMap::new();
        for record in records.filter(|record| !self.held.contains_key(&record.stream)) {
            let streams = stores.entry(&record.store).or_default();
            streams.insert(&record.stream);
        }
        for (store, streams) in stores {
            let names: Vec<&StreamId> = streams.iter().copied().collect();
            // Of a group, only the callers' words are sealed, and no view shows them.
            let mut keys = match V::KIND {
                StreamKind::Customer => reader::keys(reader, keyring, &names).await?,
                StreamKind::CustomerGroup => HashMap::new(),
            };
            let names: Vec<StreamId> = streams.into_iter().cloned().collect();
            let mut rows = if self.has_rows {
                table::load::<V>(writer, store, &names).await?
            } else {
                HashMap::new()
            };
            for stream in names {
                let view = rows.remove(&stream).unwrap_or_default();
                let held = Held {
                    store: store.clone(),
                    from: view.row().sequence,
                    key: keys.remove(&stream),
                    view,
                };
                self.held.insert(stream, held);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl<V: View> Table for Views<V> {
    fn has_rows(&mut self) {
        self.has_rows = true;
    }

    async fn take(
        &mut self,
        records: &[StoredRecord],
        reader: &mut PgConnection,
        writer: &mut PgConnection,
        keyring: &Keyring,
    ) -> Result<(), Error> {
        if self.held.len() >= HELD_MAX || self.bytes >= self.bytes_max {
            self.write(writer).await?;
        }
        let mut records = records.iter().filter(|record| record.kind == V::KIND);
        self.hold(records.clone(), reader, writer, keyring).await?;
        records.try_for_each(|record| {
            let Some(held) = self.held.get_mut(&record.stream) else {
                return Err(incomplete(record));
            };
            self.bytes += record.payload.len();
            advance(&mut held.view, record, held.key.as_deref(), self.apply)
        })
    }

    async fn write(&mut self, writer: &mut PgConnection) -> Result<(), Error> {
        let mut stores: BTreeMap<&StoreName, Vec<(&StreamId, &Held<V>)>> = BTreeMap::new();
        for (stream, held) in &self.held {
            if held.view.row().sequence > held.from {
                stores.entry(&held.store).or_default().push((stream, held));
            }
        }
        for (store, mut streams) in stores {
            streams.sort_unstable_by_key(|(stream, _)| *stream);
            for streams in streams.chunks(ROWS) {
                let rows: Vec<_> = streams
                    .iter()
                    .map(|(_, held)| Advance {
                        from: held.from,
                        view: &held.view,
                    })
                    .collect();
                let saved = table::save(writer, store, &rows).await?;
                if usize::try_from(saved).ok() != Some(rows.len()) {
                    return Err(Error::Disturbed);
                }
            }
            self.has_rows = true;
        }
        self.held.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Applies the next record to its view; one that the view holds already is skipped.
pub(super) fn advance<V: View>(
    view: &mut V,
    record: &StoredRecord,
    key: Option<&StreamKey>,
    apply: Apply<V>,
) -> Result<(), Error> {
    match view.continuity(record.sequence) {
        Continuity::Seen => {}
        Continuity::Next => apply(view, &reader::decode(record, key)?),
        Continuity::Gap => return Err(incomplete(record)),
    }
    Ok(())
}

fn incomplete(record: &StoredRecord) -> Error {
    Error::Incomplete {
        position: record.position,
        stream: record.stream.clone(),
    }
}

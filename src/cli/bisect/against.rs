//! Two releases of the ledger over the same records: where do their documents part?
//!
//! The other one is a process that runs `ledger fold`. It is handed opened records by its standard
//! input and no setting of this process: neither keys nor the way to the database.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::Stdio;

use events::ids::{Position, StreamId};
use events::opened::OpenedRecord;
use events::record::StreamKind;
use futures_util::TryStreamExt as _;
use projections::shopline::Store;
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::event_store::Ledger;
use crate::event_store::StoreError;
use crate::event_store::reader;
use crate::history::diff::diff;
use crate::history::fold_protocol::{self, Begin, Documents, Folder, Line};
use crate::history::parsed;

/// Why two releases could not be compared.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The other one does not run.
    #[error("the executable of --against cannot be run: give the path of another `ledger`")]
    NotRun(#[source] io::Error),
    /// The other one does not answer.
    #[error(
        "the executable of --against did not fold the record at position {0}: it has to be a \
         `ledger` that has the command `fold` and knows the record's version"
    )]
    NoAnswer(Position),
    /// This one does not know a record.
    #[error(transparent)]
    Fold(#[from] fold_protocol::Error),
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] StoreError),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Read(error.into())
    }
}

/// The first record of a customer after which the two documents of a shop differ. No value: whoever
/// may see those asks for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Disagreement {
    /// The customer's stream.
    pub(super) customer: StreamId,
    /// The record.
    pub(super) position: Position,
    /// Whose document: `medusa` or `shopline`.
    pub(super) shape: &'static str,
    /// Where in it; empty is the whole of it.
    pub(super) pointers: Vec<String>,
}

/// This release beside another.
pub(super) struct Pair {
    here: Folder,
    there: Other,
}

impl Pair {
    /// Starts the other one.
    pub(super) async fn start(path: &Path, store: &Store) -> Result<Self, Error> {
        let begin = Begin::new(store);
        let here = Folder::new(&begin)?;
        let there = Other::start(path, &begin).await.map_err(Error::NotRun)?;
        Ok(Self { here, there })
    }

    /// Has both fold a customer's records: where they part first, if they do.
    pub(super) async fn compare(
        &mut self,
        customer: &StreamId,
        records: Vec<OpenedRecord>,
    ) -> Result<Option<Disagreement>, Error> {
        let theirs = self.there.fold(customer, &records).await?;
        self.here.next_customer();
        for (record, theirs) in records.into_iter().zip(theirs) {
            let ours = self.here.fold(record)?;
            if let Some((shape, pointers)) = differ(&ours, &theirs) {
                return Ok(Some(Disagreement {
                    customer: customer.clone(),
                    position: ours.position,
                    shape,
                    pointers,
                }));
            }
        }
        Ok(None)
    }
}

/// Whose document differs, and where in it: the first shop's of those that do.
fn differ(ours: &Documents, theirs: &Documents) -> Option<(&'static str, Vec<String>)> {
    [
        ("medusa", &ours.medusa, &theirs.medusa),
        ("shopline", &ours.shopline, &theirs.shopline),
    ]
    .into_iter()
    .find_map(|(shape, ours, theirs)| {
        let [ours, theirs] = [ours, theirs].map(|json| json.as_ref().map(|json| json.get()));
        (ours != theirs).then(|| {
            let places = diff(&parsed(ours), &parsed(theirs));
            let mut pointers: Vec<String> = places.into_iter().map(|place| place.pointer).collect();
            if pointers.is_empty() {
                // The same values, written otherwise.
                pointers.push(String::new());
            }
            (shape, pointers)
        })
    })
}

/// A process of another release. Dropped, it ends.
struct Other {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Other {
    async fn start(path: &Path, begin: &Begin) -> io::Result<Self> {
        let mut process = Command::new(path)
            .arg("fold")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (input, output) = process
            .stdin
            .take()
            .zip(process.stdout.take())
            .ok_or_else(|| io::Error::other("a pipe that was asked for is there"))?;
        let mut other = Self {
            _process: process,
            input,
            output: BufReader::new(output).lines(),
        };
        // One that is no ledger may have ended already: its first answer tells.
        drop(other.input.write_all(&line(begin)).await);
        Ok(other)
    }

    /// Its documents after each record. It answers while it is still being written to: neither pipe
    /// fills up.
    async fn fold(
        &mut self,
        customer: &StreamId,
        records: &[OpenedRecord],
    ) -> Result<Vec<Documents>, Error> {
        let Self { input, output, .. } = self;
        let written = async {
            let customer = customer.clone();
            drop(input.write_all(&line(&Line::Customer { customer })).await);
            for record in records {
                drop(input.write_all(&line(record)).await);
            }
            drop(input.flush().await);
            Ok::<_, Error>(())
        };
        let answered = async {
            let mut documents = vec![];
            for OpenedRecord { position, .. } in records {
                let line = output.next_line().await.ok().flatten();
                let answer = line.and_then(|line| serde_json::from_str::<Documents>(&line).ok());
                let answer = answer.filter(|answer| answer.position == *position);
                documents.push(answer.ok_or(Error::NoAnswer(*position))?);
            }
            Ok(documents)
        };
        let ((), documents) = tokio::try_join!(written, answered)?;
        Ok(documents)
    }
}

/// A line of the input of `ledger fold`. A record's is the record itself.
fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("texts, numbers and times always serialise");
    line.push(b'\n');
    line
}

/// Everything that a customer's documents are made of, opened, in order: its own records, and all of
/// each group that it is in at some time.
pub(super) async fn records(
    ledger: &Ledger,
    stream: &StreamId,
) -> Result<Vec<OpenedRecord>, Error> {
    let own = opened(ledger, StreamKind::Customer, &[stream]).await?;
    let groups: BTreeSet<StreamId> = own
        .iter()
        .filter(|record| record.event_type == "GroupsAssigned")
        .filter_map(|record| record.payload.get("groups")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .map(StreamId::from)
        .collect();
    let groups: Vec<&StreamId> = groups.iter().collect();
    let groups = opened(ledger, StreamKind::CustomerGroup, &groups).await?;
    let mut records = [own, groups].concat();
    records.sort_unstable_by_key(|record| record.position);
    Ok(records)
}

async fn opened(
    ledger: &Ledger,
    kind: StreamKind,
    streams: &[&StreamId],
) -> Result<Vec<OpenedRecord>, StoreError> {
    reader::streams(&ledger.pool, kind, streams)
        .and_then(|(stored, key)| async move {
            let key = reader::key_of(&ledger.keyring, &stored, key.as_ref())?;
            reader::unseal(&stored, key.as_ref())
        })
        .try_collect()
        .await
}

/// The streams of all customers of a store, oldest first, after a position: each with its birth's.
pub(super) async fn customers(
    ledger: &Ledger,
    after: Position,
    limit: i64,
) -> Result<Vec<(StreamId, Position)>, Error> {
    Ok(sqlx::query_as(
        "select aggregate_id, position from events \
         where aggregate_type = 'Customer' and sequence = 1 and store = $1 and position > $2 \
         order by position limit $3",
    )
    .bind(&ledger.store)
    .bind(after)
    .bind(limit)
    .fetch_all(&ledger.pool)
    .await?)
}

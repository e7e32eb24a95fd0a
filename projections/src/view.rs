//! What all views have in common, and what their tables hold.

use events::ids::{Position, Sequence, StreamId};
use events::record::{Record, StreamKind};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A customer or a group in one contract's shape, with its table.
pub trait View: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What happens to it.
    type Event: DeserializeOwned + Send;
    /// Kind of its streams.
    const KIND: StreamKind;
    /// Its table.
    const TABLE: &'static str;
    /// Tables that triggers keep beside it.
    const BESIDE: &'static [&'static str] = &[];
    /// The columns of its table beyond those of every view.
    const COLUMNS: &'static [Column<Self>];

    /// The columns that every view has.
    fn row(&self) -> Row<'_>;

    /// Folds the next record of its stream.
    fn apply(&mut self, record: &Record<Self::Event>);

    /// Where a record of its stream stands, seen from here.
    fn continuity(&self, sequence: Sequence) -> Continuity {
        continuity(self.row().sequence, sequence)
    }
}

/// The columns that every view has.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The stream.
    pub stream: &'a StreamId,
    /// The id in the contract.
    pub id: &'a str,
    /// Sequence of the last record applied; 0 before the first.
    pub sequence: Sequence,
    /// Position of the last record applied.
    pub position: Position,
    /// Whether what it shows was deleted.
    pub deleted: bool,
    /// When it came into being.
    pub created_at: Timestamp,
    /// When something that the contract shows last changed.
    pub updated_at: Timestamp,
}

/// A column of one table: what lists filter and sort by.
#[derive(Debug)]
pub struct Column<V> {
    /// Its name.
    pub name: &'static str,
    /// What it holds of a view.
    pub value: Value<V>,
}

/// What a column holds of a view.
#[derive(Debug)]
pub enum Value<V> {
    /// A text, or null.
    Text(fn(&V) -> Option<String>),
    /// A boolean.
    Boolean(fn(&V) -> bool),
    /// A small number.
    Number(fn(&V) -> i16),
    /// An array of texts; U+001F is in none of them.
    Texts(fn(&V) -> Vec<String>),
}

/// Where a record stands, seen from a view of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// It is the next one: apply it.
    Next,
    /// The view holds its effect already: skip it.
    Seen,
    /// Records between are missing: read them from the store first.
    Gap,
}

/// Where a record stands, seen from a view that holds its stream up to a sequence; 0 is none.
pub const fn continuity(held: Sequence, sequence: Sequence) -> Continuity {
    if sequence.get() <= held.get() {
        Continuity::Seen
    } else if sequence.since(held) == 1 {
        Continuity::Next
    } else {
        Continuity::Gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_next_seen_or_beyond_a_gap() {
        let at = |held, sequence| continuity(Sequence::new(held), Sequence::new(sequence));
        assert_eq!(at(0, 1), Continuity::Next);
        assert_eq!(at(7, 8), Continuity::Next);
        assert_eq!(at(7, 7), Continuity::Seen);
        assert_eq!(at(7, 1), Continuity::Seen);
        assert_eq!(at(7, 9), Continuity::Gap);
        assert_eq!(at(0, 2), Continuity::Gap);
    }
}

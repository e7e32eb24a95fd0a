//! The fold: the customer, or the group, after each record of its history.

use super::Shape;
use super::state::{Entry, State};

/// A part of a customer's history: how it stood before, and what happened then, by position.
#[derive(Clone, Debug, Default)]
pub struct History {
    start: State,
    entries: Vec<Entry>,
}

impl History {
    /// The history that goes on from `start` with these records, in any order.
    pub fn new(start: State, mut entries: Vec<Entry>) -> Self {
        entries.sort_unstable_by_key(Entry::position);
        Self { start, entries }
    }

    /// How the customer stood before the first record.
    pub const fn start(&self) -> &State {
        &self.start
    }

    /// Calls `visit` with each record that belongs to the history and the customer right after it.
    /// Returns the customer after the last.
    pub fn fold<'a>(&'a self, mut visit: impl FnMut(&'a Entry, &State)) -> State {
        let mut state = self.start.clone();
        for entry in &self.entries {
            if state.apply(entry) {
                visit(entry, &state);
            }
        }
        state
    }

    /// Each record that belongs to the history, with the document right after it; none where the
    /// contract's GET found nobody.
    pub fn documents<'a>(
        &'a self,
        shape: &Shape,
    ) -> impl Iterator<Item = (&'a Entry, Option<String>)> {
        let mut state = self.start.clone();
        self.entries.iter().filter_map(move |entry| {
            let document = state.apply(entry).then(|| shape.document(&state))?;
            Some((entry, document))
        })
    }
}

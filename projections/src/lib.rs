//! How events become views: what each shop's contract shows of a customer.
//!
//! A **view** is a customer (or group) in one contract's shape. A **projection** is the pure code
//! that builds it: `apply` folds a record into the view, `render` writes the view as the contract's
//! JSON. Every answer of the service is made by these two, and nowhere else.
//!
//! # Adding a projection
//!
//! 1. A pure file: a struct that holds exactly what the contract shows, and `apply`, which matches
//!    every event. No `_` arm: a new event must stop the compiler here.
//! 2. `render`, as structs whose fields stand in the contract's order.
//! 3. A table file, the only one with SQL, and a migration that makes the table: `store`, `stream`,
//!    `id`, `sequence`, `position`, `deleted`, `view`, and a column for whatever a list filters or
//!    sorts by.
//! 4. One line in the service's list of projections.
//!
//! Four things to note:
//!
//! * What a contract cannot show does not move its clock: `updated_at` belongs to the view.
//! * A personal value may be [erased](events::personal::Personal::Erased). It folds to nothing, and
//!   a view folded after the erasure must end as the row that was there before it.
//! * A deleted view holds no personal data: it keeps ids, sequence and position, and nothing else
//!   ever enters it again.
//! * `apply` trusts its caller to bring each sequence once, in order: ask [`continuity`] first.

pub mod countries;
pub mod medusa;
pub mod shopline;
pub mod table;

use events::patch::Patch;
use events::personal::Personal;

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
pub const fn continuity(held: i64, sequence: i64) -> Continuity {
    if sequence <= held {
        Continuity::Seen
    } else if sequence - held == 1 {
        Continuity::Next
    } else {
        Continuity::Gap
    }
}

/// The value as a view holds it; sealed and erased ones are nothing.
fn read<T: Clone>(value: Option<&Personal<T>>) -> Option<T> {
    value.and_then(Personal::open).cloned()
}

/// Applies a patch to what a view holds.
fn patch<T: Clone>(field: &mut Option<T>, patch: &Patch<Personal<T>>) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => *field = None,
        Patch::Set(value) => *field = read(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_next_seen_or_beyond_a_gap() {
        assert_eq!(continuity(0, 1), Continuity::Next);
        assert_eq!(continuity(7, 8), Continuity::Next);
        assert_eq!(continuity(7, 7), Continuity::Seen);
        assert_eq!(continuity(7, 1), Continuity::Seen);
        assert_eq!(continuity(7, 9), Continuity::Gap);
        assert_eq!(continuity(0, 2), Continuity::Gap);
    }
}

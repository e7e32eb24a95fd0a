//! How events become views: what each shop's contract shows of a customer.
//!
//! A **view** is a customer (or group) in one contract's shape. A **projection** is the pure code
//! that builds it: `apply` folds a record into the view, `render` writes the view as the contract's
//! JSON. Every answer of the service is made by these two, and nowhere else.
//!
//! # Adding a projection
//!
//! 1. A folder, named as the contract, with a struct `Customer` that holds exactly what the contract
//!    shows, and `apply`, which matches every event. No `_` arm: a new event must stop the compiler
//!    here.
//! 2. `render`, as structs whose fields stand in the contract's order.
//! 3. A table file, which implements [`View`] with a column for whatever a list filters or sorts by,
//!    and a migration that makes the table: those columns, and the ones of [`view::Row`], `store` and
//!    `view`.
//! 4. One line in the list of projections, `list.rs`: the projector, the rebuild, its comparison and
//!    the history go through it.
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
mod list;
pub mod medusa;
pub mod shopline;
pub mod table;
pub mod view;

use events::personal::Personal;

pub use self::list::{CustomerViews, Projection, Visitor};
pub use self::view::{Continuity, View, continuity};

/// The value as a view holds it; sealed and erased ones are nothing.
fn read<T: Clone>(value: Option<&Personal<T>>) -> Option<T> {
    value.and_then(Personal::open).cloned()
}

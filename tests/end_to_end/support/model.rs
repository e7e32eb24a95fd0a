//! What the tests share that hold Postgres against a plain filter over the same random customers.

use events::ids::Sequence;
use jiff::Timestamp;
use projections::table::Advance;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

/// The second before the first of the times.
pub(crate) const BEGINNING: i64 = 1_790_000_000;
/// How many times there are: half a second apart, so that windows cut between them, and few enough
/// that several customers share one.
pub(crate) const TIMES: i64 = 20;

/// One of the times.
pub(crate) fn time(step: i64) -> Timestamp {
    Timestamp::from_microsecond(BEGINNING * 1_000_000 + 123 + step * 500_000).unwrap()
}

/// One value of a strategy.
pub(crate) fn draw<S: Strategy>(runner: &mut TestRunner, strategy: S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

/// Views to write over rows of this sequence.
pub(crate) fn rows<V>(from: Sequence, views: &[V]) -> Vec<Advance<'_, V>> {
    views.iter().map(|view| Advance { from, view }).collect()
}

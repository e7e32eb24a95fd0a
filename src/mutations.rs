//! Guards that the torture removes, one at a time, to show that it notices.
//!
//! Only a build with the feature `mutations` can do without one; `LEDGER_MUTATION` names it. In
//! every other build [`without`] is the constant `false`.

/// What keeps a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// "Nothing changes" is confirmed under the append's lock before it is answered.
    Confirmation,
    /// A request is known again by its idempotency key.
    Repeats,
    /// A read by id folds what the ledger holds beyond the view's row.
    Tail,
    /// A list waits for its projection, or says by how much it is behind.
    Lists,
    /// The topic itself is the relay's only cursor.
    TopicIsCursor,
    /// One relay at a time: the lease, and Kafka's fence behind it.
    OneRelay,
    /// A topic that lost records is filled again.
    LostRecords,
    /// What the topic does not bring comes from the store.
    Healing,
    /// Offsets change in the transaction that changes the views.
    OffsetsWithViews,
}

/// Whether this process does without a guard.
#[cfg(not(feature = "mutations"))]
pub const fn without(_guard: Guard) -> bool {
    false
}

/// Whether this process does without a guard.
#[cfg(feature = "mutations")]
pub fn without(guard: Guard) -> bool {
    static MUTATION: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "no setting of the ledger: only this build knows it"
        )]
        std::env::var("LEDGER_MUTATION").unwrap_or_default()
    });
    *MUTATION == format!("{guard:?}")
}

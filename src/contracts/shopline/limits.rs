//! What one request may hold, at most.

/// The bytes of a body.
pub(crate) const BODY_BYTES_MAX: usize = 1_048_576;

/// The ids that a request may name: more than an app shows on a page.
pub(crate) const IDS_MAX: usize = 250;

/// The addresses that a request may list: more than a body can hold of those that were shown, less
/// than what a body of empty ones would make the ledger build. How many a customer may have is
/// another question, judged against those that are there.
pub(crate) const ADDRESS_ITEMS_MAX: usize = 5000;

//! What was asked wrongly.

use crate::history;

/// A command line that can be read and asks for something that cannot be: a sentence that says what,
/// and what would be right. The exit code is 2, as for a command line that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    /// Says what is wrong.
    pub fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// Why a question to the past has no answer: what was asked is wrong, or the store could not be read.
pub(super) fn no_answer(error: history::Error) -> Box<dyn std::error::Error> {
    if let history::Error::Read(error) = error {
        error.into()
    } else {
        UsageError::new(error).into()
    }
}

//! How values are read. A parser says what it expects and never repeats what it was given.

use std::fmt;

/// What a value should have been: the end of the sentence "NAME is not …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Expected(pub(super) &'static str);

/// A text that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// A text that is not empty, for a setting with a default.
pub(super) fn text(text: &str) -> Result<String, Expected> {
    if text.is_empty() {
        Err(Expected("a text"))
    } else {
        Ok(text.to_owned())
    }
}

/// A whole number that is not 0.
pub(super) fn count<N: TryFrom<u32>>(text: &str) -> Result<N, Expected> {
    let count = text.parse().ok().filter(|&count: &u32| count > 0);
    count
        .and_then(|count| N::try_from(count).ok())
        .ok_or(Expected("a whole number from 1 to 4294967295"))
}

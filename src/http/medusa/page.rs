//! What the lists share.

use projections::medusa::Envelope;
use projections::medusa::table::pages::StreamPage;

use crate::contracts::medusa::error::ApiError;
use crate::contracts::medusa::list::Shown;

pub(super) const fn envelope(found: &StreamPage, shown: &Shown) -> Envelope {
    Envelope {
        count: found.count,
        offset: shown.offset,
        limit: shown.limit,
    }
}

/// Why a search failed. A value that PostgreSQL does not take is Medusa's unknown error. All else,
/// a search that takes too long among it, passes, so that the official client may repeat.
pub(super) fn not_searched(error: sqlx::Error) -> ApiError {
    const DATA_EXCEPTION: &str = "22";
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code {
        Some(code) if code.starts_with(DATA_EXCEPTION) => {
            tracing::warn!(error = %code, "the database did not take a value of a list's query");
            ApiError::Unknown
        }
        Some(_) | None => error.into(),
    }
}

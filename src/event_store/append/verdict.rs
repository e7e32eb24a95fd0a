//! What became of each command of a call.

use events::ids::{Position, Sequence, StreamId};
use jiff::Timestamp;
use serde::Deserialize;

/// The first request that came with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FirstRequest {
    /// HMAC of that request, hexadecimal.
    pub request: String,
    /// The stream it was about.
    pub stream: StreamId,
    /// The stream's sequence after it.
    pub sequence: Sequence,
    /// The ledger's position after it.
    pub position: Position,
    /// Status of its answer.
    pub status: u16,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the ledger, durably.
    Appended {
        /// Position of its last event; of the ledger's last when it had none.
        position: Position,
        /// Time of its events.
        time: Timestamp,
    },
    /// A stream it was decided on has moved on.
    Stale,
    /// Its idempotency key was used before.
    Repeated(FirstRequest),
    /// It conflicts with what other streams hold, or needs what is not there: every reason.
    Conflicts(Vec<Conflict>),
}

/// Why the store does not take a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another stream holds the claim of this kind.
    Claimed(String),
    /// Another stream has the mark of this kind.
    Marked(String),
    /// There is no such group.
    GroupUnknown(StreamId),
}

/// A row of the answer of `append`.
#[derive(sqlx::FromRow)]
pub(super) struct VerdictRow {
    command: i32,
    verdict: String,
    position: Option<Position>,
    time: Option<jiff_sqlx::Timestamp>,
    detail: Option<String>,
}

/// Gathers the rows of each command. A repeated request comes before a stale stream, and a stale stream
/// before every other reason: those were judged on a state that is no longer.
pub(super) fn gather(
    commands: usize,
    rows: Vec<VerdictRow>,
) -> Result<Vec<Verdict>, UnreadableVerdict> {
    let mut verdicts = vec![Verdict::Conflicts(vec![]); commands];
    for row in rows {
        let slot = usize::try_from(row.command - 1)
            .ok()
            .and_then(|index| verdicts.get_mut(index))
            .ok_or(UnreadableVerdict::Command(row.command))?;
        let detail = row.detail.unwrap_or_default();
        let conflict = match row.verdict.as_str() {
            "appended" => {
                let (position, time) = row
                    .position
                    .zip(row.time)
                    .ok_or(UnreadableVerdict::NoPosition)?;
                *slot = Verdict::Appended {
                    position,
                    time: time.to_jiff(),
                };
                continue;
            }
            "repeated" => {
                *slot = Verdict::Repeated(serde_json::from_str(&detail)?);
                continue;
            }
            "stale" => {
                if !matches!(slot, Verdict::Repeated(_)) {
                    *slot = Verdict::Stale;
                }
                continue;
            }
            "claimed" => Conflict::Claimed(detail),
            "marked" => Conflict::Marked(detail),
            "unknown_group" => Conflict::GroupUnknown(detail.into()),
            _ => return Err(UnreadableVerdict::Kind(row.verdict)),
        };
        if let Verdict::Conflicts(conflicts) = slot {
            conflicts.push(conflict);
        }
    }
    Ok(verdicts)
}

/// An answer of the SQL function that this release does not understand.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnreadableVerdict {
    #[error("a verdict is about command {0}, which was not asked for")]
    Command(i32),
    #[error("there is no verdict {0}")]
    Kind(String),
    #[error("an appended command has no position or no time")]
    NoPosition,
    #[error("the first request cannot be read")]
    FirstRequest(#[from] serde_json::Error),
}

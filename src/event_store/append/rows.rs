//! What `append` takes: commands as arrays of the composite types of `migrations/0004_append.sql`.
//!
//! Fields are sent in the order of the type's columns.

use events::ids::{Sequence, StreamId};
use events::record::StreamKind;
use sqlx::Postgres;
use sqlx::postgres::{PgHasArrayType, PgTypeInfo};

use super::command::{
    Append, ClaimChange, CredentialChange, KeyChange, MarkChange, NewEvent, NewRequest,
};
use crate::event_store::point::ExpectedStream;

/// `expected_stream`.
#[derive(sqlx::Encode)]
pub(super) struct ExpectedStreamRow<'a> {
    command: i32,
    kind: &'a str,
    stream: &'a StreamId,
    sequence: Option<Sequence>,
}

/// `new_event`.
#[derive(sqlx::Encode)]
pub(super) struct NewEventRow<'a> {
    command: i32,
    kind: &'a str,
    stream: &'a StreamId,
    sequence: Sequence,
    event_type: &'a str,
    version: &'a str,
    payload: &'a str,
    metadata: &'a str,
}

/// `hold_change`.
#[derive(sqlx::Encode)]
pub(super) struct HoldChangeRow<'a> {
    command: i32,
    hold: &'a str,
    kind: &'a str,
    key: &'a [u8],
    holder: &'a StreamId,
    take: bool,
}

/// `secret_change`.
#[derive(sqlx::Encode)]
pub(super) struct SecretChangeRow<'a> {
    command: i32,
    secret: &'a str,
    stream: &'a StreamId,
    number: Option<i32>,
    wrapped: Option<&'a [u8]>,
    hash: Option<&'a str>,
}

/// `new_request`.
#[derive(sqlx::Encode)]
pub(super) struct NewRequestRow<'a> {
    command: i32,
    actor: &'a str,
    route: &'a str,
    key: &'a [u8],
    request: &'a [u8],
    stream: &'a StreamId,
    sequence: Sequence,
    status: i32,
}

macro_rules! composite_types {
    ($($row:ident is $name:literal),*) => {$(
        impl sqlx::Type<Postgres> for $row<'_> {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_name($name)
            }
        }

        impl PgHasArrayType for $row<'_> {
            fn array_type_info() -> PgTypeInfo {
                PgTypeInfo::array_of($name)
            }
        }
    )*};
}

composite_types!(
    ExpectedStreamRow is "expected_stream",
    NewEventRow is "new_event",
    HoldChangeRow is "hold_change",
    SecretChangeRow is "secret_change",
    NewRequestRow is "new_request"
);

impl<'a> ExpectedStreamRow<'a> {
    fn stream((command, expected): (i32, &'a ExpectedStream)) -> Self {
        Self {
            command,
            kind: expected.kind.name(),
            stream: &expected.stream,
            sequence: Some(expected.sequence),
        }
    }

    fn group((command, group): (i32, &'a StreamId)) -> Self {
        Self {
            command,
            kind: StreamKind::CustomerGroup.name(),
            stream: group,
            sequence: None,
        }
    }
}

impl<'a> NewEventRow<'a> {
    fn event((command, event): (i32, &'a NewEvent)) -> Self {
        Self {
            command,
            kind: event.kind.name(),
            stream: &event.stream,
            sequence: event.sequence,
            event_type: event.event_type,
            version: event.event_version,
            payload: &event.payload,
            metadata: &event.metadata,
        }
    }
}

impl<'a> HoldChangeRow<'a> {
    fn claim((command, claim): (i32, &'a ClaimChange)) -> Self {
        Self {
            command,
            hold: "claim",
            kind: claim.kind,
            key: &claim.key,
            holder: &claim.stream,
            take: claim.take,
        }
    }

    fn mark((command, mark): (i32, &'a MarkChange)) -> Self {
        Self {
            command,
            hold: if mark.sole { "sole_mark" } else { "mark" },
            kind: mark.kind,
            key: &mark.key,
            holder: &mark.stream,
            take: mark.take,
        }
    }
}

impl<'a> SecretChangeRow<'a> {
    fn key((command, change): (i32, &'a KeyChange)) -> Self {
        let key = change.key.as_ref();
        Self {
            command,
            secret: "key",
            stream: &change.stream,
            number: key.map(|(number, _)| *number),
            wrapped: key.map(|(_, wrapped)| wrapped.as_slice()),
            hash: None,
        }
    }

    fn credential((command, change): (i32, &'a CredentialChange)) -> Self {
        Self {
            command,
            secret: "credential",
            stream: &change.stream,
            number: None,
            wrapped: None,
            hash: change.hash.as_deref(),
        }
    }
}

impl<'a> NewRequestRow<'a> {
    fn request((command, request): (i32, &'a NewRequest)) -> Self {
        Self {
            command,
            actor: &request.actor,
            route: &request.route,
            key: &request.key,
            request: &request.request,
            stream: &request.stream,
            sequence: request.sequence,
            status: i32::from(request.status),
        }
    }
}

/// The streams that the commands expect, and the groups that they need.
pub(super) fn streams(batch: &[Append]) -> Vec<ExpectedStreamRow<'_>> {
    let streams = numbered(batch, |append| &append.streams).map(ExpectedStreamRow::stream);
    let groups = numbered(batch, |append| &append.groups).map(ExpectedStreamRow::group);
    streams.chain(groups).collect()
}

/// The events, in the order of the commands.
pub(super) fn events(batch: &[Append]) -> Vec<NewEventRow<'_>> {
    let events = numbered(batch, |append| &append.events);
    events.map(NewEventRow::event).collect()
}

/// The claims and marks that are taken and released.
pub(super) fn holds(batch: &[Append]) -> Vec<HoldChangeRow<'_>> {
    let claims = numbered(batch, |append| &append.claims).map(HoldChangeRow::claim);
    let marks = numbered(batch, |append| &append.marks).map(HoldChangeRow::mark);
    claims.chain(marks).collect()
}

/// The keys and password hashes that are new or deleted.
pub(super) fn secrets(batch: &[Append]) -> Vec<SecretChangeRow<'_>> {
    let keys = numbered(batch, |append| &append.keys).map(SecretChangeRow::key);
    let credentials = numbered(batch, |append| &append.credentials);
    let credentials = credentials.map(SecretChangeRow::credential);
    keys.chain(credentials).collect()
}

/// The requests to remember.
pub(super) fn requests(batch: &[Append]) -> Vec<NewRequestRow<'_>> {
    let requests = numbered(batch, |append| append.request.as_slice());
    requests.map(NewRequestRow::request).collect()
}

/// The parts of all commands, each with its command's number from 1.
fn numbered<'a, T: 'a>(
    batch: &'a [Append],
    parts: impl Fn(&'a Append) -> &'a [T],
) -> impl Iterator<Item = (i32, &'a T)> {
    (1..)
        .zip(batch)
        .flat_map(move |(command, append)| parts(append).iter().map(move |part| (command, part)))
}

//! A record as a Kafka message and back: `CloudEvents` 1.0 in binary mode.
//!
//! The key is the stream, the value the payload as stored, and the headers say everything else, the
//! metadata's exact text included: a consumer can compute the record's leaf. The two directions stand
//! side by side; a header that one of them changes, the other must, too.

use events::catalogue;
use events::ids::{Position, Sequence};
use events::record::{StoredRecord, StreamKind};
use jiff::Timestamp;
use rdkafka::Message;
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Identity;

/// The header with a record's position; the relay finds its way by it.
pub const POSITION: &str = "ce_ledgerposition";
const PREVIOUS: &str = "ce_ledgerprevious";
const INCARNATION: &str = "ce_ledgerincarnation";
const CUSTOMER_TYPES: &str = "ledger.customer.";
const GROUP_TYPES: &str = "ledger.group.";

/// The headers of a record. `previous` is the position before it in the same partition, 0 for none.
pub fn headers(record: &StoredRecord, identity: &Identity, previous: Position) -> OwnedHeaders {
    let position = record.position.to_string();
    let id = &identity.ledger_id;
    // An event without a public name cannot be written: a test holds the catalogue complete.
    let kind = catalogue::cloud_event_type(&record.event_type).unwrap_or(&record.event_type);
    let mut headers = OwnedHeaders::new();
    for (key, value) in [
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", &position),
        ("ce_source", &source(id)),
        ("ce_subject", &record.stream),
        ("ce_type", kind),
        ("ce_time", &format!("{:.6}", record.time)),
        (
            "ce_dataschema",
            &catalogue::data_schema(&record.event_type, &record.event_version),
        ),
        ("ce_partitionkey", &record.stream),
        ("ce_sequence", &record.sequence.to_string()),
        (POSITION, &position),
        (PREVIOUS, &previous.to_string()),
        ("ce_ledgerstore", &record.store),
        ("ce_ledgerepoch", &identity.epoch.to_string()),
        (INCARNATION, &identity.incarnation.to_string()),
        ("ce_ledgermetadata", &record.metadata),
    ] {
        headers = headers.insert(Header {
            key,
            value: Some(value),
        });
    }
    if let Some(traceparent) = traceparent(record) {
        headers = headers.insert(Header {
            key: "traceparent",
            value: Some(&traceparent),
        });
    }
    headers
}

fn source(ledger_id: &str) -> String {
    format!("urn:ledger:{ledger_id}")
}

/// The request's id is the trace; the span is the record's own, the same whenever it is sent.
fn traceparent(record: &StoredRecord) -> Option<String> {
    let metadata: Value = serde_json::from_str(&record.metadata).ok()?;
    let trace = metadata.get("request_id")?.as_str()?;
    let is_trace = trace.len() == 32
        && trace
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        && trace.bytes().any(|b| b != b'0');
    let mut span = hex::encode(Sha256::digest(format!("{trace}:{}", record.position)));
    span.truncate(16);
    is_trace.then(|| format!("00-{trace}-{span}-01"))
}

/// A record as it came, with where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// The position before it in the same partition; 0 for none.
    pub previous: Position,
    /// Which filling of the topic it belongs to.
    pub incarnation: i64,
    /// The record.
    pub record: StoredRecord,
}

/// A message that is no record of this ledger. Says where it is, never what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the message at partition {partition}, offset {offset} (position {}) is no record: {what} is \
     missing or wrong",
    .position.map_or_else(|| "unknown".to_owned(), |position| position.to_string())
)]
pub struct Unreadable {
    /// The partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// The position it claims to have.
    pub position: Option<Position>,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Reads a message of this ledger's topic.
pub fn receive(message: &impl Message, ledger_id: &str) -> Result<Received, Unreadable> {
    let unreadable = |what| Unreadable {
        partition: message.partition(),
        offset: message.offset(),
        position: position(message),
        what,
    };
    let text = |key| header(message, key).ok_or_else(|| unreadable(key));
    let number = |key| text(key)?.parse::<i64>().map_err(|_not| unreadable(key));
    if text("ce_source")? != source(ledger_id) {
        return Err(unreadable("ce_source"));
    }
    let public_type = text("ce_type")?;
    let kind = if public_type.starts_with(CUSTOMER_TYPES) {
        StreamKind::Customer
    } else if public_type.starts_with(GROUP_TYPES) {
        StreamKind::CustomerGroup
    } else {
        return Err(unreadable("ce_type"));
    };
    let schema = text("ce_dataschema")?.strip_prefix("urn:ledger:schema:");
    let (event_type, event_version) = schema
        .and_then(|schema| schema.split_once(':'))
        .ok_or_else(|| unreadable("ce_dataschema"))?;
    let value = message.payload().map(std::str::from_utf8);
    Ok(Received {
        partition: message.partition(),
        offset: message.offset(),
        previous: Position::new(number(PREVIOUS)?),
        incarnation: number(INCARNATION)?,
        record: StoredRecord {
            position: Position::new(number(POSITION)?),
            sequence: Sequence::new(number("ce_sequence")?),
            store: text("ce_ledgerstore")?.into(),
            kind,
            stream: text("ce_subject")?.into(),
            event_type: event_type.to_owned(),
            event_version: event_version.to_owned(),
            payload: value
                .and_then(Result::ok)
                .ok_or_else(|| unreadable("the value"))?
                .to_owned(),
            metadata: text("ce_ledgermetadata")?.to_owned(),
            time: text("ce_time")?
                .parse::<Timestamp>()
                .map_err(|_not| unreadable("ce_time"))?,
        },
    })
}

/// The position a message claims to have.
pub fn position(message: &impl Message) -> Option<Position> {
    header(message, POSITION)?.parse().ok()
}

fn header<'a>(message: &'a impl Message, key: &str) -> Option<&'a str> {
    let header = message.headers()?.iter().find(|header| header.key == key)?;
    std::str::from_utf8(header.value?).ok()
}

#[cfg(test)]
mod tests {
    use rdkafka::message::{OwnedMessage, Timestamp as MessageTime};

    use super::*;

    fn record() -> StoredRecord {
        StoredRecord {
            position: Position::new(1093),
            sequence: Sequence::new(7),
            store: "main".into(),
            kind: StreamKind::Customer,
            stream: "01ARZ3NDEKTSV4RRFFQ69G5FAV".into(),
            event_type: "AddressChanged".into(),
            event_version: "1.0.0".into(),
            payload: r#"{"event":"AddressChanged" }"#.into(),
            metadata: r#"{"request_id":"0af7651916cd43dd8448eb211c80319c"}"#.into(),
            time: Timestamp::from_microsecond(1_700_000_000_000_010).unwrap(),
        }
    }

    fn identity() -> Identity {
        Identity {
            ledger_id: "5a3c".into(),
            epoch: 1,
            incarnation: 2,
        }
    }

    fn message(headers: OwnedHeaders) -> OwnedMessage {
        OwnedMessage::new(
            Some(record().payload.into_bytes()),
            Some(record().stream.into_string().into_bytes()),
            "ledger.events".into(),
            MessageTime::NotAvailable,
            3,
            40,
            Some(headers),
        )
    }

    #[test]
    fn a_record_comes_back_as_it_was_sent() {
        let received = receive(
            &message(headers(&record(), &identity(), Position::new(1090))),
            "5a3c",
        );
        let expected = Received {
            partition: 3,
            offset: 40,
            previous: Position::new(1090),
            incarnation: 2,
            record: record(),
        };
        assert_eq!(received, Ok(expected));
    }

    #[test]
    fn the_headers_are_the_documented_ones() {
        let headers = headers(&record(), &identity(), Position::new(1090));
        let lines: Vec<String> = headers
            .iter()
            .map(|header| {
                let value = std::str::from_utf8(header.value.unwrap()).unwrap();
                format!("{}: {value}", header.key)
            })
            .collect();
        let expected = r#"content-type: application/json
ce_specversion: 1.0
ce_id: 1093
ce_source: urn:ledger:5a3c
ce_subject: 01ARZ3NDEKTSV4RRFFQ69G5FAV
ce_type: ledger.customer.address_changed
ce_time: 2023-11-14T22:13:20.000010Z
ce_dataschema: urn:ledger:schema:AddressChanged:1.0.0
ce_partitionkey: 01ARZ3NDEKTSV4RRFFQ69G5FAV
ce_sequence: 7
ce_ledgerposition: 1093
ce_ledgerprevious: 1090
ce_ledgerstore: main
ce_ledgerepoch: 1
ce_ledgerincarnation: 2
ce_ledgermetadata: {"request_id":"0af7651916cd43dd8448eb211c80319c"}
traceparent: 00-0af7651916cd43dd8448eb211c80319c-"#;
        let text = lines.join("\n");
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.ends_with("-01") && text.len() == expected.len() + 19,
            "{text}"
        );
    }

    #[test]
    fn what_is_no_record_of_this_ledger_is_unreadable() {
        let sent = message(headers(&record(), &identity(), Position::START));
        assert_eq!(receive(&sent, "other").unwrap_err().what, "ce_source");
        let error = receive(&message(OwnedHeaders::new()), "5a3c").unwrap_err();
        assert_eq!(
            (error.partition, error.offset, error.position),
            (3, 40, None)
        );
        let half = OwnedHeaders::new().insert(Header {
            key: POSITION,
            value: Some("9"),
        });
        assert_eq!(
            receive(&message(half), "5a3c").unwrap_err().position,
            Some(Position::new(9))
        );
    }
}

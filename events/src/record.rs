//! The record: an event as stored, hashed and sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::ids::{Position, RequestId, Sequence, StoreName, StreamId};
use crate::personal::Personal;

/// An event with its place in the ledger and who asked for it, opened and decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<E> {
    /// Place in the ledger's one total order, from 1, without a gap.
    pub position: Position,
    /// Place in its stream, from 1, without a gap.
    pub sequence: Sequence,
    /// The store whose customer or group it is about.
    pub store: StoreName,
    /// The stream: the customer's or group's ULID.
    pub stream: StreamId,
    /// When it was appended, UTC, microseconds. All events of one request share it; every later
    /// request has a greater one.
    pub time: Timestamp,
    /// What happened.
    pub event: E,
    /// Who asked for it, and how.
    pub metadata: Metadata,
}

/// What kind of thing a stream is about. The name is the `aggregate_type` of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StreamKind {
    /// A customer.
    Customer,
    /// A customer group.
    CustomerGroup,
}

impl StreamKind {
    /// The name as stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::CustomerGroup => "CustomerGroup",
        }
    }

    /// The kind of a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "Customer" => Some(Self::Customer),
            "CustomerGroup" => Some(Self::CustomerGroup),
            _ => None,
        }
    }
}

/// An event exactly as it stands in the store: payload and metadata are the texts that are hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Place in the ledger's one total order.
    pub position: Position,
    /// Place in its stream.
    pub sequence: Sequence,
    /// The store.
    pub store: StoreName,
    /// Kind of the stream.
    pub kind: StreamKind,
    /// The stream.
    pub stream: StreamId,
    /// Type name of the event.
    pub event_type: String,
    /// Version of the payload.
    pub event_version: String,
    /// The payload's JSON text, personal values sealed.
    pub payload: String,
    /// The metadata's JSON text: a flat object of strings.
    pub metadata: String,
    /// When it was appended.
    pub time: Timestamp,
}

impl StoredRecord {
    /// The record's leaf in the ledger's Merkle tree: SHA-256 over a zero byte and the RFC 8785
    /// form of what identifies the record. `docs/leaf.md` specifies it, with test vectors.
    pub fn leaf(&self) -> [u8; 32] {
        /// The members in RFC 8785 order. serde writes integers and strings as that form does.
        #[derive(Serialize)]
        struct Leaf<'a> {
            metadata_sha256: String,
            payload_sha256: String,
            position: Position,
            sequence: Sequence,
            store: &'a str,
            stream: &'a str,
            time: i64,
            r#type: &'a str,
            v: i32,
            version: &'a str,
        }
        let leaf = Leaf {
            metadata_sha256: hex::encode(Sha256::digest(&self.metadata)),
            payload_sha256: hex::encode(Sha256::digest(&self.payload)),
            position: self.position,
            sequence: self.sequence,
            store: &self.store,
            stream: &self.stream,
            time: self.time.as_microsecond(),
            r#type: &self.event_type,
            v: 1,
            version: &self.event_version,
        };
        let json = serde_json::to_vec(&leaf).expect("texts and integers always serialise");
        Sha256::new()
            .chain_update([0])
            .chain_update(json)
            .finalize()
            .into()
    }
}

/// Who asked for an event, on whose behalf, why and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Who asked.
    pub actor: Actor,
    /// On whose behalf, in the caller's words: the header `Ledger-On-Behalf-Of`.
    pub on_behalf_of: Option<Personal<String>>,
    /// Why, in the caller's words: the header `Ledger-Reason`.
    pub reason: Option<Personal<String>>,
    /// Through which contract.
    pub contract: Contract,
    /// Through which route: its template, never a path with values.
    pub route: String,
    /// The request: 32 hexadecimal digits, the header `Ledger-Request-Id` of its answer.
    pub request_id: RequestId,
    /// HMAC of the request's `Idempotency-Key`, hexadecimal.
    pub idempotency_key: Option<String>,
}

/// Who asked: a pseudonym. Names live in a table that can be erased.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What kind of caller.
    pub kind: ActorKind,
    /// The caller's pseudonymous id: a Medusa user id, a SHOPLINE app key, a name on the console.
    pub id: String,
}

/// Kinds of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person of the merchant's, known to Medusa.
    Person,
    /// An app of SHOPLINE's.
    App,
    /// The holder of a ledger token.
    ApiKey,
    /// Somebody at the command line.
    Operator,
}

impl ActorKind {
    /// The name as stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::App => "app",
            Self::ApiKey => "api_key",
            Self::Operator => "operator",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Person, Self::App, Self::ApiKey, Self::Operator]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// The ways in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contract {
    /// Medusa's admin API.
    Medusa,
    /// SHOPLINE's admin API.
    Shopline,
    /// The ledger's own API and command line.
    Ledger,
}

impl Contract {
    /// The name as stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Medusa => "medusa",
            Self::Shopline => "shopline",
            Self::Ledger => "ledger",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Medusa, Self::Shopline, Self::Ledger]
            .into_iter()
            .find(|c| c.name() == name)
    }
}

/// A stored metadata that does not say who asked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the metadata's member {0} is missing or unknown")]
pub struct MetadataError(&'static str);

impl Metadata {
    /// The flat object of strings that is stored. Personal values keep their JSON form, as text, for
    /// the store to seal.
    pub fn to_flat(&self) -> Map<String, Value> {
        let mut flat = Map::new();
        let mut put = |key: &str, value: String| flat.insert(key.to_owned(), value.into());
        put("actor_kind", self.actor.kind.name().to_owned());
        put("actor_id", self.actor.id.clone());
        put("contract", self.contract.name().to_owned());
        put("route", self.route.clone());
        put("request_id", self.request_id.as_str().to_owned());
        if let Some(key) = &self.idempotency_key {
            put("idempotency_key", key.clone());
        }
        for (key, value) in PERSONAL_METADATA
            .iter()
            .zip([&self.on_behalf_of, &self.reason])
        {
            if let Some(value) = value {
                let text = serde_json::to_string(value).expect("a text always serialises");
                put(key, text);
            }
        }
        flat
    }

    /// Reads the flat object, its personal values opened.
    pub fn from_flat(flat: &Map<String, Value>) -> Result<Self, MetadataError> {
        let text = |key| flat.get(key).and_then(Value::as_str);
        let required = |key| text(key).map(ToOwned::to_owned).ok_or(MetadataError(key));
        let personal = |key| text(key).and_then(|text| serde_json::from_str(text).ok());
        Ok(Self {
            actor: Actor {
                kind: text("actor_kind")
                    .and_then(ActorKind::parse)
                    .ok_or(MetadataError("actor_kind"))?,
                id: required("actor_id")?,
            },
            on_behalf_of: personal("on_behalf_of"),
            reason: personal("reason"),
            contract: text("contract")
                .and_then(Contract::parse)
                .ok_or(MetadataError("contract"))?,
            route: required("route")?,
            request_id: required("request_id")?.into(),
            idempotency_key: text("idempotency_key").map(ToOwned::to_owned),
        })
    }
}

/// The members of the flat metadata that are personal: each is the JSON text of a `Personal` text.
pub const PERSONAL_METADATA: [&str; 2] = ["on_behalf_of", "reason"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_survives_its_flat_form() {
        let metadata = Metadata {
            actor: Actor {
                kind: ActorKind::App,
                id: "app".into(),
            },
            on_behalf_of: Some("Ann".to_owned().into()),
            reason: None,
            contract: Contract::Shopline,
            route: "PUT /customers/{id}.json".into(),
            request_id: "00".repeat(16).into(),
            idempotency_key: Some("ab".into()),
        };
        assert_eq!(Metadata::from_flat(&metadata.to_flat()), Ok(metadata));
    }

    #[test]
    fn the_leaf_is_the_documented_one() {
        let record = StoredRecord {
            position: Position::new(7),
            sequence: Sequence::new(2),
            store: "main".into(),
            kind: StreamKind::Customer,
            stream: "01ARZ3NDEKTSV4RRFFQ69G5FAV".into(),
            event_type: "CustomerDeleted".into(),
            event_version: "1.0.0".into(),
            payload: r#"{"event":"CustomerDeleted"}"#.into(),
            metadata: r#"{"actor_kind":"operator"}"#.into(),
            time: Timestamp::from_microsecond(1_700_000_000_000_001).unwrap(),
        };
        assert_eq!(
            hex::encode(record.leaf()),
            "5739564a25353d5e7f94e0b2524d9d99034f33b67a220e8e50628d2897307c5d"
        );
    }
}

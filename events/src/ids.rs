//! The ids and numbers by which things are named: each a type of its own, so that none passes for
//! another. In JSON, in Postgres and in the schemas each is its bare text or number.

mod number;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::number::{Position, Sequence};
pub use self::text::{MedusaId, RequestId, ShoplineId, StoreName, StreamId};

/// A customer's or an address's ids in both shops.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForeignIds {
    /// Medusa's id: `cus_…` or `addr_…`.
    pub medusa: MedusaId,
    /// SHOPLINE's id: ten digits for a customer, `SL201UA` and 19 digits for an address.
    pub shopline: ShoplineId,
}

/// The prefix of a customer's id in Medusa, before the stream's ULID.
pub const MEDUSA_CUSTOMER: &str = "cus_";
/// The prefix of an address's id in Medusa, before the address's ULID.
pub const MEDUSA_ADDRESS: &str = "addr_";
/// The prefix of a group's id in Medusa, before the stream's ULID.
pub const MEDUSA_GROUP: &str = "cgrp_";

/// The ULID in an id that the ledger made for Medusa, or `None` for any other text.
///
/// ```
/// use events::ids::{MEDUSA_CUSTOMER, own_ulid};
/// let id = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV";
/// assert_eq!(own_ulid(MEDUSA_CUSTOMER, id), Some("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
/// assert_eq!(own_ulid(MEDUSA_CUSTOMER, "cus_nope"), None);
/// ```
pub fn own_ulid<'id>(prefix: &str, id: &'id str) -> Option<&'id str> {
    let ulid = id.strip_prefix(prefix)?;
    let is_crockford =
        |b: u8| b.is_ascii_digit() || (b.is_ascii_uppercase() && !b"ILOU".contains(&b));
    (ulid.len() == 26 && ulid.bytes().all(is_crockford)).then_some(ulid)
}

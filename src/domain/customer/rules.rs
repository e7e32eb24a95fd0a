//! What a contract demands beyond the ledger's own invariants, as data, and why a command is refused.

use std::fmt;

use events::ids::{ShoplineId, StreamId};
use events::record::Contract;

/// Most bytes that metadata may have as JSON, whatever the contract. Each event that changes it carries
/// it whole, and no event may outgrow what Kafka takes.
pub const METADATA_BYTES_MAX: usize = 1024 * 1024;

/// What one contract demands beyond the ledger's own invariants, as data.
///
/// A value equal to the stored one is never judged (DESIGN: a misfit from the other shop does not
/// make read-change-write fail).
#[derive(Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whose rules these are.
    pub contract: Contract,
    /// Every customer has an e-mail, and a registered customer's cannot be changed.
    /// Source: Medusa, `POST /admin/customers/{id}`.
    pub email_required_and_fixed: bool,
    /// Every customer has an e-mail or a phone; marketing needs an e-mail; no other live customer
    /// has the same e-mail in any case, nor the same phone. Source: SHOPLINE, customers.
    pub contact_required_and_unique: bool,
    /// The longest text of each field, in Unicode scalar values.
    pub limits: Option<Limits>,
}

/// The longest text of each field, in Unicode scalar values, and the most items of each list.
#[derive(Debug, PartialEq, Eq)]
pub struct Limits {
    /// E-mail.
    pub email: usize,
    /// First and last name, also of an address.
    pub name: usize,
    /// Phone of the customer.
    pub phone: usize,
    /// Note.
    pub note: usize,
    /// Id under which another system signs the customer in.
    pub multipass_identifier: usize,
    /// Where a consent was collected.
    pub consent_source: usize,
    /// One tag.
    pub tag: usize,
    /// Number of tags.
    pub tags: usize,
    /// All tags, joined by commas.
    pub tags_text: usize,
    /// Number of addresses.
    pub addresses: usize,
    /// Address lines and company.
    pub address_line: usize,
    /// City, district, town, country text and province text.
    pub address_place: usize,
    /// Country code, province code, city code and district code.
    pub address_code: usize,
    /// Postal code.
    pub postal_code: usize,
    /// Phone of an address.
    pub address_phone: usize,
}

/// Why a command is refused. Nothing of it is applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant is its documentation")]
pub enum Refusal {
    /// There is no such customer, or no more.
    #[error("there is no such customer")]
    NotFound,
    #[error("a registered customer's e-mail cannot be changed")]
    EmailFixed,
    #[error("a customer needs an e-mail")]
    EmailRequired,
    #[error("a customer needs an e-mail or a phone")]
    ContactRequired,
    #[error("a subscription needs an e-mail")]
    MarketingNeedsEmail,
    #[error("a subscription by phone needs a phone")]
    MarketingNeedsPhone,
    /// A group that is new to the customer is named twice.
    #[error("a group is named twice")]
    GroupTwice {
        /// The group's stream id.
        group: StreamId,
    },
    /// An invitation goes to an e-mail.
    #[error("an invitation needs an e-mail")]
    InviteNeedsEmail,
    /// Who registered, or is blocked, is not invited.
    #[error("the customer cannot be invited")]
    NotInvitable,
    /// The customer has no address of this id.
    #[error("the customer has no such address")]
    AddressUnknown {
        /// SHOPLINE's id, as asked for.
        shopline_id: ShoplineId,
    },
    /// A text is too long, or a list has too many items.
    #[error("{field} has {count} {unit}, at most {limit} are allowed")]
    TooLong {
        /// The field, named as in the contract; `tags[]` is one of the tags.
        field: &'static str,
        /// What was counted.
        unit: Unit,
        /// How many there are; of a list of addresses, how many until it was too long.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Unicode scalar values of a text.
    Characters,
    /// Items of a list.
    Items,
    /// Bytes of a JSON text.
    Bytes,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Characters => "characters",
            Self::Items => "items",
            Self::Bytes => "bytes",
        })
    }
}

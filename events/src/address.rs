//! `AddressChanged`: an address was added, changed or removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::ForeignIds;
use crate::personal::Personal;

/// An address was added, changed or removed. It carries the address whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddressChanged {
    /// What happened to it.
    pub change: AddressChange,
    /// The address after the change; for a removal, as it last was.
    pub address: Address,
}

/// What happened to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressChange {
    /// It is new.
    Added,
    /// Something in it is different.
    Changed,
    /// It is gone.
    Removed,
}

/// One postal address of a customer, texts as written in the shop that sent them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "`address_1` and `address_2` are the words of both shops"
)]
pub struct Address {
    /// The ledger's id of the address: a ULID.
    pub id: String,
    /// Its ids in both shops.
    pub ids: ForeignIds,
    /// Where it belongs.
    pub slot: Slot,
    /// Whether it was chosen as the customer's default. Where none is, the first one serves.
    pub default: bool,
    /// First name of the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Personal<String>>,
    /// Last name of the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Personal<String>>,
    /// Company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Personal<String>>,
    /// First address line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_1: Option<Personal<String>>,
    /// Second address line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_2: Option<Personal<String>>,
    /// City.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<Personal<String>>,
    /// City, as the shop's code. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city_code: Option<Personal<String>>,
    /// District, as text. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<Personal<String>>,
    /// District, as the shop's code. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district_code: Option<Personal<String>>,
    /// Town. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub town: Option<Personal<String>>,
    /// Province, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<Personal<String>>,
    /// Province, as the shop's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province_code: Option<Personal<String>>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Personal<String>>,
    /// Country, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Personal<String>>,
    /// Country, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_code: Option<CountryCode>,
    /// Phone number of the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Personal<String>>,
    /// Medusa's free metadata of the address: any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Personal<Value>>,
}

/// Where an address belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// In the customer's list of addresses.
    #[default]
    Shipping,
    /// Medusa's one billing address, a slot of its own.
    Billing,
}

/// A country code as written: in the clear when it is two ASCII letters, else personal, because
/// then somebody typed something that may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CountryCode {
    /// Two ASCII letters, in the case they were written in.
    Code(#[schemars(regex(pattern = "^[A-Za-z]{2}$"))] String),
    /// Any other text.
    Other(Personal<String>),
}

impl CountryCode {
    /// Sorts a text into its kind.
    pub fn new(text: String) -> Self {
        if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
            Self::Code(text)
        } else {
            Self::Other(text.into())
        }
    }

    /// The text as written, unless it is sealed or erased.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Code(code) => Some(code),
            Self::Other(text) => text.open().map(String::as_str),
        }
    }
}

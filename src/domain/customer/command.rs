//! What a request can ask of a customer, in the ledger's own terms.

use events::address::Slot;
use events::ids::{ForeignIds, ShoplineId, StreamId};
use events::patch::Patch;
use serde_json::Value;

use super::fields::Fields;
use super::rules::Rules;

/// What a request asks of a customer, parsed and checked, in the ledger's own terms.
#[derive(Clone, Debug)]
pub enum Command {
    /// Bring a customer into being.
    Create(Box<CreateCustomer>),
    /// Change one.
    Update(Box<UpdateCustomer>),
    /// Add one to a group.
    JoinGroup {
        /// The group's stream.
        group: StreamId,
    },
    /// Take one out of a group.
    LeaveGroup {
        /// The group's stream.
        group: StreamId,
    },
    /// Remove these addresses, by SHOPLINE's ids, all or none.
    RemoveAddresses(Vec<ShoplineId>),
    /// Remove these tags, as far as they are there.
    RemoveTags(Vec<String>),
    /// Invite one to register.
    Invite,
    /// Delete one.
    Delete,
    /// Erase its personal data.
    Erase,
}

/// A customer to bring into being.
#[derive(Clone, Debug)]
pub struct CreateCustomer {
    /// Whose rules judge it.
    pub rules: &'static Rules,
    /// Ids in both shops, drawn before.
    pub ids: ForeignIds,
    /// Every field that was given.
    pub fields: Fields,
    /// Whether the customer registers.
    pub has_account: bool,
    /// Whether the request carries a password.
    pub password: bool,
    /// The customer's language tag, if known.
    pub language: Option<String>,
    /// Addresses, in order.
    pub addresses: Vec<AddressPatch>,
}

/// An update of a customer.
#[derive(Clone, Debug)]
pub struct UpdateCustomer {
    /// Whose rules judge it.
    pub rules: &'static Rules,
    /// The fields that were given.
    pub fields: Fields,
    /// Whether the request carries a password.
    pub password: bool,
    /// The whole set of groups as asked for, by stream id, twice where it was said twice.
    pub groups: Option<Vec<StreamId>>,
    /// Addresses to add or change, in order.
    pub addresses: Vec<AddressPatch>,
}

/// What a request says of one address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressPatch {
    /// SHOPLINE's id of an address that is there; `None` for a new one.
    pub shopline_id: Option<ShoplineId>,
    /// Ids for a new address, drawn before: the ULID and both shops' ids.
    pub new: NewAddress,
    /// Where a new one belongs.
    pub slot: Slot,
    /// `Some(true)` makes it the default; `Some(false)` never unmakes one.
    pub default: Option<bool>,
    /// First name.
    pub first_name: Patch<String>,
    /// Last name.
    pub last_name: Patch<String>,
    /// Company.
    pub company: Patch<String>,
    /// First line.
    pub address_1: Patch<String>,
    /// Second line.
    pub address_2: Patch<String>,
    /// City.
    pub city: Patch<String>,
    /// City code.
    pub city_code: Patch<String>,
    /// District.
    pub district: Patch<String>,
    /// District code.
    pub district_code: Patch<String>,
    /// Town.
    pub town: Patch<String>,
    /// Province text.
    pub province: Patch<String>,
    /// Province code.
    pub province_code: Patch<String>,
    /// Postal code.
    pub postal_code: Patch<String>,
    /// Country text.
    pub country: Patch<String>,
    /// Country code.
    pub country_code: Patch<String>,
    /// Phone number.
    pub phone: Patch<String>,
    /// Medusa's metadata of an address.
    pub metadata: Patch<Value>,
}

/// The ids a new address gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAddress {
    /// The ledger's ULID.
    pub id: String,
    /// Ids in both shops.
    pub ids: ForeignIds,
}

//! Create and update customer: from the body to a command.
//!
//! What SHOPLINE leaves open is decided so: an absent member and `null` change nothing, `""`
//! empties; addresses are added or, by `id`, changed, and those not listed stay; tags are the whole
//! new set. Types are judged before values, so that a 400 is never hidden by a 422. Limits and what
//! a customer must have are judged later, by [`crate::customer::decide`], against what is stored.
//!
//! Source: SHOPLINE, update customer v20220901 and v20230901 (`PUT customers/{id}.json`) and create
//! customer (`POST customers.json`). Their answers: projection `shopline`.

use std::collections::HashSet;

use events::customer::Gender;
use events::ids::ForeignIds;
use events::patch::Patch;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use projections::shopline as view;

use super::address::texts;
use super::consent::{EMAIL, SMS};
use super::refused::Refused;
use super::request::{members, object};
use super::versions::Version;
use crate::customer::{AddressPatch, CreateCustomer, Fields, NewAddress, Rules, UpdateCustomer};

/// What a body is read with.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The version that was asked.
    pub version: &'static Version,
    /// The store's zone, for times without an offset.
    pub zone: &'a TimeZone,
    /// When the request came.
    pub now: Timestamp,
}

/// A customer that an app asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateRequest {
    /// The fields.
    pub fields: Fields,
    /// The addresses, all new; their ids are still to be drawn.
    pub addresses: Vec<AddressPatch>,
}

/// A change that an app asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRequest {
    /// The fields.
    pub fields: Fields,
    /// The addresses to change, and new ones, whose ids are still to be drawn.
    pub addresses: Vec<AddressPatch>,
}

/// The customer and the tags that "remove tags" names. No documented answer shows a tag's id, so a tag
/// is named by its text.
pub fn parse_remove_tags(body: &[u8]) -> Result<(String, Vec<String>), Refused> {
    let body = object(body)?;
    let customer = match body.get("user_id") {
        None | Some(Value::Null) => return Err(Refused::Required { member: "user_id" }),
        Some(id) => id.as_str().ok_or(Refused::WrongType {
            member: "user_id",
            expected: "a string",
        })?,
    };
    Ok((customer.to_owned(), texts(&body, "tag_ids")?))
}

/// Reads the body of "create customer". An address's `id` is not a member of this request: one that
/// was copied along is ignored like any unknown member.
pub fn parse_create(body: &[u8], reading: &Reading<'_>) -> Result<CreateRequest, Refused> {
    let (fields, mut addresses) = parse(body, reading)?;
    for address in &mut addresses {
        address.shopline_id = None;
    }
    Ok(CreateRequest { fields, addresses })
}

/// Reads the body of "update customer".
pub fn parse_update(body: &[u8], reading: &Reading<'_>) -> Result<UpdateRequest, Refused> {
    let (fields, addresses) = parse(body, reading)?;
    Ok(UpdateRequest { fields, addresses })
}

impl CreateRequest {
    /// The command, with the customer's ids and a source of ids for its addresses.
    pub fn into_command(
        self,
        rules: &'static Rules,
        ids: ForeignIds,
        new_address: impl FnMut() -> NewAddress,
    ) -> CreateCustomer {
        CreateCustomer {
            rules,
            ids,
            fields: self.fields,
            has_account: false,
            password: false,
            language: None,
            addresses: with_ids(self.addresses, new_address),
        }
    }
}

impl UpdateRequest {
    /// The command, with a source of ids for new addresses.
    pub fn into_command(
        self,
        rules: &'static Rules,
        new_address: impl FnMut() -> NewAddress,
    ) -> UpdateCustomer {
        UpdateCustomer {
            rules,
            fields: self.fields,
            password: false,
            groups: None,
            addresses: with_ids(self.addresses, new_address),
        }
    }
}

fn with_ids(
    mut addresses: Vec<AddressPatch>,
    mut new_address: impl FnMut() -> NewAddress,
) -> Vec<AddressPatch> {
    for address in &mut addresses {
        if address.shopline_id.is_none() {
            address.new = new_address();
        }
    }
    addresses
}

fn parse(body: &[u8], reading: &Reading<'_>) -> Result<(Fields, Vec<AddressPatch>), Refused> {
    let customer = members(body, "customer")?;
    check_types(&customer, &CUSTOMER_TYPES)?;
    let says_more = reading.version.shown >= view::Version::V20230901;
    if says_more {
        check_types(&customer, &LATER_TYPES)?;
        EMAIL.check_types(&customer)?;
        SMS.check_types(&customer)?;
    }
    let addresses = addresses(&customer)?;
    for address in &addresses {
        check_types(address, &ADDRESS_TYPES)?;
    }
    let mut fields = read_fields(&customer)?;
    if says_more {
        fields.verified_email = get(&customer, "verified_email").and_then(Value::as_bool);
        fields.multipass_identifier = text(&customer, "multipass_identifier")?;
        fields.email_consent = EMAIL.read(&customer, reading)?;
        fields.mobile_consent = SMS.read(&customer, reading)?;
    }
    let addresses = addresses
        .into_iter()
        .map(read_address)
        .collect::<Result<_, _>>()?;
    Ok((fields, addresses))
}

/// The JSON type of a member that is read.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Array,
    Boolean,
    Integer,
    Object,
    String,
}

/// The members of a customer at v20220901. Others are ignored, the consents among them.
const CUSTOMER_TYPES: [(&str, Type); 10] = [
    ("accepts_marketing", Type::Boolean),
    ("addresses", Type::Array),
    ("birthday", Type::String),
    ("email", Type::String),
    ("first_name", Type::String),
    ("gender", Type::Integer),
    ("last_name", Type::String),
    ("note", Type::String),
    ("phone", Type::String),
    ("tags", Type::String),
];

/// Those since v20230901, but for the consents.
const LATER_TYPES: [(&str, Type); 2] = [
    ("multipass_identifier", Type::String),
    ("verified_email", Type::Boolean),
];

/// The members of an address. `customer_id` and `name` are documented and say nothing that an
/// address keeps.
pub(super) const ADDRESS_TYPES: [(&str, Type); 15] = [
    ("addresses.address1", Type::String),
    ("addresses.address2", Type::String),
    ("addresses.city", Type::String),
    ("addresses.company", Type::String),
    ("addresses.country", Type::String),
    ("addresses.country_code", Type::String),
    ("addresses.country_name", Type::String),
    ("addresses.default", Type::Boolean),
    ("addresses.first_name", Type::String),
    ("addresses.id", Type::String),
    ("addresses.last_name", Type::String),
    ("addresses.phone", Type::String),
    ("addresses.province", Type::String),
    ("addresses.province_code", Type::String),
    ("addresses.zip", Type::String),
];

pub(super) fn check_types(
    members: &Map<String, Value>,
    types: &[(&'static str, Type)],
) -> Result<(), Refused> {
    for &(member, wanted) in types {
        let Some(value) = get(members, member) else {
            continue;
        };
        let (fits, expected) = match wanted {
            Type::Array => (value.is_array(), "an array"),
            Type::Boolean => (value.is_boolean(), "a boolean"),
            Type::Integer => (is_integer(value), "an integer"),
            Type::Object => (value.is_object(), "an object"),
            Type::String => (value.is_string(), "a string"),
        };
        if !fits {
            return Err(Refused::WrongType { member, expected });
        }
    }
    Ok(())
}

/// A number without a fraction is an integer however it is written: `1.0` is 1, as in JSON Schema.
fn is_integer(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn addresses(customer: &Map<String, Value>) -> Result<Vec<&Map<String, Value>>, Refused> {
    let items = get(customer, "addresses").and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    if items.len() > ADDRESS_ITEMS_MAX {
        return Err(Refused::TooManyAddresses);
    }
    items
        .iter()
        .map(|item| {
            item.as_object().ok_or(Refused::WrongType {
                member: "addresses",
                expected: "an array of objects",
            })
        })
        .collect()
}

/// The most addresses that one request may list: more than a body can hold of those that were
/// shown, less than what a body of empty ones would make us build. How many a customer may have is
/// another question, judged against those that are there.
pub const ADDRESS_ITEMS_MAX: usize = 5000;

fn read_fields(customer: &Map<String, Value>) -> Result<Fields, Refused> {
    let text = |member| text(customer, member);
    let fields = Fields {
        email: text("email")?,
        first_name: text("first_name")?,
        last_name: text("last_name")?,
        phone: text("phone")?,
        note: text("note")?,
        birthday: text("birthday")?,
        gender: gender(customer)?,
        tags: tags(text("tags")?),
        accepts_marketing: get(customer, "accepts_marketing").and_then(Value::as_bool),
        ..Fields::default()
    };
    if let Patch::Set(email) = &fields.email
        && !is_email(email)
    {
        return Err(Refused::NotAnEmail);
    }
    if let Patch::Set(birthday) = &fields.birthday
        && !is_date(birthday)
    {
        return Err(Refused::NotADate);
    }
    Ok(fields)
}

pub(super) fn read_address(address: &Map<String, Value>) -> Result<AddressPatch, Refused> {
    let text = |member| text(address, member);
    let country = match text("addresses.country")? {
        Patch::Keep => text("addresses.country_name")?,
        country @ (Patch::Clear | Patch::Set(_)) => country,
    };
    Ok(AddressPatch {
        shopline_id: match text("addresses.id")? {
            Patch::Set(id) => Some(id),
            Patch::Keep | Patch::Clear => None,
        },
        default: get(address, "addresses.default").and_then(Value::as_bool),
        first_name: text("addresses.first_name")?,
        last_name: text("addresses.last_name")?,
        company: text("addresses.company")?,
        address_1: text("addresses.address1")?,
        address_2: text("addresses.address2")?,
        city: text("addresses.city")?,
        province: text("addresses.province")?,
        province_code: text("addresses.province_code")?,
        postal_code: text("addresses.zip")?,
        country,
        country_code: text("addresses.country_code")?,
        phone: text("addresses.phone")?,
        ..AddressPatch::default()
    })
}

/// The member of this name, whose path is before the last dot; `null` is no member.
pub(super) fn get<'m>(members: &'m Map<String, Value>, member: &str) -> Option<&'m Value> {
    let name = member.rsplit('.').next().unwrap_or(member);
    members.get(name).filter(|value| !value.is_null())
}

/// What the request says of a text. Neither Postgres' text nor its JSON holds U+0000.
pub(super) fn text(
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Patch<String>, Refused> {
    match get(members, member).and_then(Value::as_str) {
        None => Ok(Patch::Keep),
        Some("") => Ok(Patch::Clear),
        Some(text) if text.contains('\0') => Err(Refused::NulCharacter { member }),
        Some(text) => Ok(Patch::Set(text.to_owned())),
    }
}

/// Lenient: a shop knows addresses that no grammar foresees, and one that it showed must be good
/// enough to come back. Only what cannot be one is refused.
fn is_email(text: &str) -> bool {
    text == text.trim()
        && text
            .rsplit_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

/// A day of the calendar as `yyyyMMdd`.
fn is_date(text: &str) -> bool {
    text.len() == 8
        && text.bytes().all(|digit| digit.is_ascii_digit())
        && !text.starts_with("0000")
        && Date::strptime("%Y%m%d", text).is_ok()
}

/// The number of this name as an integer is written: 1.0 is "1", and -0 is "0". Whether it has a
/// fraction was judged with its type.
pub(super) fn digit(members: &Map<String, Value>, member: &str) -> Option<String> {
    let number = get(members, member).and_then(Value::as_f64)?;
    Some((number + 0.0).to_string())
}

fn gender(customer: &Map<String, Value>) -> Result<Patch<Gender>, Refused> {
    match digit(customer, "gender").as_deref() {
        None => Ok(Patch::Keep),
        Some("0") => Ok(Patch::Set(Gender::Unknown)),
        Some("1") => Ok(Patch::Set(Gender::Male)),
        Some("2") => Ok(Patch::Set(Gender::Female)),
        Some("3") => Ok(Patch::Set(Gender::Secret)),
        Some(_) => Err(Refused::NotAGender),
    }
}

/// The tags of a comma list, each once, where it first stands.
fn tags(list: Patch<String>) -> Patch<Vec<String>> {
    let Patch::Set(list) = list else {
        return list.map(|_| vec![]);
    };
    let mut seen = HashSet::new();
    let tags: Vec<_> = list
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty() && seen.insert(*tag))
        .map(ToOwned::to_owned)
        .collect();
    if tags.is_empty() {
        Patch::Clear
    } else {
        Patch::Set(tags)
    }
}

#[cfg(test)]
mod tests;

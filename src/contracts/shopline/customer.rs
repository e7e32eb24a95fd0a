//! Create and update customer: from the body to a command.
//!
//! What SHOPLINE leaves open is decided so: an absent member and `null` change nothing, `""`
//! empties; addresses are added or, by `id`, changed, and those not listed stay; tags are the whole
//! new set. Types are judged before values, so that a 400 is never hidden by a 422. Limits and what
//! a customer must have are judged later, by [`crate::domain::customer::decide`], against what is stored.
//!
//! Source: SHOPLINE, update customer v20220901 and v20230901 (`PUT customers/{id}.json`) and create
//! customer (`POST customers.json`). Their answers: projection `shopline`.

use std::collections::HashSet;

use events::customer::Gender;
use events::ids::{ForeignIds, ShoplineId};
use events::patch::Patch;
use jiff::civil::Date;
use serde_json::{Map, Value};

use projections::shopline as view;

use super::address::{ADDRESS_TYPES, read_address};
use super::consent::{EMAIL, SMS};
use super::error::ApiError;
use super::limits::ADDRESS_ITEMS_MAX;
use super::member::{Type, check_types, digit, get, text, texts};
use super::request::{Reading, members, object};
use crate::domain::customer::{
    AddressPatch, CreateCustomer, Fields, NewAddress, Rules, UpdateCustomer,
};

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
pub(crate) fn parse_remove_tags(body: &[u8]) -> Result<(ShoplineId, Vec<String>), ApiError> {
    let body = object(body)?;
    let customer = match body.get("user_id") {
        None | Some(Value::Null) => return Err(ApiError::Required { member: "user_id" }),
        Some(id) => id.as_str().ok_or(ApiError::WrongType {
            member: "user_id",
            expected: "a string",
        })?,
    };
    Ok((customer.into(), texts(&body, "tag_ids")?))
}

/// Reads the body of "create customer". An address's `id` is not a member of this request: one that
/// was copied along is ignored like any unknown member.
pub fn parse_create(body: &[u8], reading: &Reading<'_>) -> Result<CreateRequest, ApiError> {
    let (fields, mut addresses) = parse(body, reading)?;
    for address in &mut addresses {
        address.shopline_id = None;
    }
    Ok(CreateRequest { fields, addresses })
}

/// Reads the body of "update customer".
pub fn parse_update(body: &[u8], reading: &Reading<'_>) -> Result<UpdateRequest, ApiError> {
    let (fields, addresses) = parse(body, reading)?;
    Ok(UpdateRequest { fields, addresses })
}

impl CreateRequest {
    /// The command, with the customer's ids and a source of ids for its addresses.
    pub(crate) fn into_command(
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
    pub(crate) fn into_command(
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

fn parse(body: &[u8], reading: &Reading<'_>) -> Result<(Fields, Vec<AddressPatch>), ApiError> {
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

/// The members of a customer at v20220901. Others are ignored, the consents among them.
const CUSTOMER_TYPES: [(&str, Type); 11] = [
    ("accepts_marketing", Type::Boolean),
    ("addresses", Type::Array),
    ("birthday", Type::String),
    ("email", Type::String),
    ("first_name", Type::String),
    ("gender", Type::Integer),
    ("last_name", Type::String),
    ("note", Type::String),
    ("phone", Type::String),
    ("social_customer", Type::Array),
    ("tags", Type::String),
];

/// Those since v20230901, but for the consents.
const LATER_TYPES: [(&str, Type); 2] = [
    ("multipass_identifier", Type::String),
    ("verified_email", Type::Boolean),
];

fn addresses(customer: &Map<String, Value>) -> Result<Vec<&Map<String, Value>>, ApiError> {
    let items = get(customer, "addresses").and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    if items.len() > ADDRESS_ITEMS_MAX {
        return Err(ApiError::TooManyAddresses);
    }
    items
        .iter()
        .map(|item| {
            item.as_object().ok_or(ApiError::WrongType {
                member: "addresses",
                expected: "an array of objects",
            })
        })
        .collect()
}

fn read_fields(customer: &Map<String, Value>) -> Result<Fields, ApiError> {
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
        social_customer: social_customer(customer)?,
        accepts_marketing: get(customer, "accepts_marketing").and_then(Value::as_bool),
        ..Fields::default()
    };
    if let Patch::Set(email) = &fields.email
        && !is_email(email)
    {
        return Err(ApiError::NotAnEmail);
    }
    if let Patch::Set(birthday) = &fields.birthday
        && !is_date(birthday)
    {
        return Err(ApiError::NotADate);
    }
    Ok(fields)
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

fn gender(customer: &Map<String, Value>) -> Result<Patch<Gender>, ApiError> {
    match digit(customer, "gender").as_deref() {
        None => Ok(Patch::Keep),
        Some("0") => Ok(Patch::Set(Gender::Unknown)),
        Some("1") => Ok(Patch::Set(Gender::Male)),
        Some("2") => Ok(Patch::Set(Gender::Female)),
        Some("3") => Ok(Patch::Set(Gender::Secret)),
        Some(_) => Err(ApiError::NotAGender),
    }
}

/// The whole list; an empty one clears it. Only answers are documented to have it.
fn social_customer(customer: &Map<String, Value>) -> Result<Patch<Vec<String>>, ApiError> {
    let member = "social_customer";
    let Some(items) = get(customer, member).and_then(Value::as_array) else {
        return Ok(Patch::Keep);
    };
    let texts: Option<Vec<String>> = items
        .iter()
        .map(|item| item.as_str().map(ToOwned::to_owned))
        .collect();
    match texts {
        None => Err(ApiError::WrongType {
            member,
            expected: "an array of strings",
        }),
        Some(texts) if texts.is_empty() => Ok(Patch::Clear),
        Some(texts) if texts.iter().any(|text| text.contains('\0')) => {
            Err(ApiError::NulCharacter { member })
        }
        Some(texts) => Ok(Patch::Set(texts)),
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

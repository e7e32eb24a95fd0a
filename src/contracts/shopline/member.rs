//! The members of a request's objects: of which JSON type they are, and what they say.
//!
//! A member is named by its path, as refusals tell it: `addresses.zip`. `null` is no member.

use events::patch::Patch;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::query::ids;

/// The JSON type of a member that is read.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Array,
    Boolean,
    Integer,
    Object,
    String,
}

pub(super) fn check_types(
    members: &Map<String, Value>,
    types: &[(&'static str, Type)],
) -> Result<(), ApiError> {
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
            return Err(ApiError::WrongType { member, expected });
        }
    }
    Ok(())
}

/// A number without a fraction is an integer however it is written: `1.0` is 1, as in JSON Schema.
fn is_integer(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// The member of this name, whose path is before the last dot.
pub(super) fn get<'m>(members: &'m Map<String, Value>, member: &str) -> Option<&'m Value> {
    let name = member.rsplit('.').next().unwrap_or(member);
    members.get(name).filter(|value| !value.is_null())
}

/// What the request says of a text. Neither Postgres' text nor its JSON holds U+0000.
pub(super) fn text(
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Patch<String>, ApiError> {
    match get(members, member).and_then(Value::as_str) {
        None => Ok(Patch::Keep),
        Some("") => Ok(Patch::Clear),
        Some(text) if text.contains('\0') => Err(ApiError::NulCharacter { member }),
        Some(text) => Ok(Patch::Set(text.to_owned())),
    }
}

/// The number of this name as an integer is written: 1.0 is "1", and -0 is "0". Whether it has a
/// fraction was judged with its type.
pub(super) fn digit(members: &Map<String, Value>, member: &str) -> Option<String> {
    let number = get(members, member).and_then(Value::as_f64)?;
    Some((number + 0.0).to_string())
}

/// A list of texts that must be there, none twice.
pub(super) fn texts<'a, Text: From<&'a str>>(
    members: &'a Map<String, Value>,
    member: &'static str,
) -> Result<Vec<Text>, ApiError> {
    let wrong = || ApiError::WrongType {
        member,
        expected: "an array of strings",
    };
    let items = match members.get(member) {
        None | Some(Value::Null) => return Err(ApiError::Required { member }),
        Some(Value::Array(items)) => items,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(wrong());
        }
    };
    let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
    ids(member, texts.ok_or_else(wrong)?)
}

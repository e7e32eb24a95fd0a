//! JSON as Medusa writes it: what comes out of PostgreSQL's `jsonb`, JavaScript objects and
//! `JSON.stringify`.
//!
//! [`express::stringify`] writes the text; here is the order of an object's members.

use express::json::array_index;
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Metadata after a write to and a read from `jsonb`: at every level members are ordered by length,
/// then bytes, and then JavaScript puts the integer-like ones first, ascending.
pub(super) struct Stored<T>(pub(super) T);

/// Metadata as it was sent: only JavaScript has re-ordered it, integer-like members first.
pub(super) struct AsGiven<T>(pub(super) T);

impl Serialize for Stored<&Map<String, Value>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members: Vec<_> = self.0.iter().collect();
        members.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
        object(serializer, members, Stored)
    }
}

impl Serialize for Stored<&Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => Stored(members).serialize(serializer),
            Value::Array(items) => array(serializer, items, Stored),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.0.serialize(serializer)
            }
        }
    }
}

impl Serialize for AsGiven<&Map<String, Value>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, self.0.iter().collect(), AsGiven)
    }
}

impl Serialize for AsGiven<&Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => AsGiven(members).serialize(serializer),
            Value::Array(items) => array(serializer, items, AsGiven),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.0.serialize(serializer)
            }
        }
    }
}

fn object<'a, S: Serializer, T: Serialize>(
    serializer: S,
    mut members: Vec<(&'a String, &'a Value)>,
    wrap: impl Fn(&'a Value) -> T,
) -> Result<S::Ok, S::Error> {
    // Stable: members that are not integer-like stay in the order they have.
    members.sort_by_key(|(key, _)| array_index(key).unwrap_or(u32::MAX));
    let mut map = serializer.serialize_map(Some(members.len()))?;
    for (key, value) in members {
        map.serialize_entry(key, &wrap(value))?;
    }
    map.end()
}

fn array<'a, S: Serializer, T: Serialize>(
    serializer: S,
    items: &'a [Value],
    wrap: impl Fn(&'a Value) -> T,
) -> Result<S::Ok, S::Error> {
    let mut array = serializer.serialize_seq(Some(items.len()))?;
    for item in items {
        array.serialize_element(&wrap(item))?;
    }
    array.end()
}

#[cfg(test)]
mod tests {
    use express::stringify::to_text;

    use super::*;

    fn stored(text: &str) -> String {
        let value: Value = serde_json::from_str(text).unwrap();
        to_text(&Stored(&value))
    }

    fn as_given(text: &str) -> String {
        let value: Value = serde_json::from_str(text).unwrap();
        to_text(&AsGiven(&value))
    }

    #[test]
    fn numbers_are_doubles_in_javascript_notation() {
        for (written, shown) in [
            ("12345678901234567890", "12345678901234567000"),
            ("-9223372036854775808", "-9223372036854776000"),
            ("9007199254740993", "9007199254740992"),
            ("1.0", "1"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("0.1", "0.1"),
            ("5e-324", "5e-324"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
        ] {
            assert_eq!(stored(written), shown);
            assert_eq!(as_given(written), shown);
        }
    }

    #[test]
    fn stored_members_are_ordered_by_length_then_bytes_and_indices_first() {
        assert_eq!(
            stored(r#"{"bb":1,"a":{"z":1,"y":2,"10":3,"9":4},"C":[{"b":1,"a":2}],"é":5}"#),
            r#"{"C":[{"a":2,"b":1}],"a":{"9":4,"10":3,"y":2,"z":1},"bb":1,"é":5}"#
        );
        assert_eq!(
            stored(r#"{"01":1,"1":2,"-1":3,"4294967295":4,"4294967294":5}"#),
            r#"{"1":2,"4294967294":5,"-1":3,"01":1,"4294967295":4}"#
        );
    }

    #[test]
    fn given_members_keep_their_order_but_for_indices() {
        assert_eq!(
            as_given(r#"{"bb":1,"a":[{"z":1,"2":2}],"1":3}"#),
            r#"{"1":3,"bb":1,"a":[{"2":2,"z":1}]}"#
        );
    }
}

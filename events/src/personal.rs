//! Data about a person, as a type: never printed, sealed in storage, erasable.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A value that somebody typed about a person.
///
/// In memory it is open. In a stored payload it stands as `{"$sealed":{…}}`, encrypted under the
/// stream's key. Once that key is gone it reads as [`Personal::Erased`]. `Debug` prints `•••`, so
/// that no log can carry it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Personal<T> {
    /// The value in the clear. Only ever in memory: the store refuses a payload that holds one.
    #[serde(rename = "$open")]
    Open(T),
    /// The value as stored, for a reader that has no keys.
    #[serde(rename = "$sealed")]
    Sealed(Sealed),
    /// The value's key was deleted: nobody can read it again.
    #[serde(rename = "$erased")]
    Erased(Erased),
}

/// The stored form of a personal value: AES-256-GCM under the stream's key.
///
/// The associated data is the RFC 8785 form of `[store, stream, sequence, pointer]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sealed {
    /// Number of the stream's key.
    #[schemars(range(min = 1))]
    pub k: i32,
    /// Nonce: 12 random bytes, base64url without padding.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{16}$"))]
    pub n: String,
    /// Ciphertext and 16-byte tag of the value's JSON text, base64url without padding.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{23,}$"))]
    pub c: String,
}

/// The marker of an erased value; it is written as `true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub struct Erased;

impl From<bool> for Erased {
    fn from(_: bool) -> Self {
        Self
    }
}

impl From<Erased> for bool {
    fn from(_: Erased) -> Self {
        true
    }
}

impl<T> Personal<T> {
    /// The value, unless it is sealed or erased.
    pub const fn open(&self) -> Option<&T> {
        match self {
            Self::Open(value) => Some(value),
            Self::Sealed(_) | Self::Erased(_) => None,
        }
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self::Open(value)
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl<T: JsonSchema> JsonSchema for Personal<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Personal_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let sealed = generator.subschema_for::<Sealed>();
        let opened = generator.subschema_for::<T>();
        json_schema!({
            "description": "Personal data. `x-personal-data` is the schema of the opened value.",
            "type": "object",
            "properties": { "$sealed": sealed },
            "required": ["$sealed"],
            "additionalProperties": false,
            "x-personal-data": opened,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personal_value_is_never_printed() {
        assert_eq!(format!("{:?}", Personal::Open("alice@example.com")), "•••");
    }

    #[test]
    fn each_form_survives_serde() {
        let sealed = Sealed {
            k: 1,
            n: "n".into(),
            c: "c".into(),
        };
        for (value, text) in [
            (Personal::Open("a".to_owned()), r#"{"$open":"a"}"#),
            (
                Personal::Sealed(sealed),
                r#"{"$sealed":{"k":1,"n":"n","c":"c"}}"#,
            ),
            (Personal::Erased(Erased), r#"{"$erased":true}"#),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
            assert_eq!(
                serde_json::from_str::<Personal<String>>(text).unwrap(),
                value
            );
        }
    }
}

//! The ids that are texts.

use std::borrow::{Borrow, Cow};
use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Declares an id that is a text. Its form is up to whoever makes it: an imported id may have any.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        pub struct $name(String);

        impl $name {
            /// The text as an id.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The bare text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The bare text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(text.into())
            }
        }

        /// What takes any text takes an id; what takes an id takes no other text.
        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// A map by id is asked with a text, too.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.0 == text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                self.0 == *text
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                String::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                String::json_schema(generator)
            }
        }
    };
}

text! {
    /// A stream: the customer's or group's ULID.
    ///
    /// A shop's id is no stream, and a bare text is none either:
    ///
    /// ```compile_fail
    /// use events::ids::{MedusaId, StreamId};
    /// let stream: StreamId = MedusaId::new("cus_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    /// ```
    ///
    /// ```compile_fail
    /// use events::ids::StreamId;
    /// let stream: StreamId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned();
    /// ```
    StreamId
}

text! {
    /// The store whose customers and groups a stream is about.
    StoreName
}

text! {
    /// A request: 32 hexadecimal digits, the header `Ledger-Request-Id` of its answer.
    RequestId
}

impl RequestId {
    /// Reads an id as it stands in an answer, or as a UUID.
    pub fn parse(text: &str) -> Option<Self> {
        let id: String = text.trim().chars().filter(|char| *char != '-').collect();
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self(id.to_ascii_lowercase()))
    }
}

text! {
    /// An id in Medusa: `cus_…`, `addr_…` or `cgrp_…`.
    MedusaId
}

text! {
    /// An id in SHOPLINE: ten digits for a customer, `SL201UA` and 19 digits for an address.
    ShoplineId
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn is_written_as_its_text() {
        let stream = StreamId::new("01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(stream.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let json = serde_json::to_string(&stream).unwrap();
        assert_eq!(json, r#""01ARZ3NDEKTSV4RRFFQ69G5FAV""#);
        assert_eq!(serde_json::from_str::<StreamId>(&json).unwrap(), stream);
        assert_eq!(
            schemars::schema_for!(Vec<StreamId>),
            schemars::schema_for!(Vec<String>)
        );
    }

    #[test]
    fn is_found_by_its_text() {
        let by_stream = BTreeMap::from([(StreamId::new("a"), 1), (StreamId::new("b"), 2)]);
        assert_eq!(by_stream.get("b"), Some(&2));
    }

    #[test]
    fn a_request_id_is_read_as_it_stands_in_an_answer() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for text in [
            id,
            " 4BF92F3577B34DA6A3CE929D0E0E4736\n",
            "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
        ] {
            assert_eq!(RequestId::parse(text), Some(RequestId::new(id)));
        }
        for text in [
            "",
            "4bf9",
            "cus_01J0000000000000000000000000",
            &id.replace('4', "g"),
        ] {
            assert_eq!(RequestId::parse(text), None, "{text}");
        }
    }
}

//! JSON of bounded depth.
//!
//! `serde_json::Value` is not read directly: with the feature `raw_value` it takes a member of a
//! private name for a nested document, whose depth would count from zero again.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};

/// The deepest nesting that is read; the body itself is the first level.
pub(super) const DEPTH_MAX: usize = 100;

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not JSON, or not UTF-8, or holds half of a surrogate pair, or a number that no double
    /// holds.
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Byte in the line, from 1.
        column: usize,
    },
    /// It is nested deeper than [`DEPTH_MAX`].
    TooDeep,
}

/// Reads one JSON text. Of members that are named twice the last wins, as in most readers.
/// A byte order mark is skipped, as RFC 8259 §8.1 allows: some Windows clients write one.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Level(0)
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| match error.classify() {
            // The only error that is not serde_json's own is `too_deep`.
            Category::Data => Unreadable::TooDeep,
            Category::Syntax | Category::Eof | Category::Io => Unreadable::Syntax {
                line: error.line(),
                column: error.column(),
            },
        })
}

/// Reads a value at this many levels below the top.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.0 < DEPTH_MAX {
            Ok(Self(self.0 + 1))
        } else {
            Err(E::custom("too deep"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut array = vec![];
        while let Some(item) = items.next_element_seed(below)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            object.insert(name, members.next_value_seed(below)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Vec<u8> {
        [b"[".repeat(levels), b"]".repeat(levels)].concat()
    }

    #[test]
    fn depth_is_bounded_at_its_edge() {
        assert!(read(&nested(100)).is_ok());
        assert_eq!(read(&nested(101)), Err(Unreadable::TooDeep));
        assert_eq!(read(&nested(500_000)), Err(Unreadable::TooDeep));
        assert_eq!(read(&br#"{"a":"#.repeat(200_000)), Err(Unreadable::TooDeep));
    }

    #[test]
    fn a_private_name_of_the_reader_is_a_member_like_any_other() {
        let text = r#"{"$serde_json::private::RawValue":"[1]","$serde_json::private::Number":"1"}"#;
        let read = read(text.as_bytes()).unwrap();
        assert_eq!(read["$serde_json::private::RawValue"], json!("[1]"));
        assert_eq!(read["$serde_json::private::Number"], json!("1"));
    }

    #[test]
    fn what_is_not_json_is_a_syntax_error() {
        for text in [
            &b""[..],
            b" ",
            b"{",
            b"{}x",
            b"{} {}",
            b"nul",
            b"'a'",
            b"{\"a\":1,}",
            b"[1e400]",
            b"\"\xff\"",
            b"\"\xed\xa0\x80\"",
            br#""\ud800""#,
            br#""\udc00\ud800""#,
            br#""\ud800a""#,
            b"\"\n\"",
            b"\xef\xbb\xbf",
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
            b"\xff\xfe{\0}\0",
        ] {
            assert!(
                matches!(read(text), Err(Unreadable::Syntax { .. })),
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn what_is_json_is_read() {
        assert_eq!(read(b"\xef\xbb\xbf{}"), Ok(json!({})));
        assert_eq!(read(br#"{"a":1,"a":2}"#), Ok(json!({"a": 2})));
        assert_eq!(read(br#""\ud83d\ude00\u0000""#), Ok(json!("😀\0")));
        assert_eq!(
            read(b"18446744073709551616"),
            Ok(json!(18_446_744_073_709_551_616.0))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(read(&bytes));
        }

        #[test]
        fn it_reads_what_serde_json_reads(
            text in r#"[\[\]{}",:0-9a.e\\u\-truefalsn ]{0,40}"#
        ) {
            let ours = read(text.as_bytes()).ok();
            prop_assert_eq!(ours, serde_json::from_str::<Value>(&text).ok());
        }
    }
}

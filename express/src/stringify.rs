//! JSON as JavaScript's `JSON.stringify` writes it.
//!
//! serde escapes strings exactly as `JSON.stringify` does. Numbers differ: to JavaScript every one
//! is a double, in a notation of its own.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// Writes a value as `JSON.stringify` writes it, members in the order in which the value has them.
pub fn to_text(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, JavaScript);
    value
        .serialize(&mut serializer)
        .expect("bodies have text keys and are written to memory");
    String::from_utf8(text).expect("serde writes UTF-8")
}

/// Every number is a double, written in the shortest form that reads back, in JavaScript's notation.
struct JavaScript;

impl JavaScript {
    fn number<W: ?Sized + io::Write>(writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(ryu_js::Buffer::new().format(value).as_bytes())
    }
}

impl Formatter for JavaScript {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        Self::number(writer, value)
    }

    #[expect(clippy::cast_precision_loss, reason = "so does JavaScript")]
    fn write_u64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        Self::number(writer, value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "so does JavaScript")]
    fn write_i64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        Self::number(writer, value as f64)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn numbers_are_written_as_doubles() {
        for (written, shown) in [
            ("12345678901234567890", "12345678901234567000"),
            ("-9223372036854775808", "-9223372036854776000"),
            ("1.0", "1"),
            ("-0.0", "0"),
            ("1e21", "1e+21"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
        ] {
            let value: Value = serde_json::from_str(written).unwrap();
            assert_eq!(to_text(&value), shown);
        }
    }

    #[test]
    fn strings_are_escaped() {
        let text = "\u{8}\t\n\u{c}\r\"\\/\u{1}\u{1f}\u{7f}\u{2028}é😀";
        assert_eq!(
            to_text(&text),
            "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\u{7f}\u{2028}é😀\""
        );
    }
}

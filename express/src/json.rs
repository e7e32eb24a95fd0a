//! JSON as JavaScript's `JSON.parse` understands it.
//!
//! It differs from `serde_json` in what JavaScript makes of the text: every number is a double, a
//! repeated key keeps its first place and its last value, keys that look like array indexes come
//! first, and half of a surrogate pair is a character.

use std::str::Chars;

use serde_json::{Map, Number, Value};

/// A parsed text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// Whether it says something that PostgreSQL cannot hold: U+0000, half of a surrogate pair
    /// (here U+FFFD) or a nesting beyond [`DEPTH_MAX`] (here cut); or a key that `serde_json` would
    /// read back as something else. Medusa finds out when it writes, after validation, and answers
    /// 500. Source: cases `update-nul-character`, `update-lone-surrogate`.
    pub unstorable: bool,
}

/// A syntax error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not JSON")]
pub struct Malformed;

/// The prefix of the keys under which `serde_json` passes itself raw texts and numbers.
const SERDE_PRIVATE: &str = "$serde_json::private::";

/// How deep arrays and objects may be nested.
///
/// The limit is this project's: Node.js has none in the parser. Medusa runs out of stack in the
/// validator, which is the same 500 some thousand levels later. What is stored is read by recursion,
/// so the depth must be bounded.
pub const DEPTH_MAX: usize = 100;

/// Integers up to here are exact as doubles, so they are kept as integers.
const SAFE_INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

/// Parses a whole text.
pub fn parse(text: &str) -> Result<Document, Malformed> {
    let mut parser = Parser {
        rest: text.chars(),
        unstorable: false,
    };
    let value = parser.value()?;
    parser.skip_space();
    if parser.peek().is_some() {
        return Err(Malformed);
    }
    Ok(Document {
        value,
        unstorable: parser.unstorable,
    })
}

/// Members in JavaScript's order: keys that are array indexes first, ascending, then all others in
/// the order they came.
pub fn in_order(members: Map<String, Value>) -> Map<String, Value> {
    if !members.keys().any(|key| array_index(key).is_some()) {
        return members;
    }
    let (mut indexes, others): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|(key, _)| array_index(key).is_some());
    indexes.sort_by_key(|(key, _)| array_index(key));
    indexes.into_iter().chain(others).collect()
}

/// The array index that a key is, as ECMAScript defines it: 0 to 2³² − 2, written canonically.
pub fn array_index(key: &str) -> Option<u32> {
    let canonical = key == "0" || !key.starts_with(['0', '+']);
    key.parse()
        .ok()
        .filter(|&index| canonical && index < u32::MAX)
}

struct Parser<'a> {
    rest: Chars<'a>,
    unstorable: bool,
}

/// A container that is not closed yet.
enum Open {
    Array(Vec<Value>),
    Object(Map<String, Value>, String),
}

impl Parser<'_> {
    /// Reads one value. A loop with a stack of its own, so that no text can exhaust the thread's.
    fn value(&mut self) -> Result<Value, Malformed> {
        let mut stack = Vec::new();
        loop {
            self.skip_space();
            let mut value = match self.peek() {
                Some('[') => {
                    self.next();
                    if !self.skip_if(']') {
                        stack.push(Open::Array(vec![]));
                        continue;
                    }
                    Value::Array(vec![])
                }
                Some('{') => {
                    self.next();
                    if !self.skip_if('}') {
                        stack.push(Open::Object(Map::new(), self.key()?));
                        continue;
                    }
                    Value::Object(Map::new())
                }
                _ => self.scalar()?,
            };
            loop {
                let depth = stack.len();
                let Some(open) = stack.last_mut() else {
                    return Ok(value);
                };
                match self.add(open, value)? {
                    Step::Another => break,
                    Step::Closed(closed) => {
                        value = self.cut(depth, closed);
                        stack.pop();
                    }
                }
            }
        }
    }

    /// Adds a value to the innermost container and reads what follows: a comma or the end.
    fn add(&mut self, open: &mut Open, value: Value) -> Result<Step, Malformed> {
        self.skip_space();
        let next = self.next();
        match (open, next) {
            (Open::Array(items), Some(',')) => {
                items.push(value);
                Ok(Step::Another)
            }
            (Open::Array(items), Some(']')) => {
                items.push(value);
                Ok(Step::Closed(Value::Array(std::mem::take(items))))
            }
            (Open::Object(members, key), Some(',')) => {
                let key = std::mem::replace(key, self.key()?);
                members.insert(key, value);
                Ok(Step::Another)
            }
            (Open::Object(members, key), Some('}')) => {
                members.insert(std::mem::take(key), value);
                let members = in_order(std::mem::take(members));
                Ok(Step::Closed(Value::Object(members)))
            }
            _ => Err(Malformed),
        }
    }

    fn cut(&mut self, depth: usize, closed: Value) -> Value {
        if depth > DEPTH_MAX {
            self.unstorable = true;
            Value::Null
        } else {
            closed
        }
    }

    /// A member's key and its colon.
    fn key(&mut self) -> Result<String, Malformed> {
        self.skip_space();
        self.expect('"')?;
        let key = self.text()?;
        // Stored and read again, such a member would come back as something else.
        self.unstorable |= key.starts_with(SERDE_PRIVATE);
        self.skip_space();
        self.expect(':')?;
        Ok(key)
    }

    fn scalar(&mut self) -> Result<Value, Malformed> {
        match self.peek() {
            Some('"') => {
                self.next();
                self.text().map(Value::String)
            }
            Some('t') => self.word("true", Value::Bool(true)),
            Some('f') => self.word("false", Value::Bool(false)),
            Some('n') => self.word("null", Value::Null),
            Some('-' | '0'..='9') => self.number(),
            _ => Err(Malformed),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Malformed> {
        let rest = self.rest.as_str().strip_prefix(word).ok_or(Malformed)?;
        self.rest = rest.chars();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Malformed> {
        let text = self.rest.as_str();
        self.take_if('-');
        if !self.take_if('0') {
            self.digits()?;
        }
        if self.take_if('.') {
            self.digits()?;
        }
        if self.take_if('e') || self.take_if('E') {
            if !self.take_if('-') {
                self.take_if('+');
            }
            self.digits()?;
        }
        let length = text.len() - self.rest.as_str().len();
        let token = text.get(..length).ok_or(Malformed)?;
        let double = token.parse::<f64>().ok().ok_or(Malformed)?;
        Ok(number(double))
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), Malformed> {
        let text = self.rest.as_str();
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        self.rest = rest.chars();
        if rest.len() == text.len() {
            Err(Malformed)
        } else {
            Ok(())
        }
    }

    /// A text after its opening quote, with the closing one.
    fn text(&mut self) -> Result<String, Malformed> {
        let mut text = String::new();
        loop {
            let char = match self.next().ok_or(Malformed)? {
                '"' => return Ok(text),
                '\\' => self.escape()?,
                '\0'..='\u{1f}' => return Err(Malformed),
                plain => plain,
            };
            text.push(char);
        }
    }

    fn escape(&mut self) -> Result<char, Malformed> {
        Ok(match self.next().ok_or(Malformed)? {
            same @ ('"' | '\\' | '/') => same,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.unit()?;
                self.unicode(unit)
            }
            _ => return Err(Malformed),
        })
    }

    /// The character of a UTF-16 code unit, with the other half if the unit is half of a pair.
    fn unicode(&mut self, unit: u16) -> char {
        let mut ahead = Self {
            rest: self.rest.clone(),
            unstorable: false,
        };
        let pair = (ahead.take_if('\\') && ahead.take_if('u'))
            .then(|| ahead.unit().ok())
            .flatten()
            .and_then(|low| char::decode_utf16([unit, low]).next()?.ok())
            .filter(|char| u32::from(*char) > 0xffff);
        match pair.or_else(|| char::from_u32(u32::from(unit))) {
            Some('\0') => {
                self.unstorable = true;
                '\0'
            }
            Some(char) => {
                if pair.is_some() {
                    self.rest = ahead.rest;
                }
                char
            }
            None => {
                self.unstorable = true;
                char::REPLACEMENT_CHARACTER
            }
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, Malformed> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|char| char.to_digit(16));
            unit = unit * 16 + digit.ok_or(Malformed)?;
        }
        u16::try_from(unit).ok().ok_or(Malformed)
    }

    fn skip_space(&mut self) {
        let rest = self.rest.as_str().trim_start_matches(SPACE);
        self.rest = rest.chars();
    }

    /// Skips space and then the character, if it is next.
    fn skip_if(&mut self, wanted: char) -> bool {
        self.skip_space();
        self.take_if(wanted)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.next();
        }
        is_next
    }

    fn expect(&mut self, wanted: char) -> Result<(), Malformed> {
        if self.take_if(wanted) {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        self.rest.next()
    }
}

/// What came after a value.
enum Step {
    Another,
    Closed(Value),
}

/// What JSON calls space.
pub(crate) const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A double as JavaScript would write it again: whole numbers without a fraction, −0 as 0, and
/// null for what has no JSON form. Source: cases `meta-numbers`, `meta-number-overflow`.
fn number(double: f64) -> Value {
    let is_whole = double.fract().abs() < f64::MIN_POSITIVE;
    if is_whole && double.abs() <= SAFE_INTEGER_MAX {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole, and no greater than a safe integer"
        )]
        let integer = double as i64;
        return Value::from(integer);
    }
    Number::from_f64(double).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(text: &str) -> String {
        parse(text).unwrap().value.to_string()
    }

    #[test]
    fn numbers_are_doubles() {
        assert_eq!(
            written(
                "[12345678901234567890,9007199254740993,1.0,1e-7,-0,0.1,1E+5,-0.0,9007199254740991]"
            ),
            "[1.2345678901234567e+19,9007199254740992.0,1,1e-7,0,0.1,100000,0,9007199254740991]"
        );
        assert_eq!(written("[1e400,-1e400]"), "[null,null]");
    }

    #[test]
    fn keys_come_in_the_order_of_javascript() {
        assert_eq!(
            written(
                r#"{"b":1,"2":1,"1":1,"b":2,"4294967295":1,"4294967294":0,"01":1,"-1":2,"+3":3}"#
            ),
            r#"{"1":1,"2":1,"4294967294":0,"b":2,"4294967295":1,"01":1,"-1":2,"+3":3}"#
        );
        assert_eq!(written(r#"{"a":1,"1":1,"1":2}"#), r#"{"1":2,"a":1}"#);
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(
            parse(r#"["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\uD83D\uDE00"]"#).unwrap(),
            Document {
                value: json!(["\"\\/\u{8}\u{c}\n\r\té😀😀"]),
                unstorable: false,
            }
        );
    }

    #[test]
    fn what_postgres_cannot_hold_is_noticed() {
        for (text, shown) in [
            (r#"["a\ud800b"]"#, "a\u{fffd}b"),
            (r#"["\ude00\ud83d"]"#, "\u{fffd}\u{fffd}"),
            (r#"["\ud83d\n"]"#, "\u{fffd}\n"),
            (r#"["\ud83d\ud83d\ude00"]"#, "\u{fffd}😀"),
            (r#"["x\u0000"]"#, "x\0"),
        ] {
            let document = parse(text).unwrap();
            assert!(document.unstorable, "{text}");
            assert_eq!(document.value, json!([shown]), "{text}");
        }
        assert!(parse(r#"{"\u0000":1}"#).unwrap().unstorable);
        let readers_own = r#"{"m":{"$serde_json::private::RawValue":"[1]"}}"#;
        assert!(parse(readers_own).unwrap().unstorable);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!parse(&nested(DEPTH_MAX)).unwrap().unstorable);
        assert!(parse(&nested(DEPTH_MAX + 2)).unwrap().unstorable);
        assert!(parse(&nested(50_000)).unwrap().unstorable);
        assert_eq!(parse(&"[".repeat(50_000)), Err(Malformed));
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            " ",
            "{",
            "{]",
            "[1,]",
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            "{a:1}",
            "[01]",
            "[1.]",
            "[.1]",
            "[-]",
            "[+1]",
            "[1e]",
            "[NaN]",
            "[tru]",
            "[\"\t\"]",
            r#"["\x"]"#,
            r#"["\u00g0"]"#,
            r#"["\u+123"]"#,
            "[1] x",
            "\u{a0}[]",
            "['a']",
        ] {
            assert_eq!(parse(text), Err(Malformed), "{text}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1_000_000_000_000_i64..1_000_000_000_000).prop_map(Value::from),
            (0.1..0.9_f64).prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-z\"\\\\é]{0,4}", inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let parsed = parse(&text);
            prop_assert_eq!(parsed.is_ok(), serde_json::from_str::<Value>(&text).is_ok());
        }

        #[test]
        fn what_serde_prints_is_read_back(value in any_json()) {
            let document = parse(&value.to_string()).unwrap();
            prop_assert_eq!(document, Document { value, unstorable: false });
        }
    }
}

//! At which record something turned true of a document.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::diff::{Difference, diff};
use super::{Entry, History, Shape, parsed};

/// Something that is true of a document or not: a JSONPath (RFC 9535), true when it selects at least
/// one node. Nothing is true of a customer who is not there.
#[derive(Clone, Debug)]
pub struct Predicate(JsonPath);

/// A text that is no predicate. Where in it, but not what it says: a predicate may name a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no JSONPath of RFC 9535, from character {at} on: write one like \
     $[?@.first_name=='Bob']"
)]
pub struct NoPredicate {
    at: usize,
}

/// A record at which a predicate turned.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Whether it has been true since then; else it has been false.
    pub is_true: bool,
    /// The record.
    pub by: Entry,
    /// The document before; null where there was none.
    pub before: Value,
    /// The document after; null where there was none.
    pub after: Value,
}

impl Predicate {
    /// Reads a predicate.
    pub fn parse(text: &str) -> Result<Self, NoPredicate> {
        let path = JsonPath::parse(text);
        path.map(Self).map_err(|error| NoPredicate {
            at: error.position() + 1,
        })
    }

    /// Whether it is true of a document; null is none.
    pub fn holds(&self, document: &Value) -> bool {
        !document.is_null() && !self.0.query(document).is_empty()
    }
}

impl Turn {
    /// What the record changed.
    pub fn differences(&self) -> Vec<Difference> {
        diff(&self.before, &self.after)
    }
}

/// Each record at which a predicate turned true or false, in order. It is false before the birth.
pub fn turns<'a>(
    history: &'a History,
    shape: &'a Shape,
    predicate: &'a Predicate,
) -> impl Iterator<Item = Turn> + 'a {
    let start = shape.document(history.start());
    let mut last = (parsed(start.as_deref()), start);
    let mut was_true = predicate.holds(&last.0);
    history.documents(shape).filter_map(move |(entry, text)| {
        if text == last.1 {
            return None;
        }
        let after = parsed(text.as_deref());
        let before = std::mem::replace(&mut last, (after.clone(), text)).0;
        let is_true = predicate.holds(&after);
        (std::mem::replace(&mut was_true, is_true) != is_true).then(|| Turn {
            is_true,
            by: entry.clone(),
            before,
            after,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::told::{history, shape};
    use super::*;

    fn turned(predicate: &str) -> Vec<(i64, bool)> {
        let (history, shape) = (history(), shape());
        let predicate = Predicate::parse(predicate).unwrap();
        turns(&history, &shape, &predicate)
            .map(|turn| (turn.by.position().get(), turn.is_true))
            .collect()
    }

    #[test]
    fn each_turn_is_found_where_it_happened() {
        let bob = "$[?@.first_name=='Bob']";
        assert_eq!(turned(bob), [(2, true), (4, false), (5, true), (6, false)]);
        assert_eq!(turned("$.customer"), [(1, true), (6, false)]);
        assert_eq!(turned("$"), [(1, true), (6, false)], "null is nobody");
        assert_eq!(turned("$[?@.last_name=='Bell']"), [(3, true), (6, false)]);
        assert_eq!(turned("$[?@.first_name=='Dan']"), []);
    }

    #[test]
    fn a_turn_shows_what_its_record_changed() {
        let (history, shape) = (history(), shape());
        let predicate = Predicate::parse("$[?@.first_name=='Cy']").unwrap();
        let turn = turns(&history, &shape, &predicate).next().unwrap();
        assert_eq!(turn.before["customer"]["first_name"], "Bob");
        assert_eq!(turn.after["customer"]["first_name"], "Cy");
        let pointers: Vec<_> = turn
            .differences()
            .into_iter()
            .map(|difference| difference.pointer)
            .collect();
        assert_eq!(pointers, ["/customer/updated_at", "/customer/first_name"]);
    }

    #[test]
    fn what_is_no_predicate_is_said_without_repeating_it() {
        let error = Predicate::parse("$[?@.first_name=='Bob'").unwrap_err();
        assert!(
            !error
                .to_string()
                .replace("$[?@.first_name=='Bob']", "")
                .contains("Bob")
        );
        assert!(Predicate::parse("first_name").is_err());
    }
}

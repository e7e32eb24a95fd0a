//! Which record made two documents differ.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cause::cause;
use super::diff::Difference;
use super::{Entry, History, Shape, parsed};

/// The last record of a history that changed what stands at each of these pointers. A pointer that
/// nothing of the history changed is not in the answer.
pub(crate) fn last_changes<'a>(
    history: &'a History,
    shape: &Shape,
    pointers: &[&str],
) -> BTreeMap<String, &'a Entry> {
    let mut shown = shape.document(history.start());
    let mut before = parsed(shown.as_deref());
    let mut last = BTreeMap::new();
    for (entry, text) in history.documents(shape) {
        // Most of what a group or the other shop does, this document does not show.
        if text == shown {
            continue;
        }
        let after = parsed(text.as_deref());
        for pointer in pointers {
            if before.pointer(pointer) != after.pointer(pointer) {
                last.insert((*pointer).to_owned(), entry);
            }
        }
        (shown, before) = (text, after);
    }
    last
}

/// A difference, and the last record that made it, as JSON. What is not there has no member: null is a
/// value of its own.
pub fn json(difference: &Difference, by: Option<&Entry>) -> Value {
    let Difference { pointer, from, to } = difference;
    let mut json = json!({ "pointer": pointer });
    if let Value::Object(members) = &mut json {
        let mut put = |name: &str, value: Option<Value>| {
            members.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("from", from.clone());
        put("to", to.clone());
        put("by", by.map(|entry| cause(entry, true)));
    }
    json
}

//! The options of a query: what JavaScript makes of their values.

mod date;
mod number;

use serde_json::Value;

pub(super) use self::number::count;

/// The number that an option of a query is, if it is a finite one. A repeated option is none.
pub(super) fn finite(value: &Value) -> Option<f64> {
    number::number(value.as_str()?).filter(|number| number.is_finite())
}

/// The time that an option of a query says, in milliseconds since 1970: what JavaScript takes for a
/// date, else seconds since 1970. Source: case `list-created-unix-seconds`.
pub(super) fn date(value: &Value) -> Option<f64> {
    const TIME_MAX: f64 = 8.64e15;
    let text = as_text(value);
    let number = match value {
        Value::Bool(true) => Some(1.0),
        Value::Null
        | Value::Bool(false)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => number::number(&text),
    };
    let seconds = || number.map(|seconds| (seconds * 1000.0).trunc());
    date::parse(&text)
        .or_else(seconds)
        .filter(|time| time.abs() <= TIME_MAX)
}

/// `String(value)` in JavaScript.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(","),
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Whether a value is a text, or a list of nothing but texts.
pub(super) fn are_texts(value: &Value) -> bool {
    match items(value) {
        Some(items) => items.into_iter().all(Value::is_string),
        None => value.is_string(),
    }
}

/// The items of a list. Indexes beyond those that qs itself takes make a list here all the same.
/// Source: contracts, `groups[25]=x`.
pub(super) fn items(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(items) => Some(items.iter().collect()),
        Value::Object(members) => {
            let is_index = |key: &String| key.parse::<u32>().is_ok_and(|n| n.to_string() == *key);
            let is_list = !members.is_empty() && members.keys().all(is_index);
            is_list.then(|| members.values().collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

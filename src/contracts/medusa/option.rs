//! The options of a query: what Medusa, and PostgreSQL behind it, make of their values.

use express::{date, number};
use serde_json::Value;

/// The number that an option of a query is, if it is a finite one. A repeated option is none.
pub(super) fn finite(value: &Value) -> Option<f64> {
    number::parse(value.as_str()?).filter(|number| number.is_finite())
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
        | Value::Object(_) => number::parse(&text),
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

/// The count that PostgreSQL makes of a number which JavaScript wrote into `LIMIT` or `OFFSET`:
/// rounded to the nearest, halves away from zero. `None` where it refuses: below zero, or beyond
/// 2⁶³ − 1.
pub(super) fn count(number: f64) -> Option<i64> {
    let written = number::to_text(number);
    if written.contains('e') {
        // Smaller than a millionth, or 10²¹ and more.
        return (number.abs() < 1.0).then_some(0);
    }
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    let is_negative = whole.starts_with('-');
    let whole: i64 = whole.parse().ok()?;
    let up = i64::from(fraction.starts_with(['5', '6', '7', '8', '9']));
    match whole.abs().checked_add(up)? {
        0 => Some(0),
        _ if is_negative => None,
        count => Some(count),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_are_counted_as_postgres_rounds() {
        for (number, expected) in [
            (0.0, Some(0)),
            (-0.0, Some(0)),
            (50.0, Some(50)),
            (1.5, Some(2)),
            (2.5, Some(3)),
            (0.4, Some(0)),
            (0.5, Some(1)),
            (1e-7, Some(0)),
            (-1e-7, Some(0)),
            (-0.4, Some(0)),
            (-0.5, None),
            (-1.0, None),
            (9_223_372_036_854_774_784.0, Some(9_223_372_036_854_775_000)),
            (9_223_372_036_854_775_808.0, None),
            (1e20, None),
            (1e21, None),
            (-1e21, None),
        ] {
            assert_eq!(count(number), expected, "{number}");
        }
    }

    proptest! {
        #[test]
        fn no_number_panics(number: f64) {
            count(number);
        }
    }
}

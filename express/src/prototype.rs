//! What Medusa loses when it turns a body into an instance of a class.
//!
//! Source: class-transformer 0.5, `TransformOperationExecutor`: a key is skipped where the object
//! has a function of that name already, and `constructor` is taken for the class of an object whose
//! class is not known.

use serde_json::{Map, Value};

/// The names that every JavaScript object answers to.
const NAMES: [&str; 12] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// A member `constructor` that Medusa tries to call: an exception, before any validation.
/// Source: case `meta-constructor-500`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalledConstructor;

/// A body, less the names of `Object.prototype` at every depth.
///
/// `typed` are the properties whose elements have a class of their own, so that a `constructor` in
/// them is dropped like the other names.
pub fn strip(body: Value, typed: &[&str]) -> Result<Value, CalledConstructor> {
    match body {
        Value::Object(members) => strip_members(members, |key, value| {
            strip_value(value, typed.contains(&key))
        }),
        Value::Array(items) => items.into_iter().map(|item| strip(item, typed)).collect(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(scalar),
    }
}

fn strip_value(value: Value, has_class: bool) -> Result<Value, CalledConstructor> {
    match value {
        Value::Object(members) => {
            if !has_class && members.get("constructor").is_some_and(is_truthy) {
                return Err(CalledConstructor);
            }
            strip_members(members, |_, value| strip_value(value, false))
        }
        Value::Array(items) => items
            .into_iter()
            .map(|item| strip_value(item, has_class))
            .collect(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(scalar),
    }
}

fn strip_members(
    members: Map<String, Value>,
    strip: impl Fn(&str, Value) -> Result<Value, CalledConstructor>,
) -> Result<Value, CalledConstructor> {
    let mut kept = Map::new();
    for (key, value) in members {
        if !NAMES.contains(&key.as_str()) {
            let value = strip(&key, value)?;
            kept.insert(key, value);
        }
    }
    Ok(Value::Object(kept))
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(bool) => *bool,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_the_prototype_are_dropped_at_any_depth() {
        assert_eq!(
            strip(
                json!({"toString": 1, "constructor": 1, "metadata": {
                    "__proto__": 1, "hasOwnProperty": 2, "k": [{"valueOf": 3, "v": 1}],
                    "prototype": 1, "length": 2, "then": 3, "toJSON": 4,
                }}),
                &[]
            ),
            Ok(json!({"metadata": {
                "k": [{"v": 1}], "prototype": 1, "length": 2, "then": 3, "toJSON": 4,
            }}))
        );
    }

    #[test]
    fn a_constructor_is_called_where_no_class_is_known() {
        for body in [
            json!({"metadata": {"constructor": 1}}),
            json!({"metadata": {"a": [{"constructor": {}}]}}),
            json!({"bogus": {"constructor": "x"}}),
            json!({"groups": [{"id": {"constructor": []}}]}),
            json!([{"metadata": {"constructor": 1}}]),
        ] {
            assert_eq!(
                strip(body.clone(), &["groups"]),
                Err(CalledConstructor),
                "{body}"
            );
        }
        for (body, stripped) in [
            (
                json!({"metadata": {"constructor": 0}}),
                json!({"metadata": {}}),
            ),
            (
                json!({"groups": [{"constructor": 1}]}),
                json!({"groups": [{}]}),
            ),
            (json!({"groups": {"constructor": 1}}), json!({"groups": {}})),
        ] {
            assert_eq!(strip(body, &["groups"]), Ok(stripped));
        }
    }
}

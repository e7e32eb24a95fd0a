//! What differs between two documents, by JSON Pointer (RFC 6901).

use serde_json::Value;

/// A place at which two documents differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where: empty is the whole document.
    pub pointer: String,
    /// What stands there in the first; none: nothing does.
    pub from: Option<Value>,
    /// What stands there in the second; none: nothing does.
    pub to: Option<Value>,
}

/// The differences, in an order in which they can be applied: what is taken from the end of an array
/// goes last element first. Members and elements that both have are looked into; the order of members
/// is no difference.
pub fn diff(from: &Value, to: &Value) -> Vec<Difference> {
    let mut found = vec![];
    compare(&mut String::new(), from, to, &mut found);
    found
}

/// A pointer's next step, escaped.
pub fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
}

fn compare(pointer: &mut String, from: &Value, to: &Value, found: &mut Vec<Difference>) {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            for (name, value) in from {
                below(pointer, name, Some(value), to.get(name), found);
            }
            for (name, value) in to.iter().filter(|(name, _)| !from.contains_key(*name)) {
                below(pointer, name, None, Some(value), found);
            }
        }
        (Value::Array(from), Value::Array(to)) => {
            let (kept, gone) = from.split_at(from.len().min(to.len()));
            for (index, value) in kept.iter().enumerate() {
                below(
                    pointer,
                    &index.to_string(),
                    Some(value),
                    to.get(index),
                    found,
                );
            }
            for (index, value) in gone.iter().enumerate().rev() {
                let index = kept.len() + index;
                below(pointer, &index.to_string(), Some(value), None, found);
            }
            for (index, value) in to.iter().enumerate().skip(from.len()) {
                below(pointer, &index.to_string(), None, Some(value), found);
            }
        }
        _ if from == to => {}
        _ => found.push(Difference {
            pointer: pointer.clone(),
            from: Some(from.clone()),
            to: Some(to.clone()),
        }),
    }
}

fn below(
    pointer: &mut String,
    step: &str,
    from: Option<&Value>,
    to: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    let length = pointer.len();
    push(pointer, step);
    if let (Some(from), Some(to)) = (from, to) {
        compare(pointer, from, to, found);
    } else {
        found.push(Difference {
            pointer: pointer.clone(),
            from: from.cloned(),
            to: to.cloned(),
        });
    }
    pointer.truncate(length);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Does what the differences say, as any reader of them would.
    fn apply(document: &mut Value, differences: &[Difference]) {
        for Difference { pointer, from, to } in differences {
            assert_eq!(document.pointer(pointer), from.as_ref(), "{pointer}");
            let Some((parent, step)) = pointer.rsplit_once('/') else {
                *document = to.clone().unwrap();
                continue;
            };
            let step = step.replace("~1", "/").replace("~0", "~");
            match document.pointer_mut(parent).unwrap() {
                Value::Object(members) => match to {
                    Some(value) => drop(members.insert(step, value.clone())),
                    None => drop(members.shift_remove(&step)),
                },
                Value::Array(elements) => {
                    let index = step.parse().unwrap();
                    match to {
                        Some(value) if index == elements.len() => elements.push(value.clone()),
                        Some(value) => elements[index] = value.clone(),
                        None => drop(elements.remove(index)),
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    panic!("{parent} holds nothing")
                }
            }
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let members = prop::collection::vec(("[a/~]{0,2}", inner.clone()), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn differences_applied_to_the_first_give_the_second(a in documents(), b in documents()) {
            let differences = diff(&a, &b);
            let mut applied = a.clone();
            apply(&mut applied, &differences);
            prop_assert_eq!(&applied, &b);
            prop_assert_eq!(differences.is_empty(), a == b);
        }
    }

    #[test]
    fn a_difference_says_where_and_from_what_to_what() {
        let a = json!({"customer": {"tags": ["a", "b", "c"], "m/~": 1, "note": ""}});
        let b = json!({"customer": {"tags": ["a", "x"], "m/~": null, "zip": "1"}});
        let difference = |pointer: &str, from: Option<Value>, to: Option<Value>| Difference {
            pointer: pointer.to_owned(),
            from,
            to,
        };
        assert_eq!(
            diff(&a, &b),
            [
                difference("/customer/tags/1", Some(json!("b")), Some(json!("x"))),
                difference("/customer/tags/2", Some(json!("c")), None),
                difference("/customer/m~1~0", Some(json!(1)), Some(Value::Null)),
                difference("/customer/note", Some(json!("")), None),
                difference("/customer/zip", None, Some(json!("1"))),
            ]
        );
    }
}

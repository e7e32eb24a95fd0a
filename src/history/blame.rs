//! Which record made each leaf of a document what it is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::diff::push;
use super::{Entry, History, Shape, parsed};

/// A leaf of a document: a text, number, boolean or null, or an array or object with nothing in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Where it stands.
    pub pointer: String,
    /// What stands there.
    pub value: Value,
    /// The last record that changed it.
    pub by: Entry,
}

/// The leaves of the last document of a history, in its order, each with the last record that
/// changed it. None where the history ends without a customer. An element of an array that has an
/// `id` is the same one wherever it stands: that another was taken out before it does not change
/// it.
///
/// The history must begin with the customer's birth.
pub fn blame(history: &History, shape: &Shape) -> Vec<Leaf> {
    let mut tree = Tree::default();
    let mut last = (None, Value::Null);
    for (entry, text) in history.documents(shape) {
        // Most of what a group or the other shop does, this document does not show.
        if text == last.0 {
            continue;
        }
        let document = parsed(text.as_deref());
        tree.update(&last.1, &document, Some(entry));
        last = (text, document);
    }
    let mut leaves = vec![];
    if last.0.is_some() {
        tree.collect(&mut String::new(), &last.1, &mut leaves);
    }
    leaves
}

/// Who changed what, in the form of the document.
#[derive(Default)]
struct Tree<'a> {
    /// Of a leaf.
    by: Option<&'a Entry>,
    members: BTreeMap<String, Self>,
    elements: Vec<Self>,
}

impl<'a> Tree<'a> {
    /// All of it is new.
    fn new(value: &Value, by: Option<&'a Entry>) -> Self {
        let mut tree = Self {
            by,
            ..Self::default()
        };
        match value {
            Value::Object(members) => {
                let member =
                    |(name, value): (&String, &Value)| (name.clone(), Self::new(value, by));
                tree.members = members.iter().map(member).collect();
            }
            Value::Array(elements) => {
                tree.elements = elements.iter().map(|value| Self::new(value, by)).collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        tree
    }

    fn update(&mut self, from: &Value, to: &Value, by: Option<&'a Entry>) {
        match (from, to) {
            _ if from == to => {}
            (Value::Object(from), Value::Object(to)) if !to.is_empty() => {
                self.members.retain(|name, _| to.contains_key(name));
                for (name, value) in to {
                    match (self.members.get_mut(name), from.get(name)) {
                        (Some(tree), Some(from)) => tree.update(from, value, by),
                        _ => drop(self.members.insert(name.clone(), Self::new(value, by))),
                    }
                }
            }
            (Value::Array(from), Value::Array(to)) if !to.is_empty() => {
                let mut trees: Vec<_> = self.elements.drain(..).map(Some).collect();
                let element = |(index, value): (usize, &Value)| {
                    let before = place(from, &trees, index, value);
                    let held =
                        before.and_then(|at| Some((from.get(at)?, trees.get_mut(at)?.take()?)));
                    match held {
                        Some((from, mut tree)) => {
                            tree.update(from, value, by);
                            tree
                        }
                        None => Self::new(value, by),
                    }
                };
                self.elements = to.iter().enumerate().map(element).collect();
            }
            _ => *self = Self::new(to, by),
        }
    }

    fn collect(&self, pointer: &mut String, value: &Value, leaves: &mut Vec<Leaf>) {
        let length = pointer.len();
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    push(pointer, name);
                    if let Some(tree) = self.members.get(name) {
                        tree.collect(pointer, value, leaves);
                    }
                    pointer.truncate(length);
                }
            }
            Value::Array(elements) if !elements.is_empty() => {
                for (index, (value, tree)) in elements.iter().zip(&self.elements).enumerate() {
                    push(pointer, &index.to_string());
                    tree.collect(pointer, value, leaves);
                    pointer.truncate(length);
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => leaves.extend(self.by.map(|by| Leaf {
                pointer: pointer.clone(),
                value: value.clone(),
                by: by.clone(),
            })),
        }
    }
}

/// Where an element stood before: that of its `id`, or, of those without one, that of its index. `left`
/// are those that no element was found to be yet.
fn place<T>(from: &[Value], left: &[Option<T>], index: usize, value: &Value) -> Option<usize> {
    let is_same = |at: &usize| {
        let is_left = left.get(*at).is_some_and(Option::is_some);
        is_left
            && from
                .get(*at)
                .is_some_and(|element| element.get("id") == value.get("id"))
    };
    let mut others = 0..from.len();
    let here = Some(index).filter(is_same);
    here.or_else(|| value.get("id").and_then(|_| others.find(is_same)))
}

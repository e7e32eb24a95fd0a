//! A step for people: the record in a line, the document below it, what changed in it marked.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Step;
use crate::cli::table::escaped;
use crate::history::diff::{Difference, diff, push};

/// How a changed line begins on a terminal, and how it ends.
const CHANGED: (&str, &str) = ("\x1b[1;32m", "\x1b[0m");

/// A step as text. On a terminal changed lines are coloured; else they begin with a plus sign. What is
/// gone follows the document.
pub(super) fn page(step: &Step<'_>, is_terminal: bool) -> String {
    let differences = diff(&step.before, &step.after);
    let mut page = Page {
        changed: differences
            .iter()
            .map(|difference| difference.pointer.as_str())
            .collect(),
        is_terminal,
        lines: vec![escaped(&head(step))],
    };
    if step.after.is_null() {
        page.line(!step.before.is_null(), 0, "nobody");
    } else {
        let is_new = page.changed.contains("");
        page.value(&mut String::new(), is_new, 0, "", &step.after, "");
    }
    for Difference { pointer, from, to } in &differences {
        if let (Some(from), None) = (from, to) {
            let gone = format!("gone: {pointer} {from}");
            page.lines.push(escaped(&gone));
        }
    }
    if differences.is_empty() {
        page.lines
            .push("nothing that this shape shows changed".to_owned());
    }
    page.lines.join("\n") + "\n"
}

/// Which step it is, and who made it.
fn head(step: &Step<'_>) -> String {
    let Step {
        number,
        count,
        entry,
        ..
    } = step;
    let metadata = entry.metadata();
    format!(
        "{number}/{count} position {} at {}: {} by {} {} through {} {}, request {}",
        entry.position(),
        entry.time(),
        entry.type_name(),
        metadata.actor.kind.name(),
        metadata.actor.id,
        metadata.contract.name(),
        metadata.route,
        metadata.request_id,
    )
}

struct Page<'a> {
    changed: BTreeSet<&'a str>,
    is_terminal: bool,
    lines: Vec<String>,
}

impl Page<'_> {
    /// A value with what stands before and after it in its line.
    fn value(
        &mut self,
        pointer: &mut String,
        is_new: bool,
        depth: usize,
        before: &str,
        value: &Value,
        after: &str,
    ) {
        let children: Vec<(String, String, &Value)> = match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| {
                    (
                        name.clone(),
                        format!("{}: ", Value::from(name.as_str())),
                        value,
                    )
                })
                .collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, value)| (index.to_string(), String::new(), value))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
        };
        if children.is_empty() {
            self.line(is_new, depth, &format!("{before}{value}{after}"));
            return;
        }
        let (open, close) = if value.is_array() {
            ("[", "]")
        } else {
            ("{", "}")
        };
        self.line(is_new, depth, &format!("{before}{open}"));
        let length = pointer.len();
        let last = children.len() - 1;
        for (index, (step, before, value)) in children.into_iter().enumerate() {
            push(pointer, &step);
            let is_new = is_new || self.changed.contains(pointer.as_str());
            let comma = if index == last { "" } else { "," };
            self.value(pointer, is_new, depth + 1, &before, value, comma);
            pointer.truncate(length);
        }
        self.line(is_new, depth, &format!("{close}{after}"));
    }

    fn line(&mut self, is_new: bool, depth: usize, text: &str) {
        let indent = "  ".repeat(depth);
        let (begin, end) = match (is_new, self.is_terminal) {
            (true, true) => CHANGED,
            (true, false) => ("+ ", ""),
            (false, true) => ("", ""),
            (false, false) => ("  ", ""),
        };
        let text = escaped(text);
        self.lines.push(format!("{begin}{indent}{text}{end}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::history::told;

    fn text(before: Value, after: Value, is_terminal: bool) -> String {
        let entry = told::born();
        let step = Step {
            number: 2,
            count: 3,
            entry: &entry,
            before,
            after,
        };
        let page = page(&step, is_terminal);
        page.split_once('\n').unwrap().1.to_owned()
    }

    #[test]
    fn what_changed_is_marked() {
        let before = json!({ "a": 1, "tags": ["x"], "gone": { "b": "old\u{9b}" }, "empty": [] });
        let after =
            json!({ "a": 1, "tags": ["x", { "y": null }], "empty": [], "new": "\u{1b}\u{9b}" });
        assert_eq!(
            text(before.clone(), after.clone(), false),
            "  {\n    \"a\": 1,\n    \"tags\": [\n      \"x\",\n+     {\n+       \"y\": null\n\
             +     }\n    ],\n    \"empty\": [],\n+   \"new\": \"\\u001b\\u{9b}\"\n  }\n\
             gone: /gone {\"b\":\"old\\u{9b}\"}\n"
        );
        let coloured = text(before, after, true);
        assert!(
            coloured.contains("\x1b[1;32m  \"new\": \"\\u001b\\u{9b}\"\x1b[0m\n"),
            "{coloured}"
        );
        assert!(coloured.contains("\n  \"a\": 1,\n"), "{coloured}");
    }

    #[test]
    fn a_birth_is_all_new_and_a_death_leaves_nobody() {
        let document = json!({ "a": 1 });
        assert_eq!(
            text(Value::Null, document.clone(), false),
            "+ {\n+   \"a\": 1\n+ }\n"
        );
        assert_eq!(text(document.clone(), Value::Null, false), "+ nobody\n");
        let same = text(document.clone(), document, false);
        assert!(
            same.ends_with("nothing that this shape shows changed\n"),
            "{same}"
        );
    }
}

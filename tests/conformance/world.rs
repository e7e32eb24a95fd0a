//! Names for what differs between two runs: ids, the run's own name and times.

use std::collections::BTreeMap;

use super::tree::Tree;

/// The variables of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    variables: BTreeMap<String, String>,
}

/// A case uses a variable that no earlier case could save.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) String);

/// Variables shorter than this are not looked for in answers: they could be anything.
const VALUE_LENGTH_MIN: usize = 5;
const ID_PREFIXES: [&str; 6] = ["cus_", "addr_", "cgrp_", "usr_", "reg_", "order_"];
const ULID_LENGTH: usize = 26;

impl World {
    pub(crate) fn new(run: &str) -> Self {
        let mut world = Self::default();
        world.set("run", run);
        world
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn get(&self, name: &str) -> Result<&str, Missing> {
        self.variables
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| Missing(name.to_owned()))
    }

    /// The text with every `{{variable}}` replaced.
    pub(crate) fn fill(&self, text: &str) -> Result<String, Missing> {
        let mut parts = text.split("{{");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            if let Some((name, rest)) = part.split_once("}}") {
                filled.push_str(self.get(name)?);
                filled.push_str(rest);
            } else {
                filled.push_str("{{");
                filled.push_str(part);
            }
        }
        Ok(filled)
    }

    /// A text without what differs between runs: known values get their names, other ids and times
    /// a placeholder.
    pub(crate) fn normal_text(&self, text: &str) -> String {
        if is_time(text) {
            return "<time>".to_owned();
        }
        let mut known: Vec<_> = self
            .variables
            .iter()
            .filter(|(_, value)| value.len() >= VALUE_LENGTH_MIN && !is_time(value))
            .collect();
        known.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let named = known
            .into_iter()
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(value, &format!("{{{{{name}}}}}"))
            });
        ID_PREFIXES
            .into_iter()
            .fold(named, |text, prefix| hide_ids(&text, prefix))
    }

    /// A body without what differs between runs, its free lists sorted.
    pub(crate) fn normal(&self, tree: &Tree, unordered: &[&str]) -> Tree {
        match tree {
            Tree::Literal(literal) => Tree::Literal(literal.clone()),
            Tree::Text(text) => Tree::Text(self.normal_text(text)),
            Tree::List(items) => Tree::List(
                items
                    .iter()
                    .map(|item| self.normal(item, unordered))
                    .collect(),
            ),
            Tree::Object(members) => Tree::Object(
                members
                    .iter()
                    .map(|(key, value)| {
                        let mut value = self.normal(value, unordered);
                        if let Tree::List(items) = &mut value
                            && unordered.contains(&key.as_str())
                        {
                            items.sort();
                        }
                        (self.normal_text(key), value)
                    })
                    .collect(),
            ),
        }
    }
}

/// `2026-11-21T18:11:26.442Z`, and nothing else.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|char| if char.is_ascii_digit() { '0' } else { char })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}

fn hide_ids(text: &str, prefix: &str) -> String {
    let is_crockford =
        |char: char| char.is_ascii_digit() || (char.is_ascii_uppercase() && !"ILOU".contains(char));
    let mut parts = text.split(prefix);
    let mut hidden = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_at_checked(ULID_LENGTH) {
            Some((ulid, rest)) if ulid.chars().all(is_crockford) => {
                hidden.extend(["<", prefix, "id>", rest]);
            }
            Some(_) | None => {
                hidden.push_str(prefix);
                hidden.push_str(part);
            }
        }
    }
    hidden
}

#[test]
fn what_differs_between_runs_gets_a_name() {
    let id = "cus_01M7ZMWNNJNQPBKNQVFA2C63TV";
    let mut world = World::new("r0000");
    world.set("alice", id);
    assert_eq!(
        world.normal_text(&format!("Customer {id} of r0000")),
        "Customer {{alice}} of {{run}}"
    );
    assert_eq!(
        world.normal_text("addr_01M7ZMWNNJNQPBKNQVFA2C63TV addr_1"),
        "<addr_id> addr_1"
    );
    assert_eq!(world.normal_text("2026-11-21T18:11:26.442Z"), "<time>");
    assert_eq!(
        world.normal_text("2026-11-21T18:11:26Z"),
        "2026-11-21T18:11:26Z"
    );
    assert_eq!(world.fill("a-{{run}}@x {{").as_deref(), Ok("a-r0000@x {{"));
    assert_eq!(world.fill("{{bob}}"), Err(Missing("bob".to_owned())));
}

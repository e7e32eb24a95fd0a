//! A customer group as Medusa shows it, how records change it, and which of its columns are asked
//! for. Nothing in it is personal.

use events::GroupEvent;
use events::group::{GroupCreated, GroupDeleted, GroupUpdated};
use events::ids::{MedusaId, Position, Sequence, StreamId};
use events::record::Record;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A customer group in Medusa's shape, with its place in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The group's stream.
    pub stream: StreamId,
    /// Sequence of the last record applied; 0 before the first.
    pub sequence: Sequence,
    /// Position of the last record applied.
    pub position: Position,
    /// Whether the group is gone.
    pub deleted: bool,
    /// Medusa's id, `cgrp_…`.
    pub id: MedusaId,
    /// When the group came into being.
    pub created_at: Timestamp,
    /// When its name or metadata last changed. Members coming and going do not move it.
    pub updated_at: Timestamp,
    /// Name.
    pub name: String,
    /// Free metadata, members in the order they came.
    pub metadata: Option<Map<String, Value>>,
}

impl Group {
    /// Folds the next record of the stream into the view.
    pub fn apply(&mut self, record: &Record<GroupEvent>) {
        self.stream.clone_from(&record.stream);
        self.sequence = record.sequence;
        self.position = record.position;
        if self.deleted {
            return;
        }
        match &record.event {
            GroupEvent::GroupCreated(GroupCreated {
                medusa_id,
                name,
                metadata,
            }) => {
                self.id.clone_from(medusa_id);
                self.name.clone_from(name);
                self.metadata.clone_from(metadata);
                self.created_at = record.time;
                self.updated_at = record.time;
            }
            GroupEvent::GroupUpdated(updated) => self.update(updated, record.time),
            GroupEvent::GroupDeleted(GroupDeleted {}) => {
                self.deleted = true;
                self.updated_at = record.time;
                self.name.clear();
                self.metadata = None;
            }
        }
    }

    fn update(&mut self, updated: &GroupUpdated, time: Timestamp) {
        let GroupUpdated { name, metadata } = updated;
        let before = self.clone();
        if let Some(name) = name {
            self.name.clone_from(name);
        }
        if metadata.is_some() {
            self.metadata.clone_from(metadata);
        }
        if *self != before {
            self.updated_at = time;
        }
    }
}

/// The columns of a group that `fields=` asks for.
///
/// A plain name or `+name` asks for a column, `-name` takes it back, and the id is always there.
/// There is no default list for the minus forms to take from, so `-metadata` alone leaves only the
/// id. Source: the recorded cases `cg-get-fields*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<&'static str>);

/// `fields=` asks for something that a group does not have. Medusa answers 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a group has no such field")]
pub struct UnknownField;

/// The columns of a group.
pub(super) const COLUMNS: [&str; 6] = [
    "id",
    "created_at",
    "updated_at",
    "deleted_at",
    "name",
    "metadata",
];
/// Naming a relation here is no mistake and selects nothing.
const RELATIONS: [&str; 2] = ["customers", "price_lists"];

impl Fields {
    /// Reads the option as `GET /admin/customer-groups/{id}` takes it.
    pub fn parse(text: &str) -> Result<Self, UnknownField> {
        let mut asked = vec!["id"];
        let mut taken_back = vec![];
        for item in text.split(',').filter(|item| !item.is_empty()) {
            if let Some(name) = item.strip_prefix('-') {
                taken_back.push(name);
                continue;
            }
            let name = item.strip_prefix('+').unwrap_or(item);
            if let Some(column) = COLUMNS.into_iter().find(|column| *column == name) {
                asked.push(column);
            } else if !RELATIONS.contains(&name) {
                return Err(UnknownField);
            }
        }
        asked.retain(|column| *column == "id" || !taken_back.contains(column));
        Ok(Self(asked))
    }

    /// Reads the option as `GET /admin/customer-groups` takes it: the time of creation is always
    /// there, too. Source: the recorded case `cg-list-fields`.
    pub fn parse_in_list(text: &str) -> Result<Self, UnknownField> {
        let Self(mut asked) = Self::parse(text)?;
        asked.push("created_at");
        Ok(Self(asked))
    }

    /// Whether a column is asked for.
    pub(super) fn has(&self, column: &str) -> bool {
        self.0.contains(&column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_select_columns_as_medusa_does() {
        let asked = |text| Fields::parse(text).map(|fields| fields.0);
        assert_eq!(asked("name"), Ok(vec!["id", "name"]));
        assert_eq!(asked("+name"), Ok(vec!["id", "name"]));
        assert_eq!(asked("-metadata"), Ok(vec!["id"]));
        assert_eq!(asked("name,metadata,-name,-id"), Ok(vec!["id", "metadata"]));
        assert_eq!(asked(""), Ok(vec!["id"]));
        assert_eq!(asked(","), Ok(vec!["id"]));
        assert_eq!(asked("customers"), Ok(vec!["id"]));
        assert_eq!(asked("bogus"), Err(UnknownField));
        assert_eq!(asked(" name"), Err(UnknownField));
    }
}

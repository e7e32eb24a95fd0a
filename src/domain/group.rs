//! One customer group: the state, what a command makes of it, and how events change it. Pure.

use cqrs_es::{Aggregate, event_sink::EventSink};
use events::GroupEvent;
use events::group::{GroupCreated, GroupDeleted, GroupUpdated};
use events::ids::MedusaId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::customer::{self, Life, merge_metadata};

/// A customer group as the ledger knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CustomerGroup {
    /// Whether there is one; a group is never erased.
    pub life: Life,
    /// Id in Medusa.
    pub medusa_id: MedusaId,
    /// Name.
    pub name: String,
    /// Medusa's metadata.
    pub metadata: Option<Map<String, Value>>,
}

/// What a request asks of a group.
#[derive(Clone, Debug)]
pub enum Command {
    /// Bring a group into being.
    Create {
        /// Id in Medusa, drawn before.
        medusa_id: MedusaId,
        /// Name.
        name: String,
        /// Metadata, as given.
        metadata: Option<Map<String, Value>>,
    },
    /// Change name or metadata.
    Update {
        /// The new name, if given.
        name: Option<String>,
        /// Members to merge into the metadata; an empty text deletes its member.
        metadata: Option<Map<String, Value>>,
    },
    /// Let customers come and go: whose streams say so. Nothing happens in the group's own.
    ChangeMembers,
    /// Delete the group, unless there is none: saying so twice is no mistake.
    Delete,
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such group, or no more.
    #[error("there is no such group")]
    NotFound,
    /// Its metadata is refused as a customer's would be.
    #[error(transparent)]
    Metadata(#[from] customer::Refusal),
}

/// What a command makes of a group: the events, none when nothing changes.
pub fn decide(group: &CustomerGroup, command: Command) -> Result<Vec<GroupEvent>, Refusal> {
    match command {
        Command::Create {
            medusa_id,
            name,
            metadata,
        } => Ok(vec![GroupEvent::GroupCreated(GroupCreated {
            medusa_id,
            name,
            metadata,
        })]),
        Command::Delete => Ok(match group.life {
            Life::Live => vec![GroupEvent::GroupDeleted(GroupDeleted {})],
            Life::Unborn | Life::Deleted | Life::Erased => vec![],
        }),
        Command::ChangeMembers | Command::Update { .. } if group.life != Life::Live => {
            Err(Refusal::NotFound)
        }
        Command::ChangeMembers => Ok(vec![]),
        Command::Update { name, metadata } => {
            let updated = GroupUpdated {
                name: name.filter(|name| *name != group.name),
                metadata: metadata
                    .map(|members| merge_metadata(group.metadata.as_ref(), members))
                    .transpose()?
                    .filter(|merged| Some(merged) != group.metadata.as_ref()),
            };
            let changed = updated != GroupUpdated::default();
            Ok(changed
                .then_some(GroupEvent::GroupUpdated(updated))
                .into_iter()
                .collect())
        }
    }
}

impl Aggregate for CustomerGroup {
    const TYPE: &'static str = "CustomerGroup";
    type Command = Command;
    type Event = GroupEvent;
    type Error = Refusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Refusal> {
        for event in decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::GroupCreated(created) => {
                *self = Self {
                    life: Life::Live,
                    medusa_id: created.medusa_id,
                    name: created.name,
                    metadata: created.metadata,
                };
            }
            GroupEvent::GroupUpdated(updated) => {
                if let Some(name) = updated.name {
                    self.name = name;
                }
                if updated.metadata.is_some() {
                    self.metadata = updated.metadata;
                }
            }
            GroupEvent::GroupDeleted(_) => self.life = Life::Deleted,
        }
    }
}

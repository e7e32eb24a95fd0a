//! The domain's refusals and the store's conflicts, in Medusa's words: they name what was asked for.

use std::collections::HashSet;

use events::ids::{MedusaId, StreamId};

use super::error::ApiError;
use crate::domain::customer::Refusal;
use crate::domain::group;

/// What was asked for, as far as the words of a refusal name it. Ids are as they were sent.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// A new customer.
    CreateCustomer,
    /// Another state of a customer.
    UpdateCustomer {
        /// Its id.
        id: &'a str,
        /// The new e-mail; empty when none was sent.
        email: &'a str,
        /// The groups it is to be in: ids and streams, in the order in which they were sent.
        groups: &'a [(MedusaId, StreamId)],
    },
    /// A new group.
    CreateGroup {
        /// Its name.
        name: &'a str,
    },
    /// Another state of a group.
    UpdateGroup {
        /// Its id.
        id: &'a str,
        /// The new name; empty when none was sent.
        name: &'a str,
    },
    /// The end of a group.
    DeleteGroup,
    /// That customers join or leave a group.
    ChangeMembers {
        /// The group's id.
        group: &'a str,
        /// The customers: ids and streams, in the order in which they were sent.
        customers: &'a [(MedusaId, StreamId)],
    },
}

impl Asked<'_> {
    /// The refusal of a customer's command.
    pub(crate) fn customer_refused(&self, refusal: Refusal) -> ApiError {
        match refusal {
            Refusal::NotFound => ApiError::CustomerUnknown {
                id: self.id().to_owned(),
            },
            Refusal::EmailFixed => ApiError::EmailFixed,
            Refusal::EmailRequired => ApiError::NotNull {
                column: "email",
                table: "customer",
            },
            Refusal::GroupTwice { group } => ApiError::JoinsTwice {
                group: self.group(&group).to_owned(),
                customer: self.id().to_owned(),
            },
            // The ledger's own limit, of metadata: Medusa has none.
            Refusal::TooLong { field, .. } => ApiError::TooLong {
                field,
                message: refusal.to_string(),
            },
            // None of Medusa's rules: see `customer::RULES`.
            Refusal::ContactRequired
            | Refusal::MarketingNeedsEmail
            | Refusal::MarketingNeedsPhone
            | Refusal::InviteNeedsEmail
            | Refusal::NotInvitable
            | Refusal::AddressUnknown { .. } => ApiError::Unknown,
        }
    }

    /// The refusal of a group's command.
    pub(crate) fn group_refused(&self, refusal: group::Refusal) -> ApiError {
        match refusal {
            group::Refusal::NotFound => ApiError::GroupUnknown {
                id: self.id().to_owned(),
            },
            group::Refusal::Metadata(refusal) => self.customer_refused(refusal),
        }
    }

    /// The customers of these streams are none.
    pub(crate) fn members_refused<'s>(
        &self,
        streams: impl Iterator<Item = &'s StreamId>,
    ) -> ApiError {
        let refused: HashSet<&str> = streams.map(StreamId::as_str).collect();
        let customers = self.listed().iter();
        let missing = customers.filter(|(_, stream)| refused.contains(stream.as_str()));
        ApiError::MembersUnknown {
            ids: missing.map(|(id, _)| id.to_string()).collect(),
        }
    }

    /// Another customer of the same kind has the e-mail.
    pub(crate) fn email_taken(&self, has_account: bool) -> ApiError {
        match self {
            Self::CreateCustomer if has_account => ApiError::AccountExists,
            Self::CreateCustomer => ApiError::GuestExists,
            Self::UpdateCustomer { email, .. } => ApiError::EmailTaken {
                email: (*email).to_owned(),
                has_account,
            },
            Self::CreateGroup { .. }
            | Self::UpdateGroup { .. }
            | Self::DeleteGroup
            | Self::ChangeMembers { .. } => ApiError::Unknown,
        }
    }

    /// Whatever else the store has against it; `unknown` are the streams of groups that there are
    /// not.
    pub fn conflict(&self, unknown: &[&StreamId]) -> ApiError {
        match *self {
            Self::UpdateCustomer { groups, .. } => {
                let is_unknown = |stream| unknown.contains(&stream);
                let first = groups.iter().find(|(_, stream)| is_unknown(stream));
                first.map_or(ApiError::Unknown, |(group, _)| {
                    ApiError::JoinsUnknownGroup {
                        group: group.to_string(),
                    }
                })
            }
            // Nothing else is claimed by a group's command but its name.
            Self::CreateGroup { name } => ApiError::GroupNameTaken {
                name: name.to_owned(),
            },
            Self::UpdateGroup { name, .. } => ApiError::GroupRenameTaken {
                name: name.to_owned(),
            },
            Self::ChangeMembers { group, .. } => ApiError::GroupUnknown {
                id: group.to_owned(),
            },
            Self::CreateCustomer | Self::DeleteGroup => ApiError::Unknown,
        }
    }

    /// The id of the one that was asked for; a new one has none yet.
    const fn id(&self) -> &str {
        match self {
            Self::UpdateCustomer { id, .. } | Self::UpdateGroup { id, .. } => id,
            Self::ChangeMembers { group, .. } => group,
            Self::CreateCustomer | Self::CreateGroup { .. } | Self::DeleteGroup => "",
        }
    }

    /// The id of a group that was asked for, by its stream.
    fn group<'s>(&'s self, stream: &'s StreamId) -> &'s str {
        let mut listed = self.listed().iter();
        let known = listed.find(|(_, of)| of == stream);
        known.map_or(stream, |(id, _)| id)
    }

    const fn listed(&self) -> &[(MedusaId, StreamId)] {
        match self {
            Self::UpdateCustomer { groups, .. } => groups,
            Self::ChangeMembers { customers, .. } => customers,
            Self::CreateCustomer
            | Self::CreateGroup { .. }
            | Self::UpdateGroup { .. }
            | Self::DeleteGroup => &[],
        }
    }
}

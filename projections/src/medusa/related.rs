//! What the relations of an answer need beyond the customer or group itself.
//!
//! Groups and members are held flat, each once, however often the tree of relations comes back to
//! them. A loader asks what is missing, reads it, holds it, and asks again until nothing is.

use std::collections::{BTreeMap, BTreeSet};

use events::ids::StreamId;

use super::customer::Customer;
use super::group::Group;
use super::relations::Relations;

/// The groups and members that relations lead to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Related {
    /// By stream. `None`: looked up, and not there.
    groups: BTreeMap<StreamId, Option<Group>>,
    /// By stream.
    customers: BTreeMap<StreamId, Customer>,
    /// Streams of a group's members, by the group's stream.
    members: BTreeMap<StreamId, BTreeSet<StreamId>>,
}

/// What a loader has to read, by stream of the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Groups that are shown.
    pub groups: Vec<StreamId>,
    /// Groups whose members are shown.
    pub members: Vec<StreamId>,
}

impl Missing {
    /// Whether everything is held.
    pub const fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.members.is_empty()
    }
}

impl Related {
    /// What is still missing to render a customer with these relations.
    pub fn missing_of_customer(&self, customer: &Customer, relations: &Relations) -> Missing {
        self.missing_of_customers([customer], relations)
    }

    /// The same for all of a list at once.
    pub fn missing_of_customers<'a>(
        &'a self,
        customers: impl IntoIterator<Item = &'a Customer>,
        relations: &Relations,
    ) -> Missing {
        let customers: Vec<_> = customers.into_iter().collect();
        let mut search = Search::new(self);
        search.customers(&customers, relations);
        search.missing()
    }

    /// What is still missing to render a group with these relations.
    pub fn missing_of_group(&self, group: &Group, relations: &Relations) -> Missing {
        self.missing_of_groups([group], relations)
    }

    /// The same for all of a list at once.
    pub fn missing_of_groups<'a>(
        &'a self,
        groups: impl IntoIterator<Item = &'a Group>,
        relations: &Relations,
    ) -> Missing {
        let groups: BTreeSet<_> = groups.into_iter().map(|group| &group.stream).collect();
        let mut search = Search::new(self);
        search.members_of(&groups, relations);
        search.missing()
    }

    /// Holds the groups that were read for these streams; the others are known to be absent.
    pub fn hold_groups(&mut self, asked: &[StreamId], found: impl IntoIterator<Item = Group>) {
        for stream in asked {
            self.groups.entry(stream.clone()).or_default();
        }
        for group in found {
            self.groups.insert(group.stream.clone(), Some(group));
        }
    }

    /// Holds the customers that were read as members of these groups.
    pub fn hold_members(&mut self, asked: &[StreamId], found: impl IntoIterator<Item = Customer>) {
        let asked: BTreeSet<_> = asked.iter().collect();
        for group in &asked {
            self.members.entry((*group).clone()).or_default();
        }
        for customer in found.into_iter().filter(|customer| !customer.deleted) {
            for group in customer.groups.iter().filter(|group| asked.contains(group)) {
                self.members
                    .entry(group.clone())
                    .or_default()
                    .insert(customer.stream.clone());
            }
            self.customers.insert(customer.stream.clone(), customer);
        }
    }

    /// A group, unless it is absent or deleted.
    pub(super) fn group(&self, stream: &StreamId) -> Option<&Group> {
        self.groups
            .get(stream)?
            .as_ref()
            .filter(|group| !group.deleted)
    }

    /// The members held of a group, in the order of their streams, which is that of their births.
    pub(super) fn members(&self, group: &StreamId) -> impl Iterator<Item = &Customer> {
        self.members
            .get(group)
            .into_iter()
            .flatten()
            .filter_map(|stream| self.customers.get(stream))
    }
}

/// One walk along a tree of relations, a whole level at a time, so that its cost does not multiply
/// from level to level.
struct Search<'a> {
    related: &'a Related,
    groups: BTreeSet<&'a StreamId>,
    members: BTreeSet<&'a StreamId>,
}

impl<'a> Search<'a> {
    const fn new(related: &'a Related) -> Self {
        Self {
            related,
            groups: BTreeSet::new(),
            members: BTreeSet::new(),
        }
    }

    fn missing(self) -> Missing {
        let owned = |streams: BTreeSet<&StreamId>| streams.into_iter().cloned().collect();
        Missing {
            groups: owned(self.groups),
            members: owned(self.members),
        }
    }

    fn customers(&mut self, customers: &[&'a Customer], relations: &Relations) {
        if let Some(relations) = relations.get("groups") {
            let streams: BTreeSet<&StreamId> = customers
                .iter()
                .flat_map(|customer| &customer.groups)
                .collect();
            self.groups.extend(
                streams
                    .iter()
                    .filter(|stream| !self.related.groups.contains_key(**stream)),
            );
            self.members_of(&streams, relations);
        }
        for slot in ["billing_address", "shipping_addresses"] {
            if let Some(relations) = relations.get(slot).and_then(|slot| slot.get("customer")) {
                self.customers(customers, relations);
            }
        }
    }

    fn members_of(&mut self, groups: &BTreeSet<&'a StreamId>, relations: &Relations) {
        let Some(relations) = relations.get("customers") else {
            return;
        };
        let members = &self.related.members;
        self.members
            .extend(groups.iter().filter(|group| !members.contains_key(**group)));
        let related = self.related;
        let streams: BTreeSet<&StreamId> = groups
            .iter()
            .filter_map(|group| related.members.get(*group))
            .flatten()
            .collect();
        let customers: Vec<&Customer> = streams
            .into_iter()
            .filter_map(|stream| related.customers.get(stream))
            .collect();
        self.customers(&customers, relations);
    }
}

//! One customer: the state, what a command makes of it, and how events change it. Pure.
//!
//! The order of the file: state, [`decide`], `apply`. A decision compares with the state and returns
//! nothing when the state already says so. What can be asked stands in `command`, whose rules judge it
//! in `rules`; `fields`, `consents` and `addresses` compare with the state.

mod addresses;
mod command;
mod consents;
mod fields;
mod rules;

use cqrs_es::{Aggregate, event_sink::EventSink};
use events::CustomerEvent;
use events::address::{Address, AddressChange, AddressChanged};
use events::customer::{
    Credential, CredentialChanged, CustomerCreated, CustomerDeleted, CustomerState,
    CustomerUpdated, GroupsAssigned, PersonalDataErased, Profile,
};
use events::ids::{ForeignIds, StreamId};
use events::patch::Patch;
use events::personal::Personal;
use serde::{Deserialize, Serialize};

use self::addresses::{change_addresses, remove_addresses};
pub use self::command::{AddressPatch, Command, CreateCustomer, NewAddress, UpdateCustomer};
pub use self::consents::ConsentPatch;
pub(crate) use self::fields::merge_metadata;
pub use self::fields::{Fields, MetadataPatch};
pub use self::rules::{Limits, METADATA_BYTES_MAX, Refusal, Rules, Unit};

/// A customer as the ledger knows it, under no shop's rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// Whether there is one, ever was one, or no more.
    pub life: Life,
    /// Ids in both shops.
    pub ids: ForeignIds,
    /// The customer's own fields.
    pub profile: Profile,
    /// Stream ids of the groups, ascending.
    pub groups: Vec<StreamId>,
    /// Addresses that were not removed, oldest first, of both slots.
    pub addresses: Vec<Address>,
}

/// Where a customer is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Life {
    /// There is no such customer yet.
    #[default]
    Unborn,
    /// There is.
    Live,
    /// There was: deleted.
    Deleted,
    /// There was: deleted, and the personal data erased.
    Erased,
}

/// What a command makes of a customer: the events, none when nothing changes.
pub fn decide(customer: &Customer, command: Command) -> Result<Vec<CustomerEvent>, Refusal> {
    match (command, customer.life) {
        (Command::Create(create), _) => self::create(*create),
        (Command::Update(update), Life::Live) => self::update(customer, *update),
        (Command::RemoveAddresses(ids), Life::Live) => remove_addresses(customer, &ids),
        (Command::RemoveTags(tags), Life::Live) => Ok(remove_tags(customer, &tags)),
        (Command::Invite, Life::Live) => invite(customer),
        (Command::JoinGroup { group }, Life::Live) => Ok(join_group(customer, group)),
        (Command::LeaveGroup { group }, Life::Live) => Ok(leave_group(customer, &group)),
        // Who is not there is in no group either.
        (Command::LeaveGroup { group: _ }, Life::Unborn | Life::Deleted | Life::Erased)
        | (Command::Erase, Life::Erased) => Ok(vec![]),
        (Command::Delete, Life::Live) => {
            Ok(vec![CustomerEvent::CustomerDeleted(CustomerDeleted {})])
        }
        (Command::Erase, Life::Live | Life::Deleted) => {
            let erased = PersonalDataErased {};
            Ok(vec![CustomerEvent::PersonalDataErased(erased)])
        }
        (Command::Erase, Life::Unborn)
        | (
            Command::Update(_)
            | Command::RemoveAddresses(_)
            | Command::RemoveTags(_)
            | Command::Invite
            | Command::JoinGroup { group: _ }
            | Command::Delete,
            Life::Unborn | Life::Deleted | Life::Erased,
        ) => Err(Refusal::NotFound),
    }
}

fn create(create: CreateCustomer) -> Result<Vec<CustomerEvent>, Refusal> {
    let CreateCustomer {
        rules,
        ids,
        fields,
        has_account,
        password,
        language,
        addresses,
    } = create;
    let unborn = Customer::default();
    let changes = CustomerUpdated {
        has_account: Some(has_account),
        state: has_account.then_some(CustomerState::Registered),
        verified_email: fields.verified_email,
        language: language.map(Personal::from).into(),
        ..fields.changes(&unborn, rules)?
    };
    let created = CustomerCreated::new(ids, changes);
    let mut events = vec![CustomerEvent::CustomerCreated(created)];
    events.extend(change_addresses(&unborn, rules, addresses)?);
    if password {
        events.push(password_changed());
    }
    Ok(events)
}

fn update(customer: &Customer, update: UpdateCustomer) -> Result<Vec<CustomerEvent>, Refusal> {
    let UpdateCustomer {
        rules,
        fields,
        password,
        groups,
        addresses,
    } = update;
    let before = customer.profile.verified_email;
    let told = fields.verified_email;
    let changes = fields.changes(customer, rules)?;
    // Who confirmed an e-mail did not confirm another one.
    let after = told.unwrap_or(before && changes.email.is_keep());
    let updated = CustomerUpdated {
        verified_email: (after != before).then_some(after),
        ..changes
    };
    let mut events = vec![];
    if updated != CustomerUpdated::default() {
        events.push(CustomerEvent::CustomerUpdated(updated));
    }
    events.extend(change_addresses(customer, rules, addresses)?);
    events.extend(
        groups
            .map(|groups| assign_groups(customer, groups))
            .transpose()?
            .flatten(),
    );
    if password {
        events.push(password_changed());
    }
    Ok(events)
}

const fn password_changed() -> CustomerEvent {
    CustomerEvent::CredentialChanged(CredentialChanged {
        credential: Credential::Password,
    })
}

fn remove_tags(customer: &Customer, removed: &[String]) -> Vec<CustomerEvent> {
    let tags = customer.profile.tags.as_deref().unwrap_or_default();
    let left: Vec<_> = tags
        .iter()
        .filter(|tag| !removed.contains(tag))
        .cloned()
        .collect();
    if left.len() == tags.len() {
        return vec![];
    }
    let tags = if left.is_empty() {
        Patch::Clear
    } else {
        Patch::Set(left.into())
    };
    vec![CustomerEvent::CustomerUpdated(CustomerUpdated {
        tags,
        ..CustomerUpdated::default()
    })]
}

/// Whether a customer can be invited: one that is registered or disabled cannot.
pub(crate) const fn check_invitable(state: CustomerState) -> Result<(), Refusal> {
    match state {
        CustomerState::Disabled | CustomerState::Registered => Err(Refusal::NotInvitable),
        CustomerState::NotInvited | CustomerState::Invited => Ok(()),
    }
}

/// A customer that was invited is invited again without a further event.
fn invite(customer: &Customer) -> Result<Vec<CustomerEvent>, Refusal> {
    check_invitable(customer.profile.state)?;
    let is_new = customer.profile.state == CustomerState::NotInvited;
    let state = is_new.then_some(CustomerState::Invited);
    if customer.profile.email.is_none() {
        return Err(Refusal::InviteNeedsEmail);
    }
    let updated = state.map(|state| CustomerUpdated {
        state: Some(state),
        ..CustomerUpdated::default()
    });
    Ok(updated
        .map(CustomerEvent::CustomerUpdated)
        .into_iter()
        .collect())
}

fn join_group(customer: &Customer, group: StreamId) -> Vec<CustomerEvent> {
    let mut groups = customer.groups.clone();
    let Err(place) = groups.binary_search(&group) else {
        return vec![];
    };
    groups.insert(place, group);
    vec![CustomerEvent::GroupsAssigned(GroupsAssigned { groups })]
}

fn leave_group(customer: &Customer, group: &StreamId) -> Vec<CustomerEvent> {
    let mut groups = customer.groups.clone();
    groups.retain(|other| other != group);
    if groups == customer.groups {
        return vec![];
    }
    vec![CustomerEvent::GroupsAssigned(GroupsAssigned { groups })]
}

fn assign_groups(
    customer: &Customer,
    mut groups: Vec<StreamId>,
) -> Result<Option<CustomerEvent>, Refusal> {
    groups.sort();
    for pair in groups.windows(2) {
        if let [one, other] = pair
            && one == other
            && !customer.groups.contains(one)
        {
            return Err(Refusal::GroupTwice { group: one.clone() });
        }
    }
    groups.dedup();
    let changed = groups != customer.groups;
    Ok(changed.then_some(CustomerEvent::GroupsAssigned(GroupsAssigned { groups })))
}

impl Aggregate for Customer {
    const TYPE: &'static str = "Customer";
    type Command = Command;
    type Event = CustomerEvent;
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

    fn apply(&mut self, event: CustomerEvent) {
        match event {
            CustomerEvent::CustomerCreated(created) => self.create(created),
            CustomerEvent::CustomerUpdated(updated) => self.profile.update(&updated),
            CustomerEvent::AddressChanged(changed) => self.change_address(changed),
            CustomerEvent::GroupsAssigned(assigned) => self.groups = assigned.groups,
            CustomerEvent::CredentialChanged(_) => {}
            CustomerEvent::CustomerDeleted(_) => self.life = Life::Deleted,
            CustomerEvent::PersonalDataErased(_) => {
                *self = Self {
                    life: Life::Erased,
                    ids: self.ids.clone(),
                    ..Self::default()
                };
            }
        }
    }
}

impl Customer {
    fn create(&mut self, created: CustomerCreated) {
        *self = Self {
            life: Life::Live,
            profile: Profile::created(&created),
            ids: created.ids,
            groups: vec![],
            addresses: vec![],
        };
    }

    fn change_address(&mut self, changed: AddressChanged) {
        let AddressChanged { change, address } = changed;
        let known = self
            .addresses
            .iter()
            .position(|known| known.id == address.id);
        match (
            change,
            known.and_then(|index| self.addresses.get_mut(index)),
        ) {
            (AddressChange::Removed, _) => self.addresses.retain(|known| known.id != address.id),
            (AddressChange::Added | AddressChange::Changed, Some(known)) => *known = address,
            (AddressChange::Added | AddressChange::Changed, None) => self.addresses.push(address),
        }
    }
}

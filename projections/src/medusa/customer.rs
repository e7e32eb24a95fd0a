//! A customer as Medusa shows it, and how records change it.

use std::fmt;

use events::CustomerEvent;
use events::address::{self, AddressChange, AddressChanged, CountryCode, Slot};
use events::customer::{
    Credential, CredentialChanged, CustomerCreated, CustomerDeleted, CustomerUpdated,
    GroupsAssigned, PersonalDataErased, Profile,
};
use events::ids::{MedusaId, Position, Sequence, StreamId};
use events::record::Record;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::countries::country;
use crate::read;

/// A customer in Medusa's shape, with its place in the ledger.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// The customer's stream.
    pub stream: StreamId,
    /// Sequence of the last record applied; 0 before the first.
    pub sequence: Sequence,
    /// Position of the last record applied.
    pub position: Position,
    /// Whether the customer is gone. Then only ids and times are left here.
    pub deleted: bool,
    /// Medusa's id, `cus_…`.
    pub id: MedusaId,
    /// When the customer came into being.
    pub created_at: Timestamp,
    /// When something that Medusa shows of the customer's own row last changed.
    pub updated_at: Timestamp,
    /// The customer's own fields, as far as Medusa shows them. Medusa requires an e-mail; a customer
    /// from elsewhere may have none.
    pub profile: Profile,
    /// Streams of the customer's groups, ascending.
    pub groups: Vec<StreamId>,
    /// Addresses of both slots, oldest first.
    pub addresses: Vec<Address>,
}

/// An address in Medusa's shape.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "Medusa's own names")]
pub struct Address {
    /// The ledger's id of the address.
    pub key: String,
    /// Medusa's id, `addr_…`.
    pub id: MedusaId,
    /// Where it belongs.
    pub slot: Slot,
    /// When the address came into being.
    pub created_at: Timestamp,
    /// When something that Medusa shows of the address last changed.
    pub updated_at: Timestamp,
    /// Company.
    pub company: Option<String>,
    /// First name of the recipient.
    pub first_name: Option<String>,
    /// Last name of the recipient.
    pub last_name: Option<String>,
    /// First line.
    pub address_1: Option<String>,
    /// Second line.
    pub address_2: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Code of a country that Medusa knows, lower case; any other text is not shown.
    pub country_code: Option<String>,
    /// Province.
    pub province: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Phone number of the recipient.
    pub phone: Option<String>,
    /// Free metadata: any JSON.
    pub metadata: Option<Value>,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "medusa::Customer({})", self.stream)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "medusa::Address({})", self.key)
    }
}

impl Customer {
    /// Folds the next record of the stream into the view.
    pub fn apply(&mut self, record: &Record<CustomerEvent>) {
        self.stream.clone_from(&record.stream);
        self.sequence = record.sequence;
        self.position = record.position;
        if self.deleted {
            return;
        }
        let time = record.time;
        match &record.event {
            CustomerEvent::CustomerCreated(created) => self.create(created, time),
            CustomerEvent::CustomerUpdated(updated) => self.update(updated, time),
            CustomerEvent::AddressChanged(changed) => self.change_address(changed, time),
            CustomerEvent::GroupsAssigned(GroupsAssigned { groups }) => {
                self.groups.clone_from(groups);
            }
            // Medusa's row holds the hash, so that a password moves its clock.
            CustomerEvent::CredentialChanged(CredentialChanged {
                credential: Credential::Password,
            }) => self.updated_at = time,
            CustomerEvent::CustomerDeleted(CustomerDeleted {})
            | CustomerEvent::PersonalDataErased(PersonalDataErased {}) => self.blank(time),
        }
    }

    /// The billing address, if there is one.
    pub fn billing_address(&self) -> Option<&Address> {
        self.addresses
            .iter()
            .rfind(|address| address.slot == Slot::Billing)
    }

    /// The addresses of the customer's list.
    pub fn shipping_addresses(&self) -> impl Iterator<Item = &Address> {
        self.addresses
            .iter()
            .filter(|address| address.slot == Slot::Shipping)
    }

    fn create(&mut self, created: &CustomerCreated, time: Timestamp) {
        self.id.clone_from(&created.ids.medusa);
        self.created_at = time;
        self.updated_at = time;
        self.profile = shown(Profile::created(created));
    }

    fn update(&mut self, updated: &CustomerUpdated, time: Timestamp) {
        let mut profile = self.profile.clone();
        profile.update(updated);
        let profile = shown(profile);
        if profile != self.profile {
            self.profile = profile;
            self.updated_at = time;
        }
    }

    /// An address has a clock of its own. The customer's moves only with `billing_address_id`, a
    /// column of its row. Source: the recorded cases `store-billing-*` and `store-addr-*`.
    fn change_address(&mut self, changed: &AddressChanged, time: Timestamp) {
        let AddressChanged { change, address } = changed;
        let billing = self.billing_address().map(|held| held.key.clone());
        let known = self.addresses.iter_mut().find(|h| h.key == address.id);
        match (change, known) {
            (AddressChange::Removed, _) => self.addresses.retain(|held| held.key != address.id),
            (AddressChange::Added | AddressChange::Changed, Some(held)) => {
                held.change(address, time);
            }
            (AddressChange::Added | AddressChange::Changed, None) => {
                self.addresses.push(Address::shown(address, time, time));
            }
        }
        if billing != self.billing_address().map(|held| held.key.clone()) {
            self.updated_at = time;
        }
    }

    /// Forgets everything but the ids. `updated_at` becomes the time of the deletion, so that a view
    /// folded from erased values, whose changes cannot be seen, ends as the same row.
    fn blank(&mut self, time: Timestamp) {
        *self = Self {
            stream: std::mem::take(&mut self.stream),
            sequence: self.sequence,
            position: self.position,
            deleted: true,
            id: std::mem::take(&mut self.id),
            created_at: self.created_at,
            updated_at: time,
            ..Self::default()
        };
    }
}

/// What Medusa shows of a customer's own fields. Nothing else is held, and nothing else moves the clock.
fn shown(profile: Profile) -> Profile {
    Profile {
        email: profile.email,
        first_name: profile.first_name,
        last_name: profile.last_name,
        phone: profile.phone,
        has_account: profile.has_account,
        metadata: profile.metadata,
        ..Profile::default()
    }
}

impl Address {
    fn shown(address: &address::Address, created_at: Timestamp, updated_at: Timestamp) -> Self {
        let address::Address {
            id,
            ids,
            slot,
            default: _,
            first_name,
            last_name,
            company,
            address_1,
            address_2,
            city,
            city_code: _,
            district: _,
            district_code: _,
            town: _,
            province,
            province_code: _,
            postal_code,
            country: _,
            country_code,
            phone,
            metadata,
        } = address;
        Self {
            key: id.clone(),
            id: ids.medusa.clone(),
            slot: *slot,
            created_at,
            updated_at,
            company: read(company.as_ref()),
            first_name: read(first_name.as_ref()),
            last_name: read(last_name.as_ref()),
            address_1: read(address_1.as_ref()),
            address_2: read(address_2.as_ref()),
            city: read(city.as_ref()),
            country_code: country_code
                .as_ref()
                .and_then(CountryCode::text)
                .and_then(country)
                .map(|country| country.iso_2.clone()),
            province: read(province.as_ref()),
            postal_code: read(postal_code.as_ref()),
            phone: read(phone.as_ref()),
            // JSON null is no metadata: the two look the same, here and once stored.
            metadata: read(metadata.as_ref()).filter(|metadata| !metadata.is_null()),
        }
    }

    fn change(&mut self, address: &address::Address, time: Timestamp) {
        let after = Self::shown(address, self.created_at, self.updated_at);
        if *self != after {
            *self = Self {
                updated_at: time,
                ..after
            };
        }
    }
}

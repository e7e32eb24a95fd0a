//! A customer as SHOPLINE shows it, and how records change it.

use std::fmt;

use events::CustomerEvent;
use events::address::{self, AddressChange, AddressChanged, CountryCode, Slot};
use events::customer::{
    CredentialChanged, CustomerCreated, CustomerDeleted, CustomerUpdated, GroupsAssigned,
    PersonalDataErased, Profile,
};
use events::ids::{Position, Sequence, ShoplineId, StreamId};
use events::personal::Personal;
use events::record::Record;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::countries::country;
use crate::read;

/// A customer in SHOPLINE's shape, with its place in the ledger. A text of an address that is
/// not there is empty: SHOPLINE does not tell the two apart.
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
    /// SHOPLINE's id, ten digits.
    pub id: ShoplineId,
    /// When the customer came into being.
    pub created_at: Timestamp,
    /// When something that SHOPLINE shows last changed, addresses included.
    pub updated_at: Timestamp,
    /// The customer's own fields, as far as SHOPLINE shows them; no text in it is empty.
    pub profile: Profile,
    /// When the subscription by e-mail last changed.
    pub email_subscription_at: Option<Timestamp>,
    /// When the subscription by phone last changed.
    pub mobile_subscription_at: Option<Timestamp>,
    /// The list of addresses, oldest first.
    pub addresses: Vec<Address>,
    /// The key of the chosen default address, unless that is the first one, which serves anyway.
    pub default_address: Option<String>,
}

/// An address in SHOPLINE's shape.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The ledger's id of the address.
    pub key: String,
    /// SHOPLINE's id.
    pub id: ShoplineId,
    /// First line.
    pub address1: String,
    /// Second line.
    pub address2: String,
    /// City.
    pub city: String,
    /// City code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub city_code: String,
    /// Company.
    pub company: String,
    /// Country as written, else the name of the country that the code stands for.
    pub country: String,
    /// Country code, upper case if it is two letters, else as written.
    pub country_code: String,
    /// District.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub district: String,
    /// District code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub district_code: String,
    /// First name of the recipient.
    pub first_name: String,
    /// Last name of the recipient.
    pub last_name: String,
    /// Phone number of the recipient.
    pub phone: String,
    /// Province.
    pub province: String,
    /// Province code.
    pub province_code: String,
    /// Town.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub town: String,
    /// Postal code.
    pub zip: String,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shopline::Customer({})", self.stream)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shopline::Address({})", self.key)
    }
}

impl Customer {
    /// Folds the next record of the stream into the view.
    pub fn apply(&mut self, record: &Record<CustomerEvent>) {
        if !self.deleted {
            let before = self.clone();
            self.fold(record);
            if *self != before {
                self.updated_at = record.time;
            }
        }
        self.stream.clone_from(&record.stream);
        self.sequence = record.sequence;
        self.position = record.position;
    }

    /// The address that serves as the default: the chosen one, else the first.
    pub fn default_address(&self) -> Option<&Address> {
        self.addresses
            .iter()
            .find(|address| self.default_address.as_ref() == Some(&address.key))
            .or_else(|| self.addresses.first())
    }

    /// The tags as one text.
    pub fn tags_text(&self) -> String {
        self.profile.tags.as_deref().unwrap_or_default().join(",")
    }

    fn fold(&mut self, record: &Record<CustomerEvent>) {
        match &record.event {
            CustomerEvent::CustomerCreated(created) => self.create(created, record.time),
            CustomerEvent::CustomerUpdated(updated) => self.update(updated, record.time),
            CustomerEvent::AddressChanged(changed) => self.change_address(changed),
            // Groups and credentials are Medusa's; SHOPLINE shows neither.
            CustomerEvent::GroupsAssigned(GroupsAssigned { groups: _ })
            | CustomerEvent::CredentialChanged(CredentialChanged { credential: _ }) => {}
            CustomerEvent::CustomerDeleted(CustomerDeleted {})
            | CustomerEvent::PersonalDataErased(PersonalDataErased {}) => self.blank(),
        }
    }

    fn create(&mut self, created: &CustomerCreated, time: Timestamp) {
        self.id.clone_from(&created.ids.shopline);
        self.created_at = time;
        self.updated_at = time;
        self.change(time, |profile| *profile = Profile::created(created));
    }

    fn update(&mut self, updated: &CustomerUpdated, time: Timestamp) {
        self.change(time, |profile| profile.update(updated));
    }

    fn change(&mut self, time: Timestamp, fold: impl FnOnce(&mut Profile)) {
        let email = self.profile.email_subscription;
        let mobile = self.profile.mobile_subscription;
        fold(&mut self.profile);
        if self.profile.email_subscription != email {
            self.email_subscription_at = Some(time);
        }
        if self.profile.mobile_subscription != mobile {
            self.mobile_subscription_at = Some(time);
        }
        self.profile = shown(std::mem::take(&mut self.profile));
    }

    fn change_address(&mut self, changed: &AddressChanged) {
        let AddressChanged { change, address } = changed;
        let listed = match (change, address.slot) {
            (AddressChange::Added | AddressChange::Changed, Slot::Shipping) => true,
            // The billing address is Medusa's alone.
            (AddressChange::Removed, _) | (_, Slot::Billing) => false,
        };
        let known = self.addresses.iter_mut().find(|h| h.key == address.id);
        match known {
            Some(held) if listed => *held = Address::shown(address),
            None if listed => self.addresses.push(Address::shown(address)),
            Some(_) | None => self.addresses.retain(|held| held.key != address.id),
        }
        self.choose(&address.id, listed && address.default);
    }

    /// Keeps the chosen default. That the first address is chosen says nothing: it serves when none
    /// is, and it stays the first for as long as it is there.
    fn choose(&mut self, key: &str, chosen: bool) {
        if chosen {
            self.default_address = Some(key.to_owned());
        } else if self.default_address.as_deref() == Some(key) {
            self.default_address = None;
        }
        if self.default_address.as_ref() == self.addresses.first().map(|first| &first.key) {
            self.default_address = None;
        }
    }

    /// Forgets everything but the ids. The caller sets `updated_at` to the time of the deletion, so
    /// that a view folded from erased values, whose changes cannot be seen, ends as the same row.
    fn blank(&mut self) {
        *self = Self {
            stream: std::mem::take(&mut self.stream),
            sequence: self.sequence,
            position: self.position,
            deleted: true,
            id: std::mem::take(&mut self.id),
            created_at: self.created_at,
            ..Self::default()
        };
    }
}

/// What SHOPLINE shows of a customer's own fields: all but those that are Medusa's. Nothing else is held,
/// and nothing else moves the clock. An empty text is none.
fn shown(profile: Profile) -> Profile {
    Profile {
        has_account: false,
        metadata: None,
        ..profile.without_empty()
    }
}

impl Address {
    fn shown(address: &address::Address) -> Self {
        let address::Address {
            id,
            ids,
            slot: _,
            default: _,
            first_name,
            last_name,
            company,
            address_1,
            address_2,
            city,
            city_code,
            district,
            district_code,
            town,
            province,
            province_code,
            postal_code,
            country,
            country_code,
            phone,
            metadata: _,
        } = address;
        let country_code = shown_code(country_code.as_ref());
        Self {
            key: id.clone(),
            id: ids.shopline.clone(),
            address1: text(address_1.as_ref()),
            address2: text(address_2.as_ref()),
            city: text(city.as_ref()),
            city_code: text(city_code.as_ref()),
            district: text(district.as_ref()),
            district_code: text(district_code.as_ref()),
            town: text(town.as_ref()),
            company: text(company.as_ref()),
            country: read(country.as_ref())
                .filter(|country| !country.is_empty())
                .unwrap_or_else(|| name_of(&country_code)),
            country_code,
            first_name: text(first_name.as_ref()),
            last_name: text(last_name.as_ref()),
            phone: text(phone.as_ref()),
            province: text(province.as_ref()),
            province_code: text(province_code.as_ref()),
            zip: text(postal_code.as_ref()),
        }
    }
}

fn shown_code(code: Option<&CountryCode>) -> String {
    match code {
        Some(CountryCode::Code(code)) => code.to_ascii_uppercase(),
        Some(CountryCode::Other(other)) => text(Some(other)),
        None => String::new(),
    }
}

fn name_of(code: &str) -> String {
    country(code).map_or_else(String::new, |country| country.display_name.clone())
}

fn text(value: Option<&Personal<String>>) -> String {
    read(value).unwrap_or_default()
}

//! A customer as SHOPLINE shows it, and how records change it.

use std::fmt;

use events::CustomerEvent;
use events::address::{self, AddressChange, AddressChanged, CountryCode, Slot};
use events::customer::{
    self, CredentialChanged, CustomerCreated, CustomerDeleted, CustomerState, CustomerUpdated,
    Gender, GroupsAssigned, OptInLevel, PersonalDataErased, Subscription,
};
use events::ids::{Position, Sequence, ShoplineId, StreamId};
use events::patch::Patch;
use events::personal::Personal;
use events::record::Record;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::countries::country;
use crate::{patch, read};

/// A customer in SHOPLINE's shape, with its place in the ledger. A text that is not there is empty:
/// SHOPLINE does not tell the two apart.
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
    /// E-mail.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Phone number.
    pub phone: String,
    /// The merchant's note.
    pub note: String,
    /// Tags, in order.
    pub tags: Vec<String>,
    /// Date of birth, `yyyyMMdd`.
    pub birthday: String,
    /// Gender.
    pub gender: Option<Gender>,
    /// Language tag.
    pub language: String,
    /// Nickname.
    pub nick_name: String,
    /// The id under which another system signs the customer in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub multipass_identifier: String,
    /// Invitation state.
    pub state: CustomerState,
    /// Whether the e-mail was confirmed.
    pub verified_email: bool,
    /// Subscription by e-mail.
    pub email_subscription: Subscription,
    /// When it last changed.
    pub email_subscription_at: Option<Timestamp>,
    /// How it came, if it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_consent: Option<Consent>,
    /// Subscription by phone.
    pub mobile_subscription: Subscription,
    /// When it last changed.
    pub mobile_subscription_at: Option<Timestamp>,
    /// How it came, if it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile_consent: Option<Consent>,
    /// The list of addresses, oldest first.
    pub addresses: Vec<Address>,
    /// The key of the chosen default address, unless that is the first one, which serves anyway.
    pub default_address: Option<String>,
}

/// How a subscription came to be what it is.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// How sure it is that the customer meant it.
    pub opt_in_level: OptInLevel,
    /// When it was given or taken back.
    pub updated_at: Option<Timestamp>,
    /// Where it was collected.
    pub collected_from: String,
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

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shopline::Consent({:?})", self.opt_in_level)
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
        self.tags.join(",")
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
        let CustomerCreated {
            ids,
            email,
            first_name,
            last_name,
            phone,
            has_account: _,
            state,
            verified_email,
            metadata: _,
            tags,
            note,
            birthday,
            gender,
            language,
            nick_name,
            multipass_identifier,
            email_subscription,
            email_consent,
            mobile_subscription,
            mobile_consent,
        } = created;
        self.id.clone_from(&ids.shopline);
        self.created_at = time;
        self.updated_at = time;
        self.email = text(email.as_ref());
        self.first_name = text(first_name.as_ref());
        self.last_name = text(last_name.as_ref());
        self.phone = text(phone.as_ref());
        self.note = text(note.as_ref());
        self.tags = read(tags.as_ref()).unwrap_or_default();
        self.birthday = text(birthday.as_ref());
        self.gender = read(gender.as_ref());
        self.language = text(language.as_ref());
        self.nick_name = text(nick_name.as_ref());
        self.multipass_identifier = text(multipass_identifier.as_ref());
        self.state = *state;
        self.verified_email = *verified_email;
        self.subscribe(Some(*email_subscription), Some(*mobile_subscription), time);
        self.consent(email_consent.as_ref(), mobile_consent.as_ref());
    }

    fn update(&mut self, updated: &CustomerUpdated, time: Timestamp) {
        let CustomerUpdated {
            email,
            first_name,
            last_name,
            phone,
            has_account: _,
            state,
            verified_email,
            metadata: _,
            tags,
            note,
            birthday,
            gender,
            language,
            nick_name,
            multipass_identifier,
            email_subscription,
            email_consent,
            mobile_subscription,
            mobile_consent,
        } = updated;
        patch_text(&mut self.email, email);
        patch_text(&mut self.first_name, first_name);
        patch_text(&mut self.last_name, last_name);
        patch_text(&mut self.phone, phone);
        patch_text(&mut self.note, note);
        patch_text(&mut self.birthday, birthday);
        patch_text(&mut self.language, language);
        patch_text(&mut self.nick_name, nick_name);
        patch_text(&mut self.multipass_identifier, multipass_identifier);
        patch(&mut self.gender, gender);
        match tags {
            Patch::Keep => {}
            Patch::Clear => self.tags.clear(),
            Patch::Set(tags) => self.tags = read(Some(tags)).unwrap_or_default(),
        }
        self.state = state.unwrap_or(self.state);
        self.verified_email = verified_email.unwrap_or(self.verified_email);
        self.subscribe(*email_subscription, *mobile_subscription, time);
        self.consent(email_consent.as_ref(), mobile_consent.as_ref());
    }

    /// A subscription that changed has another consent, or none that was told.
    fn subscribe(
        &mut self,
        email: Option<Subscription>,
        mobile: Option<Subscription>,
        time: Timestamp,
    ) {
        if let Some(email) = email.filter(|email| *email != self.email_subscription) {
            self.email_subscription = email;
            self.email_subscription_at = Some(time);
            self.email_consent = None;
        }
        if let Some(mobile) = mobile.filter(|mobile| *mobile != self.mobile_subscription) {
            self.mobile_subscription = mobile;
            self.mobile_subscription_at = Some(time);
            self.mobile_consent = None;
        }
    }

    fn consent(&mut self, email: Option<&customer::Consent>, mobile: Option<&customer::Consent>) {
        if let Some(email) = email {
            self.email_consent = Some(Consent::shown(email));
        }
        if let Some(mobile) = mobile {
            self.mobile_consent = Some(Consent::shown(mobile));
        }
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

impl Consent {
    fn shown(consent: &customer::Consent) -> Self {
        let customer::Consent {
            opt_in_level,
            updated_at,
            collected_from,
        } = consent;
        Self {
            opt_in_level: *opt_in_level,
            updated_at: *updated_at,
            collected_from: text(collected_from.as_ref()),
        }
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

fn patch_text(field: &mut String, patch: &Patch<Personal<String>>) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => field.clear(),
        Patch::Set(value) => *field = text(Some(value)),
    }
}

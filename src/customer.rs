//! One customer: the state, what a command makes of it, and how events change it. Pure.
//!
//! The order of the file: state, commands, refusals, [`decide`], `apply`. A decision compares with
//! the state and returns nothing when the state already says so.

use std::fmt;

use cqrs_es::{Aggregate, event_sink::EventSink};
use events::CustomerEvent;
use events::address::{Address, AddressChange, AddressChanged, CountryCode, Slot};
use events::customer::{
    Credential, CredentialChanged, CustomerCreated, CustomerDeleted, CustomerState,
    CustomerUpdated, Gender, GroupsAssigned, PersonalDataErased, Subscription,
};
use events::ids::ForeignIds;
use events::patch::Patch;
use events::personal::Personal;
use events::record::Contract;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A customer as the ledger knows it, under no shop's rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// Whether there is one, ever was one, or no more.
    pub life: Life,
    /// Ids in both shops.
    pub ids: ForeignIds,
    /// E-mail, as written.
    pub email: Option<Personal<String>>,
    /// First name.
    pub first_name: Option<Personal<String>>,
    /// Last name.
    pub last_name: Option<Personal<String>>,
    /// Phone number, as written.
    pub phone: Option<Personal<String>>,
    /// Whether the customer registered.
    pub has_account: bool,
    /// Whether the e-mail was confirmed.
    pub verified_email: bool,
    /// SHOPLINE's invitation state.
    pub state: CustomerState,
    /// Medusa's metadata.
    pub metadata: Option<Personal<Map<String, Value>>>,
    /// SHOPLINE's tags.
    pub tags: Option<Personal<Vec<String>>>,
    /// The merchant's note.
    pub note: Option<Personal<String>>,
    /// Date of birth, `yyyyMMdd`.
    pub birthday: Option<Personal<String>>,
    /// Gender.
    pub gender: Option<Personal<Gender>>,
    /// Language tag.
    pub language: Option<Personal<String>>,
    /// Nickname.
    pub nick_name: Option<Personal<String>>,
    /// Subscription to marketing by e-mail.
    pub email_subscription: Subscription,
    /// Subscription to marketing by phone.
    pub mobile_subscription: Subscription,
    /// Stream ids of the groups, ascending.
    pub groups: Vec<String>,
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

/// What a request asks of a customer, parsed and checked, in the ledger's own terms.
#[derive(Clone, Debug)]
pub enum Command {
    /// Bring a customer into being.
    Create(Box<CreateCustomer>),
    /// Change one.
    Update(Box<UpdateCustomer>),
    /// Delete one.
    Delete,
    /// Erase its personal data.
    Erase,
}

/// A customer to bring into being.
#[derive(Clone, Debug)]
pub struct CreateCustomer {
    /// Whose rules judge it.
    pub rules: &'static Rules,
    /// Ids in both shops, drawn before.
    pub ids: ForeignIds,
    /// Every field that was given.
    pub fields: Fields,
    /// Whether the customer registers.
    pub has_account: bool,
    /// Whether the request carries a password.
    pub password: bool,
    /// The customer's language tag, if known.
    pub language: Option<String>,
    /// Addresses, in order.
    pub addresses: Vec<AddressPatch>,
}

/// An update of a customer.
#[derive(Clone, Debug)]
pub struct UpdateCustomer {
    /// Whose rules judge it.
    pub rules: &'static Rules,
    /// The fields that were given.
    pub fields: Fields,
    /// Whether the request carries a password.
    pub password: bool,
    /// The whole set of groups as asked for, by stream id, twice where it was said twice.
    pub groups: Option<Vec<String>>,
    /// Addresses to add or change, in order.
    pub addresses: Vec<AddressPatch>,
}

/// What a request says of a customer's own fields. The default says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    /// E-mail.
    pub email: Patch<String>,
    /// First name.
    pub first_name: Patch<String>,
    /// Last name.
    pub last_name: Patch<String>,
    /// Phone number.
    pub phone: Patch<String>,
    /// Note.
    pub note: Patch<String>,
    /// Date of birth, `yyyyMMdd`.
    pub birthday: Patch<String>,
    /// Gender.
    pub gender: Patch<Gender>,
    /// Tags, whole: trimmed, none empty, none twice.
    pub tags: Patch<Vec<String>>,
    /// Metadata.
    pub metadata: Option<MetadataPatch>,
    /// Whether the customer wants marketing by e-mail.
    pub accepts_marketing: Option<bool>,
}

/// What a request says of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataPatch {
    /// This is the metadata.
    Replace(Map<String, Value>),
    /// Merge these members into the top level; an empty text deletes its member.
    /// Source: Medusa's `setMetadata`.
    Merge(Map<String, Value>),
}

/// What a request says of one address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressPatch {
    /// SHOPLINE's id of an address that is there; `None` for a new one.
    pub shopline_id: Option<String>,
    /// Ids for a new address, drawn before: the ULID and both shops' ids.
    pub new: NewAddress,
    /// Where a new one belongs.
    pub slot: Slot,
    /// `Some(true)` makes it the default; `Some(false)` never unmakes one.
    pub default: Option<bool>,
    /// First name.
    pub first_name: Patch<String>,
    /// Last name.
    pub last_name: Patch<String>,
    /// Company.
    pub company: Patch<String>,
    /// First line.
    pub address_1: Patch<String>,
    /// Second line.
    pub address_2: Patch<String>,
    /// City.
    pub city: Patch<String>,
    /// Province text.
    pub province: Patch<String>,
    /// Province code.
    pub province_code: Patch<String>,
    /// Postal code.
    pub postal_code: Patch<String>,
    /// Country text.
    pub country: Patch<String>,
    /// Country code.
    pub country_code: Patch<String>,
    /// Phone number.
    pub phone: Patch<String>,
    /// Medusa's metadata of an address.
    pub metadata: Patch<Value>,
}

/// The ids a new address gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAddress {
    /// The ledger's ULID.
    pub id: String,
    /// Ids in both shops.
    pub ids: ForeignIds,
}

/// What one contract demands beyond the ledger's own invariants, as data.
///
/// A value equal to the stored one is never judged (DESIGN: a misfit from the other shop does not
/// make read-change-write fail).
#[derive(Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whose rules these are.
    pub contract: Contract,
    /// Every customer has an e-mail, and a registered customer's cannot be changed.
    /// Source: Medusa, `POST /admin/customers/{id}`.
    pub email_required_and_fixed: bool,
    /// Every customer has an e-mail or a phone; marketing needs an e-mail; no other live customer
    /// has the same e-mail in any case, nor the same phone. Source: SHOPLINE, customers.
    pub contact_required_and_unique: bool,
    /// The longest text of each field, in Unicode scalar values.
    pub limits: Option<Limits>,
}

/// The longest text of each field, in Unicode scalar values, and the most items of each list.
#[derive(Debug, PartialEq, Eq)]
pub struct Limits {
    /// E-mail.
    pub email: usize,
    /// First and last name, also of an address.
    pub name: usize,
    /// Phone of the customer.
    pub phone: usize,
    /// Note.
    pub note: usize,
    /// One tag.
    pub tag: usize,
    /// Number of tags.
    pub tags: usize,
    /// All tags, joined by commas.
    pub tags_text: usize,
    /// Number of addresses.
    pub addresses: usize,
    /// Address lines and company.
    pub address_line: usize,
    /// City, country text and province text.
    pub address_place: usize,
    /// Country code and province code.
    pub address_code: usize,
    /// Postal code.
    pub postal_code: usize,
    /// Phone of an address.
    pub address_phone: usize,
}

/// Why a command is refused. Nothing of it is applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such customer, or no more.
    #[error("there is no such customer")]
    NotFound,
    /// A registered customer's e-mail cannot be changed.
    #[error("a registered customer's e-mail cannot be changed")]
    EmailFixed,
    /// A customer needs an e-mail here.
    #[error("a customer needs an e-mail")]
    EmailRequired,
    /// A customer needs an e-mail or a phone here.
    #[error("a customer needs an e-mail or a phone")]
    ContactRequired,
    /// A subscription needs an e-mail.
    #[error("a subscription needs an e-mail")]
    MarketingNeedsEmail,
    /// A group that is new to the customer is named twice.
    #[error("a group is named twice")]
    GroupTwice {
        /// The group's stream id.
        group: String,
    },
    /// The customer has no address of this id.
    #[error("the customer has no such address")]
    AddressUnknown {
        /// SHOPLINE's id, as asked for.
        shopline_id: String,
    },
    /// A text is too long, or a list has too many items.
    #[error("{field} has {count} {unit}, at most {limit} are allowed")]
    TooLong {
        /// The field, named as in the contract; `tags[]` is one of the tags.
        field: &'static str,
        /// What was counted.
        unit: Unit,
        /// How many there are; of a list of addresses, how many until it was too long.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Unicode scalar values of a text.
    Characters,
    /// Items of a list.
    Items,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Characters => "characters",
            Self::Items => "items",
        })
    }
}

/// What a command makes of a customer: the events, none when nothing changes.
pub fn decide(customer: &Customer, command: Command) -> Result<Vec<CustomerEvent>, Refusal> {
    match command {
        Command::Create(create) => self::create(*create),
        Command::Update(update) => match customer.life {
            Life::Live => self::update(customer, *update),
            Life::Unborn | Life::Deleted | Life::Erased => Err(Refusal::NotFound),
        },
        Command::Delete => match customer.life {
            Life::Live => Ok(vec![CustomerEvent::CustomerDeleted(CustomerDeleted {})]),
            Life::Unborn | Life::Deleted | Life::Erased => Err(Refusal::NotFound),
        },
        Command::Erase => match customer.life {
            Life::Unborn => Err(Refusal::NotFound),
            Life::Live | Life::Deleted => Ok(vec![CustomerEvent::PersonalDataErased(
                PersonalDataErased {},
            )]),
            Life::Erased => Ok(vec![]),
        },
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
    let changes = Changes::new(&unborn, rules, fields)?;
    let personal = |patch| set(patch).map(Personal::from);
    let created = CustomerCreated {
        ids,
        email: personal(changes.email),
        first_name: personal(changes.first_name),
        last_name: personal(changes.last_name),
        phone: personal(changes.phone),
        has_account,
        state: if has_account {
            CustomerState::Registered
        } else {
            CustomerState::NotInvited
        },
        metadata: set(changes.metadata).map(Personal::from),
        tags: set(changes.tags).map(Personal::from),
        note: personal(changes.note),
        birthday: personal(changes.birthday),
        gender: set(changes.gender).map(Personal::from),
        language: language.map(Personal::from),
        nick_name: None,
        email_subscription: changes.email_subscription.unwrap_or_default(),
        mobile_subscription: Subscription::default(),
    };
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
    let changes = Changes::new(customer, rules, fields)?;
    let email_changed = !changes.email.is_keep();
    let personal = |patch: Patch<String>| patch.map(Personal::from);
    let updated = CustomerUpdated {
        email: personal(changes.email),
        first_name: personal(changes.first_name),
        last_name: personal(changes.last_name),
        phone: personal(changes.phone),
        verified_email: (email_changed && customer.verified_email).then_some(false),
        metadata: changes.metadata.map(Personal::from),
        tags: changes.tags.map(Personal::from),
        note: personal(changes.note),
        birthday: personal(changes.birthday),
        gender: changes.gender.map(Personal::from),
        email_subscription: changes.email_subscription,
        ..CustomerUpdated::default()
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

fn assign_groups(
    customer: &Customer,
    mut groups: Vec<String>,
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

/// The fields that a request really changes, judged by the rules.
struct Changes {
    email: Patch<String>,
    first_name: Patch<String>,
    last_name: Patch<String>,
    phone: Patch<String>,
    note: Patch<String>,
    birthday: Patch<String>,
    gender: Patch<Gender>,
    tags: Patch<Vec<String>>,
    metadata: Patch<Map<String, Value>>,
    email_subscription: Option<Subscription>,
}

impl Changes {
    fn new(customer: &Customer, rules: &Rules, fields: Fields) -> Result<Self, Refusal> {
        if rules.email_required_and_fixed {
            match &fields.email {
                Patch::Clear => return Err(Refusal::EmailRequired),
                Patch::Set(_) if customer.has_account => return Err(Refusal::EmailFixed),
                Patch::Keep | Patch::Set(_) => {}
            }
        }
        let text = |patch, stored| new_text(rules, patch, stored);
        let changes = Self {
            email: text(fields.email, customer.email.as_ref()),
            first_name: text(fields.first_name, customer.first_name.as_ref()),
            last_name: text(fields.last_name, customer.last_name.as_ref()),
            phone: text(fields.phone, customer.phone.as_ref()),
            note: text(fields.note, customer.note.as_ref()),
            birthday: text(fields.birthday, customer.birthday.as_ref()),
            gender: fields.gender.against(open(customer.gender.as_ref())),
            tags: fields.tags.against(open(customer.tags.as_ref())),
            metadata: merge(open(customer.metadata.as_ref()), fields.metadata),
            email_subscription: subscribe(customer.email_subscription, fields.accepts_marketing),
        };
        if rules.contact_required_and_unique {
            changes.check_contact(customer)?;
        }
        if let Some(limits) = &rules.limits {
            changes.check_limits(limits)?;
        }
        Ok(changes)
    }

    fn check_contact(&self, customer: &Customer) -> Result<(), Refusal> {
        let stays = |patch: &Patch<String>, stored: bool| match patch {
            Patch::Keep => stored,
            Patch::Clear => false,
            Patch::Set(_) => true,
        };
        let email = stays(&self.email, customer.email.is_some());
        let touched = !self.email.is_keep() || !self.phone.is_keep();
        if (touched || customer.life == Life::Unborn)
            && !email
            && (customer.has_account || !stays(&self.phone, customer.phone.is_some()))
        {
            return Err(Refusal::ContactRequired);
        }
        if self.email_subscription.is_some() && !email {
            return Err(Refusal::MarketingNeedsEmail);
        }
        Ok(())
    }

    fn check_limits(&self, limits: &Limits) -> Result<(), Refusal> {
        check_text("email", &self.email, limits.email)?;
        check_text("first_name", &self.first_name, limits.name)?;
        check_text("last_name", &self.last_name, limits.name)?;
        check_text("phone", &self.phone, limits.phone)?;
        check_text("note", &self.note, limits.note)?;
        if let Patch::Set(tags) = &self.tags {
            check("tags", Unit::Items, tags.len(), limits.tags)?;
            for tag in tags {
                check_length("tags[]", tag, limits.tag)?;
            }
            check_length("tags", &tags.join(","), limits.tags_text)?;
        }
        Ok(())
    }
}

fn check_text(field: &'static str, patch: &Patch<String>, limit: usize) -> Result<(), Refusal> {
    match patch {
        Patch::Keep | Patch::Clear => Ok(()),
        Patch::Set(text) => check_length(field, text, limit),
    }
}

fn check_length(field: &'static str, text: &str, limit: usize) -> Result<(), Refusal> {
    check(field, Unit::Characters, text.chars().count(), limit)
}

const fn check(field: &'static str, unit: Unit, count: usize, limit: usize) -> Result<(), Refusal> {
    if count > limit {
        Err(Refusal::TooLong {
            field,
            unit,
            count,
            limit,
        })
    } else {
        Ok(())
    }
}

/// The patch of a text less what the field already says, as the contract shows it: SHOPLINE writes
/// `""` for an empty text and for none, so one that comes back clears nothing.
fn new_text(
    rules: &Rules,
    patch: Patch<String>,
    stored: Option<&Personal<String>>,
) -> Patch<String> {
    match (rules.contract, patch, open(stored)) {
        (Contract::Shopline, Patch::Clear, Some(text)) if text.is_empty() => Patch::Keep,
        (_, patch, stored) => patch.against(stored),
    }
}

fn open<T>(value: Option<&Personal<T>>) -> Option<&T> {
    value.and_then(Personal::open)
}

fn set<T>(patch: Patch<T>) -> Option<T> {
    match patch {
        Patch::Keep | Patch::Clear => None,
        Patch::Set(value) => Some(value),
    }
}

fn merge(
    stored: Option<&Map<String, Value>>,
    patch: Option<MetadataPatch>,
) -> Patch<Map<String, Value>> {
    let merged = match patch {
        None => return Patch::Keep,
        Some(MetadataPatch::Replace(metadata)) => metadata,
        Some(MetadataPatch::Merge(members)) => merge_metadata(stored, members),
    };
    Patch::Set(merged).against(stored)
}

/// The stored metadata with members set; an empty text deletes its member.
/// Source: Medusa's `setMetadata`, for customers and groups.
pub(crate) fn merge_metadata(
    stored: Option<&Map<String, Value>>,
    members: Map<String, Value>,
) -> Map<String, Value> {
    let mut merged = stored.cloned().unwrap_or_default();
    for (key, value) in members {
        if value == "" {
            merged.shift_remove(&key);
        } else {
            merged.insert(key, value);
        }
    }
    merged
}

/// Source: SHOPLINE, `email_subscribe_flag`: true subscribes, false ends a subscription and leaves
/// one that never was.
fn subscribe(stored: Subscription, accepts: Option<bool>) -> Option<Subscription> {
    let wanted = match (accepts?, stored) {
        (true, _) => Subscription::Subscribed,
        (false, Subscription::Subscribed) => Subscription::Unsubscribed,
        (false, Subscription::Unsubscribed | Subscription::Never) => stored,
    };
    (wanted != stored).then_some(wanted)
}

/// Adds and changes addresses in order: a known id patches that address, no id adds one, unlisted
/// ones stay. At most one is the chosen default: the last that asks for it.
fn change_addresses(
    customer: &Customer,
    rules: &Rules,
    patches: Vec<AddressPatch>,
) -> Result<Vec<CustomerEvent>, Refusal> {
    let mut after = customer.addresses.clone();
    for patch in patches {
        let wants_default = patch.default == Some(true);
        let is_default = wants_default && serves_as_default(&after, patch.shopline_id.as_deref());
        let id = if let Some(known) = &patch.shopline_id {
            let address = after
                .iter_mut()
                .find(|address| address.slot == Slot::Shipping && &address.ids.shopline == known)
                .ok_or_else(|| Refusal::AddressUnknown {
                    shopline_id: known.clone(),
                })?;
            patch_address(address, patch, rules)?;
            address.id.clone()
        } else {
            let mut address = empty_address(&patch);
            patch_address(&mut address, patch, rules)?;
            let id = address.id.clone();
            after.push(address);
            check_listed(customer, &after, rules)?;
            id
        };
        if wants_default && !is_default {
            for address in &mut after {
                address.default = address.id == id;
            }
        }
    }
    Ok(after
        .into_iter()
        .filter_map(|address| {
            let before = customer
                .addresses
                .iter()
                .find(|before| before.id == address.id);
            let change = match before {
                None => AddressChange::Added,
                Some(before) if *before != address => AddressChange::Changed,
                Some(_) => return None,
            };
            Some(CustomerEvent::AddressChanged(AddressChanged {
                change,
                address,
            }))
        })
        .collect())
}

/// Whether an address that is there is the default already, chosen or as the first one where none
/// was chosen: asking for it again chooses nothing.
fn serves_as_default(addresses: &[Address], shopline_id: Option<&str>) -> bool {
    let default = listed(addresses)
        .find(|address| address.default)
        .or_else(|| listed(addresses).next());
    default.map(|address| address.ids.shopline.as_str()) == shopline_id && shopline_id.is_some()
}

/// Customers with more addresses than the contract allows keep them, but get no further one.
/// Judged at each new one, so that no request makes us build more than the limit.
fn check_listed(customer: &Customer, after: &[Address], rules: &Rules) -> Result<(), Refusal> {
    let count = listed(after).count();
    match &rules.limits {
        Some(limits) if count > listed(&customer.addresses).count() => {
            check("addresses", Unit::Items, count, limits.addresses)
        }
        Some(_) | None => Ok(()),
    }
}

fn listed(addresses: &[Address]) -> impl Iterator<Item = &Address> {
    addresses
        .iter()
        .filter(|address| address.slot == Slot::Shipping)
}

fn empty_address(patch: &AddressPatch) -> Address {
    Address {
        id: patch.new.id.clone(),
        ids: patch.new.ids.clone(),
        slot: patch.slot,
        default: false,
        first_name: None,
        last_name: None,
        company: None,
        address_1: None,
        address_2: None,
        city: None,
        province: None,
        province_code: None,
        postal_code: None,
        country: None,
        country_code: None,
        phone: None,
        metadata: None,
    }
}

fn patch_address(address: &mut Address, patch: AddressPatch, rules: &Rules) -> Result<(), Refusal> {
    let patch = new_parts(address, patch, rules);
    if let Some(limits) = &rules.limits {
        check_address(&patch, limits)?;
    }
    let put = |patch: Patch<String>, stored: &mut Option<Personal<String>>| {
        patch.map(Personal::from).apply(stored);
    };
    put(patch.first_name, &mut address.first_name);
    put(patch.last_name, &mut address.last_name);
    put(patch.company, &mut address.company);
    put(patch.address_1, &mut address.address_1);
    put(patch.address_2, &mut address.address_2);
    put(patch.city, &mut address.city);
    put(patch.province, &mut address.province);
    put(patch.province_code, &mut address.province_code);
    put(patch.postal_code, &mut address.postal_code);
    put(patch.country, &mut address.country);
    put(patch.phone, &mut address.phone);
    let country_code = patch.country_code.map(CountryCode::new);
    country_code.apply(&mut address.country_code);
    let metadata = patch.metadata.map(Personal::from);
    metadata.apply(&mut address.metadata);
    Ok(())
}

/// The patch less what the address already says.
fn new_parts(address: &Address, patch: AddressPatch, rules: &Rules) -> AddressPatch {
    let text = |patch, stored: &Option<_>| new_text(rules, patch, stored.as_ref());
    let stored_code = address.country_code.as_ref();
    let stored_metadata = open(address.metadata.as_ref());
    AddressPatch {
        first_name: text(patch.first_name, &address.first_name),
        last_name: text(patch.last_name, &address.last_name),
        company: text(patch.company, &address.company),
        address_1: text(patch.address_1, &address.address_1),
        address_2: text(patch.address_2, &address.address_2),
        city: text(patch.city, &address.city),
        province: text(patch.province, &address.province),
        province_code: text(patch.province_code, &address.province_code),
        postal_code: text(patch.postal_code, &address.postal_code),
        country: text(patch.country, &address.country),
        country_code: new_country_code(patch.country_code, stored_code),
        phone: text(patch.phone, &address.phone),
        metadata: patch.metadata.against(stored_metadata),
        shopline_id: patch.shopline_id,
        new: patch.new,
        slot: patch.slot,
        default: patch.default,
    }
}

/// The patch of a country code less what the address already says: each shop writes a code of two
/// letters in its own case, whatever the case stored.
fn new_country_code(patch: Patch<String>, stored: Option<&CountryCode>) -> Patch<String> {
    match (patch, stored) {
        (Patch::Set(code), Some(CountryCode::Code(stored)))
            if code.eq_ignore_ascii_case(stored) =>
        {
            Patch::Keep
        }
        (patch, stored) => {
            let stored = stored.and_then(CountryCode::text).map(ToOwned::to_owned);
            patch.against(stored.as_ref())
        }
    }
}

fn check_address(patch: &AddressPatch, limits: &Limits) -> Result<(), Refusal> {
    let Limits {
        name,
        address_line: line,
        address_place: place,
        address_code: code,
        ..
    } = *limits;
    check_text("addresses.first_name", &patch.first_name, name)?;
    check_text("addresses.last_name", &patch.last_name, name)?;
    check_text("addresses.company", &patch.company, line)?;
    check_text("addresses.address1", &patch.address_1, line)?;
    check_text("addresses.address2", &patch.address_2, line)?;
    check_text("addresses.city", &patch.city, place)?;
    check_text("addresses.province", &patch.province, place)?;
    check_text("addresses.province_code", &patch.province_code, code)?;
    check_text("addresses.zip", &patch.postal_code, limits.postal_code)?;
    check_text("addresses.country", &patch.country, place)?;
    check_text("addresses.country_code", &patch.country_code, code)?;
    check_text("addresses.phone", &patch.phone, limits.address_phone)
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
            CustomerEvent::CustomerUpdated(updated) => self.update(updated),
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
            ids: created.ids,
            email: created.email,
            first_name: created.first_name,
            last_name: created.last_name,
            phone: created.phone,
            has_account: created.has_account,
            verified_email: false,
            state: created.state,
            metadata: created.metadata,
            tags: created.tags,
            note: created.note,
            birthday: created.birthday,
            gender: created.gender,
            language: created.language,
            nick_name: created.nick_name,
            email_subscription: created.email_subscription,
            mobile_subscription: created.mobile_subscription,
            groups: vec![],
            addresses: vec![],
        };
    }

    fn update(&mut self, updated: CustomerUpdated) {
        updated.email.apply(&mut self.email);
        updated.first_name.apply(&mut self.first_name);
        updated.last_name.apply(&mut self.last_name);
        updated.phone.apply(&mut self.phone);
        self.has_account = updated.has_account.unwrap_or(self.has_account);
        self.state = updated.state.unwrap_or(self.state);
        self.verified_email = updated.verified_email.unwrap_or(self.verified_email);
        updated.metadata.apply(&mut self.metadata);
        updated.tags.apply(&mut self.tags);
        updated.note.apply(&mut self.note);
        updated.birthday.apply(&mut self.birthday);
        updated.gender.apply(&mut self.gender);
        updated.language.apply(&mut self.language);
        updated.nick_name.apply(&mut self.nick_name);
        self.email_subscription = updated
            .email_subscription
            .unwrap_or(self.email_subscription);
        self.mobile_subscription = updated
            .mobile_subscription
            .unwrap_or(self.mobile_subscription);
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

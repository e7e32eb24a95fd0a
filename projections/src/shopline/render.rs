//! SHOPLINE's JSON of customers: each struct is a body, its fields in the documented order, which is
//! the alphabet's. Source: `contracts/shopline.md`, response fields, and the documented examples.

mod address;
mod reply;

use events::customer::{CustomerState, Gender, OpenConsent, OptInLevel, Subscription};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::address::{render_address, render_addresses};
pub use self::reply::{
    render_activation_url, render_count, render_invite, render_nothing, render_orders,
};
use super::customer::{Address, Customer};

/// What an answer takes from the store.
#[derive(Clone, Debug)]
pub struct Store {
    /// The zone that times are shown in.
    pub time_zone: TimeZone,
    /// The currency of the totals.
    pub currency: String,
}

/// A version from which on answers say more than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// The first.
    V20220901,
    /// Consents, the multipass identifier and the province's other code.
    V20230901,
}

impl Version {
    /// The province's code where it reads as one of ISO 3166-2: the shop's own codes are longer.
    fn province_code_v2(self, address: &Address) -> Option<&str> {
        const LENGTH_MAX: usize = 3;
        let code = &address.province_code;
        let is_short = code.len() <= LENGTH_MAX && code.bytes().all(|b| b.is_ascii_alphanumeric());
        (self >= Self::V20230901).then_some(if is_short { code } else { "" })
    }
}

/// `{"customer":{…}}` as `GET customers/v2/{id}.json` answers it, of the customer only the members
/// asked for, if any are.
pub fn render_read(
    customer: &Customer,
    store: &Store,
    version: Version,
    fields: Option<&Fields>,
) -> String {
    let customer = Body::read(customer, store, version);
    match fields {
        Some(fields) => to_text(&serde_json::json!({ "customer": fields.of(&customer) })),
        None => to_text(&InCustomer { customer }),
    }
}

/// `{"customers":[…]}` as list and search answer it: each as a read shows it.
pub fn render_list(
    customers: &[Customer],
    store: &Store,
    version: Version,
    fields: Option<&Fields>,
) -> String {
    #[derive(Serialize)]
    struct Bodies<T> {
        customers: Vec<T>,
    }
    let bodies = customers.iter().map(|one| Body::read(one, store, version));
    match fields {
        None => to_text(&Bodies {
            customers: bodies.collect(),
        }),
        Some(fields) => to_text(&Bodies {
            customers: bodies.map(|body| fields.of(&body)).collect(),
        }),
    }
}

/// The members of a customer that an app wants to see. A member that there is not is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(Vec<String>);

impl Fields {
    /// Reads `id,email`; without any name, all are wanted.
    pub fn parse(list: &str) -> Option<Self> {
        let names = list.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        let names = names.collect::<Vec<_>>();
        (!names.is_empty()).then_some(Self(names))
    }

    fn of(&self, body: &Body<'_>) -> Value {
        let mut body = serde_json::to_value(body).expect("a body is texts, numbers and booleans");
        if let Value::Object(members) = &mut body {
            members.retain(|name, _| self.0.contains(name));
        }
        body
    }
}

/// `{"customer":{…}}` as `POST customers.json` answers it: without the nickname.
pub fn render_created(customer: &Customer, store: &Store, version: Version) -> String {
    let customer = Body {
        accepts_mobile_marketing: Some(accepts(customer.profile.mobile_subscription)),
        ..Body::detailed(customer, store, version)
    };
    to_text(&InCustomer { customer })
}

/// `{"customer":{…}}` as `PUT customers/{id}.json` answers it: the only answer that says
/// `accepts_phone_marketing`, and one that leaves out birthday, gender, language, nickname and
/// social accounts.
pub fn render_updated(customer: &Customer, store: &Store, version: Version) -> String {
    let customer = Body {
        accepts_phone_marketing: Some(accepts(customer.profile.mobile_subscription)),
        ..Body::common(customer, store, version)
    };
    to_text(&InCustomer { customer })
}

/// `{"customer":{…}}` as `DELETE customers/{id}.json` answers it: what the customer was called.
pub fn render_deleted(customer: &Customer) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        customer: Called<'a>,
    }
    #[derive(Serialize)]
    struct Called<'a> {
        email: &'a str,
        first_name: &'a str,
        last_name: &'a str,
        phone: &'a str,
    }
    let customer = Called {
        email: text(customer.profile.email.as_deref()),
        first_name: text(customer.profile.first_name.as_deref()),
        last_name: text(customer.profile.last_name.as_deref()),
        phone: text(customer.profile.phone.as_deref()),
    };
    to_text(&Body { customer })
}

/// `{"user_subscribe_info_list":[…]}` as `GET customers/subscribe.json` answers it: a line for each
/// e-mail and phone of the customers. A subscription that never changed has no time.
pub fn render_subscriptions(customers: &[Customer], store: &Store) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        user_subscribe_info_list: Vec<Info<'a>>,
    }
    #[derive(Serialize)]
    struct Info<'a> {
        customer_id: &'a str,
        status: u8,
        subscribe_account: &'a str,
        /// 0 mail, 1 phone.
        subscribe_account_type: u8,
        /// 3: through the open API.
        subscribe_channel: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        subscribe_time: Option<String>,
    }
    let mut infos = vec![];
    for customer in customers {
        let (email, phone) = (
            (
                customer.profile.email_subscription,
                customer.email_subscription_at,
            ),
            (
                customer.profile.mobile_subscription,
                customer.mobile_subscription_at,
            ),
        );
        let accounts = [
            (0, text(customer.profile.email.as_deref()), email),
            (1, text(customer.profile.phone.as_deref()), phone),
        ];
        for (subscribe_account_type, account, (subscription, time)) in accounts {
            if !account.is_empty() {
                infos.push(Info {
                    customer_id: &customer.id,
                    status: u8::from(accepts(subscription)),
                    subscribe_account: account,
                    subscribe_account_type,
                    subscribe_channel: 3,
                    subscribe_time: time.map(|time| seconds(time, store)),
                });
            }
        }
    }
    to_text(&Body {
        user_subscribe_info_list: infos,
    })
}

#[derive(Serialize)]
struct InCustomer<'a> {
    customer: Body<'a>,
}

/// Texts that are not there are empty; any other member without a value is left out, for instance
/// `asid` and `last_order_id`, which the ledger never has.
#[derive(Serialize)]
struct Body<'a> {
    accepts_marketing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepts_marketing_updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepts_mobile_marketing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepts_mobile_marketing_updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepts_phone_marketing: Option<bool>,
    addresses: Vec<AddressBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birthday: Option<&'a str>,
    created_at: String,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_address: Option<AddressBody<'a>>,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_marketing_consent: Option<ConsentBody<'a>>,
    email_subscribe_flag: u8,
    first_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<&'static str>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    last_name: &'a str,
    mobile_subscribe_flag: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    multipass_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nick_name: Option<&'a str>,
    note: &'a str,
    orders_count: u8,
    phone: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_marketing_consent: Option<ConsentBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    social_customer: Option<&'a [String]>,
    state: u8,
    tags: String,
    total_spent: &'static str,
    updated_at: String,
    verified_email: bool,
}

impl<'a> Body<'a> {
    /// The members that every answer has.
    fn common(customer: &'a Customer, store: &'a Store, version: Version) -> Self {
        let seconds = |time| seconds(time, store);
        let default = customer.default_address();
        let says_more = version >= Version::V20230901;
        let address = |address: &'a Address| AddressBody {
            province_code_v2: version.province_code_v2(address),
            ..AddressBody::new(address, customer, default)
        };
        let consent = |subscription, consent: &'a Option<OpenConsent>| {
            says_more.then(|| ConsentBody::new(subscription, consent.as_ref(), store))
        };
        Self {
            accepts_marketing: accepts(customer.profile.email_subscription),
            accepts_marketing_updated_at: customer.email_subscription_at.map(seconds),
            accepts_mobile_marketing: None,
            accepts_mobile_marketing_updated_at: customer.mobile_subscription_at.map(seconds),
            accepts_phone_marketing: None,
            addresses: customer.addresses.iter().map(address).collect(),
            birthday: None,
            created_at: seconds(customer.created_at),
            currency: &store.currency,
            default_address: default.map(address),
            email: text(customer.profile.email.as_deref()),
            email_marketing_consent: consent(
                customer.profile.email_subscription,
                &customer.profile.email_consent,
            ),
            email_subscribe_flag: flag(customer.profile.email_subscription),
            first_name: text(customer.profile.first_name.as_deref()),
            gender: None,
            id: &customer.id,
            language: None,
            last_name: text(customer.profile.last_name.as_deref()),
            mobile_subscribe_flag: flag(customer.profile.mobile_subscription),
            multipass_identifier: says_more
                .then_some(text(customer.profile.multipass_identifier.as_deref())),
            nick_name: None,
            note: text(customer.profile.note.as_deref()),
            orders_count: 0,
            phone: text(customer.profile.phone.as_deref()),
            sms_marketing_consent: consent(
                customer.profile.mobile_subscription,
                &customer.profile.mobile_consent,
            ),
            social_customer: None,
            state: state(customer.profile.state),
            tags: customer.tags_text(),
            total_spent: "0",
            updated_at: seconds(customer.updated_at),
            verified_email: customer.profile.verified_email,
        }
    }

    /// What reads, lists and searches have.
    fn read(customer: &'a Customer, store: &'a Store, version: Version) -> Self {
        Self {
            accepts_mobile_marketing: Some(accepts(customer.profile.mobile_subscription)),
            nick_name: Some(text(customer.profile.nick_name.as_deref())),
            ..Self::detailed(customer, store, version)
        }
    }

    /// Those, and the ones that reads and creates have.
    fn detailed(customer: &'a Customer, store: &'a Store, version: Version) -> Self {
        Self {
            birthday: Some(text(customer.profile.birthday.as_deref())),
            gender: Some(gender(customer.profile.gender)),
            language: Some(text(customer.profile.language.as_deref())),
            social_customer: customer.profile.social_customer.as_deref(),
            ..Self::common(customer, store, version)
        }
    }
}

/// A consent. A time that was not told is left out.
#[derive(Serialize)]
struct ConsentBody<'a> {
    consent_collected_from: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_updated_at: Option<String>,
    opt_in_level: u8,
    state: u8,
}

impl<'a> ConsentBody<'a> {
    fn new(subscription: Subscription, consent: Option<&'a OpenConsent>, store: &Store) -> Self {
        let level = consent.map_or_else(OptInLevel::default, |consent| consent.opt_in_level);
        Self {
            consent_collected_from: consent
                .map_or("", |consent| text(consent.collected_from.as_deref())),
            consent_updated_at: consent
                .and_then(|consent| consent.updated_at)
                .map(|time| seconds(time, store)),
            opt_in_level: match level {
                OptInLevel::Unknown => 0,
                OptInLevel::Single => 1,
                OptInLevel::Confirmed => 2,
            },
            state: match subscription {
                Subscription::Unsubscribed => 0,
                Subscription::Subscribed => 1,
                Subscription::Never => 2,
                Subscription::Pending => 3,
            },
        }
    }
}

#[derive(Serialize)]
struct AddressBody<'a> {
    address1: &'a str,
    address2: &'a str,
    city: &'a str,
    company: &'a str,
    country: &'a str,
    country_code: &'a str,
    customer_id: &'a str,
    default: bool,
    first_name: &'a str,
    id: &'a str,
    last_name: &'a str,
    phone: &'a str,
    province: &'a str,
    province_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    province_code_v2: Option<&'a str>,
    zip: &'a str,
}

impl<'a> AddressBody<'a> {
    fn new(address: &'a Address, customer: &'a Customer, default: Option<&Address>) -> Self {
        Self {
            address1: &address.address1,
            address2: &address.address2,
            city: &address.city,
            company: &address.company,
            country: &address.country,
            country_code: &address.country_code,
            customer_id: &customer.id,
            default: default.is_some_and(|default| default.key == address.key),
            first_name: &address.first_name,
            id: &address.id,
            last_name: &address.last_name,
            phone: &address.phone,
            province: &address.province,
            province_code: &address.province_code,
            province_code_v2: None,
            zip: &address.zip,
        }
    }
}

fn to_text(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("a body is texts, numbers and booleans")
}

/// ISO 8601 in the store's zone: whole seconds and a numeric offset.
fn seconds(time: Timestamp, store: &Store) -> String {
    time.to_zoned(store.time_zone.clone())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// A text that is not there is shown as an empty one.
pub(super) fn text(text: Option<&str>) -> &str {
    text.unwrap_or_default()
}

fn accepts(subscription: Subscription) -> bool {
    subscription == Subscription::Subscribed
}

pub(super) const fn flag(subscription: Subscription) -> u8 {
    match subscription {
        Subscription::Unsubscribed => 0,
        Subscription::Subscribed => 1,
        // Asked for is not subscribed, and this flag has no word for it.
        Subscription::Never | Subscription::Pending => 2,
    }
}

pub(super) const fn state(state: CustomerState) -> u8 {
    match state {
        CustomerState::Disabled => 0,
        CustomerState::NotInvited => 1,
        CustomerState::Invited => 2,
        CustomerState::Registered => 3,
    }
}

/// The documentation contradicts itself about a gender that is not known: create and webhook say
/// `others`, get says `unknown`. The examples say `others`.
const fn gender(gender: Option<Gender>) -> &'static str {
    match gender {
        Some(Gender::Male) => "male",
        Some(Gender::Female) => "female",
        Some(Gender::Secret) => "secret",
        Some(Gender::Unknown) | None => "others",
    }
}

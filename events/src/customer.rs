//! `CustomerCreated`, `CustomerUpdated`, `GroupsAssigned` and the events that end or guard a
//! customer; and [`Profile`], what the first two add up to.

mod values;

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{ForeignIds, StreamId};
use crate::patch::Patch;
use crate::personal::Personal;

pub use self::values::{Consent, Credential, CustomerState, Gender, OptInLevel, Subscription};

/// A customer came into being, through whichever shop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerCreated {
    /// The customer's ids in both shops.
    pub ids: ForeignIds,
    /// E-mail, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<String>>,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Personal<String>>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Personal<String>>,
    /// Phone number, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Personal<String>>,
    /// Whether the customer registered; a guest did not.
    pub has_account: bool,
    /// Where the customer stands with SHOPLINE's invitations.
    pub state: CustomerState,
    /// Whether the e-mail was confirmed. Since 1.1.0.
    pub verified_email: bool,
    /// Medusa's free metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Personal<Map<String, Value>>>,
    /// SHOPLINE's tags, in order, none twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Personal<Vec<String>>>,
    /// The merchant's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<String>>,
    /// Date of birth, `yyyyMMdd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday: Option<Personal<String>>,
    /// Gender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Personal<Gender>>,
    /// Language tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Personal<String>>,
    /// Nickname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick_name: Option<Personal<String>>,
    /// The id under which another system signs the customer in. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipass_identifier: Option<Personal<String>>,
    /// Accounts at social networks, in order. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub social_customer: Option<Personal<Vec<String>>>,
    /// Subscription to marketing by e-mail.
    pub email_subscription: Subscription,
    /// How that came, if it was told. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_consent: Option<Consent>,
    /// Subscription to marketing by phone.
    pub mobile_subscription: Subscription,
    /// How that came, if it was told. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile_consent: Option<Consent>,
}

/// Fields of a customer changed: only those that did. Absent is unchanged, null is cleared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerUpdated {
    /// E-mail, as written.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub email: Patch<Personal<String>>,
    /// First name.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub first_name: Patch<Personal<String>>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub last_name: Patch<Personal<String>>,
    /// Phone number, as written.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub phone: Patch<Personal<String>>,
    /// Whether the customer has an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_account: Option<bool>,
    /// Where the customer stands with SHOPLINE's invitations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CustomerState>,
    /// Whether the e-mail was confirmed; a changed e-mail is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_email: Option<bool>,
    /// Medusa's free metadata, whole.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub metadata: Patch<Personal<Map<String, Value>>>,
    /// SHOPLINE's tags, whole.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub tags: Patch<Personal<Vec<String>>>,
    /// The merchant's note.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub note: Patch<Personal<String>>,
    /// Date of birth, `yyyyMMdd`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub birthday: Patch<Personal<String>>,
    /// Gender.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub gender: Patch<Personal<Gender>>,
    /// Language tag.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub language: Patch<Personal<String>>,
    /// Nickname.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub nick_name: Patch<Personal<String>>,
    /// The id under which another system signs the customer in. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub multipass_identifier: Patch<Personal<String>>,
    /// Accounts at social networks, whole. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub social_customer: Patch<Personal<Vec<String>>>,
    /// Subscription to marketing by e-mail. A new one forgets the consent of the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_subscription: Option<Subscription>,
    /// The consent to that, whole. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_consent: Option<Consent>,
    /// Subscription to marketing by phone. A new one forgets the consent of the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile_subscription: Option<Subscription>,
    /// The consent to that, whole. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile_consent: Option<Consent>,
}

/// A customer's own fields: what `CustomerCreated` and every `CustomerUpdated` since add up to, opened.
/// The domain and the views fold the two events through it, and nowhere else.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// E-mail, as written.
    #[serde(skip_serializing_if = "is_default")]
    pub email: Option<String>,
    /// First name.
    #[serde(skip_serializing_if = "is_default")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "is_default")]
    pub last_name: Option<String>,
    /// Phone number, as written.
    #[serde(skip_serializing_if = "is_default")]
    pub phone: Option<String>,
    /// Whether the customer registered.
    #[serde(skip_serializing_if = "is_default")]
    pub has_account: bool,
    /// Where the customer stands with SHOPLINE's invitations.
    #[serde(skip_serializing_if = "is_default")]
    pub state: CustomerState,
    /// Whether the e-mail was confirmed.
    #[serde(skip_serializing_if = "is_default")]
    pub verified_email: bool,
    /// Medusa's free metadata.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: Option<Map<String, Value>>,
    /// SHOPLINE's tags, in order.
    #[serde(skip_serializing_if = "is_default")]
    pub tags: Option<Vec<String>>,
    /// The merchant's note.
    #[serde(skip_serializing_if = "is_default")]
    pub note: Option<String>,
    /// Date of birth, `yyyyMMdd`.
    #[serde(skip_serializing_if = "is_default")]
    pub birthday: Option<String>,
    /// Gender.
    #[serde(skip_serializing_if = "is_default")]
    pub gender: Option<Gender>,
    /// Language tag.
    #[serde(skip_serializing_if = "is_default")]
    pub language: Option<String>,
    /// Nickname.
    #[serde(skip_serializing_if = "is_default")]
    pub nick_name: Option<String>,
    /// The id under which another system signs the customer in.
    #[serde(skip_serializing_if = "is_default")]
    pub multipass_identifier: Option<String>,
    /// Accounts at social networks, in order.
    #[serde(skip_serializing_if = "is_default")]
    pub social_customer: Option<Vec<String>>,
    /// Subscription to marketing by e-mail.
    #[serde(skip_serializing_if = "is_default")]
    pub email_subscription: Subscription,
    /// How that came, if it was told.
    #[serde(skip_serializing_if = "is_default")]
    pub email_consent: Option<OpenConsent>,
    /// Subscription to marketing by phone.
    #[serde(skip_serializing_if = "is_default")]
    pub mobile_subscription: Subscription,
    /// How that came, if it was told.
    #[serde(skip_serializing_if = "is_default")]
    pub mobile_consent: Option<OpenConsent>,
}

/// A consent, opened.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenConsent {
    /// How sure it is that the customer meant it.
    pub opt_in_level: OptInLevel,
    /// When it was given or taken back.
    pub updated_at: Option<Timestamp>,
    /// Where it was collected.
    pub collected_from: Option<String>,
}

/// Folds the fields: an update clears or replaces those that may be empty, and replaces the others.
/// The four fields of the subscriptions depend on each other and are written out.
macro_rules! folds {
    (may_be_empty: $($optional:ident)+; always_there: $($required:ident)+;) => {
        impl Profile {
            /// The fields right after the customer came into being.
            pub fn created(created: &CustomerCreated) -> Self {
                let CustomerCreated {
                    ids: _,
                    $($optional,)+
                    $($required,)+
                    email_subscription,
                    email_consent,
                    mobile_subscription,
                    mobile_consent,
                } = created;
                Self {
                    $($optional: opened($optional.as_ref()),)+
                    $($required: *$required,)+
                    email_subscription: *email_subscription,
                    email_consent: email_consent.as_ref().map(OpenConsent::from),
                    mobile_subscription: *mobile_subscription,
                    mobile_consent: mobile_consent.as_ref().map(OpenConsent::from),
                }
            }

            /// Folds a change of fields.
            pub fn update(&mut self, updated: &CustomerUpdated) {
                let CustomerUpdated {
                    $($optional,)+
                    $($required,)+
                    email_subscription,
                    email_consent,
                    mobile_subscription,
                    mobile_consent,
                } = updated;
                $(patch(&mut self.$optional, $optional);)+
                $(self.$required = $required.unwrap_or(self.$required);)+
                if let Some(new) = email_subscription {
                    self.email_subscription = *new;
                    self.email_consent = None;
                }
                if let Some(new) = email_consent {
                    self.email_consent = Some(new.into());
                }
                if let Some(new) = mobile_subscription {
                    self.mobile_subscription = *new;
                    self.mobile_consent = None;
                }
                if let Some(new) = mobile_consent {
                    self.mobile_consent = Some(new.into());
                }
            }
        }

        impl Profile {
            /// The same to a contract that shows an empty text, and an empty list, as none.
            #[must_use]
            pub fn without_empty(mut self) -> Self {
                $(self.$optional.take_if(|value| value.is_empty());)+
                for consent in [&mut self.email_consent, &mut self.mobile_consent] {
                    if let Some(consent) = consent {
                        consent.collected_from.take_if(|value| value.is_empty());
                    }
                }
                self
            }
        }

        impl CustomerCreated {
            /// The birth of a customer to whom nothing else applies than these changes say.
            pub fn new(ids: ForeignIds, changes: CustomerUpdated) -> Self {
                Self {
                    ids,
                    $($optional: changes.$optional.set(),)+
                    $($required: changes.$required.unwrap_or_default(),)+
                    email_subscription: changes.email_subscription.unwrap_or_default(),
                    email_consent: changes.email_consent,
                    mobile_subscription: changes.mobile_subscription.unwrap_or_default(),
                    mobile_consent: changes.mobile_consent,
                }
            }
        }
    };
}

folds! {
    may_be_empty:
        email first_name last_name phone metadata tags note birthday gender language nick_name
        multipass_identifier social_customer;
    always_there: has_account state verified_email;
}

impl From<&Consent> for OpenConsent {
    fn from(consent: &Consent) -> Self {
        Self {
            opt_in_level: consent.opt_in_level,
            updated_at: consent.updated_at,
            collected_from: opened(consent.collected_from.as_ref()),
        }
    }
}

impl From<OpenConsent> for Consent {
    fn from(consent: OpenConsent) -> Self {
        Self {
            opt_in_level: consent.opt_in_level,
            updated_at: consent.updated_at,
            collected_from: consent.collected_from.map(Personal::from),
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile(•••)")
    }
}

impl fmt::Debug for OpenConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenConsent({:?})", self.opt_in_level)
    }
}

/// The value, if it can be read: a sealed or erased one is nothing.
fn opened<T: Clone>(value: Option<&Personal<T>>) -> Option<T> {
    value.and_then(Personal::open).cloned()
}

fn patch<T: Clone>(field: &mut Option<T>, patch: &Patch<Personal<T>>) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => *field = None,
        Patch::Set(value) => *field = opened(Some(value)),
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The customer belongs to these groups, and to no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupsAssigned {
    /// Stream ids of the groups, ascending, none twice.
    pub groups: Vec<StreamId>,
}

/// A credential of the customer changed. The credential itself is never in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialChanged {
    /// Which credential.
    pub credential: Credential,
}

/// The customer was deleted: not found in either shop, with a past in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerDeleted {}

/// The key of the customer's personal data was deleted: nobody can read that data again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonalDataErased {}

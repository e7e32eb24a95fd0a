//! `CustomerCreated`, `CustomerUpdated`, `GroupsAssigned` and the events that end or guard a
//! customer.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{ForeignIds, StreamId};
use crate::patch::Patch;
use crate::personal::Personal;

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

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// The customer's password.
    Password,
}

/// Where a customer stands with SHOPLINE's invitations. Source: the response field `state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomerState {
    /// Blocked by the merchant: 0.
    Disabled,
    /// Never invited: 1.
    #[default]
    NotInvited,
    /// Invited, not registered yet: 2.
    Invited,
    /// Registered: 3.
    Registered,
}

/// A subscription to marketing. Source: SHOPLINE's `email_subscribe_flag`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    /// Subscribed once, no longer: 0.
    Unsubscribed,
    /// Subscribed: 1.
    Subscribed,
    /// Never subscribed: 2.
    #[default]
    Never,
    /// Asked for, and not confirmed yet: 3; by e-mail only. Since 1.1.0.
    Pending,
}

/// How a subscription came to be what it is. Source: SHOPLINE's `email_marketing_consent` and
/// `sms_marketing_consent`, since v20230901.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consent {
    /// How sure it is that the customer meant it.
    pub opt_in_level: OptInLevel,
    /// When it was given or taken back, at whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub updated_at: Option<Timestamp>,
    /// Where it was collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_from: Option<Personal<String>>,
}

/// How sure it is that a customer meant to subscribe. Source: SHOPLINE's `opt_in_level`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptInLevel {
    /// Nobody knows: 0.
    Unknown,
    /// The customer asked once: 1.
    #[default]
    Single,
    /// The customer asked, and confirmed it: 2.
    Confirmed,
}

/// Gender, as SHOPLINE knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gender {
    /// Not known: 0.
    Unknown,
    /// Male: 1.
    Male,
    /// Female: 2.
    Female,
    /// Kept secret: 3.
    Secret,
}

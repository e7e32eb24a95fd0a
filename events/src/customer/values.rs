//! What fields of a customer may hold.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::personal::Personal;

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

impl Gender {
    /// A gender that was told is never empty.
    pub(super) const fn is_empty(self) -> bool {
        match self {
            Self::Unknown | Self::Male | Self::Female | Self::Secret => false,
        }
    }
}

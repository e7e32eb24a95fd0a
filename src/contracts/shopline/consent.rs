//! A consent to marketing, as a member of a customer: `email_marketing_consent` and
//! `sms_marketing_consent`.
//!
//! An empty one says nothing: SHOPLINE's Go client always sends one. A consent is no place for two
//! truths: what it says wins over `accepts_marketing`.
//! Source: SHOPLINE, update customer v20230901, request fields.

use events::customer::{OptInLevel, Subscription};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde_json::{Map, Value};

use super::error::ApiError;
use super::member::{Type, check_types, digit, get, text};
use super::request::Reading;
use super::time::instant;
use crate::domain::customer::ConsentPatch;

/// How a consent and its members are named in a customer.
pub(super) struct Names {
    pub(super) consent: &'static str,
    state: &'static str,
    states: &'static str,
    opt_in_level: &'static str,
    updated_at: &'static str,
    collected_from: &'static str,
}

pub(super) const EMAIL: Names = Names {
    consent: "email_marketing_consent",
    state: "email_marketing_consent.state",
    states: "0, 1, 2 or 3",
    opt_in_level: "email_marketing_consent.opt_in_level",
    updated_at: "email_marketing_consent.consent_updated_at",
    collected_from: "email_marketing_consent.consent_collected_from",
};

/// A text message is not confirmed: the state 3 is of e-mails alone.
pub(super) const SMS: Names = Names {
    consent: "sms_marketing_consent",
    state: "sms_marketing_consent.state",
    states: "0, 1 or 2",
    opt_in_level: "sms_marketing_consent.opt_in_level",
    updated_at: "sms_marketing_consent.consent_updated_at",
    collected_from: "sms_marketing_consent.consent_collected_from",
};

impl Names {
    fn find<'m>(&self, customer: &'m Map<String, Value>) -> Option<&'m Map<String, Value>> {
        get(customer, self.consent).and_then(Value::as_object)
    }

    /// Whether the consent and its members are of the right types.
    pub(super) fn check_types(&self, customer: &Map<String, Value>) -> Result<(), ApiError> {
        check_types(customer, &[(self.consent, Type::Object)])?;
        let types = [
            (self.state, Type::Integer),
            (self.opt_in_level, Type::Integer),
            (self.updated_at, Type::String),
            (self.collected_from, Type::String),
        ];
        self.find(customer)
            .map_or(Ok(()), |consent| check_types(consent, &types))
    }

    /// What the customer says of it, of the right types.
    pub(super) fn read(
        &self,
        customer: &Map<String, Value>,
        reading: &Reading<'_>,
    ) -> Result<Option<ConsentPatch>, ApiError> {
        let Some(consent) = self.find(customer) else {
            return Ok(None);
        };
        let members = [
            self.state,
            self.opt_in_level,
            self.updated_at,
            self.collected_from,
        ];
        if members.iter().all(|member| get(consent, member).is_none()) {
            return Ok(None);
        }
        let must_be = |parameter, expected| ApiError::Parameter {
            parameter,
            expected,
        };
        let subscription = match digit(consent, self.state).as_deref() {
            None => return Err(ApiError::Required { member: self.state }),
            Some("0") => Subscription::Unsubscribed,
            Some("1") => Subscription::Subscribed,
            Some("2") => Subscription::Never,
            Some("3") if self.state == EMAIL.state => Subscription::Pending,
            Some(_) => return Err(must_be(self.state, self.states)),
        };
        let opt_in_level = match digit(consent, self.opt_in_level).as_deref() {
            None => None,
            Some("0") => Some(OptInLevel::Unknown),
            Some("1") => Some(OptInLevel::Single),
            Some("2") => Some(OptInLevel::Confirmed),
            Some(_) => return Err(must_be(self.opt_in_level, "0, 1 or 2")),
        };
        let updated_at = get(consent, self.updated_at)
            .and_then(Value::as_str)
            .map(|text| {
                instant(text.trim(), reading.zone)
                    .filter(|time| *time >= Timestamp::UNIX_EPOCH)
                    .ok_or_else(|| must_be(self.updated_at, "an ISO 8601 time since 1970"))
            })
            .transpose()?;
        Ok(Some(ConsentPatch {
            subscription,
            opt_in_level,
            updated_at: updated_at.map(whole_seconds),
            collected_from: text(consent, self.collected_from)?,
            now: whole_seconds(reading.now),
        }))
    }
}

/// Times are shown in whole seconds: what comes back is to be what is stored.
fn whole_seconds(time: Timestamp) -> Timestamp {
    let second = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Trunc);
    time.round(second).expect("an earlier second is a time")
}

//! A customer's own fields: what a request really changes of them, judged by the rules.

use events::customer::Gender;
use events::patch::Patch;
use events::personal::Personal;
use events::record::Contract;
use serde_json::{Map, Value};

use super::command::{Fields, MetadataPatch};
use super::consents::Change;
use super::rules::{Limits, METADATA_BYTES_MAX, Refusal, Rules, Unit};
use super::{Customer, Life};

/// The fields that a request really changes, judged by the rules.
pub(super) struct Changes {
    pub(super) email: Patch<String>,
    pub(super) first_name: Patch<String>,
    pub(super) last_name: Patch<String>,
    pub(super) phone: Patch<String>,
    pub(super) note: Patch<String>,
    pub(super) birthday: Patch<String>,
    pub(super) gender: Patch<Gender>,
    pub(super) tags: Patch<Vec<String>>,
    pub(super) metadata: Patch<Map<String, Value>>,
    pub(super) multipass_identifier: Patch<String>,
    pub(super) email_marketing: Change,
    pub(super) mobile_marketing: Change,
}

impl Changes {
    pub(super) fn new(customer: &Customer, rules: &Rules, fields: Fields) -> Result<Self, Refusal> {
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
            metadata: merge(open(customer.metadata.as_ref()), fields.metadata)?,
            multipass_identifier: text(
                fields.multipass_identifier,
                customer.multipass_identifier.as_ref(),
            ),
            email_marketing: match fields.email_consent {
                Some(patch) => {
                    let consent = customer.email_consent.as_ref();
                    Change::consent(customer.email_subscription, consent, patch)
                }
                None => Change::accept(customer.email_subscription, fields.accepts_marketing),
            },
            mobile_marketing: fields.mobile_consent.map_or_else(Change::default, |patch| {
                let consent = customer.mobile_consent.as_ref();
                Change::consent(customer.mobile_subscription, consent, patch)
            }),
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
        let phone = stays(&self.phone, customer.phone.is_some());
        let touched = !self.email.is_keep() || !self.phone.is_keep();
        if (touched || customer.life == Life::Unborn) && !email && (customer.has_account || !phone)
        {
            return Err(Refusal::ContactRequired);
        }
        if !self.email_marketing.is_none() && !email {
            return Err(Refusal::MarketingNeedsEmail);
        }
        if !self.mobile_marketing.is_none() && !phone {
            return Err(Refusal::MarketingNeedsPhone);
        }
        Ok(())
    }

    fn check_limits(&self, limits: &Limits) -> Result<(), Refusal> {
        check_text("email", &self.email, limits.email)?;
        check_text("first_name", &self.first_name, limits.name)?;
        check_text("last_name", &self.last_name, limits.name)?;
        check_text("phone", &self.phone, limits.phone)?;
        check_text("note", &self.note, limits.note)?;
        check_text(
            "multipass_identifier",
            &self.multipass_identifier,
            limits.multipass_identifier,
        )?;
        for (field, marketing) in [
            (
                "email_marketing_consent.consent_collected_from",
                &self.email_marketing,
            ),
            (
                "sms_marketing_consent.consent_collected_from",
                &self.mobile_marketing,
            ),
        ] {
            if let Some(source) = marketing.source() {
                check_length(field, source, limits.consent_source)?;
            }
        }
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

pub(super) fn check_text(
    field: &'static str,
    patch: &Patch<String>,
    limit: usize,
) -> Result<(), Refusal> {
    match patch {
        Patch::Keep | Patch::Clear => Ok(()),
        Patch::Set(text) => check_length(field, text, limit),
    }
}

fn check_length(field: &'static str, text: &str, limit: usize) -> Result<(), Refusal> {
    check(field, Unit::Characters, text.chars().count(), limit)
}

pub(super) const fn check(
    field: &'static str,
    unit: Unit,
    count: usize,
    limit: usize,
) -> Result<(), Refusal> {
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
pub(super) fn new_text(
    rules: &Rules,
    patch: Patch<String>,
    stored: Option<&Personal<String>>,
) -> Patch<String> {
    match (rules.contract, patch, open(stored)) {
        (Contract::Shopline, Patch::Clear, Some(text)) if text.is_empty() => Patch::Keep,
        (_, patch, stored) => patch.against(stored),
    }
}

pub(super) fn open<T>(value: Option<&Personal<T>>) -> Option<&T> {
    value.and_then(Personal::open)
}

pub(super) fn set<T>(patch: Patch<T>) -> Option<T> {
    match patch {
        Patch::Keep | Patch::Clear => None,
        Patch::Set(value) => Some(value),
    }
}

fn merge(
    stored: Option<&Map<String, Value>>,
    patch: Option<MetadataPatch>,
) -> Result<Patch<Map<String, Value>>, Refusal> {
    let merged = match patch {
        None => return Ok(Patch::Keep),
        Some(MetadataPatch::Replace(metadata)) => metadata,
        Some(MetadataPatch::Merge(members)) => merge_metadata(stored, members)?,
    };
    Ok(Patch::Set(merged).against(stored))
}

/// The stored metadata with members set; an empty text deletes its member. A request is bounded, and
/// what many of them add up to is bounded here.
/// Source: Medusa's `setMetadata`, for customers and groups.
pub(crate) fn merge_metadata(
    stored: Option<&Map<String, Value>>,
    members: Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut merged = stored.cloned().unwrap_or_default();
    for (key, value) in members {
        if value == "" {
            merged.shift_remove(&key);
        } else {
            merged.insert(key, value);
        }
    }
    if stored != Some(&merged) {
        let text = serde_json::to_string(&merged).expect("a JSON value always serialises");
        check("metadata", Unit::Bytes, text.len(), METADATA_BYTES_MAX)?;
    }
    Ok(merged)
}

//! A customer's own fields: what a request really changes of them, judged by the rules.

use events::customer::{CustomerUpdated, Gender, Profile};
use events::patch::Patch;
use events::personal::Personal;
use events::record::Contract;
use serde_json::{Map, Value};

use super::consents::{Change, ConsentPatch};
use super::rules::{Limits, METADATA_BYTES_MAX, Refusal, Rules, Unit};
use super::{Customer, Life};

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
    /// Whether the e-mail was confirmed.
    pub verified_email: Option<bool>,
    /// The id under which another system signs the customer in.
    pub multipass_identifier: Patch<String>,
    /// Accounts at social networks, whole.
    pub social_customer: Patch<Vec<String>>,
    /// Whether the customer wants marketing by e-mail.
    pub accepts_marketing: Option<bool>,
    /// The same, and how that came: what it says wins.
    pub email_consent: Option<ConsentPatch>,
    /// Whether the customer wants marketing by phone, and how that came.
    pub mobile_consent: Option<ConsentPatch>,
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

/// What changes of both subscriptions.
struct Marketing {
    email: Change,
    mobile: Change,
}

impl Marketing {
    fn email(stored: &Profile, patch: ConsentPatch) -> Change {
        let consent = stored.email_consent.as_ref();
        Change::consent(stored.email_subscription, consent, patch)
    }

    fn mobile(stored: &Profile, patch: ConsentPatch) -> Change {
        let consent = stored.mobile_consent.as_ref();
        Change::consent(stored.mobile_subscription, consent, patch)
    }
}

impl Fields {
    /// What a request really changes of a customer's fields, judged by the rules.
    pub(super) fn changes(
        self,
        customer: &Customer,
        rules: &Rules,
    ) -> Result<CustomerUpdated, Refusal> {
        let stored = &customer.profile;
        if rules.email_required_and_fixed {
            match &self.email {
                Patch::Clear => return Err(Refusal::EmailRequired),
                Patch::Set(_) if stored.has_account => return Err(Refusal::EmailFixed),
                Patch::Keep | Patch::Set(_) => {}
            }
        }
        let text = |patch, stored: &Option<String>| {
            new_text(rules, patch, stored.as_ref()).map(Personal::from)
        };
        let metadata = merge(stored.metadata.as_ref(), self.metadata)?;
        let marketing = Marketing {
            email: match self.email_consent {
                Some(patch) => Marketing::email(stored, patch),
                None => Change::accept(stored.email_subscription, self.accepts_marketing),
            },
            mobile: self
                .mobile_consent
                .map_or_else(Change::default, |patch| Marketing::mobile(stored, patch)),
        };
        let changes = CustomerUpdated {
            email: text(self.email, &stored.email),
            first_name: text(self.first_name, &stored.first_name),
            last_name: text(self.last_name, &stored.last_name),
            phone: text(self.phone, &stored.phone),
            note: text(self.note, &stored.note),
            birthday: text(self.birthday, &stored.birthday),
            gender: self
                .gender
                .against(stored.gender.as_ref())
                .map(Personal::from),
            tags: self.tags.against(stored.tags.as_ref()).map(Personal::from),
            metadata: metadata.map(Personal::from),
            multipass_identifier: text(self.multipass_identifier, &stored.multipass_identifier),
            social_customer: self
                .social_customer
                .against(stored.social_customer.as_ref())
                .map(Personal::from),
            ..CustomerUpdated::default()
        };
        if rules.contact_required_and_unique {
            check_contact(&changes, &marketing, customer)?;
        }
        if let Some(limits) = &rules.limits {
            check_limits(&changes, &marketing, limits)?;
        }
        Ok(CustomerUpdated {
            email_subscription: marketing.email.subscription,
            email_consent: marketing.email.consent.map(Into::into),
            mobile_subscription: marketing.mobile.subscription,
            mobile_consent: marketing.mobile.consent.map(Into::into),
            ..changes
        })
    }
}

fn check_contact(
    changes: &CustomerUpdated,
    marketing: &Marketing,
    customer: &Customer,
) -> Result<(), Refusal> {
    let stored = &customer.profile;
    let stays = |patch: &Patch<Personal<String>>, stored: bool| match patch {
        Patch::Keep => stored,
        Patch::Clear => false,
        Patch::Set(_) => true,
    };
    let email = stays(&changes.email, stored.email.is_some());
    let phone = stays(&changes.phone, stored.phone.is_some());
    let touched = !changes.email.is_keep() || !changes.phone.is_keep();
    if (touched || customer.life == Life::Unborn) && !email && (stored.has_account || !phone) {
        return Err(Refusal::ContactRequired);
    }
    if !marketing.email.is_none() && !email {
        return Err(Refusal::MarketingNeedsEmail);
    }
    if !marketing.mobile.is_none() && !phone {
        return Err(Refusal::MarketingNeedsPhone);
    }
    Ok(())
}

fn check_limits(
    changes: &CustomerUpdated,
    marketing: &Marketing,
    limits: &Limits,
) -> Result<(), Refusal> {
    let text = |field, patch: &Patch<Personal<String>>, limit| match patch {
        Patch::Keep | Patch::Clear => Ok(()),
        Patch::Set(text) => check_length(field, text.open().map_or("", String::as_str), limit),
    };
    text("email", &changes.email, limits.email)?;
    text("first_name", &changes.first_name, limits.name)?;
    text("last_name", &changes.last_name, limits.name)?;
    text("phone", &changes.phone, limits.phone)?;
    text("note", &changes.note, limits.note)?;
    text(
        "multipass_identifier",
        &changes.multipass_identifier,
        limits.multipass_identifier,
    )?;
    for (field, marketing) in [
        (
            "email_marketing_consent.consent_collected_from",
            &marketing.email,
        ),
        (
            "sms_marketing_consent.consent_collected_from",
            &marketing.mobile,
        ),
    ] {
        if let Some(source) = marketing.source() {
            check_length(field, source, limits.consent_source)?;
        }
    }
    if let Patch::Set(tags) = &changes.tags
        && let Some(tags) = tags.open()
    {
        check("tags", Unit::Items, tags.len(), limits.tags)?;
        for tag in tags {
            check_length("tags[]", tag, limits.tag)?;
        }
        check_length("tags", &tags.join(","), limits.tags_text)?;
    }
    Ok(())
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
    stored: Option<&String>,
) -> Patch<String> {
    match (rules.contract, patch, stored) {
        (Contract::Shopline, Patch::Clear, Some(text)) if text.is_empty() => Patch::Keep,
        (_, patch, stored) => patch.against(stored),
    }
}

pub(super) fn open<T>(value: Option<&Personal<T>>) -> Option<&T> {
    value.and_then(Personal::open)
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

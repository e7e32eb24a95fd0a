//! What a customer or a group holds: claims, with one holder each, and marks, with any number. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::customer::{Customer, Life};
use crate::domain::group::CustomerGroup;

/// The claims and marks a state holds, by (kind, value). Values are personal until they are hashed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Values with one holder.
    pub claims: BTreeSet<(&'static str, Held)>,
    /// Values with any number of holders, each with the text that it was made of: who writes that
    /// anew takes the value anew, and may have to be its only holder.
    pub marks: BTreeMap<(&'static str, Held), Held>,
}

/// A value that is held; it is not printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held(pub String);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

/// The claim to an exact e-mail of a registered customer.
pub(crate) const EMAIL_ACCOUNT: &str = "email_account";
/// The claim to an exact e-mail of a guest.
pub(crate) const EMAIL_GUEST: &str = "email_guest";
/// The claim to a group's name.
pub(crate) const GROUP_NAME: &str = "group_name";
/// The claim to an id in Medusa, never released.
pub(crate) const MEDUSA_ID: &str = "medusa_id";
/// The claim to an id in SHOPLINE, never released.
pub(crate) const SHOPLINE_ID: &str = "shopline_id";
/// The mark of an e-mail in any case.
pub const EMAIL: &str = "email";
/// The mark of a phone's digits.
pub(crate) const PHONE: &str = "phone";

/// Whether a claim's key is the value itself: ids are not personal and are looked up.
pub fn is_id(kind: &str) -> bool {
    kind == MEDUSA_ID || kind == SHOPLINE_ID
}

/// What a customer holds.
pub fn of_customer(customer: &Customer) -> Holds {
    let mut holds = Holds::default();
    if customer.life == Life::Unborn {
        return holds;
    }
    holds
        .claims
        .insert((MEDUSA_ID, Held(customer.ids.medusa.to_string())));
    holds
        .claims
        .insert((SHOPLINE_ID, Held(customer.ids.shopline.to_string())));
    if customer.life != Life::Live {
        return holds;
    }
    if let Some(email) = &customer.profile.email {
        let kind = if customer.profile.has_account {
            EMAIL_ACCOUNT
        } else {
            EMAIL_GUEST
        };
        holds.claims.insert((kind, Held(email.clone())));
        let folded = (EMAIL, Held(email.to_lowercase()));
        holds.marks.insert(folded, Held(email.clone()));
    }
    if let Some(phone) = &customer.profile.phone
        && let Some(digits) = digits(phone)
    {
        holds
            .marks
            .insert((PHONE, Held(digits)), Held(phone.clone()));
    }
    holds
}

/// What a group holds.
pub fn of_group(group: &CustomerGroup) -> Holds {
    let mut holds = Holds::default();
    if group.life != Life::Unborn {
        holds
            .claims
            .insert((MEDUSA_ID, Held(group.medusa_id.to_string())));
    }
    if group.life == Life::Live {
        holds.claims.insert((GROUP_NAME, Held(group.name.clone())));
    }
    holds
}

/// A phone as digits, a leading `+` as `00`; `None` without a digit.
fn digits(phone: &str) -> Option<String> {
    let international = phone.trim_start().starts_with('+');
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let prefix = if international { "00" } else { "" };
    (!digits.is_empty()).then(|| format!("{prefix}{digits}"))
}

#[cfg(test)]
mod tests {
    use events::customer::Profile;

    use super::*;

    #[test]
    fn one_phone_written_in_many_ways_is_one_mark() {
        for phone in ["+86 158 3456", "0086 (158) 3456", " +86-158-3456 "] {
            assert_eq!(digits(phone), Some("00861583456".into()), "{phone}");
        }
        assert_eq!(digits("none"), None);
    }

    #[test]
    fn a_text_in_another_writing_is_the_same_mark_written_anew() {
        let marks = |email: &str, phone: &str| {
            of_customer(&Customer {
                life: Life::Live,
                profile: Profile {
                    email: Some(email.to_owned()),
                    phone: Some(phone.to_owned()),
                    ..Profile::default()
                },
                ..Customer::default()
            })
            .marks
        };
        let (one, other) = (marks("A@b.c", "+1 2"), marks("a@B.c", "0012"));
        assert!(one.keys().eq(other.keys()));
        assert!(
            one.values()
                .zip(other.values())
                .all(|(one, other)| one != other)
        );
    }

    #[test]
    fn a_deleted_customer_holds_only_its_ids() {
        let mut customer = Customer {
            life: Life::Live,
            profile: Profile {
                email: Some("A@b.c".to_owned()),
                ..Profile::default()
            },
            ..Customer::default()
        };
        let live = of_customer(&customer);
        assert_eq!((live.claims.len(), live.marks.len()), (3, 1));
        customer.life = Life::Deleted;
        let deleted = of_customer(&customer);
        assert_eq!((deleted.claims.len(), deleted.marks.len()), (2, 0));
    }
}

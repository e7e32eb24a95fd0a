//! What a page of customers is: which are meant, in which order, and where the page begins.

use events::customer::Profile;
use events::ids::ShoplineId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::customer::Customer;
use super::render::{self, text};
use crate::table::{SEPARATOR, column};

/// Times as they are shown, in whole seconds since 1970; both ends are within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Not before this second.
    pub min: Option<i64>,
    /// Not after this second.
    pub max: Option<i64>,
}

impl Window {
    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let max = match (self.max, other.max) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self {
            min: self.min.max(other.min),
            max,
        }
    }
}

/// Which customers are meant: those of whom all of it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Any of these ids.
    pub ids: Option<Vec<ShoplineId>>,
    /// An id that comes before theirs in the order of ids, the greatest first.
    pub since_id: Option<ShoplineId>,
    /// When they came into being.
    pub created_at: Window,
    /// When they last changed.
    pub updated_at: Window,
    /// Part of an e-mail, a phone, a name or a default address, in any case.
    pub text: Option<String>,
    /// What [`tag_term`] and [`first_name_term`] make of a value; all of them.
    pub terms: Vec<String>,
    /// Whether they are subscribed by e-mail.
    pub accepts_marketing: Option<bool>,
    /// How they are subscribed by e-mail.
    pub email_subscribe_flag: Option<i16>,
    /// Their state.
    pub state: Option<i16>,
    /// Whether their e-mail was confirmed.
    pub verified_email: Option<bool>,
    /// What no customer is, for instance one with orders.
    pub nobody: bool,
}

/// What pages are ordered by; the greatest comes first. Neither ever changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The id: the longer one, else the one with the greater digits.
    Id,
    /// When the customer came into being, then the id.
    Creation,
}

/// The place of a customer in either order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortKey {
    /// The id.
    pub id: ShoplineId,
    /// When the customer came into being, in microseconds since 1970.
    pub created_at: i64,
}

impl SortKey {
    /// The place of a customer.
    pub fn of(customer: &Customer) -> Self {
        Self {
            id: customer.id.clone(),
            created_at: customer.created_at.as_microsecond(),
        }
    }
}

/// Where a page begins and which way it goes from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the first customer.
    First,
    /// With the last ones.
    Last,
    /// After this place.
    After(SortKey),
    /// With those right before this place.
    Before(SortKey),
}

/// A page, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The customers on it.
    pub customers: Vec<Customer>,
    /// Whether there are some before it.
    pub has_previous: bool,
    /// Whether there are some after it.
    pub has_next: bool,
}

/// What a fuzzy search looks into; nothing of a deleted customer.
pub(super) fn search_text(customer: &Customer) -> Option<String> {
    let Profile {
        email,
        phone,
        first_name,
        last_name,
        ..
    } = &customer.profile;
    let name = format!(
        "{} {}",
        text(first_name.as_deref()),
        text(last_name.as_deref())
    );
    let mut lines = vec![text(email.as_deref()), text(phone.as_deref()), name.trim()];
    let recipient;
    if let Some(address) = customer.default_address() {
        recipient = format!("{} {}", address.first_name, address.last_name);
        lines.extend([
            recipient.trim(),
            &address.company,
            &address.address1,
            &address.address2,
            &address.city,
            &address.province,
            &address.country,
            &address.zip,
            &address.phone,
        ]);
    }
    lines.retain(|line| !line.is_empty());
    (!lines.is_empty()).then(|| folded(&lines.join("\n")))
}

/// What a search names exactly.
pub(super) fn terms(customer: &Customer) -> Vec<String> {
    let tags = customer.tags_text();
    let tags = tags.split(',').filter(|tag| !tag.is_empty()).map(tag_term);
    let name = customer.profile.first_name.as_deref();
    tags.chain(name.map(first_name_term)).collect()
}

/// A tag in any case, as [`Filter::terms`] names it.
pub fn tag_term(tag: &str) -> String {
    term("t:", tag)
}

/// A first name in any case, as [`Filter::terms`] names it.
pub fn first_name_term(name: &str) -> String {
    term("f:", name)
}

/// The longest text that stands in a term as it is, in bytes: an index takes no key beyond 2,700.
const TERM_BYTES_MAX: usize = 512;

fn term(kind: &str, text: &str) -> String {
    let text = folded(text).replace(SEPARATOR, " ");
    if text.len() <= TERM_BYTES_MAX {
        format!("{kind}{text}")
    } else {
        format!("{kind}#{:x}", Sha256::digest(&text))
    }
}

/// A text in lower case, as a column holds it: the same at every server, whatever its locale.
pub(super) fn folded(text: &str) -> String {
    column(&text.to_lowercase())
}

/// The number that is shown for the subscription by e-mail.
pub(super) fn email_subscribe_flag(customer: &Customer) -> i16 {
    render::flag(customer.profile.email_subscription).into()
}

/// The number that is shown for the state.
pub(super) fn state(customer: &Customer) -> i16 {
    render::state(customer.profile.state).into()
}

#[test]
fn windows_narrow_each_other() {
    let window = |min, max| Window { min, max };
    for (one, other, both) in [
        (window(None, None), window(None, None), window(None, None)),
        (
            window(Some(1), None),
            window(None, Some(2)),
            window(Some(1), Some(2)),
        ),
        (
            window(Some(1), Some(9)),
            window(Some(3), Some(7)),
            window(Some(3), Some(7)),
        ),
        (
            window(Some(3), Some(7)),
            window(None, Some(9)),
            window(Some(3), Some(7)),
        ),
    ] {
        assert_eq!((one.and(other), other.and(one)), (both, both));
    }
}

//! The versions that are served, and what each demands and shows of a customer.

use events::record::Contract;
use projections::shopline as view;

use crate::domain::customer::{Limits, Rules};

/// What a version of the contract demands and shows.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    /// The rules that judge a customer.
    pub rules: &'static Rules,
    /// What answers show, and what requests can say of that.
    pub shown: view::Version,
}

/// The name of the version that the ledger began with.
pub const FIRST: &str = "v20220901";

/// The version of a path segment such as `v20220901`, or `None` when it is not served.
pub fn version(name: &str) -> Option<&'static Version> {
    VERSIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, version)| *version)
}

/// All that were released, by name. Customers changed once.
/// Source: SHOPLINE, API versioning; create customer v20230301.
static VERSIONS: [(&str, &Version); 13] = [
    ("v20220901", &VERSION_20220901),
    ("v20230301", &VERSION_20220901),
    ("v20230901", &VERSION_20230901),
    ("v20231201", &VERSION_20230901),
    ("v20240301", &VERSION_20230901),
    ("v20240601", &VERSION_20230901),
    ("v20241201", &VERSION_20230901),
    ("v20250301", &VERSION_20230901),
    ("v20250601", &VERSION_20230901),
    ("v20251201", &VERSION_20230901),
    ("v20260301", &VERSION_20230901),
    ("v20260601", &VERSION_20230901),
    ("v20260901", &VERSION_20230901),
];

/// The version that the ledger began with.
pub(crate) static VERSION_20220901: Version = Version {
    rules: &RULES_20220901,
    shown: view::Version::V20220901,
};

/// The version since which customers have consents.
pub static VERSION_20230901: Version = Version {
    rules: &RULES_20230901,
    shown: view::Version::V20230901,
};

/// Source: SHOPLINE, update customer v20220901, request fields.
const RULES_20220901: Rules = Rules {
    contract: Contract::Shopline,
    email_required_and_fixed: false,
    contact_required_and_unique: true,
    limits: Some(LIMITS_20220901),
};

const RULES_20230901: Rules = Rules {
    limits: Some(LIMITS_20230901),
    ..RULES_20220901
};

const LIMITS_20220901: Limits = Limits {
    email: 50,
    name: 128,
    phone: 20,
    note: 1000,
    multipass_identifier: 100,
    consent_source: 50,
    tag: 100,
    tags: 100,
    tags_text: 1000,
    addresses: 50,
    address_line: 255,
    address_place: 64,
    address_code: 50,
    postal_code: 10,
    address_phone: 16,
};

/// Source: SHOPLINE, update customer v20230901, request fields.
const LIMITS_20230901: Limits = Limits {
    tag: 128,
    postal_code: 64,
    address_phone: 20,
    ..LIMITS_20220901
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_of_the_table_is_served() {
        for (name, expected) in [
            ("v20220901", &VERSION_20220901),
            ("v20230301", &VERSION_20220901),
            ("v20230901", &VERSION_20230901),
            ("v20260901", &VERSION_20230901),
        ] {
            assert_eq!(version(name), Some(expected));
        }
        for unknown in [
            "v20220902",
            "v20210901",
            "V20220901",
            "20220901",
            "",
            "v20220901 ",
            "unstable",
        ] {
            assert_eq!(version(unknown), None);
        }
    }
}

//! The versions that are served, and what each demands of a customer.

use events::record::Contract;

use crate::customer::{Limits, Rules};

/// The version of a path segment such as `v20220901`, or `None` when it is not served.
pub fn rules(version: &str) -> Option<&'static Rules> {
    VERSIONS
        .iter()
        .find(|(name, _)| *name == version)
        .map(|(_, rules)| *rules)
}

/// Customers read and write the same in all of these; from v20230901 on they have consents, which the
/// ledger does not keep yet. Source: SHOPLINE, API versioning; create customer v20230301.
static VERSIONS: [(&str, &Rules); 2] = [
    ("v20220901", &RULES_20220901),
    ("v20230301", &RULES_20220901),
];

/// Source: SHOPLINE, update customer v20220901, request fields. Later versions allow tags of 128
/// characters, 20 in the phone and 64 in the zip of an address.
pub static RULES_20220901: Rules = Rules {
    contract: Contract::Shopline,
    email_required_and_fixed: false,
    contact_required_and_unique: true,
    limits: Some(Limits {
        email: 50,
        name: 128,
        phone: 20,
        note: 1000,
        tag: 100,
        tags: 100,
        tags_text: 1000,
        addresses: 50,
        address_line: 255,
        address_place: 64,
        address_code: 50,
        postal_code: 10,
        address_phone: 16,
    }),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_of_the_table_is_served() {
        assert_eq!(rules("v20220901"), Some(&RULES_20220901));
        assert_eq!(rules("v20230301"), Some(&RULES_20220901));
        for unknown in ["v20220902", "V20220901", "20220901", "", "v20220901 "] {
            assert_eq!(rules(unknown), None);
        }
    }
}

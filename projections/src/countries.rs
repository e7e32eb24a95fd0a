//! The countries that Medusa knows, and their names.
//!
//! Source: the table `country` of a running Medusa 1.20.11, 250 rows.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// One country, in Medusa's terms.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Country {
    /// Medusa's number of the row.
    pub id: u32,
    /// ISO 3166-1 alpha-2, lower case.
    pub iso_2: String,
    /// ISO 3166-1 alpha-3, lower case.
    pub iso_3: String,
    /// ISO 3166-1 numeric.
    pub num_code: u32,
    /// Name in capitals.
    pub name: String,
    /// Name for people.
    pub display_name: String,
}

static COUNTRIES: LazyLock<HashMap<String, Country>> = LazyLock::new(|| {
    let rows: Vec<Country> = serde_json::from_str(include_str!("../data/countries.json"))
        .expect("the compiled-in countries are valid JSON: a test reads them");
    rows.into_iter()
        .map(|country| (country.iso_2.clone(), country))
        .collect()
});

/// The country of a two-letter code in any case, if there is one.
pub fn country(code: &str) -> Option<&'static Country> {
    COUNTRIES.get(&code.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_found_in_any_case() {
        assert_eq!(COUNTRIES.len(), 250);
        assert_eq!(country("US").unwrap().display_name, "United States");
        assert_eq!(country("us"), country("uS"));
        assert_eq!(country("zz"), None);
        assert_eq!(country("usa"), None);
        assert_eq!(country(""), None);
    }
}

//! The query of a request to the ledger's own API.

use super::problem::{Problem, bad};
use crate::history::{When, shape};
use crate::http::request::now;

/// The parameters of a query; of one that is there twice the first counts.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query that has none but the known parameters.
    pub(super) fn parse(query: &str, known: &[&str]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        if pairs.iter().all(|(name, _)| known.contains(&name.as_str())) {
            Ok(Self(pairs))
        } else {
            Err(bad(format!("the parameters are {}", known.join(", "))))
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let number = self.get(name).map(str::parse).transpose();
        let number = number.map_err(|_not_a_number| bad(format!("{name} must be a number")))?;
        if number.is_some_and(|number: i64| number < 0) {
            return Err(bad(format!("{name} must not be below 0")));
        }
        Ok(number)
    }

    pub(super) fn when(&self, name: &str) -> Result<Option<When>, Problem> {
        let when = self.get(name).map(|text| When::parse(text, now()));
        when.transpose()
            .map_err(|no_time| bad(format!("{name}: {no_time}")))
    }

    pub(super) fn shape(&self) -> shape::Asked<'_> {
        shape::Asked {
            shape: self.get("shape"),
            expand: self.get("expand"),
            version: self.get("version"),
            fields: self.get("fields"),
        }
    }
}

//! The query of a request: names and values, as forms write them.

use std::collections::HashSet;

use events::ids::ShoplineId;

use super::error::ApiError;
use super::limits::IDS_MAX;

/// The parameters of a query. Of one that is there twice the first counts; others are not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query without its question mark. Bytes that are not UTF-8 become U+FFFD.
    pub fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The value of a parameter; an empty one is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The ids of a comma list, each once, in the order in which they first stand.
    pub fn ids(&self, name: &'static str) -> Result<Vec<ShoplineId>, ApiError> {
        ids(name, self.get(name).unwrap_or_default().split(','))
    }

    /// The ids of a comma list that must name some.
    pub(crate) fn required_ids(&self, name: &'static str) -> Result<Vec<ShoplineId>, ApiError> {
        let ids = self.ids(name)?;
        if ids.is_empty() {
            return Err(ApiError::Required { member: name });
        }
        Ok(ids)
    }
}

/// Ids, each once, in the order in which they first stand, none empty.
pub fn ids<'a, Id: From<&'a str>>(
    member: &'static str,
    listed: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Id>, ApiError> {
    let mut seen = HashSet::new();
    let ids: Vec<_> = listed
        .into_iter()
        .map(str::trim)
        .filter(|id| !id.is_empty() && seen.insert(*id))
        .map(Id::from)
        .collect();
    if ids.len() > IDS_MAX {
        return Err(ApiError::TooManyIds { member });
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_the_first_counts() {
        let query = Query::parse("a=1&a=2&b=%C3%A4+%2c&c&=x&d=%ff&a%5B%5D=3");
        for (name, value) in [
            ("a", Some("1")),
            ("b", Some("ä ,")),
            ("c", None),
            ("", Some("x")),
            ("d", Some("\u{fffd}")),
            ("a[]", Some("3")),
            ("e", None),
        ] {
            assert_eq!(query.get(name), value, "{name}");
        }
    }

    #[test]
    fn ids_are_listed_once_and_some_may_be_demanded() {
        let query = Query::parse("ids=2,%201,,2&none=,");
        let listed = ["2".into(), "1".into()];
        assert_eq!(query.ids("ids").as_deref(), Ok(&listed[..]));
        assert_eq!(query.ids("none"), Ok(vec![]));
        assert_eq!(query.ids("absent"), Ok(vec![]));
        for member in ["none", "absent"] {
            assert_eq!(
                query.required_ids(member),
                Err(ApiError::Required { member })
            );
        }
    }

    #[test]
    fn a_request_names_only_so_many_ids() {
        let list = |count: usize| {
            let ids: Vec<_> = (0..count).map(|id| id.to_string()).collect();
            Query::parse(&format!("ids={}", ids.join(","))).ids("ids")
        };
        assert_eq!(list(IDS_MAX).map(|ids| ids.len()), Ok(IDS_MAX));
        assert_eq!(
            list(IDS_MAX + 1),
            Err(ApiError::TooManyIds { member: "ids" })
        );
    }
}

//! `POST /admin/customer-groups`, `GET /admin/customer-groups/{id}`: what is asked.

use serde_json::{Map, Value};

use super::customer::{Expand, expand, metadata, refuse_unstorable};
use super::json::Document;
use super::query;
use super::refusal::Refused;
use super::validation::{Property, Rule, validate};

/// A group to create.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateRequest {
    /// Its name.
    pub name: String,
    /// Its metadata, as given.
    pub metadata: Option<Map<String, Value>>,
    /// Whether `metadata` was in the request, null or not: the answer's key order depends on it.
    pub metadata_given: bool,
}

/// What to show of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindRequest {
    /// The columns to show, as asked for; `None` shows all. Which ones exist is for the projection
    /// to say.
    pub fields: Option<String>,
    /// The relations to show.
    pub expand: Expand,
}

const CREATE: [Property; 2] = [
    Property::required("name", Rule::Text),
    Property::optional("metadata", Rule::Object),
];

const FIND: [Property; 2] = [
    Property::optional("expand", Rule::Text),
    Property::optional("fields", Rule::Text),
];

/// `POST /admin/customer-groups`.
pub fn parse_create(body: Document) -> Result<CreateRequest, Refused> {
    let Document { value, unstorable } = body;
    let mut members = validate(value, &CREATE)?;
    refuse_unstorable(unstorable)?;
    let name = members.get("name").and_then(Value::as_str);
    Ok(CreateRequest {
        name: name.unwrap_or_default().to_owned(),
        metadata_given: members.contains_key("metadata"),
        metadata: metadata(&mut members),
    })
}

/// `GET /admin/customer-groups/{id}`.
pub fn parse_find(query: &str) -> Result<FindRequest, Refused> {
    let members = validate(query::parse(query), &FIND)?;
    let fields = members.get("fields").and_then(Value::as_str);
    Ok(FindRequest {
        fields: fields.map(ToOwned::to_owned),
        expand: expand(&members),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contracts::medusa::json::parse;

    fn create(body: &str) -> Result<CreateRequest, Refused> {
        parse_create(parse(body).unwrap())
    }

    #[test]
    fn a_group_needs_a_name() {
        for body in ["{}", r#"{"name":null}"#, r#"{"name":5}"#] {
            let message = "name must be a string".to_owned();
            assert_eq!(create(body), Err(Refused::Invalid(message)));
        }
        assert_eq!(
            create(r#"{"name":""}"#),
            Ok(CreateRequest {
                name: String::new(),
                metadata: None,
                metadata_given: false,
            })
        );
        assert_eq!(
            create(r#"{"name":"vip","metadata":{"tier":1}}"#),
            Ok(CreateRequest {
                name: "vip".into(),
                metadata: json!({"tier": 1}).as_object().cloned(),
                metadata_given: true,
            })
        );
    }

    #[test]
    fn fields_are_a_text() {
        let fields = |query| parse_find(query).unwrap().fields;
        assert_eq!(fields(""), None);
        assert_eq!(fields("fields="), Some(String::new()));
        assert_eq!(fields("fields=%2Bname,-id"), Some("+name,-id".into()));
    }
}

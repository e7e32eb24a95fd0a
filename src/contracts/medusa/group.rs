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
    /// The columns to show besides `id`; `None` shows all. Which ones exist is for the projection
    /// to say.
    pub fields: Option<Vec<String>>,
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
        fields: fields.map(columns),
        expand: expand(&members),
    })
}

/// Medusa's list of columns. A name without a sign makes the list replace the default one, which
/// for a single group is empty; else `+` adds to it and `-` takes away.
/// Source: cases `cg-get-fields`, `cg-get-fields-plus`, `cg-get-fields-minus`.
fn columns(list: &str) -> Vec<String> {
    let names = || list.split(',').filter(|name| !name.is_empty());
    let replaces = names().any(|name| !name.starts_with(['+', '-', '*']));
    names()
        .filter(|name| replaces || !name.starts_with('-'))
        .map(|name| name.strip_prefix(['+', '-']).unwrap_or(name).to_owned())
        .collect()
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
    fn fields_are_columns() {
        let columns = |query| parse_find(query).unwrap().fields;
        let list = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(columns(""), None);
        assert_eq!(columns("fields="), list(&[]));
        assert_eq!(columns("fields=,"), list(&[]));
        assert_eq!(columns("fields=name"), list(&["name"]));
        assert_eq!(columns("fields=%2Bname"), list(&["name"]));
        assert_eq!(columns("fields=-metadata"), list(&[]));
        assert_eq!(columns("fields=%20name"), list(&[" name"]));
    }
}

//! `POST /admin/customer-groups`, `GET` and `POST /admin/customer-groups/{id}`: what is asked.

use express::json::Document;
use express::query;
use serde_json::{Map, Value};

use super::customer::{Expand, FIND, expand, metadata, refuse_unstorable};
use super::error::ApiError;
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

/// A group to change.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRequest {
    /// The new name.
    pub name: Option<String>,
    /// Members to merge into the metadata.
    pub metadata: Option<Map<String, Value>>,
    /// What is wrong with the request beyond its form: answered once the group is known to exist.
    pub refused: Option<ApiError>,
    /// What the answer is to show.
    pub expand: Expand,
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

const UPDATE: [Property; 2] = [
    Property::optional("name", Rule::Text),
    Property::optional("metadata", Rule::Object),
];

/// `POST /admin/customer-groups`.
pub fn parse_create(body: Document) -> Result<CreateRequest, ApiError> {
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

/// `POST /admin/customer-groups/{id}`: first the body is judged, then the query, whose `fields` is
/// checked and then ignored. Source: cases `cg-update-*`.
pub fn parse_update(body: Document, query: &str) -> Result<UpdateRequest, ApiError> {
    let Document { value, unstorable } = body;
    let mut members = validate(value, &UPDATE)?;
    let FindRequest { fields: _, expand } = parse_find(query)?;
    refuse_unstorable(unstorable)?;
    let is_null = |name| members.get(name).is_some_and(Value::is_null);
    // Medusa looks into the metadata first; it is PostgreSQL that refuses the name.
    let refused = if is_null("metadata") {
        Some(ApiError::Unknown)
    } else if is_null("name") {
        Some(ApiError::NotNull {
            column: "name",
            table: "customer_group",
        })
    } else {
        None
    };
    Ok(UpdateRequest {
        name: members
            .get("name")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned),
        metadata: metadata(&mut members),
        refused,
        expand,
    })
}

/// `GET /admin/customer-groups/{id}`.
pub fn parse_find(query: &str) -> Result<FindRequest, ApiError> {
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
    use crate::contracts::medusa::error::text_of_invalid;
    use express::json::parse;

    fn create(body: &str) -> Result<CreateRequest, ApiError> {
        parse_create(parse(body).unwrap())
    }

    #[test]
    fn a_group_needs_a_name() {
        for body in ["{}", r#"{"name":null}"#, r#"{"name":5}"#] {
            let message = "name must be a string".to_owned();
            assert_eq!(text_of_invalid(create(body)), Err(message));
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
    fn what_an_update_cannot_clear_waits_for_the_group_to_be_found() {
        let update = |body, query| parse_update(parse(body).unwrap(), query);
        let refused = |body| update(body, "").unwrap().refused;
        assert_eq!(refused(r#"{"name":"","metadata":{}}"#), None);
        assert_eq!(
            refused(r#"{"metadata":null,"name":null}"#),
            Some(ApiError::Unknown)
        );
        let null = "Can't insert null value in field name on insert in table customer_group";
        let is_null = refused(r#"{"name":null,"metadata":{}}"#).unwrap();
        assert_eq!((is_null.status(), is_null.message().as_str()), (400, null));
        for (body, query, message) in [
            (
                r#"{"customers":[],"name":1}"#,
                "x=1",
                "property customers should not exist, name must be a string",
            ),
            (r#"{"metadata":null}"#, "x=1", "property x should not exist"),
            (
                r#"{"name":"\u0000"}"#,
                "fields[]=id",
                "fields must be a string",
            ),
        ] {
            assert_eq!(
                text_of_invalid(update(body, query)),
                Err(message.to_owned())
            );
        }
        assert_eq!(update(r#"{"name":"\u0000"}"#, ""), Err(ApiError::Unknown));
        let asked = update(
            r#"{"name":"vip","metadata":{"a":""}}"#,
            "expand=customers&fields=id",
        );
        let asked = asked.unwrap();
        assert_eq!(
            (asked.name, asked.expand),
            (Some("vip".into()), Some("customers".into()))
        );
        assert_eq!(asked.metadata, json!({"a": ""}).as_object().cloned());
    }

    #[test]
    fn fields_are_a_text() {
        let fields = |query| parse_find(query).unwrap().fields;
        assert_eq!(fields(""), None);
        assert_eq!(fields("fields="), Some(String::new()));
        assert_eq!(fields("fields=%2Bname,-id"), Some("+name,-id".into()));
    }
}

//! `POST /admin/customers`, `GET` and `POST /admin/customers/{id}`: what is asked.
//!
//! The answers are rendered by `projections::medusa`.

use events::ids::MedusaId;
use events::patch::Patch;
use events::personal::Personal;
use events::record::Contract;
use express::json::Document;
use express::query;
use serde_json::{Map, Value};

use super::email;
use super::error::ApiError;
use super::validation::{Property, Rule, validate};
use crate::domain::customer::{Fields, MetadataPatch, Rules};

/// What Medusa demands of a customer beyond the ledger's own invariants.
pub static RULES: Rules = Rules {
    contract: Contract::Medusa,
    email_required_and_fixed: true,
    contact_required_and_unique: false,
    limits: None,
};

/// A customer to create.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateRequest {
    /// The fields, the e-mail in lower case.
    pub fields: Fields,
    /// The password; a customer without one is a guest.
    pub password: Option<Personal<String>>,
    /// Whether `phone` was in the request, null or not: the answer's key order depends on it.
    pub phone_given: bool,
    /// Whether `metadata` was.
    pub metadata_given: bool,
}

/// A customer to change.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRequest {
    /// The fields that were given.
    pub fields: Fields,
    /// A new password.
    pub password: Option<Personal<String>>,
    /// The whole set of groups, by Medusa's ids, in the request's order.
    pub groups: Option<Vec<MedusaId>>,
    /// What the answer is to show.
    pub expand: Expand,
}

/// A customer to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRequest {
    /// What the answer is to show.
    pub expand: Expand,
    /// The point in time, as it was written; `None` asks for now.
    pub as_of: Option<String>,
}

/// The relations to show, as asked for; `None` asks for the operation's defaults. Which ones exist is
/// for the projection to say.
pub(crate) type Expand = Option<String>;

const CREATE: [Property; 6] = [
    Property::required("email", Rule::Email),
    Property::required("first_name", Rule::Text),
    Property::required("last_name", Rule::Text),
    Property::required("password", Rule::Text),
    Property::optional("phone", Rule::Text),
    Property::optional("metadata", Rule::Object),
];

const UPDATE: [Property; 7] = [
    Property::optional("email", Rule::Email),
    Property::optional("first_name", Rule::Text),
    Property::optional("last_name", Rule::Text),
    Property::optional("password", Rule::Text),
    Property::optional("phone", Rule::Text),
    Property::optional("metadata", Rule::Object),
    Property::optional("groups", Rule::List(&GROUP)),
];

const GROUP: [Property; 1] = [Property::required("id", Rule::Text)];

/// What a read of one thing takes, customer or group.
pub(super) const FIND: [Property; 2] = [
    Property::optional("expand", Rule::Text),
    Property::optional("fields", Rule::Text),
];

/// `POST /admin/customers`. The query is not looked at. Source: case `create-unknown-query-param`.
pub fn parse_create(body: Document) -> Result<CreateRequest, ApiError> {
    let Document { value, unstorable } = body;
    let mut members = validate(value, &CREATE)?;
    refuse_unstorable(unstorable)?;
    let metadata = metadata(&mut members).map(MetadataPatch::Replace);
    let (phone_given, metadata_given) = (
        members.contains_key("phone"),
        members.contains_key("metadata"),
    );
    let mut fields = fields(&mut members);
    fields.email = fields.email.map(|email| email::lower_case(&email));
    Ok(CreateRequest {
        fields: Fields { metadata, ..fields },
        password: password(&mut members),
        phone_given,
        metadata_given,
    })
}

/// `POST /admin/customers/{id}`: first the body is judged, then the query.
/// Source: case `update-unknown-query-and-body`.
pub fn parse_update(body: Document, query: &str) -> Result<UpdateRequest, ApiError> {
    let Document { value, unstorable } = body;
    let mut members = validate(value, &UPDATE)?;
    let expand = parse_find(query)?;
    refuse_unstorable(unstorable)?;
    let metadata = metadata(&mut members).map(MetadataPatch::Merge);
    Ok(UpdateRequest {
        fields: Fields {
            metadata,
            ..fields(&mut members)
        },
        password: password(&mut members),
        groups: groups(&mut members),
        expand,
    })
}

/// The query of an operation that shows a customer: `fields` is checked and then ignored.
pub fn parse_find(query: &str) -> Result<Expand, ApiError> {
    let members = validate(query::parse(query), &FIND)?;
    Ok(expand(&members))
}

/// `GET /admin/customers/{id}`: the same, and the ledger's own `as_of`.
pub(crate) fn parse_get(query: &str) -> Result<GetRequest, ApiError> {
    let mut members = query::parse(query);
    let as_of = members
        .as_object_mut()
        .and_then(|members| members.shift_remove("as_of"));
    Ok(GetRequest {
        as_of: as_of.map(|as_of| as_of.as_str().unwrap_or_default().to_owned()),
        expand: expand(&validate(members, &FIND)?),
    })
}

/// The text of `expand`.
pub(super) fn expand(members: &Map<String, Value>) -> Expand {
    members.get("expand")?.as_str().map(ToOwned::to_owned)
}

/// PostgreSQL refuses it, which Medusa does not expect. Source: case `update-nul-character`.
pub(super) fn refuse_unstorable(unstorable: bool) -> Result<(), ApiError> {
    if unstorable {
        Err(ApiError::Unknown)
    } else {
        Ok(())
    }
}

/// The metadata; null is none: it cannot be cleared as a whole. Source: case
/// `create-optional-null`.
pub(super) fn metadata(members: &mut Map<String, Value>) -> Option<Map<String, Value>> {
    match members.get_mut("metadata")?.take() {
        Value::Object(metadata) => Some(metadata),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

fn fields(members: &mut Map<String, Value>) -> Fields {
    Fields {
        email: patch(members, "email"),
        first_name: patch(members, "first_name"),
        last_name: patch(members, "last_name"),
        phone: patch(members, "phone"),
        ..Fields::default()
    }
}

/// A validated text: absent is keep, null is clear, empty is a value.
fn patch(members: &mut Map<String, Value>, name: &str) -> Patch<String> {
    match members.get_mut(name).map(Value::take) {
        Some(Value::String(text)) => Patch::Set(text),
        Some(Value::Null) => Patch::Clear,
        None | Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Patch::Keep
        }
    }
}

/// An empty password is none. Source: case `setup-guest`.
fn password(members: &mut Map<String, Value>) -> Option<Personal<String>> {
    match patch(members, "password") {
        Patch::Set(password) if !password.is_empty() => Some(password.into()),
        Patch::Set(_) | Patch::Clear | Patch::Keep => None,
    }
}

/// The ids of the groups. A list inside the list passes validation and names no group.
fn groups(members: &mut Map<String, Value>) -> Option<Vec<MedusaId>> {
    let list = members.get("groups")?.as_array()?;
    let id = |group: &Value| Some(group.get("id")?.as_str()?.into());
    Some(list.iter().filter_map(id).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contracts::medusa::error::text_of_invalid;
    use express::json::parse;

    fn update(body: &str, query: &str) -> Result<UpdateRequest, String> {
        text_of_invalid(parse_update(parse(body).unwrap(), query))
    }

    fn nothing() -> UpdateRequest {
        UpdateRequest {
            fields: Fields::default(),
            password: None,
            groups: None,
            expand: None,
        }
    }

    fn invalid<T>(message: &str) -> Result<T, String> {
        Err(message.to_owned())
    }

    #[test]
    fn an_empty_update_says_nothing() {
        assert_eq!(update("{}", ""), Ok(nothing()));
        let nulls = r#"{"password":null,"metadata":null,"groups":null}"#;
        assert_eq!(update(nulls, ""), Ok(nothing()));
    }

    #[test]
    fn every_field_of_an_update_arrives() {
        let body = r#"{"email":"A@x.com","first_name":null,"last_name":"","phone":"1",
            "password":"p","metadata":{"a":""},"groups":[{"id":"g2"},{"id":"g1"}]}"#;
        let metadata = json!({"a": ""}).as_object().cloned().unwrap();
        assert_eq!(
            update(body, "expand=groups,orders.items"),
            Ok(UpdateRequest {
                fields: Fields {
                    email: Patch::Set("A@x.com".into()),
                    first_name: Patch::Clear,
                    last_name: Patch::Set(String::new()),
                    phone: Patch::Set("1".into()),
                    metadata: Some(MetadataPatch::Merge(metadata)),
                    ..Fields::default()
                },
                password: Some(Personal::Open("p".into())),
                groups: Some(vec!["g2".into(), "g1".into()]),
                expand: Some("groups,orders.items".into()),
            })
        );
    }

    #[test]
    fn the_body_is_judged_before_the_query() {
        assert_eq!(
            update(r#"{"other":1}"#, "bogus=1"),
            invalid("property other should not exist")
        );
        assert_eq!(
            update(r#"{"first_name":"\u0000"}"#, "bogus=1"),
            invalid("property bogus should not exist")
        );
        assert_eq!(
            parse_update(parse(r#"{"first_name":"\u0000"}"#).unwrap(), ""),
            Err(ApiError::Unknown)
        );
    }

    #[test]
    fn what_an_update_refuses_is_named() {
        assert_eq!(
            update(
                r#"{"groups":{},"metadata":"x","phone":1,"password":1,"last_name":1,
                    "first_name":1,"email":1}"#,
                ""
            ),
            invalid(
                "email must be an email, first_name must be a string, last_name must be a \
                 string, password must be a string, phone must be a string, metadata must be an \
                 object, groups must be an array, id must be a string"
            )
        );
    }

    #[test]
    fn a_list_in_the_list_of_groups_clears() {
        let request = update(r#"{"groups":[[{"id":"g"}]]}"#, "").unwrap();
        assert_eq!(request.groups, Some(vec![]));
    }

    #[test]
    fn expand_is_a_text() {
        let expand = |query| parse_find(query).unwrap();
        assert_eq!(expand(""), None);
        assert_eq!(expand("expand="), Some(String::new()));
        assert_eq!(
            expand("expand=%20groups,&fields=x"),
            Some(" groups,".into())
        );
        for (query, message) in [
            ("expand[]=groups", "expand must be a string"),
            ("fields[]=id", "fields must be a string"),
            ("[]=1", "property 0 should not exist"),
            ("[a]=1", "property a should not exist"),
            ("%", "property % should not exist"),
        ] {
            assert_eq!(text_of_invalid(parse_find(query)), invalid(message));
        }
    }

    #[test]
    fn create_lower_cases_and_tells_guests_from_customers() {
        let body = |password: &str| {
            let body = json!({"email": "A@X.com", "first_name": "", "last_name": "L",
                "password": password, "phone": null, "metadata": {"k": ""}});
            parse_create(parse(&body.to_string()).unwrap()).unwrap()
        };
        let guest = body("");
        assert_eq!(guest.password, None);
        assert_eq!(guest.fields.email, Patch::Set("a@x.com".into()));
        assert_eq!(guest.fields.first_name, Patch::Set(String::new()));
        let metadata = json!({"k": ""}).as_object().cloned().unwrap();
        assert_eq!(
            guest.fields.metadata,
            Some(MetadataPatch::Replace(metadata))
        );
        assert!(guest.phone_given && guest.metadata_given);
        assert!(body("p").password.is_some());
    }

    #[test]
    fn create_demands_four_fields() {
        assert_eq!(
            text_of_invalid(parse_create(parse("{}").unwrap())),
            invalid(
                "email must be an email, first_name must be a string, last_name must be a \
                 string, password must be a string"
            )
        );
    }
}

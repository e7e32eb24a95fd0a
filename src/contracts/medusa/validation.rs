//! What Medusa accepts as a body or a query, and what is wrong where it does not.
//!
//! Source: class-validator 0.14 with `whitelist` and `forbidNonWhitelisted`, after
//! class-transformer; Medusa's `validator` joins the messages. First come the properties that
//! should not be there, in the order they were sent, then the declared ones, in the order of the
//! schema.

use express::prototype;
use serde_json::{Map, Value};

use super::email::is_email;
use super::error::ApiError;
use super::option;
use super::violation::{Broken, Violation};

/// What a class declares, in order.
pub type Schema = [Property];

/// One declared property.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    name: &'static str,
    rule: Rule,
    presence: Presence,
    not_empty: bool,
}

/// Which ways there are for a property to say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// None.
    Required,
    /// It may be absent or null.
    Optional,
    /// It may be absent; null is a value.
    NotNull,
}

/// What a property must be.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// An e-mail address.
    Email,
    /// A text.
    Text,
    /// An object, not a list.
    Object,
    /// A list of objects that follow a schema of their own.
    List(&'static Schema),
    /// The same, without a check that it is a list: an object that follows the schema passes.
    Items(&'static Schema),
    /// A text that JavaScript reads as a finite number.
    Number,
    /// One text or a list of texts.
    Texts,
    /// A list of texts.
    TextList,
    /// A text that JavaScript reads as a date.
    Date,
    /// An object that follows a schema of its own.
    Nested(&'static Schema),
    /// An object of which nothing is known, so that none will do.
    Opaque,
    /// Whatever it is.
    Any,
}

impl Property {
    /// A property that must be there and not null.
    pub const fn required(name: &'static str, rule: Rule) -> Self {
        Self {
            name,
            rule,
            presence: Presence::Required,
            not_empty: false,
        }
    }

    /// A property that may be absent or null.
    pub const fn optional(name: &'static str, rule: Rule) -> Self {
        Self {
            name,
            rule,
            presence: Presence::Optional,
            not_empty: false,
        }
    }

    /// The property as one that must not be an empty text, either.
    #[must_use]
    pub(crate) const fn not_empty(self) -> Self {
        Self {
            not_empty: true,
            ..self
        }
    }

    /// A property that may be absent, but not null: Medusa declares it as required and never checks
    /// that it is there. Source: case `cg-batch-add-missing`.
    pub(crate) const fn not_null(name: &'static str, rule: Rule) -> Self {
        Self {
            name,
            rule,
            presence: Presence::NotNull,
            not_empty: false,
        }
    }
}

/// Checks a body or a query; gives its members, less the names that JavaScript swallows.
pub fn validate(given: Value, schema: &Schema) -> Result<Map<String, Value>, ApiError> {
    let typed: Vec<_> = schema
        .iter()
        .filter(|property| {
            matches!(
                property.rule,
                Rule::List(_) | Rule::Items(_) | Rule::Nested(_)
            )
        })
        .map(|property| property.name)
        .collect();
    let given = prototype::strip(given, &typed)
        .map_err(|prototype::CalledConstructor| ApiError::Unknown)?;
    let Value::Object(members) = given else {
        // A list is no instance of a class.
        return Err(ApiError::Invalid(vec![Violation::NoInstance]));
    };
    let violations = violations(&members, schema);
    if violations.is_empty() {
        Ok(members)
    } else {
        Err(ApiError::Invalid(violations))
    }
}

fn violations(members: &Map<String, Value>, schema: &Schema) -> Vec<Violation> {
    let unknown = members
        .keys()
        .filter(|key| !schema.iter().any(|property| property.name == key.as_str()))
        .map(|key| Violation::NotDeclared(key.clone()));
    let declared =
        schema.iter().flat_map(
            |property| match (property.presence, members.get(property.name)) {
                (Presence::Optional, None | Some(Value::Null)) | (Presence::NotNull, None) => {
                    vec![]
                }
                (_, value) => property.violations(value.unwrap_or(&Value::Null)),
            },
        );
    unknown.chain(declared).collect()
}

impl Property {
    fn violations(&self, value: &Value) -> Vec<Violation> {
        let broken = |rule| Violation::Broken {
            property: self.name,
            rule,
        };
        let unless = |is_met: bool, rule| (!is_met).then(|| broken(rule));
        let own = match self.rule {
            Rule::Email => unless(value.as_str().is_some_and(is_email), Broken::Email),
            Rule::Text => unless(value.is_string(), Broken::Text),
            Rule::Object => unless(value.is_object(), Broken::Object),
            Rule::List(_) => unless(value.is_array(), Broken::Array),
            Rule::Number => unless(option::finite(value).is_some(), Broken::Number),
            Rule::Texts | Rule::TextList => unless(option::are_texts(value), Broken::EachText),
            Rule::Date => unless(option::date(value).is_some(), Broken::Date),
            Rule::Items(_) | Rule::Nested(_) | Rule::Opaque | Rule::Any => None,
        };
        let more = match self.rule {
            Rule::List(schema) | Rule::Items(schema) => {
                nested(value, schema, &broken(Broken::EachNested))
            }
            Rule::Nested(schema) => nested(value, schema, &broken(Broken::Nested)),
            Rule::Opaque => opaque(value, &broken(Broken::Nested)),
            Rule::TextList if option::items(value).is_none() => vec![broken(Broken::Array)],
            Rule::TextList
            | Rule::Email
            | Rule::Text
            | Rule::Object
            | Rule::Number
            | Rule::Texts
            | Rule::Date
            | Rule::Any => vec![],
        };
        let is_empty = value.is_null() || value.as_str() == Some("");
        let empty = (self.not_empty && is_empty).then(|| broken(Broken::Empty));
        empty.into_iter().chain(own).chain(more).collect()
    }
}

/// What is wrong inside: objects follow the schema, lists are looked into at any depth. Anything else
/// is `no_object`.
/// Source: cases `groups-two-bad`, `groups-strings`, `groups-empty-object`, `groups-string`,
/// `list-created-scalar`, `list-created-array`.
fn nested(value: &Value, schema: &Schema, no_object: &Violation) -> Vec<Violation> {
    match value {
        Value::Object(members) => violations(members, schema),
        Value::Array(items) => items
            .iter()
            .flat_map(|item| nested(item, schema, no_object))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            vec![no_object.clone()]
        }
    }
}

/// No class says what the object is, so that class-validator does not know it.
/// Source: cases `cg-list-id-string`, `cg-list-id-operator`.
fn opaque(value: &Value, no_object: &Violation) -> Vec<Violation> {
    match value {
        Value::Object(_) => vec![Violation::NoInstance],
        Value::Array(items) => items
            .iter()
            .flat_map(|item| opaque(item, no_object))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            vec![no_object.clone()]
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contracts::medusa::error::text_of_invalid;
    use crate::contracts::medusa::violation;

    const SCHEMA: [Property; 4] = [
        Property::required("email", Rule::Email),
        Property::optional("name", Rule::Text),
        Property::optional("metadata", Rule::Object),
        Property::optional(
            "groups",
            Rule::List(&[Property::required("id", Rule::Text)]),
        ),
    ];

    #[track_caller]
    fn refused(given: Value, message: &str) {
        assert_eq!(
            text_of_invalid(validate(given, &SCHEMA)),
            Err(message.to_owned())
        );
    }

    fn groups(groups: &Value, message: &str) {
        let given = json!({"email": "a@x.com", "groups": groups});
        let violations = violations(given.as_object().unwrap(), &SCHEMA);
        assert_eq!(violation::text(&violations), message, "{given}");
    }

    #[test]
    fn unknown_properties_come_first_then_the_schema() {
        refused(
            json!({"metadata": [], "b": null, "name": 1, "a": 2}),
            "property b should not exist, property a should not exist, email must be an email, \
             name must be a string, metadata must be an object",
        );
    }

    #[test]
    fn null_is_absent() {
        assert!(
            validate(
                json!({"email": "a@x.com", "name": null, "groups": null}),
                &SCHEMA
            )
            .is_ok()
        );
        refused(json!({"email": null}), "email must be an email");
    }

    #[test]
    fn a_list_is_no_body() {
        refused(
            json!([]),
            "an unknown value was passed to the validate function",
        );
    }

    #[test]
    fn names_of_the_prototype_are_no_properties() {
        let given = json!({"email": "a@x.com", "toString": 1, "constructor": 1, "__proto__": 1});
        assert_eq!(
            validate(given, &SCHEMA).map(Value::Object),
            Ok(json!({"email": "a@x.com"}))
        );
        let given = json!({"email": 1, "metadata": {"constructor": 1}});
        assert_eq!(validate(given, &SCHEMA), Err(ApiError::Unknown));
    }

    /// What class-validator 0.14.0 itself said of each.
    #[test]
    fn every_shape_of_groups_has_its_message() {
        let each = "each value in nested property groups must be either object or array";
        let array = "groups must be an array";
        let id = "id must be a string";
        groups(&json!([]), "");
        groups(&json!([{"id": "a"}]), "");
        groups(&json!({}), &format!("{array}, {id}"));
        groups(&json!({"id": "x"}), array);
        groups(&json!("s"), &format!("{array}, {each}"));
        groups(&json!(false), &format!("{array}, {each}"));
        groups(&json!(["a"]), each);
        groups(&json!([null]), each);
        groups(
            &json!([{"id": 1}, {"x": 1}]),
            &format!("{id}, property x should not exist, {id}"),
        );
        groups(
            &json!(["a", {"id": 1}, null, {"x": 1}]),
            &format!("{each}, {id}, {each}, property x should not exist, {id}"),
        );
        groups(&json!([[{"id": "a"}]]), "");
        groups(&json!([[{"id": 5}]]), id);
        groups(&json!([[[{"id": 1}]]]), id);
        groups(&json!([["x"]]), each);
        groups(&json!([[{}], "x"]), &format!("{id}, {each}"));
        groups(
            &json!({"id": 5, "z": 1}),
            &format!("{array}, property z should not exist, {id}"),
        );
    }
}

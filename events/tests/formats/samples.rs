//! One frozen payload of every version of every event.
//!
//! A file holds an object of named payloads, as stored but for the white space: `complete` has every
//! member that the version knows, `minimal` only those it cannot do without, and any further name says
//! what it shows. One file a version, so that the path of a sample follows from the catalogue. The
//! sealed values in them have the right form, and no key.

use cqrs_es::DomainEvent as _;
use events::catalogue::{self, ALL, Entry};
use events::{CustomerEvent, GroupEvent};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::{files, schemas};

/// An event of either kind.
#[derive(Debug, PartialEq)]
enum Event {
    Customer(Box<CustomerEvent>),
    Group(GroupEvent),
}

impl Event {
    /// Decodes a payload's text; which kind it is follows from its name.
    fn decode(text: &str) -> Self {
        let customer = serde_json::from_str(text).map(Self::Customer);
        let group = || serde_json::from_str(text).map(Self::Group);
        customer
            .or_else(|as_customer| group().map_err(|as_group| [as_customer, as_group]))
            .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
    }

    fn encode(&self) -> String {
        match self {
            Self::Customer(event) => serde_json::to_string(event).unwrap(),
            Self::Group(event) => serde_json::to_string(event).unwrap(),
        }
    }

    /// Name and version as the store takes them.
    fn name(&self) -> (String, String) {
        match self {
            Self::Customer(event) => (event.event_type(), event.event_version()),
            Self::Group(event) => (event.event_type(), event.event_version()),
        }
    }
}

/// One payload of a sample's file.
struct Sample {
    entry: &'static Entry,
    version: &'static str,
    name: String,
    payload: Value,
}

impl Sample {
    fn is_current(&self) -> bool {
        self.version == self.entry.version()
    }

    fn schema(&self) -> Value {
        schemas::committed(self.entry.type_name, self.version)
    }

    /// The payload with every sealed value replaced. A group's payload has none: whatever its metadata
    /// looks like is the merchant's own.
    fn with_sealed(&self, replace: &dyn Fn(&str, &Value) -> Value) -> Value {
        let mut payload = self.payload.clone();
        replace_sealed("", &mut payload, replace);
        payload
    }

    /// The event, upcast as the store does it.
    fn decode(&self, payload: Value) -> Event {
        let payload = catalogue::upcast(self.entry.type_name, self.version, payload);
        Event::decode(&payload.to_string())
    }
}

impl std::fmt::Display for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", file(self.entry, self.version), self.name)
    }
}

fn file(entry: &Entry, version: &str) -> String {
    format!("{}/{version}.json", entry.type_name)
}

/// Every payload of every version.
fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    for entry in ALL {
        for version in entry.versions {
            let text = files::read(&format!("samples/{}", file(entry, version)));
            let payloads: Map<String, Value> = serde_json::from_str(&text).unwrap();
            samples.extend(payloads.into_iter().map(|(name, payload)| Sample {
                entry,
                version,
                name,
                payload,
            }));
        }
    }
    samples
}

fn named(name: &str) -> impl Iterator<Item = Sample> {
    all().into_iter().filter(move |sample| sample.name == name)
}

/// Replaces every sealed value, given the name of its member.
fn replace_sealed(name: &str, value: &mut Value, replace: &dyn Fn(&str, &Value) -> Value) {
    if value.get("$sealed").is_some() {
        *value = replace(name, value);
    } else if let Value::Object(members) = value {
        for (name, member) in members {
            replace_sealed(name, member, replace);
        }
    }
}

/// An open value of the type that a member opens to.
fn open_value(member: &str) -> Value {
    match member {
        "gender" => json!("female"),
        "tags" | "social_customer" => json!(["a", "b"]),
        "metadata" => json!({ "$open": [1, 2.5, null] }),
        _text => json!("Ann"),
    }
}

/// The schema of the payload once its personal values are opened.
fn opened_schema(mut schema: Value) -> Value {
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut);
    for definition in definitions.into_iter().flatten() {
        if let Some(opened) = definition.1.get("x-personal-data") {
            *definition.1 = json!({
                "type": "object",
                "properties": { "$open": opened },
                "required": ["$open"],
                "additionalProperties": false,
            });
        }
    }
    schema
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).unwrap()
}

#[test]
fn every_version_has_a_complete_and_a_minimal_sample_and_no_other_file_lies_there() {
    let mut expected = Vec::new();
    for entry in ALL {
        for version in entry.versions {
            expected.push(file(entry, version));
            for name in ["complete", "minimal"] {
                let is_this = |sample: &Sample| {
                    sample.entry.type_name == entry.type_name && sample.version == *version
                };
                assert!(named(name).any(|sample| is_this(&sample)), "{name}");
            }
        }
    }
    expected.sort();
    assert_eq!(files::list("samples"), expected);
}

#[test]
fn every_sample_is_its_event_and_is_written_again_byte_for_byte() {
    for sample in all().iter().filter(|sample| sample.is_current()) {
        let text = sample.payload.to_string();
        let event = Event::decode(&text);
        assert_eq!(event.encode(), text, "{sample}");
        let name = (sample.entry.type_name.into(), sample.version.into());
        assert_eq!(event.name(), name, "{sample}");
    }
}

#[test]
fn every_sample_of_every_version_is_read_as_the_event_of_today() {
    for sample in all() {
        let event = sample.decode(sample.payload.clone());
        let name = (sample.entry.type_name.into(), sample.entry.version().into());
        assert_eq!(event.name(), name, "{sample}");
    }
}

#[test]
fn every_sample_is_valid_under_the_schema_of_its_version() {
    for sample in all() {
        if let Err(error) = validator(&sample.schema()).validate(&sample.payload) {
            panic!("{sample}: {error} at {}", error.instance_path());
        }
    }
}

#[test]
fn erased_values_are_read_and_written_again() {
    for sample in all() {
        let erased = sample.with_sealed(&|_, _| json!({ "$erased": true }));
        let event = sample.decode(erased.clone());
        if sample.is_current() {
            assert_eq!(event.encode(), erased.to_string(), "{sample}");
        }
    }
}

#[test]
fn opened_values_are_of_the_type_that_the_schema_says_and_are_read() {
    for sample in all() {
        let opened = sample.with_sealed(&|member, _| json!({ "$open": open_value(member) }));
        if let Err(error) = validator(&opened_schema(sample.schema())).validate(&opened) {
            panic!("{sample}: {error} at {}", error.instance_path());
        }
        let event = sample.decode(opened.clone());
        if sample.is_current() {
            assert_eq!(event.encode(), opened.to_string(), "{sample}");
        }
    }
}

#[test]
fn a_complete_sample_has_every_member_that_its_schema_names() {
    fn check(sample: &Sample, root: &Value, schema: &Value, value: &Value) {
        let schema = match schema["$ref"].as_str() {
            Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        };
        if schema.get("x-personal-data").is_some() {
            return;
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        for (name, property) in properties {
            let member = value.get(name);
            assert!(member.is_some(), "{sample} lacks {name}");
            check(sample, root, property, member.unwrap());
        }
    }
    for sample in named("complete") {
        let schema = sample.schema();
        check(&sample, &schema, &schema, &sample.payload);
    }
}

#[test]
fn a_minimal_sample_has_no_member_to_spare() {
    for sample in named("minimal") {
        let validator = validator(&sample.schema());
        each_object(&sample.payload, &mut |changed, members| {
            for name in members.keys() {
                let without = changed(&|members| {
                    members.shift_remove(name);
                });
                assert!(!validator.is_valid(&without), "{sample} without {name}");
            }
        });
    }
}

#[test]
fn a_changed_sample_is_not_valid() {
    for sample in all() {
        let validator = validator(&sample.schema());
        each_object(&sample.payload, &mut |changed, members| {
            let refused = |what: &str, payload: &Value| {
                assert!(!validator.is_valid(payload), "{sample}: {what}: {payload}");
            };
            refused(
                "an unknown member",
                &changed(&|members| {
                    members.insert("unknown".into(), json!("x"));
                }),
            );
            for (name, member) in members {
                let to = |value: Value| {
                    changed(&|members| {
                        members.insert(name.clone(), value.clone());
                    })
                };
                // The one object whose members are anybody's.
                let is_free = name == "metadata" && member.get("$sealed").is_none();
                refused("a wrong type", &to(json!([[0]])));
                if member.get("$sealed").is_some() {
                    for not_sealed in [
                        json!({ "$open": open_value(name) }),
                        json!({ "$erased": true }),
                        json!({ "$sealed": { "k": 1, "n": "short", "c": "short" } }),
                        open_value(name),
                    ] {
                        refused("not sealed", &to(not_sealed));
                    }
                } else if !is_free && !member.is_null() {
                    refused("null", &to(Value::Null));
                }
            }
        });
    }
}

/// A change to one object of a payload: gives the whole payload, changed.
type Changed<'a> = dyn Fn(&dyn Fn(&mut Map<String, Value>)) -> Value + 'a;

/// Visits every object of a payload that its schema describes: not what is free, not what is sealed.
fn each_object(payload: &Value, visit: &mut dyn FnMut(&Changed<'_>, &Map<String, Value>)) {
    let mut pointers = vec![String::new()];
    while let Some(pointer) = pointers.pop() {
        let Some(Value::Object(members)) = payload.pointer(&pointer) else {
            continue;
        };
        visit(
            &|change| {
                let mut changed = payload.clone();
                change(
                    changed
                        .pointer_mut(&pointer)
                        .unwrap()
                        .as_object_mut()
                        .unwrap(),
                );
                changed
            },
            members,
        );
        let inner = members.iter().filter(|(name, member)| {
            member.is_object() && member.get("$sealed").is_none() && *name != "metadata"
        });
        pointers.extend(inner.map(|(name, _)| format!("{pointer}/{name}")));
    }
}

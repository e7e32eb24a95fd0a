//! The committed schemas are the generated ones.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Once;

use events::catalogue::{self, ALL};
use serde_json::{Value, json};

use crate::files;

/// The file of a version's schema, in `schemas/`.
pub(crate) fn file(type_name: &str, version: &str) -> String {
    format!("{type_name}.{version}.json")
}

/// A committed schema.
pub(crate) fn committed(type_name: &str, version: &str) -> Value {
    update_if_asked();
    let text = files::read(&format!("schemas/{}", file(type_name, version)));
    serde_json::from_str(&text).unwrap()
}

/// What `schemas/` has to hold: the text of each version that is written today, and nothing to say
/// about the text of an older one.
fn expected() -> BTreeMap<String, Option<String>> {
    let mut files = BTreeMap::new();
    for entry in ALL {
        for version in entry.versions {
            let text = (*version == entry.version())
                .then(|| serde_json::to_string_pretty(&entry.schema()).unwrap() + "\n");
            files.insert(file(entry.type_name, version), text);
        }
    }
    files
}

/// Writes the schemas again when `UPDATE_SCHEMAS` is set, once and before any test reads one.
fn update_if_asked() {
    static UPDATE: Once = Once::new();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        UPDATE.call_once(|| update(&expected()));
    }
}

fn update(expected: &BTreeMap<String, Option<String>>) {
    let folder = files::path("schemas");
    fs::create_dir_all(&folder).unwrap();
    for extra in files::list("schemas") {
        if !expected.contains_key(&extra) {
            fs::remove_file(folder.join(extra)).unwrap();
        }
    }
    for (name, text) in expected {
        if let Some(text) = text {
            fs::write(folder.join(name), text).unwrap();
        }
    }
}

#[test]
fn the_committed_schemas_are_the_generated_ones() {
    update_if_asked();
    let expected = expected();
    let names: Vec<_> = expected.keys().cloned().collect();
    assert_eq!(
        files::list("schemas"),
        names,
        "left is in events/schemas, right is in the catalogue: \
         UPDATE_SCHEMAS=1 cargo test -p events writes what is generated"
    );
    for (name, text) in expected {
        if let Some(text) = text {
            assert!(
                files::read(&format!("schemas/{name}")) == text,
                "events/schemas/{name} is not what the code says. Was the event released? Then this \
                 is a new version (events/src/catalogue.rs). Else UPDATE_SCHEMAS=1 cargo test -p \
                 events writes it again."
            );
        }
    }
}

#[test]
fn every_schema_is_one_and_says_whose_it_is() {
    for entry in ALL {
        for version in entry.versions {
            let schema = committed(entry.type_name, version);
            jsonschema::draft202012::meta::validate(&schema).unwrap();
            assert_eq!(
                schema["$schema"],
                "https://json-schema.org/draft/2020-12/schema"
            );
            assert_eq!(
                schema["$id"],
                catalogue::data_schema(entry.type_name, version)
            );
            assert_eq!(schema["title"], entry.type_name);
            assert_eq!(schema["properties"]["event"]["const"], entry.type_name);
            assert_eq!(schema["required"][0], "event");
        }
    }
}

#[test]
fn every_member_is_described() {
    for entry in ALL {
        let schema = committed(entry.type_name, entry.version());
        let definitions = schema.get("$defs").and_then(Value::as_object);
        let definitions = definitions.into_iter().flat_map(|all| all.values());
        for object in definitions.chain([&schema]) {
            assert!(object["description"].is_string(), "{object}");
            if object.get("x-personal-data").is_some() {
                continue;
            }
            let members = object.get("properties").and_then(Value::as_object);
            for (name, member) in members.into_iter().flatten() {
                assert!(
                    member["description"].is_string(),
                    "{} {name}",
                    entry.type_name
                );
            }
        }
    }
}

#[test]
fn personal_data_is_stored_sealed_and_its_schema_says_what_it_opens_to() {
    let schema = committed("CustomerUpdated", "1.0.0");
    let definitions = &schema["$defs"];
    for (name, opened) in [
        ("Personal_string", json!({ "type": "string" })),
        ("Personal_Gender", json!({ "$ref": "#/$defs/Gender" })),
        (
            "Personal_Array_of_string",
            json!({ "type": "array", "items": { "type": "string" } }),
        ),
        (
            "Personal_Map_of_AnyValue",
            json!({ "type": "object", "additionalProperties": true }),
        ),
    ] {
        assert_eq!(definitions[name]["required"], json!(["$sealed"]));
        assert_eq!(definitions[name]["x-personal-data"], opened);
    }
}

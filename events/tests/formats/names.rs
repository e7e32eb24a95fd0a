//! The enums, the catalogue, the schemas and the public names agree.

use std::collections::BTreeSet;

use events::catalogue::{self, ALL};
use events::{CustomerEvent, GroupEvent};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::files;

/// The names under which an enum's variants are stored: serde lists them when it meets another.
fn stored_names<E: DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
    let error = serde_json::from_value::<E>(json!({ "event": "?" }))
        .unwrap_err()
        .to_string();
    let (_, names) = error.split_once("expected one of ").expect("a list");
    names
        .split(", ")
        .map(|name| name.trim_matches('`').to_owned())
        .collect()
}

/// `AddressChanged` as `address_changed`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[test]
fn the_catalogue_lists_every_event_that_can_be_stored() {
    let mut stored = stored_names::<CustomerEvent>();
    stored.extend(stored_names::<GroupEvent>());
    let catalogued: Vec<_> = ALL.iter().map(|entry| entry.type_name).collect();
    assert_eq!(catalogued, stored);
}

#[test]
fn no_two_events_share_a_name() {
    let stored: BTreeSet<_> = ALL.iter().map(|entry| entry.type_name).collect();
    let public: BTreeSet<_> = ALL.iter().map(|entry| entry.cloud_event_type).collect();
    assert_eq!((stored.len(), public.len()), (ALL.len(), ALL.len()));
}

#[test]
fn the_public_type_is_the_kind_of_stream_and_what_happened() {
    for (kind, prefix, names) in [
        ("customer", "Customer", stored_names::<CustomerEvent>()),
        ("group", "Group", stored_names::<GroupEvent>()),
    ] {
        for name in names {
            let what = snake_case(name.strip_prefix(prefix).unwrap_or(&name));
            let public = catalogue::cloud_event_type(&name);
            assert_eq!(public, Some(format!("ledger.{kind}.{what}").as_str()));
        }
    }
    assert_eq!(catalogue::cloud_event_type("Nothing"), None);
}

#[test]
fn versions_are_semantic_and_ascend() {
    for entry in ALL {
        let versions: Vec<Vec<u32>> = entry
            .versions
            .iter()
            .map(|version| {
                version
                    .split('.')
                    .map(|part| part.parse().unwrap())
                    .collect()
            })
            .collect();
        assert!(!versions.is_empty(), "{}", entry.type_name);
        assert!(versions.iter().all(|version| version.len() == 3));
        assert!(versions.is_sorted_by(|a, b| a < b), "{}", entry.type_name);
        assert_eq!(Some(&entry.version()), entry.versions.last());
    }
}

#[test]
fn every_older_version_has_an_upcaster() {
    let upcasters = catalogue::upcasters();
    for entry in ALL {
        let (_, older) = entry.versions.split_last().unwrap();
        for version in older {
            let is_upcast = upcasters
                .iter()
                .any(|upcaster| upcaster.can_upcast(entry.type_name, version));
            assert!(is_upcast, "{} {version} stays as it is", entry.type_name);
        }
    }
}

#[test]
fn the_page_for_readers_has_every_event() {
    let page = files::read("../docs/events.md");
    for entry in ALL {
        let row = format!("| `{}` | `{}` |", entry.type_name, entry.cloud_event_type);
        assert!(page.contains(&row), "docs/events.md lacks the row {row}");
    }
}

//! What is public is used by others.

use std::collections::BTreeSet;

use crate::text::{code, is_rust, is_test, project};

/// The libraries whose public items are looked at. Types are not: one may have to be public because
/// a public function gives it, and the compiler says so.
const LIBRARIES: [&str; 5] = [
    "events/src",
    "express/src",
    "projections/src",
    "devkit/src",
    "src",
];

/// Items that stay public though no other package names them, each with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "src/event_store/stream.rs: Named",
    "a bound of the public trait `Stream`",
)];

/// The public functions, constants, traits and modules of a text.
fn public(text: &str) -> Vec<&str> {
    let is_in_name = |char: char| char.is_alphanumeric() || char == '_';
    code(text)
        .filter_map(|(_, line)| line.trim_start().strip_prefix("pub "))
        .filter_map(|item| {
            let mut words = item.split_whitespace().skip_while(|word| {
                matches!(*word, "async" | "unsafe") || *word == "const" && item.contains(" fn ")
            });
            let kind = words.next()?;
            let name = words.next()?;
            matches!(kind, "fn" | "const" | "static" | "trait" | "mod" | "type")
                .then(|| name.split(|char| !is_in_name(char)).next())?
        })
        .collect()
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric() && char != '_')
}

/// The public items of a library that nothing outside it names.
fn unused(library: &str, files: &[(String, String)]) -> Vec<String> {
    let is_inside = |path: &str| path.starts_with(library) && path != "src/main.rs";
    let outside: BTreeSet<&str> = files
        .iter()
        .filter(|(path, _)| !is_inside(path) && is_rust(path))
        // The rules name what they speak of, and use nothing of it.
        .filter(|(path, _)| !path.starts_with("tests/layering/"))
        .flat_map(|(_, text)| names(text))
        .collect();
    files
        .iter()
        .filter(|(path, _)| is_inside(path) && !is_test(path))
        .flat_map(|(path, text)| public(text).into_iter().map(move |name| (path, name)))
        .filter(|(_, name)| !outside.contains(name))
        .map(|(path, name)| format!("{path}: {name}"))
        .collect()
}

#[test]
fn what_is_public_is_used_by_another_package() {
    let files = project();
    let mut unused: Vec<_> = LIBRARIES
        .iter()
        .flat_map(|library| unused(library, &files))
        .collect();
    for (item, reason) in EXCEPTIONS {
        let count = unused.len();
        unused.retain(|one| one != item);
        assert!(
            unused.len() < count,
            "{item} needs no exception any longer ({reason})"
        );
    }
    assert!(
        unused.is_empty(),
        "no other package names these: pub(crate) lets the compiler find them when nothing uses them\n{}",
        unused.join("\n")
    );
}

#[test]
fn public_items_that_nothing_names_are_found() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = [
        file(
            "events/src/lib.rs",
            "pub const fn used() {}\npub const UNUSED: i32 = 1;\npub fn alone() { used() }\n\
             pub(crate) fn own() {}\npub struct Type;\npub use a::b;",
        ),
        file("src/lib.rs", "use events::used;"),
    ];
    assert_eq!(
        unused("events/src", &files),
        ["events/src/lib.rs: UNUSED", "events/src/lib.rs: alone"]
    );
}

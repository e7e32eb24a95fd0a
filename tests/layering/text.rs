//! The sources as text.

use std::fs;
use std::path::Path;

/// The sources and manifests of the project: paths from its root, and texts.
pub(crate) fn project() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    let mut paths: Vec<_> = [
        "Cargo.toml",
        "src",
        "events",
        "express",
        "projections",
        "devkit",
        "bench",
        "tests",
    ]
    .map(|name| root.join(name))
    .into_iter()
    .filter(|path| path.exists())
    .collect();
    while let Some(path) = paths.pop() {
        let is_source = |extension| extension == "rs" || extension == "toml";
        if path.is_dir() {
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(is_source) {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.push((relative.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    assert!(files.len() > 100, "the sources are where they were");
    files
}

/// The lines of code, with their numbers from 1: no comments, nothing from `mod tests {` on.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .take_while(|(_, line)| *line != "mod tests {")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The lines of code in which one of these stands, whole: `rand::` is not in `operand::`.
pub(crate) fn lines_with(text: &str, words: &[&str]) -> Vec<usize> {
    let is_in_name = |char: char| char.is_alphanumeric() || char == '_';
    let has = |line: &str, word: &str| {
        line.match_indices(word).any(|(at, _)| {
            let (before, from) = line.split_at(at);
            let after = from.strip_prefix(word).unwrap_or_default();
            let ends = !word.ends_with(is_in_name) || !after.starts_with(is_in_name);
            ends && !before.ends_with(is_in_name)
        })
    };
    code(text)
        .filter(|(_, line)| words.iter().any(|word| has(line, word)))
        .map(|(number, _)| number)
        .collect()
}

/// The lines of a manifest that depend on one of these crates, in any of its tables.
pub(crate) fn dependencies_on(manifest: &str, crates: &[&str]) -> Vec<usize> {
    let mut in_dependencies = false;
    let mut lines = vec![];
    for (number, line) in (1..).zip(manifest.lines().map(str::trim)) {
        let name = if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            in_dependencies = table.ends_with("dependencies");
            table
                .split_once("dependencies.")
                .map_or("", |(_, name)| name)
        } else if in_dependencies {
            line.split(['.', '=', ' ']).next().unwrap_or_default()
        } else {
            ""
        };
        // `other = { package = "axum" }` is axum, too.
        let renamed = |name: &&&str| line.contains(&format!("package = \"{name}\""));
        if crates.contains(&name) || crates.iter().any(|name| renamed(&name)) {
            lines.push(number);
        }
    }
    lines
}

/// Whether a path is one of a module's: its file or something in its folder.
pub(crate) fn is_of(module: &str, path: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Whether a path is a Rust file's.
pub(crate) fn is_rust(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "rs")
}

/// Whether a file holds nothing but tests.
pub(crate) fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/")
}

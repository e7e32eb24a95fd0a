//! The formats that are kept for good: names, schemas, samples, the leaf.
//!
//! Everything here goes through the catalogue, so that a new event fails until it has what every
//! event has. `schemas/<event>.<version>.json` is generated: after a change to a payload or to its
//! documentation, `UPDATE_SCHEMAS=1 cargo test -p events` writes it again. A sample is written by hand
//! and never again: once released, it changes only with a new version.

#[cfg(test)]
mod leaf;
#[cfg(test)]
mod names;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schemas;

#[cfg(test)]
mod files {
    use std::path::{Path, PathBuf};

    /// A path in this crate.
    pub(crate) fn path(relative: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
    }

    /// A file's text.
    pub(crate) fn read(relative: &str) -> String {
        let path = path(relative);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The files in a folder and its folders, as paths from it, sorted.
    pub(crate) fn list(folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![path(folder)];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let found = entry.unwrap().path();
                if found.is_dir() {
                    folders.push(found);
                } else {
                    let name = found.strip_prefix(path(folder)).unwrap();
                    files.push(name.to_str().unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }
}

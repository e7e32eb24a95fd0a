//! Has the crate built anew when a migration is added: the compiler sees only those it embeds. Tells
//! which code folds events, so that a snapshot that other code folded is not used.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

/// The sources of whatever folds an event into what a snapshot holds, and the data built into them.
const FOLDS: [&str; 7] = [
    "Cargo.toml",
    "events/src",
    "projections/data",
    "projections/src",
    "src/domain/customer.rs",
    "src/domain/customer",
    "src/domain/group.rs",
];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    // The hash is the same in every process: it begins with fixed keys.
    let mut hasher = DefaultHasher::new();
    for path in FOLDS {
        println!("cargo:rerun-if-changed={path}");
        hash(Path::new(path), &mut hasher)?;
    }
    println!("cargo:rustc-env=LEDGER_FOLDS={:016x}", hasher.finish());
    Ok(())
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    if path.is_file() {
        hasher.write(&fs::read(path)?);
        return Ok(());
    }
    let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    let mut entries: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| hash(entry, hasher))
}

//! Embeds `sql/`, and has the crate built anew when a migration or a file of `sql/` is added: the compiler
//! sees only those it embeds. Tells which code folds events, so that a snapshot that other code folded is
//! not used.

use std::env;
use std::fmt::Write as _;
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
    println!("cargo:rerun-if-changed=sql");
    embed_sql()?;
    // The hash is the same in every process: it begins with fixed keys.
    let mut hasher = DefaultHasher::new();
    for path in FOLDS {
        println!("cargo:rerun-if-changed={path}");
        hash(Path::new(path), &mut hasher)?;
    }
    println!("cargo:rustc-env=LEDGER_FOLDS={:016x}", hasher.finish());
    Ok(())
}

/// Writes the list that `src/database/sql_files.rs` includes: path and text of each file.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script by its environment where to read and write"
)]
fn embed_sql() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut list = "[\n".to_owned();
    for folder in ["functions", "triggers"] {
        for file in sorted(&root.join("sql").join(folder))? {
            let name = file.file_name().expect("a file has a name").display();
            let file = file.to_str().expect("the path of the sources is UTF-8");
            let line = format!(
                "({:?}, include_str!({file:?})),",
                format!("{folder}/{name}")
            );
            writeln!(list, "    {line}").expect("a string takes everything");
        }
    }
    list.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("sql_files.rs"), list)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut entries: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    if path.is_file() {
        hasher.write(&fs::read(path)?);
        return Ok(());
    }
    sorted(path)?
        .iter()
        .try_for_each(|entry| hash(entry, hasher))
}

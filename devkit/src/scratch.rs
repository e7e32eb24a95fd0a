//! A directory for what only lives as long as a measurement or a test of the whole.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A directory that goes when this does.
pub struct Scratch {
    /// Where it is.
    pub path: PathBuf,
}

impl Scratch {
    /// Makes one below `parent`, its name beginning with `customer-ledger-` and `what`.
    pub fn make(parent: &Path, what: &str) -> io::Result<Self> {
        let name = format!("customer-ledger-{what}.{:016x}", rand::random::<u64>());
        let path = parent.join(name);
        // The server's user has to pass through.
        DirBuilder::new().mode(0o755).create(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(dir = %self.path.display(), %error, "the directory is left behind");
        }
    }
}

//! `ledger migrate`: brings the database to this version, as its owner.

use std::error::Error;

use crate::config::{OwnerConfig, Settings};
use crate::database::migrate;

/// Migrates.
pub(super) async fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let owner: OwnerConfig = settings.read()?;
    let (setting, url) = owner.url()?;
    Ok(migrate::migrate_at(setting, url).await?)
}

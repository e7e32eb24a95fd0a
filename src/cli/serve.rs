//! `ledger serve`: the contracts, the relay and the projections, until a signal.

use std::error::Error;

use crate::config::{Config, Settings};
use crate::serve::{self, Roles};
use crate::shutdown::Lifecycle;
use crate::telemetry;

/// What this process does.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// What this process does, separated by commas.
    #[arg(long, default_value = "api,relay,projector")]
    roles: Roles,
}

/// Serves.
pub(super) async fn run(
    settings: &Settings,
    Options { roles }: Options,
) -> Result<(), Box<dyn Error>> {
    telemetry::start_metrics();
    let config = Config::read(settings)?;
    let listener = serve::listen(&config).await?;
    let lifecycle = Lifecycle::default();
    lifecycle.stop_on_signal()?;
    let address = listener.local_addr()?;
    let ready = || tracing::info!(%address, "ready");
    Ok(serve::serve(config, roles, listener, &lifecycle, ready).await?)
}

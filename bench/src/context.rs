//! What the sections of a run share.

use std::path::Path;
use std::time::Duration;

use devkit::postgres::Postgres;
use tokio_util::sync::CancellationToken;

use crate::options::Options;

/// Connections that customers are created and the memory is measured with.
pub(crate) const CONNECTIONS_MANY: usize = 64;
/// How long each side runs before it is measured.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);
/// How long the relay and the projections are waited for once the load has ended.
pub(crate) const CATCH_UP_MAX: Duration = Duration::from_mins(1);

/// One run.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    pub(crate) postgres: &'a Postgres,
    pub(crate) dir: &'a Path,
    pub(crate) stop: &'a CancellationToken,
}

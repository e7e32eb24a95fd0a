//! stub
use sqlx::PgPool;
use std::time::Duration;
/// stub
pub async fn wait_until_current(
    _pool: &PgPool,
    _projection: &str,
    _max: Duration,
) -> Result<Option<i64>, sqlx::Error> {
    Ok(None)
}
/// stub
#[derive(Clone, Copy)]
pub struct P;
impl P {
    /// stub
    pub fn name(self) -> &'static str {
        "x"
    }
}
/// stub
pub const PROJECTIONS: [P; 0] = [];
/// stub
pub struct ProjectorConfig;
impl ProjectorConfig {
    /// stub
    pub fn new(_k: crate::kafka::KafkaConfig) -> Self {
        Self
    }
}
/// stub
pub async fn run(
    _c: ProjectorConfig,
    _p: PgPool,
    _k: std::sync::Arc<crate::event_store::keyring::Keyring>,
    _x: P,
    _s: tokio_util::sync::CancellationToken,
    _st: tokio::sync::watch::Sender<crate::kafka::KafkaStatus>,
) {
}

//! Logs and metrics. Neither carries personal data: logs name routes by their templates.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::config::LogConfig;

const SUMMED_UP_EVERY: Duration = Duration::from_secs(5);

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts logging to standard error.
pub fn start_logs(config: &LogConfig) {
    let logs = tracing_subscriber::fmt()
        .with_env_filter(config.filter())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second start in one process, as in tests, keeps the first.
    drop(logs.try_init());
}

/// Starts collecting metrics in this process.
pub(crate) fn start_metrics() {
    let metrics = METRICS.get_or_init(|| PrometheusBuilder::new().install_recorder().ok());
    if let Some(metrics) = metrics {
        tokio::spawn(sum_up(metrics));
    }
}

/// The recorder keeps each measurement until it is asked to sum up. A scrape asks; this does where
/// there is no scrape.
async fn sum_up(metrics: &PrometheusHandle) {
    let mut turns = tokio::time::interval(SUMMED_UP_EVERY);
    #[expect(clippy::infinite_loop, reason = "it ends with the process")]
    loop {
        turns.tick().await;
        metrics.run_upkeep();
    }
}

/// All metrics in Prometheus' text format.
pub fn metrics() -> String {
    METRICS
        .get()
        .and_then(Option::as_ref)
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

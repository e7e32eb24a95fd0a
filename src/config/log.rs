//! The log.

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::value::Expected;

/// What is logged.
#[derive(Args, Clone, Debug)]
pub struct LogConfig {
    /// What to log, e.g. `info` or `customer_ledger=debug`.
    #[arg(id = "LEDGER_LOG", long, env, default_value = "info", value_parser = filter)]
    filter: String,
}

impl LogConfig {
    /// The filter.
    pub fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.filter)
    }
}

fn filter(text: &str) -> Result<String, Expected> {
    match EnvFilter::try_new(text) {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err(Expected("a level, or a list of target=level")),
    }
}

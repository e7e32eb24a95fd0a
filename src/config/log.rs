//! The log.

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::settings::ConfigError;
use super::value::Expected;

/// What is logged.
#[derive(Args, Clone, Debug)]
pub struct LogConfig {
    /// What to log, e.g. `info` or `customer_ledger=debug`.
    #[arg(id = "LEDGER_LOG", long, env, default_value = "info", value_parser = filter)]
    filter: String,
}

impl LogConfig {
    /// Reads the value of `LEDGER_LOG`, wherever it was given.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let filter = filter(text).map_err(|Expected(expected)| ConfigError::Wrong {
            name: "LEDGER_LOG".to_owned(),
            expected,
        })?;
        Ok(Self { filter })
    }

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

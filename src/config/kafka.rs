//! Kafka.

use clap::Args;

use super::value::Expected;
use crate::kafka::KafkaConfig;

/// Which brokers, and which topics there.
#[derive(Args, Clone, Debug)]
pub struct Section {
    /// `host:port` of Kafka brokers, separated by commas.
    #[arg(id = "KAFKA_BROKERS", long, env, value_parser = brokers)]
    pub brokers: Option<String>,
    /// What topics and consumer groups begin with.
    #[arg(id = "KAFKA_PREFIX", long, env, default_value = "ledger", value_parser = prefix)]
    pub prefix: String,
}

/// The prefix, if it was given and is not only the default.
#[derive(Args, Clone, Debug)]
pub struct GivenPrefix {
    /// What topics and consumer groups begin with.
    #[arg(id = "KAFKA_PREFIX", long, env, value_parser = prefix)]
    pub prefix: Option<String>,
}

impl Section {
    /// Kafka, if there are brokers.
    pub fn client(&self) -> Option<KafkaConfig> {
        self.brokers.clone().map(|brokers| KafkaConfig {
            brokers,
            prefix: self.prefix.clone(),
            embedded: false,
        })
    }
}

/// Whether brokers answer is another matter: what could never be an address is found here.
fn brokers(list: &str) -> Result<String, Expected> {
    let is_broker = |broker: &str| {
        let broker = broker.split_once("://").map_or(broker, |(_, rest)| rest);
        let (host, port) = match broker.rsplit_once(':') {
            Some((host, port)) if !broker.ends_with(']') => (host, port),
            _ => (broker, "9092"),
        };
        !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok()
    };
    if list.split(',').all(|broker| is_broker(broker.trim())) {
        Ok(list.to_owned())
    } else {
        Err(Expected("a list of host:port, separated by commas"))
    }
}

fn prefix(text: &str) -> Result<String, Expected> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !text.is_empty() && text.len() <= 200 && text.chars().all(is_legal) {
        Ok(text.to_owned())
    } else {
        Err(Expected("at most 200 letters, digits, dots, _ and -"))
    }
}

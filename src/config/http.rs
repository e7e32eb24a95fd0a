//! The HTTP server.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::trusted_proxies::TrustedProxies;
use super::value::{Expected, count};

/// Where the server listens, what its connections may cost, and which proxies it believes.
#[derive(Args, Clone, Debug)]
pub struct HttpConfig {
    /// Address and port to listen on.
    #[arg(id = "LEDGER_LISTEN", long, env, default_value = "127.0.0.1:9000", value_parser = address)]
    pub listen: SocketAddr,
    /// Connections at a time; more, and who waits longest for its client goes.
    #[arg(
        id = "HTTP_CONNECTIONS_MAX",
        long,
        env,
        default_value = "10000",
        value_parser = count::<usize>
    )]
    pub connections_max: usize,
    /// How long a connection may take to send a request's head.
    #[arg(id = "HTTP_IDLE_SECONDS", long, env, default_value = "75", value_parser = seconds)]
    pub idle: Duration,
    /// Networks whose x-forwarded-for and -proto are believed, e.g. `10.0.0.0/8`.
    #[arg(id = "TRUSTED_PROXIES", long, env, value_parser = proxies)]
    trusted_proxies: Option<TrustedProxies>,
}

impl HttpConfig {
    /// The proxies whose headers are believed.
    pub(crate) fn trusted_proxies(&self) -> TrustedProxies {
        self.trusted_proxies.clone().unwrap_or_default()
    }
}

fn address(text: &str) -> Result<SocketAddr, Expected> {
    let expected = Expected("an address and a port");
    text.parse().map_err(|_unparsable| expected)
}

fn seconds(text: &str) -> Result<Duration, Expected> {
    count(text).map(Duration::from_secs)
}

fn proxies(text: &str) -> Result<TrustedProxies, Expected> {
    let expected = Expected("a list of networks, separated by commas");
    text.parse().map_err(|_unreadable| expected)
}

//! `TRUSTED_PROXIES`: the networks of the proxies whose headers are believed.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The networks of `TRUSTED_PROXIES`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A text that is no list of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of networks, separated by commas")]
pub struct NotNetworks;

impl FromStr for TrustedProxies {
    type Err = NotNetworks;

    /// Reads `10.0.0.0/8, ::1`; nothing is an empty list.
    fn from_str(list: &str) -> Result<Self, NotNetworks> {
        let network = |text: &str| {
            let address = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse().or_else(|_no_prefix| address())
        };
        list.split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(|text| network(text).map_err(|_neither| NotNetworks))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl TrustedProxies {
    /// Whether an address is one of these proxies.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_none_is_refused() {
        for list in ["10.0.0.0/33", "proxy", "10.0.0.0/8;::1", "10.0.0"] {
            assert_eq!(list.parse::<TrustedProxies>(), Err(NotNetworks), "{list}");
        }
        assert_eq!(" , ".parse(), Ok(TrustedProxies::default()));
    }
}

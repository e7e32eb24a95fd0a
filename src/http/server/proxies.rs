//! Which proxies are believed, and what they say of a request: where it comes from, and whether it
//! came encrypted.
//!
//! Anyone can write `x-forwarded-for`. It is read from its end, which the nearest proxy wrote, and no
//! further than the proxies of `TRUSTED_PROXIES` reach.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::TrustedProxies;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Caller {
    /// The nearest address that is no trusted proxy.
    pub(in crate::http) address: IpAddr,
    /// Whether a trusted proxy says that it came over https. The ledger itself speaks http.
    pub(in crate::http) is_https: bool,
}

/// Where a request comes from, by its connection and its headers.
pub(in crate::http) fn caller(
    proxies: &TrustedProxies,
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
) -> Caller {
    let unspecified = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let peer = peer.map_or(unspecified, |peer| peer.ip().to_canonical());
    if !proxies.trust(peer) {
        return Caller {
            address: peer,
            is_https: false,
        };
    }
    // Express takes the first of several. Source: express-session 1.17, `issecure`.
    let proto = headers.get("x-forwarded-proto");
    let proto = proto.and_then(|value| value.to_str().ok()?.split(',').next());
    let hops = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(address)
        .collect::<Vec<_>>();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        // No trusted proxy writes what cannot be read: the last address that was read counts.
        let Some(hop) = hop else { break };
        nearest = hop;
        if !proxies.trust(hop) {
            break;
        }
    }
    Caller {
        address: nearest,
        is_https: proto.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https")),
    }
}

/// Where a request was sent: scheme and host as the sender wrote them, without a slash at the
/// end. `None` when there is no host in it.
pub(in crate::http) fn origin(
    proxies: &TrustedProxies,
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
) -> Option<String> {
    let is_trusted = peer.is_some_and(|peer| proxies.trust(peer.ip().to_canonical()));
    let forwarded = headers.get("x-forwarded-host").filter(|_| is_trusted);
    let host = forwarded.or_else(|| headers.get("host"))?.to_str().ok()?;
    let host = host.split(',').next().unwrap_or_default().trim();
    let is_in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_in_host) {
        return None;
    }
    let is_https = caller(proxies, peer, headers).is_https;
    let scheme = if is_https { "https" } else { "http" };
    Some(format!("{scheme}://{host}"))
}

/// An address of `x-forwarded-for`, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bare = text.parse().ok().or_else(with_port)?;
    Some(IpAddr::to_canonical(&bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(trusted: &str, peer: &str, headers: &[(&'static str, &str)]) -> (String, bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        let proxies: TrustedProxies = trusted.parse().unwrap();
        let caller = super::caller(&proxies, Some(peer), &map);
        (caller.address.to_string(), caller.is_https)
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        let headers = [
            ("x-forwarded-for", "9.9.9.9"),
            ("x-forwarded-proto", "https"),
        ];
        let own = ("1.2.3.4".to_owned(), false);
        assert_eq!(caller("", "1.2.3.4", &headers), own);
        assert_eq!(caller("10.0.0.0/8", "1.2.3.4", &headers), own);
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_counts() {
        for (forwarded, address) in [
            ("9.9.9.9", "9.9.9.9"),
            ("6.6.6.6, 9.9.9.9", "9.9.9.9"),
            ("6.6.6.6, 9.9.9.9, 10.1.1.1", "9.9.9.9"),
            ("10.2.2.2,10.1.1.1", "10.2.2.2"),
            ("9.9.9.9:81", "9.9.9.9"),
            ("[2001:db8::1]:81", "2001:db8::1"),
            ("::ffff:9.9.9.9", "9.9.9.9"),
            ("9.9.9.9, unknown", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            let headers = [("x-forwarded-for", forwarded)];
            let (found, _) = caller("10.0.0.0/8", "10.0.0.1", &headers);
            assert_eq!(found, address, "{forwarded}");
        }
        let two = [
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-for", "9.9.9.9"),
        ];
        assert_eq!(caller("10.0.0.1", "::ffff:10.0.0.1", &two).0, "9.9.9.9");
    }

    #[test]
    fn https_is_what_a_trusted_proxy_says() {
        for (proto, is_https) in [("https", true), ("HTTPS , http", true), ("http", false)] {
            let headers = [("x-forwarded-proto", proto)];
            assert_eq!(caller("::1/128", "::1", &headers).1, is_https, "{proto}");
        }
    }

    #[test]
    fn a_request_was_sent_to_its_host_or_to_that_of_a_trusted_proxy() {
        let proxies: TrustedProxies = "10.0.0.1".parse().unwrap();
        let origin = |peer: &str, headers: &[(&'static str, &str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            origin(
                &proxies,
                Some(SocketAddr::new(peer.parse().unwrap(), 1)),
                &map,
            )
        };
        let forwarded = [
            ("host", "ledger:8080"),
            ("x-forwarded-host", "demo.myshopline.com, inner"),
            ("x-forwarded-proto", "https"),
        ];
        for (peer, headers, expected) in [
            ("10.0.0.2", &forwarded[..], Some("http://ledger:8080")),
            (
                "10.0.0.1",
                &forwarded[..],
                Some("https://demo.myshopline.com"),
            ),
            ("10.0.0.1", &forwarded[..1], Some("http://ledger:8080")),
            (
                "10.0.0.1",
                &forwarded[..2],
                Some("http://demo.myshopline.com"),
            ),
            ("10.0.0.1", &[("host", "[::1]:80")], Some("http://[::1]:80")),
            ("10.0.0.1", &[("host", "a>;b")], None),
            ("10.0.0.1", &[("host", "")], None),
            ("10.0.0.1", &[], None),
        ] {
            assert_eq!(origin(peer, headers).as_deref(), expected, "{headers:?}");
        }
    }
}

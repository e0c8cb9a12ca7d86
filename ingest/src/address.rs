//! Who a request comes from: the connection's address, or behind our own proxies the one that they vouch for.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use thiserror::Error;

/// A proxy of ours passed on something that is not an address, so nobody knows who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an entry of X-Forwarded-For is not an address")]
pub(crate) struct NotAnAddress;

/// The client's address. `forwarded` are the lines of X-Forwarded-For; they count only if `peer` is a trusted proxy, and
/// then from the right, because everything left of the first untrusted entry is the sender's own claim.
pub(crate) fn client<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> Result<IpAddr, NotAnAddress> {
    let mut client = peer.to_canonical();
    for entry in forwarded.rev().flat_map(|line| line.rsplit(',')) {
        if !contains(trusted, client) {
            break;
        }
        client = parse(entry.trim()).ok_or(NotAnAddress)?;
    }
    Ok(client)
}

pub(crate) fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// Reads addresses and networks separated by commas; an address alone is a network of one.
pub(crate) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(network).collect()
}

pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_not_a_network| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_says_less| format!("`{text}` is neither an address nor a network such as 10.0.0.0/8"))
}

/// `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:443`. IPv4 in IPv6 is IPv4.
fn parse(entry: &str) -> Option<IpAddr> {
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok().filter(IpAddr::is_ipv6);
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address: IpAddr = entry.parse().ok().or_else(bracketed).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], expected: Result<&str, NotAnAddress>) {
        let trusted = networks("10.0.0.0/8, 2001:db8:1::/48").unwrap();
        let client = client(peer.parse().unwrap(), forwarded.iter().copied(), &trusted);
        assert_eq!(client, expected.map(|address| address.parse().unwrap()));
    }

    #[test]
    fn a_stranger_can_claim_nothing() {
        check("192.0.2.1", &["198.51.100.1"], Ok("192.0.2.1"));
        check("192.0.2.1", &["nonsense"], Ok("192.0.2.1"));
        check("192.0.2.1", &[], Ok("192.0.2.1"));
    }

    #[test]
    fn behind_proxies_the_right_most_untrusted_entry_counts() {
        check("10.0.0.1", &["198.51.100.1"], Ok("198.51.100.1"));
        check("10.0.0.1", &["203.0.113.9, 198.51.100.1, 10.2.2.2"], Ok("198.51.100.1"));
        check("10.0.0.1", &["203.0.113.9", "198.51.100.1", "10.2.2.2"], Ok("198.51.100.1"));
        check("10.0.0.1", &["not read, 198.51.100.1"], Ok("198.51.100.1"));
    }

    #[test]
    fn only_proxies_on_the_way_leave_the_first_of_them() {
        check("10.0.0.1", &["10.3.3.3, 10.2.2.2"], Ok("10.3.3.3"));
        check("10.0.0.1", &[], Ok("10.0.0.1"));
    }

    #[test]
    fn ports_brackets_and_mapped_addresses_are_read() {
        check("10.0.0.1", &["198.51.100.1:4711"], Ok("198.51.100.1"));
        check("2001:db8:1::5", &["2001:db8::1"], Ok("2001:db8::1"));
        check("10.0.0.1", &["[2001:db8::1]"], Ok("2001:db8::1"));
        check("10.0.0.1", &["[2001:db8::1]:443"], Ok("2001:db8::1"));
        check("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], Ok("198.51.100.1"));
    }

    #[test]
    fn an_entry_that_is_no_address_is_refused() {
        for entry in ["unknown", "", "198.51.100.1, ", "_hidden", "198.51.100.1:port", "[198.51.100.1]", "999.1.1.1"] {
            check("10.0.0.1", &[entry], Err(NotAnAddress));
        }
    }
}

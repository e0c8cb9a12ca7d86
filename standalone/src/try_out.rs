//! Sources for trying out, one for each provider and for both generations of Airtm. Everybody knows their secrets, so they
//! are for this machine alone.

use std::net::SocketAddr;

/// The same as in the demo of the whole system.
pub const SOURCES: &str = include_str!("../../.dev/sources.toml");

/// What the sources and their senders share: the variables that `SOURCES` names, with the values of docker-compose.yml.
const SECRETS: [(&str, &str); 6] = [
    ("AIRALO_CLIENT_SECRET", "demo-airalo-client-secret"),
    ("ESIM_ACCESS_TOKEN", "demo-esim-access-token"),
    ("YONI_TOKEN", "demo-yoni-token-0123456789"),
    ("SIMPLIFYTRIP_CHECKSUM_KEY", "ck_test_demo_simplifytrip_checksum_key"),
    ("AIRTM_TOKEN", "demo-airtm-token-0123456789"),
    ("AIRTM_V2_SIGNING_SECRET", "whsec_ZGVtby1haXJ0bS12Mi1zaWduaW5nLXNlY3JldA=="),
];

/// The environment, as far as the sources for trying out look at it.
pub fn environment(name: &str) -> Option<String> {
    SECRETS.iter().find(|(known, _)| *known == name).map(|(_, secret)| (*secret).to_owned())
}

/// Whether others than this machine's own programs can reach `listen`; there the secrets protect nothing.
pub fn is_exposed(listen: SocketAddr) -> bool {
    !listen.ip().is_loopback()
}

#[cfg(test)]
mod tests {
    use ingest::sources::Sources;

    use super::*;

    #[test]
    fn every_source_has_its_secret() {
        let sources = Sources::parse(SOURCES, &environment).unwrap();
        let names: Vec<_> = sources.names().collect();
        assert_eq!(names, ["airalo", "airtm", "airtm-v2", "esim-access", "simplifytrip", "yoni"]);
    }

    #[test]
    fn the_secrets_are_those_of_the_demo() {
        let compose = include_str!("../../docker-compose.yml");
        for (name, secret) in SECRETS {
            assert!(compose.contains(&format!("{name}: {secret}\n")), "{name}");
        }
    }
}

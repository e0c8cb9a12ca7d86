//! The settings of ingest: one line each, with its default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use runtime::broker::BrokerSettings;
use runtime::secret::Env;
use runtime::settings::{
    Description, Given, Noted, Problems, SettingsGroup, count, default, duration, listen, or_default, path, required,
};
use runtime::spool::SpoolSettings;

use crate::address::networks;
use crate::sources::Sources;

/// Upper limit of BODY_LIMIT_BYTES: a body has to fit into a message.
const MAX_BODY_LIMIT: u64 = 16 * 1024 * 1024;

/// Settings of ingest with a broker.
#[derive(Debug, Clone)]
pub struct IngestSettings {
    pub webhooks: WebhookSettings,
    pub broker: BrokerSettings,
    pub spool_dir: PathBuf,
    pub spool: SpoolSettings,
}

/// Settings of ingest that hold wherever webhooks go.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    pub endpoint: EndpointSettings,
    pub sources: Sources,
    /// How long requests in flight may take after a stop.
    pub shutdown_deadline: Duration,
}

runtime::settings! {
    /// Settings of the process.
    struct General under "General" {
        /// TOML file that lists the sources: who sends webhooks, and how they prove it
        SOURCES_FILE => sources_file: PathBuf = required(path),
        /// How long requests in flight may take to end after SIGTERM
        SHUTDOWN_DEADLINE => shutdown_deadline: Duration = default("7s", duration),
    }
}

runtime::settings! {
    /// Where the spool is.
    struct SpoolPlace under "Spool" {
        /// Directory on a durable disk that keeps webhooks while RabbitMQ is away; made if missing, for one process at a
        /// time
        SPOOL_DIR => spool_dir: PathBuf = required(path),
    }
}

runtime::settings! {
    /// The webhook endpoint, and the limits of a request.
    pub struct EndpointSettings under "Webhooks" {
        /// Address and port of the webhooks, /healthz, /readyz and /metrics
        INGEST_LISTEN => listen: SocketAddr = default("127.0.0.1:8080", listen),
        /// Bytes of the largest body that is accepted (256 KiB by default)
        BODY_LIMIT_BYTES => body_limit_bytes: usize = default("262144", count(MAX_BODY_LIMIT)),
        /// How long a sender may take for its body
        BODY_TIMEOUT => body_timeout: Duration = default("10s", duration),
        /// Reverse proxies in front of ingest: addresses or networks (CIDR), separated by commas. X-Forwarded-For counts
        /// only in requests from these
        TRUSTED_PROXIES => trusted_proxies: Vec<IpNet> = or_default(networks),
    }
}

impl SettingsGroup for IngestSettings {
    fn list() -> Vec<Description> {
        [General::list(), EndpointSettings::list(), SpoolPlace::list(), SpoolSettings::list(), BrokerSettings::list()]
            .concat()
    }

    fn read(given: &Given, problems: &mut Problems) -> Result<Self, Noted> {
        let sources = General::sources_file(given, problems).and_then(|path| read_sources(&path, given, problems));
        let shutdown_deadline = General::shutdown_deadline(given, problems);
        let endpoint = EndpointSettings::read(given, problems);
        let spool_dir = SpoolPlace::spool_dir(given, problems);
        let spool = SpoolSettings::read(given, problems);
        let broker = BrokerSettings::read(given, problems);
        let webhooks =
            WebhookSettings { endpoint: endpoint?, sources: sources?, shutdown_deadline: shutdown_deadline? };
        Ok(Self { webhooks, broker: broker?, spool_dir: spool_dir?, spool: spool? })
    }
}

fn read_sources(path: &Path, given: &Given, problems: &mut Problems) -> Result<Sources, Noted> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("can't read {}: {error}", path.display()));
    let text = problems.take("SOURCES_FILE", text)?;
    parse_sources(&text, &|name| (given.env())(name), problems)
}

/// Reads the text of a sources file, and notes what is wrong with it.
pub fn parse_sources(text: &str, env: Env<'_>, problems: &mut Problems) -> Result<Sources, Noted> {
    Sources::parse(text, env).map_err(|wrong| problems.add_all("SOURCES_FILE", wrong))
}

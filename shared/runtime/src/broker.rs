//! RabbitMQ: connections, the topology, publishing with confirms and consuming with acknowledgements. This module and
//! the ones below it are the only place that names lapin; what a message means is not its business.

mod confirms;
mod lane;
mod message;
mod publisher;
mod topology;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ErrorKind};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use crate::queue::{Queue, QueueError, Session};
use crate::settings::{count, default, duration, required};

pub use lane::BrokerLane;
pub use publisher::Publisher;

/// TCP, TLS, log-in and topology together may take so long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A broker that does not answer a polite close within this time is left without one.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// A peer that is silent for twice this long (s) is taken as gone. RabbitMQ advises against less than 5.
const HEARTBEAT_S: u16 = 10;

crate::settings! {
    /// The broker's address, and the bounds of its queues.
    pub struct BrokerSettings under "RabbitMQ" {
        /// amqp://user:password@host:port/vhost, or amqps:// for TLS; %2f is the default vhost
        AMQP_URL => url: SecretString = required(amqp_url),
        /// How long to wait for RabbitMQ's confirmation of a published message
        CONFIRM_TIMEOUT => confirm_timeout: Duration = default("1s", duration),
        /// Messages that each queue holds before it refuses more (x-max-length); the same for ingest and worker, and for a
        /// queue that exists
        QUEUE_MAX_LENGTH => queue_max_length: u64 = default("1000000", count(i64::MAX.unsigned_abs())),
    }
}

/// Checks an AMQP URL. The error does not quote it.
fn amqp_url(text: &str) -> Result<SecretString, String> {
    // lapin would take the defaults of the missing parts, and `localhost` for an IPv6 literal.
    if !text.starts_with("amqp://") && !text.starts_with("amqps://") {
        return Err("it must start with amqp:// or amqps://".to_owned());
    }
    if text.contains("@[") || text.contains("//[") {
        return Err("an IPv6 address is not supported here; use a host name".to_owned());
    }
    text.parse::<AMQPUri>()
        .map(|_| text.into())
        .map_err(|_quotes_the_url| "it is not amqp://user:password@host:port/vhost".to_owned())
}

/// Opens connections to the broker. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Broker {
    settings: Arc<BrokerSettings>,
    /// Shown by the broker's own tools.
    connection_name: Arc<str>,
}

impl Broker {
    /// `program` names the connections in the broker's own tools.
    pub fn new(settings: BrokerSettings, program: &str) -> Self {
        Self { settings: Arc::new(settings), connection_name: format!("esim-events {program}").into() }
    }

    /// `host:port/vhost`: what may be logged of the URL.
    pub fn address(&self) -> String {
        self.uri().map_or_else(
            |_| "(not a URL)".to_owned(),
            |uri| format!("{}:{}/{}", uri.authority.host, uri.authority.port, uri.vhost.trim_start_matches('/')),
        )
    }

    fn settings(&self) -> &BrokerSettings {
        &self.settings
    }

    fn uri(&self) -> Result<AMQPUri, String> {
        self.settings.url.expose_secret().parse()
    }

    async fn open(&self) -> Result<Connection, QueueError> {
        // The parser's own message quotes the URL, and with it the password.
        let mut uri = self.uri().map_err(|_quotes_the_url| QueueError::Refused {
            address: self.address(),
            reason: "the URL can't be read".to_owned(),
        })?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        uri.query.connection_timeout.get_or_insert_with(|| CONNECT_TIMEOUT.as_secs() * 1_000);
        // lapin's own recovery stays off: it would replay consumers and confirms behind our back.
        let properties = ConnectionProperties::default().with_connection_name(self.connection_name.as_ref().into());
        Connection::connect_uri(uri, properties).await.map_err(|error| self.explain(error))
    }

    fn explain(&self, error: lapin::Error) -> QueueError {
        match error.kind() {
            ErrorKind::ProtocolError(refusal)
                if matches!(
                    refusal.kind(),
                    AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED | AMQPSoftError::NOTFOUND)
                        | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED)
                ) =>
            {
                QueueError::Refused { address: self.address(), reason: refusal.get_message().to_string() }
            }
            _ => QueueError::Unreachable { address: self.address(), source: error.into() },
        }
    }
}

impl Queue for Broker {
    type Session = BrokerConnection;

    /// Connects, then declares the topology, which fails if what exists differs from what we want.
    async fn connect(&self) -> Result<BrokerConnection, QueueError> {
        let connecting = async {
            let connection = self.open().await?;
            topology::declare(&connection, self.settings.queue_max_length).await?;
            Ok(BrokerConnection { connection, address: self.address() })
        };
        timeout(CONNECT_TIMEOUT, connecting)
            .await
            .unwrap_or_else(|_| Err(QueueError::NoAnswer { address: self.address(), after: CONNECT_TIMEOUT }))
    }
}

/// One connection to the broker, with the topology in place.
pub struct BrokerConnection {
    connection: Connection,
    address: String,
}

impl BrokerConnection {
    pub fn is_open(&self) -> bool {
        self.connection.status().connected()
    }
}

impl Session for BrokerConnection {
    type Lane = BrokerLane;

    /// A lane is a channel of its own.
    async fn lane(&self, queue: &str, prefetch: u16) -> Result<BrokerLane, QueueError> {
        BrokerLane::open(&self.connection, queue, prefetch).await
    }

    async fn depth(&self, queue: &str) -> Result<u64, QueueError> {
        // On a channel of its own: asking for a queue that is not there closes the channel.
        let channel = self.connection.create_channel().await.map_err(QueueError::closed)?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = topology::short(queue)?;
        let depth = channel
            .queue_declare(name, passive, FieldTable::default())
            .await
            .map(|queue| queue.message_count())
            .map_err(QueueError::closed);
        if depth.is_ok() {
            channel.close(200, "OK".into()).await.map_err(QueueError::closed)?;
        }
        depth.map(u64::from)
    }

    /// `host:port/vhost`.
    fn address(&self) -> &str {
        &self.address
    }

    async fn close(self) {
        close(&self.connection).await;
    }
}

impl fmt::Debug for BrokerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerConnection").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn close(connection: &Connection) {
    match timeout(CLOSE_TIMEOUT, connection.close(200, "OK".into())).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the connection was already gone"),
        Err(_) => tracing::debug!("the broker did not answer the close"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_password() {
        let url = "amqp://someone:hunter2@rabbit:5673/shop".into();
        let settings = BrokerSettings { url, confirm_timeout: Duration::from_secs(1), queue_max_length: 1 };
        let broker = Broker::new(settings, "test");
        assert_eq!(broker.address(), "rabbit:5673/shop");
        assert!(!format!("{broker:?}").contains("hunter2"));
    }

    #[test]
    fn a_wrong_url_is_explained_without_quoting_it() {
        for url in ["", "http://u:hunter2@h", "rabbit:5672", "amqp://u:hunter2@[::1]:5672", "amqp://u:hunter2@h:99999"]
        {
            let problem = amqp_url(url).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        assert!(amqp_url("amqps://u:p@h/%2f").is_ok());
    }
}

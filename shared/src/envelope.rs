//! What travels through the queue: a webhook's raw bytes, where they came from and when; and the names on the way.

mod head;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;
use crate::origin::Provider;
pub use crate::origin::{Mode, Origin};
pub use head::Head;

/// The exchange (topic, durable) that webhooks are published to.
pub const EXCHANGE: &str = "webhooks";
/// The quorum queue that workers consume from.
pub const QUEUE: &str = "webhooks.events";
/// The exchange that takes what `QUEUE` gives up on.
pub const DEAD_EXCHANGE: &str = "webhooks.dead";
/// The queue behind `DEAD_EXCHANGE`, which workers drain into the table `dead_letters`.
pub const DEAD_QUEUE: &str = "webhooks.dead";
/// How often the broker hands a message out again before it goes to `DEAD_QUEUE`.
pub const DELIVERY_LIMIT: u32 = 20;

/// `{provider}.{source}`.
pub fn routing_key(provider: Provider, source: &str) -> String {
    format!("{provider}.{source}")
}

/// An event in transit. Its JSON form is everything but the body.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// UUID v7, given on receipt; the answer to the provider, and the message id in the queue.
    pub id: Uuid,
    /// The name of the source, as in the URL.
    pub source: String,
    pub provider: Provider,
    /// What a payload counts as that has no mode of its own.
    #[serde(default)]
    pub mode: Mode,
    #[serde(default)]
    pub origin: Origin,
    /// Our clock, in µs.
    pub received_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The request's headers that verification or parsing needs; names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The request's body, byte for byte.
    #[serde(skip)]
    pub body: Vec<u8>,
}

impl fmt::Debug for Envelope {
    /// Without the body and the headers, which may hold activation codes and personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("source", &self.source)
            .field("provider", &self.provider)
            .field("received_at", &self.received_at)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

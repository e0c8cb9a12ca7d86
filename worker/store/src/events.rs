//! The inbox: which events are fresh, and what one that was kept came as.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::envelope::{Envelope, Mode, Origin};
use shared::event::Event;
use shared::origin::Provider;
use uuid::Uuid;

use crate::error::StoreError;

#[async_trait]
pub trait Inbox {
    /// Takes, until the transaction ends, the right to admit events of these bodies; in one order, so that nobody
    /// deadlocks. `bodies` are (source, hash of the body).
    async fn lock_recurring(&mut self, bodies: &[(&str, &str)]) -> Result<(), StoreError>;

    /// When copies of one body were admitted, as far as they were received between the two times.
    async fn find_recurring(
        &mut self,
        source: &str,
        hash: &str,
        between: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<DateTime<Utc>>, StoreError>;

    /// Writes the events that are not there yet, and answers the ids of those: the fresh ones.
    async fn admit_events(&mut self, events: &[(&Envelope, &Event)]) -> Result<Vec<Uuid>, StoreError>;
}

/// An event as it is kept.
pub(super) struct EventRow {
    pub(super) id: Uuid,
    pub(super) source: String,
    pub(super) provider: String,
    pub(super) mode: String,
    pub(super) origin: String,
    pub(super) event_key: String,
    pub(super) received_at: DateTime<Utc>,
    pub(super) content_type: Option<String>,
    pub(super) traceparent: Option<String>,
    pub(super) headers: Value,
    pub(super) body: Vec<u8>,
}

impl EventRow {
    /// The envelope that it came in, but for the mode, which is the event's own where it has one. It reads the same.
    pub(super) fn into_envelope(self) -> Option<Envelope> {
        Some(Envelope {
            id: self.id,
            source: self.source,
            provider: Provider::parse(&self.provider)?,
            mode: if self.mode == Mode::Test.as_str() { Mode::Test } else { Mode::Live },
            origin: Origin::parse(&self.origin)?,
            received_at: self.received_at,
            content_type: self.content_type,
            traceparent: self.traceparent,
            headers: serde_json::from_value(self.headers).unwrap_or_default(),
            body: self.body,
        })
    }
}

//! What a dialect is given of a webhook, and what it reads from it.

use serde_json::Value;
use shared::Timestamp;
use shared::envelope::Envelope;
use shared::event::CreditAlert;
use shared::fact::Fact;
use shared::origin::Mode;

/// A webhook whose body is JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceivedWebhook<'a> {
    pub(crate) body: &'a Value,
    pub(crate) envelope: &'a Envelope,
    /// The hash of the canonical body.
    pub(crate) body_hash: &'a str,
}

/// What is read from a body; `decode` makes it an event.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) kind: String,
    /// The body has no identity of its own.
    pub(crate) recurs: bool,
    pub(crate) provider_event_id: Option<String>,
    pub(crate) occurred_at: Option<Timestamp>,
    /// The payload's own mode, where it has one.
    pub(crate) mode: Option<Mode>,
    pub(crate) order_ref: Option<String>,
    pub(crate) esim_ref: Option<String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) credit: Option<CreditAlert>,
    /// When the API was asked, if this is its answer.
    pub(crate) asked_at: Option<Timestamp>,
    /// The API does not know the entity that the facts are about.
    pub(crate) is_unknown: bool,
}

//! What happened, as the provider meant it: the facts that it claims, and what identifies it.

use chrono::{SecondsFormat, TimeDelta};
use thiserror::Error;

use crate::Timestamp;
use crate::fact::{EntityKey, Fact};
use crate::origin::{Mode, Origin};

/// A body without an identity of its own that comes again within this time is a copy. Airalo repeats an attempt for
/// five hours; a top-up is used up no sooner than within days.
pub const RECURS_AFTER: TimeDelta = TimeDelta::hours(24);

/// Why a body is not an event. Each becomes the reason of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Not JSON at all.
    #[error("the body is not JSON: {0}")]
    Unparseable(String),
    /// JSON, but of no known shape, or without what identifies its entity.
    #[error("the body is not an event of this provider: {0}")]
    Unidentified(String),
    /// Sent too long before (or after) it was received, where the provider asks to refuse that.
    #[error("sent at {sent_at}, received at {received_at}: outside the provider's window of 24 hours")]
    StaleReplay { sent_at: Timestamp, received_at: Timestamp },
}

/// An event as the provider meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The provider's own name for what happened, in snake case (`esim_status`, `low_data`, `purchase_order_success`).
    pub kind: String,
    /// SHA-256 (hex) of the canonical body without what changes from attempt to attempt; with `@` and the time of
    /// receipt, if it recurs.
    pub key: String,
    /// The body has no identity of its own: received again after [`RECURS_AFTER`] it is another event.
    pub recurs: bool,
    pub provider_event_id: Option<String>,
    /// The provider's time for the event, if it gives one that can be believed.
    pub occurred_at: Option<Timestamp>,
    /// A time that the provider gave and that is not believed, lying more than an hour after receipt.
    pub disbelieved_at: Option<Timestamp>,
    pub mode: Mode,
    pub origin: Origin,
    pub order_ref: Option<String>,
    pub esim_ref: Option<String>,
    pub facts: Vec<Fact>,
    /// For the operator, about no entity: the shop's credit with the provider runs low.
    pub credit: Option<CreditAlert>,
}

/// The provider warns that the shop's balance with it runs low.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditAlert {
    /// % of the credit limit that is used, if the text names it.
    pub used_percent: Option<u32>,
    /// What is left, in the account's currency.
    pub remaining: Option<rust_decimal::Decimal>,
    pub message: String,
}

impl Event {
    /// The payment that the event is about, if it is about one.
    pub fn payment_ref(&self) -> Option<&str> {
        self.facts.iter().find_map(|fact| match &fact.key {
            EntityKey::Payment(reference) => Some(reference.as_str()),
            EntityKey::Order(_) | EntityKey::Esim(_) | EntityKey::Return(_) => None,
        })
    }

    /// The hash of the body alone, which copies and recurrences share.
    pub fn body_hash(&self) -> &str {
        self.key.split_once('@').map_or(&self.key, |(hash, _)| hash)
    }
}

/// Whether two receipts of one body that has no identity of its own are of one event.
pub fn is_same_occurrence(received_at: Timestamp, other: Timestamp) -> bool {
    (received_at - other).abs() < RECURS_AFTER
}

/// The key of an event whose body may come again and mean another event.
pub fn occurrence_key(body_hash: &str, received_at: Timestamp) -> String {
    format!("{body_hash}@{}", received_at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

//! Lookups: what a provider's API can be asked about an entity, and its answer as an event like any other.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::event::Malformed;
use crate::fact::EntityKey;
use crate::payment::Direction;
use crate::words;

words! {
    /// What is asked about an entity.
    pub enum LookupKind {
        /// How far an order has come, with the eSIMs that it brought.
        Order,
        /// An eSIM's plan, profile, validity and install data, and what the same answer says of its order.
        Esim,
        /// How much data of an eSIM is used, where the API has a request of its own for that.
        Usage,
        Payment,
    }
}

impl LookupKind {
    /// The kind of the event that its answer becomes.
    pub fn answer_kind(self) -> String {
        format!("{self}_answer")
    }

    /// The reference of `about`, if such an entity can be asked about in this way.
    pub fn reference(self, about: &EntityKey) -> Option<&str> {
        match (self, about) {
            (Self::Order, EntityKey::Order(reference))
            | (Self::Esim | Self::Usage, EntityKey::Esim(reference))
            | (Self::Payment, EntityKey::Payment(reference)) => Some(reference),
            (_, EntityKey::Order(_) | EntityKey::Esim(_) | EntityKey::Payment(_) | EntityKey::Return(_)) => None,
        }
    }
}

/// A question about one entity to a provider's API, with what the API needs to find the entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    pub about: EntityKey,
    #[serde(rename = "question")]
    pub kind: LookupKind,
    #[serde(default)]
    pub hints: Hints,
}

/// The lookup of an order. Airalo knows an order that was made asynchronously only by the shop's own `description`.
pub fn order_lookup(order_ref: impl Into<String>, description: Option<String>) -> Lookup {
    let about = EntityKey::Order(order_ref.into());
    Lookup { about, kind: LookupKind::Order, hints: Hints { description, ..Hints::default() } }
}

/// What is known besides the entity's own reference.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// Airalo: the shop's own `description` of the order, by which an order known by `request_id` can be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Airtm V2 keeps pay-ins and pay-outs apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

words! {
    /// Why an API is asked.
    pub enum LookupReason {
        /// The webhook only announced something.
        Thin,
        /// The webhook was not signed, and says something of value.
        Unconfirmed,
        /// The provider sends no webhook for what changes here.
        Poll,
        /// An order that the shop registered is not complete after its time.
        Overdue,
    }
}

/// A lookup to be scheduled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupRequest {
    pub lookup: Lookup,
    pub reason: LookupReason,
    /// How long from now it is due.
    pub after: TimeDelta,
}

/// An answer of the API; the body of a fetched event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub asked: Lookup,
    /// Our clock when the request was sent: the answer is at least as new.
    pub asked_at: Timestamp,
    /// The response's body as it came; `None` if the API says that there is no such entity.
    pub found: Option<Value>,
}

impl Answer {
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the body of a fetched event.
    pub fn parse(body: &Value) -> Result<Self, Malformed> {
        let unknown = |_: serde_json::Error| Malformed::Unidentified("it is no answer of an API".to_owned());
        Self::deserialize(body).map_err(unknown)
    }
}

//! Asking back: what a provider's API can be asked, when it should be, and its answer as an event like any other.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::event::Malformed;
use crate::fact::EntityKey;
use crate::payment::Direction;

/// What is asked about an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// How far an order has come, with the eSIMs that it brought.
    Order,
    /// An eSIM's plan, profile, validity and install data, and what the same answer says of its order.
    Esim,
    /// What is used of an eSIM, where that is a question of its own.
    Usage,
    Payment,
}

impl Question {
    pub const ALL: [Self; 4] = [Self::Order, Self::Esim, Self::Usage, Self::Payment];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Esim => "esim",
            Self::Usage => "usage",
            Self::Payment => "payment",
        }
    }

    /// The kind of the event that its answer becomes.
    pub fn answer_kind(self) -> String {
        format!("{}_answer", self.as_str())
    }

    /// The reference of the entity, if it is one that can be asked about in this way.
    pub fn reference(self, about: &EntityKey) -> Option<&str> {
        match (self, about) {
            (Self::Order, EntityKey::Order(reference))
            | (Self::Esim | Self::Usage, EntityKey::Esim(reference))
            | (Self::Payment, EntityKey::Payment(reference)) => Some(reference),
            (_, EntityKey::Order(_) | EntityKey::Esim(_) | EntityKey::Payment(_) | EntityKey::Return(_)) => None,
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|question| question.as_str() == name)
    }
}

/// One question about one entity, with what the API needs to be told to understand it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    pub about: EntityKey,
    pub question: Question,
    #[serde(default)]
    pub hints: Hints,
}

/// The lookup of an order. Airalo knows an order that was made asynchronously only by the shop's own `description`.
pub fn order_lookup(order_ref: impl Into<String>, description: Option<String>) -> Lookup {
    let about = EntityKey::Order(order_ref.into());
    Lookup { about, question: Question::Order, hints: Hints { description, ..Hints::default() } }
}

/// What is known besides the entity's own reference.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iccid: Option<String>,
    /// eSIM Access: `esimTranNo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_esim_ref: Option<String>,
    /// Airalo: the shop's own `description` of the order, by which an order known by `request_id` can be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Airtm V2 keeps pay-ins and pay-outs apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

/// Why somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The webhook only announced something.
    Thin,
    /// The webhook was not signed, and says something of value.
    Unconfirmed,
    /// The provider sends no webhook for what changes here.
    Poll,
    /// An order that the shop registered is not complete after its time.
    Overdue,
}

impl Reason {
    pub const ALL: [Self; 4] = [Self::Thin, Self::Unconfirmed, Self::Poll, Self::Overdue];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thin => "thin",
            Self::Unconfirmed => "unconfirmed",
            Self::Poll => "poll",
            Self::Overdue => "overdue",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// A question that should be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    pub lookup: Lookup,
    pub reason: Reason,
    /// From now.
    pub after: TimeDelta,
}

/// What the API said; the body of a fetched event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub asked: Lookup,
    /// Our clock when the question went out: the answer is at least as new.
    pub asked_at: Timestamp,
    /// The response's body as it came; `None` if the API says that there is no such thing.
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

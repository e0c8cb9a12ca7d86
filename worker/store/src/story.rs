//! What happened to one thing: its events, the promises, and each attempt to keep them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::envelope::Envelope;
use uuid::Uuid;

use crate::error::StoreError;

/// A promise as `why` tells it.
#[derive(Debug, Clone)]
pub struct Promised {
    pub id: Uuid,
    pub caused_by: Uuid,
    pub kind: String,
    pub audience: String,
    pub created_at: DateTime<Utc>,
}

/// How the delivery over one channel stands.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    #[serde(skip)]
    pub action_id: Uuid,
    pub channel: String,
    pub status: String,
    /// While it is pending.
    pub next_attempt_at: DateTime<Utc>,
    pub last_error: Option<String>,
}

/// One attempt, or the reason why there was none.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    #[serde(skip)]
    pub action_id: Uuid,
    #[serde(skip)]
    pub channel: String,
    pub at: DateTime<Utc>,
    pub result: String,
    pub error: Option<String>,
}

/// A question to the provider's API, with its progress.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    pub source: String,
    pub question: String,
    pub reference: String,
    pub reason: String,
    pub status: String,
    pub next_attempt_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
    /// Attempts in a row that were not answered.
    pub failures: i32,
    pub last_error: Option<String>,
}

#[async_trait]
pub trait Stories {
    /// The events about the thing that is called `reference` somewhere (an ICCID, an order, an eSIM, a payment or a
    /// return), and about what belongs to the same order; oldest first.
    async fn find_events_about(&mut self, reference: &str) -> Result<Vec<Envelope>, StoreError>;

    /// The promises that the events caused, oldest first.
    async fn find_promised(&mut self, events: &[Uuid]) -> Result<Vec<Promised>, StoreError>;

    async fn find_deliveries(&mut self, actions: &[Uuid]) -> Result<Vec<Delivery>, StoreError>;

    async fn find_attempts(&mut self, actions: &[Uuid]) -> Result<Vec<Attempt>, StoreError>;

    /// The questions about any of what is called so.
    async fn find_questions(&mut self, references: &[String]) -> Result<Vec<Question>, StoreError>;
}

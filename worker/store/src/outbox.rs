//! The outbox: promises made, and their deliveries claimed and marked.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::action::{ActionKind, Audience};
use shared::envelope::Mode;
use shared::premise::Premise;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;

/// A promise as it is written.
#[derive(Debug, Serialize)]
pub struct ActionRow<'a> {
    pub id: Uuid,
    pub source: &'a str,
    pub action_key: String,
    pub kind: ActionKind,
    pub audience: Audience,
    pub mode: Mode,
    pub order_ref: Option<String>,
    pub esim_ref: Option<String>,
    pub payload: Value,
    pub premise: Premise,
    pub caused_by: Uuid,
    pub traceparent: Option<&'a str>,
}

/// A delivery that this relay may send until its lease ends, with what it delivers.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub action_id: Uuid,
    pub channel: String,
    /// How often it was handed over, this time included.
    pub attempts: i32,
    /// Ends the right to mark it: whoever claims it next has another.
    pub lease_until: DateTime<Utc>,
    pub source: String,
    pub kind: String,
    pub audience: String,
    pub mode: String,
    pub order_ref: Option<String>,
    pub esim_ref: Option<String>,
    pub payload: Value,
    pub premise: Json<Premise>,
    pub traceparent: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// How a delivery stands after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub action_id: Uuid,
    pub lease_until: DateTime<Utc>,
    pub status: &'static str,
    /// What came of the claim, for the list of attempts.
    pub result: &'static str,
    /// Only for what stays pending.
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

#[async_trait]
pub trait Outbox {
    /// Writes the promises that were not made before, and answers the ids of those.
    async fn make_promises(&mut self, actions: &[ActionRow<'_>]) -> Result<Vec<Uuid>, StoreError>;

    /// Writes a delivery for each pair of an action and a channel, due at once.
    async fn add_deliveries(&mut self, deliveries: &[(Uuid, &'static str)]) -> Result<(), StoreError>;

    /// Claims up to `limit` deliveries of the channel that are due, or whose last claim ran out, for `lease`.
    async fn claim_deliveries(
        &mut self,
        channel: &str,
        limit: i64,
        lease: std::time::Duration,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Marks deliveries of the channel. A claim that somebody else has taken over meanwhile is left alone.
    async fn mark_deliveries(&mut self, channel: &str, marks: &[Mark]) -> Result<u64, StoreError>;

    /// Remembers that an endpoint wants no more.
    async fn disable_endpoint(&mut self, channel: &str, address: &str, reason: &str) -> Result<(), StoreError>;

    /// Why the endpoint wants no more, if so.
    async fn find_disabled_endpoint(&mut self, channel: &str, address: &str) -> Result<Option<String>, StoreError>;

    /// Makes due what waited for the API to confirm an unsigned webhook, and need not wait any longer; `waiting` are the
    /// sources where anything waits for that. Answers how many.
    async fn release_confirmed(&mut self, waiting: &[String]) -> Result<u64, StoreError>;

    /// Lets all of the channel's endpoints be used again. Answers how many were disabled.
    async fn enable_endpoints(&mut self, channel: &str) -> Result<u64, StoreError>;

    /// Makes the channel's failed deliveries due again, from the start of the schedule. Answers how many.
    async fn retry_failed_deliveries(&mut self, channel: &str) -> Result<u64, StoreError>;
}

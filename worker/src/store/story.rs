//! What happened to one thing: its events, the promises, and each attempt to keep them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::envelope::Envelope;
use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;
use super::events::EventRow;

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

/// The events about the thing that is called `reference` somewhere (an ICCID, an order, an eSIM, a payment or a
/// return), and about what belongs to the same order; oldest first.
pub async fn find_events(db: &mut PgConnection, reference: &str) -> Result<Vec<Envelope>, StoreError> {
    let rows = sqlx::query_file_as!(EventRow, "src/store/find_story.sql", reference).fetch_all(db).await?;
    Ok(rows.into_iter().filter_map(EventRow::into_envelope).collect())
}

/// The promises that the events caused, oldest first.
pub async fn find_promised(db: &mut PgConnection, events: &[Uuid]) -> Result<Vec<Promised>, StoreError> {
    let promised = sqlx::query_as!(
        Promised,
        "SELECT id, caused_by, kind, audience, created_at FROM actions
         WHERE caused_by = ANY($1) ORDER BY created_at, kind",
        events
    )
    .fetch_all(db)
    .await?;
    Ok(promised)
}

pub async fn find_deliveries(db: &mut PgConnection, actions: &[Uuid]) -> Result<Vec<Delivery>, StoreError> {
    let deliveries = sqlx::query_as!(
        Delivery,
        "SELECT action_id, channel, status, next_attempt_at, last_error FROM deliveries
         WHERE action_id = ANY($1) ORDER BY channel",
        actions
    )
    .fetch_all(db)
    .await?;
    Ok(deliveries)
}

pub async fn find_attempts(db: &mut PgConnection, actions: &[Uuid]) -> Result<Vec<Attempt>, StoreError> {
    let attempts = sqlx::query_as!(
        Attempt,
        "SELECT action_id, channel, at, result, error FROM attempts WHERE action_id = ANY($1) ORDER BY at",
        actions
    )
    .fetch_all(db)
    .await?;
    Ok(attempts)
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

/// The questions about any of what is called so.
pub async fn find_questions(db: &mut PgConnection, references: &[String]) -> Result<Vec<Question>, StoreError> {
    let questions = sqlx::query_as!(
        Question,
        "SELECT source, question, reference, reason, status, next_attempt_at, answered_at, failures, last_error
         FROM fetch_tasks WHERE reference = ANY($1) ORDER BY source, reference, question",
        references
    )
    .fetch_all(db)
    .await?;
    Ok(questions)
}

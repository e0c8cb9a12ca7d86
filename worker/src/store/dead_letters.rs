//! The dead letters: written, listed, read, and marked as replayed.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;

/// What could not become an event.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    pub id: Uuid,
    pub source: Option<String>,
    pub provider: Option<String>,
    pub received_at: Option<DateTime<Utc>>,
    pub reason: String,
    pub detail: String,
    /// The envelope without its body, or the properties of what was none.
    pub headers: Value,
    pub body: Vec<u8>,
}

/// A dead letter as a list shows it.
#[derive(Debug, Clone)]
pub struct Summary {
    pub id: Uuid,
    pub source: Option<String>,
    pub received_at: Option<DateTime<Utc>>,
    pub died_at: DateTime<Utc>,
    pub reason: String,
    pub detail: String,
    pub replayed_at: Option<DateTime<Utc>>,
}

/// Keeps a dead letter. A copy changes nothing; one that was replayed and died again waits again.
pub async fn bury(db: &mut PgConnection, letter: &DeadLetter) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO dead_letters (id, source, provider, received_at, reason, detail, headers, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE
         SET reason = EXCLUDED.reason, detail = EXCLUDED.detail, died_at = now(), replayed_at = NULL
         WHERE dead_letters.replayed_at IS NOT NULL",
        letter.id,
        letter.source,
        letter.provider,
        letter.received_at,
        letter.reason,
        letter.detail,
        letter.headers,
        letter.body
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest `limit` of those that wait, or of all, with the reason or any.
pub async fn list(
    db: &mut PgConnection,
    reason: Option<&str>,
    with_replayed: bool,
    limit: i64,
) -> Result<Vec<Summary>, StoreError> {
    let letters = sqlx::query_as!(
        Summary,
        "SELECT id, source, received_at, died_at, reason, detail, replayed_at FROM dead_letters
         WHERE ($1::text IS NULL OR reason = $1) AND ($2 OR replayed_at IS NULL)
         ORDER BY died_at DESC, id LIMIT $3",
        reason,
        with_replayed,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(letters)
}

/// One dead letter, whole.
pub async fn find(db: &mut PgConnection, id: Uuid) -> Result<Option<DeadLetter>, StoreError> {
    let letter = sqlx::query_as!(
        DeadLetter,
        "SELECT id, source, provider, received_at, reason, detail, headers, body FROM dead_letters WHERE id = $1",
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(letter)
}

/// Notes that it was sent through the door again.
pub async fn mark_replayed(db: &mut PgConnection, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!("UPDATE dead_letters SET replayed_at = now() WHERE id = $1", id).execute(db).await?;
    Ok(())
}

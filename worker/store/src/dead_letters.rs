//! The dead letters: written, listed, read, and marked as replayed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;

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

#[async_trait]
pub trait DeadLetters {
    /// Keeps a dead letter. A copy changes nothing; one that was replayed and died again waits again.
    async fn bury(&mut self, letter: &DeadLetter) -> Result<(), StoreError>;

    /// The newest `limit` of those that wait, or of all, with the reason or any.
    async fn list_dead_letters(
        &mut self,
        reason: Option<&str>,
        with_replayed: bool,
        limit: i64,
    ) -> Result<Vec<Summary>, StoreError>;

    /// One dead letter, whole.
    async fn find_dead_letter(&mut self, id: Uuid) -> Result<Option<DeadLetter>, StoreError>;

    /// Notes that it was sent through the door again.
    async fn mark_replayed(&mut self, id: Uuid) -> Result<(), StoreError>;
}

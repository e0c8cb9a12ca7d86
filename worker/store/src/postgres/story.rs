//! What happened to one thing, read from PostgreSQL.

use async_trait::async_trait;
use shared::envelope::Envelope;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::events::EventRow;
use crate::story::{Attempt, Delivery, Promised, Question, Stories};

#[async_trait]
impl Stories for PgConnection {
    async fn find_events_about(&mut self, reference: &str) -> Result<Vec<Envelope>, StoreError> {
        let rows = sqlx::query_file_as!(EventRow, "src/postgres/find_story.sql", reference).fetch_all(self).await?;
        Ok(rows.into_iter().filter_map(EventRow::into_envelope).collect())
    }

    async fn find_promised(&mut self, events: &[Uuid]) -> Result<Vec<Promised>, StoreError> {
        let promised = sqlx::query_as!(
            Promised,
            "SELECT id, caused_by, kind, audience, created_at FROM actions
             WHERE caused_by = ANY($1) ORDER BY created_at, kind",
            events
        )
        .fetch_all(self)
        .await?;
        Ok(promised)
    }

    async fn find_deliveries(&mut self, actions: &[Uuid]) -> Result<Vec<Delivery>, StoreError> {
        let deliveries = sqlx::query_as!(
            Delivery,
            "SELECT action_id, channel, status, next_attempt_at, last_error FROM deliveries
             WHERE action_id = ANY($1) ORDER BY channel",
            actions
        )
        .fetch_all(self)
        .await?;
        Ok(deliveries)
    }

    async fn find_attempts(&mut self, actions: &[Uuid]) -> Result<Vec<Attempt>, StoreError> {
        let attempts = sqlx::query_as!(
            Attempt,
            "SELECT action_id, channel, at, result, error FROM attempts WHERE action_id = ANY($1) ORDER BY at",
            actions
        )
        .fetch_all(self)
        .await?;
        Ok(attempts)
    }

    async fn find_questions(&mut self, references: &[String]) -> Result<Vec<Question>, StoreError> {
        let questions = sqlx::query_as!(
            Question,
            "SELECT source, question, reference, reason, status, next_attempt_at, answered_at, failures, last_error
             FROM fetch_tasks WHERE reference = ANY($1) ORDER BY source, reference, question",
            references
        )
        .fetch_all(self)
        .await?;
        Ok(questions)
    }
}

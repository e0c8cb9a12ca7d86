//! What happened to one thing, read from SQLite.

use async_trait::async_trait;
use shared::envelope::Envelope;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::events;
use super::row::id;
use crate::error::StoreError;
use crate::events::EventRow;
use crate::story::{Attempt, Delivery, Promised, Question, Stories};

#[async_trait]
impl Stories for SqliteConnection {
    async fn find_events_about(&mut self, reference: &str) -> Result<Vec<Envelope>, StoreError> {
        let rows = sqlx::query(include_str!("find_story.sql")).bind(reference).fetch_all(self).await?;
        let rows: Vec<EventRow> = rows.iter().map(events::read).collect::<Result<_, _>>()?;
        Ok(rows.into_iter().filter_map(EventRow::into_envelope).collect())
    }

    async fn find_promised(&mut self, events: &[Uuid]) -> Result<Vec<Promised>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, caused_by, kind, audience, created_at FROM actions
             WHERE caused_by IN (SELECT value FROM json_each(?1)) ORDER BY created_at, kind",
        )
        .bind(Json(events))
        .fetch_all(self)
        .await?;
        let promised = |row: &SqliteRow| {
            Ok(Promised {
                id: id(row, "id")?,
                caused_by: id(row, "caused_by")?,
                kind: row.try_get("kind")?,
                audience: row.try_get("audience")?,
                created_at: row.try_get("created_at")?,
            })
        };
        Ok(rows.iter().map(promised).collect::<Result<_, sqlx::Error>>()?)
    }

    async fn find_deliveries(&mut self, actions: &[Uuid]) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query(
            "SELECT action_id, channel, status, next_attempt_at, last_error FROM deliveries
             WHERE action_id IN (SELECT value FROM json_each(?1)) ORDER BY channel",
        )
        .bind(Json(actions))
        .fetch_all(self)
        .await?;
        let delivery = |row: &SqliteRow| {
            Ok(Delivery {
                action_id: id(row, "action_id")?,
                channel: row.try_get("channel")?,
                status: row.try_get("status")?,
                next_attempt_at: row.try_get("next_attempt_at")?,
                last_error: row.try_get("last_error")?,
            })
        };
        Ok(rows.iter().map(delivery).collect::<Result<_, sqlx::Error>>()?)
    }

    async fn find_attempts(&mut self, actions: &[Uuid]) -> Result<Vec<Attempt>, StoreError> {
        let rows = sqlx::query(
            "SELECT action_id, channel, at, result, error FROM attempts
             WHERE action_id IN (SELECT value FROM json_each(?1)) ORDER BY at",
        )
        .bind(Json(actions))
        .fetch_all(self)
        .await?;
        let attempt = |row: &SqliteRow| {
            Ok(Attempt {
                action_id: id(row, "action_id")?,
                channel: row.try_get("channel")?,
                at: row.try_get("at")?,
                result: row.try_get("result")?,
                error: row.try_get("error")?,
            })
        };
        Ok(rows.iter().map(attempt).collect::<Result<_, sqlx::Error>>()?)
    }

    async fn find_questions(&mut self, references: &[String]) -> Result<Vec<Question>, StoreError> {
        let rows = sqlx::query(
            "SELECT source, question, reference, reason, status, next_attempt_at, answered_at, failures, last_error
             FROM fetch_tasks WHERE reference IN (SELECT value FROM json_each(?1))
             ORDER BY source, reference, question",
        )
        .bind(Json(references))
        .fetch_all(self)
        .await?;
        let question = |row: &SqliteRow| {
            Ok(Question {
                source: row.try_get("source")?,
                question: row.try_get("question")?,
                reference: row.try_get("reference")?,
                reason: row.try_get("reason")?,
                status: row.try_get("status")?,
                next_attempt_at: row.try_get("next_attempt_at")?,
                answered_at: row.try_get("answered_at")?,
                failures: row.try_get("failures")?,
                last_error: row.try_get("last_error")?,
            })
        };
        Ok(rows.iter().map(question).collect::<Result<_, sqlx::Error>>()?)
    }
}

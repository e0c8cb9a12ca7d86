//! The dead letters in PostgreSQL.

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::dead_letters::{DeadLetter, DeadLetters, Summary};
use crate::error::StoreError;

#[async_trait]
impl DeadLetters for PgConnection {
    async fn bury(&mut self, letter: &DeadLetter) -> Result<(), StoreError> {
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
        .execute(self)
        .await?;
        Ok(())
    }

    async fn list_dead_letters(
        &mut self,
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
        .fetch_all(self)
        .await?;
        Ok(letters)
    }

    async fn find_dead_letter(&mut self, id: Uuid) -> Result<Option<DeadLetter>, StoreError> {
        let letter = sqlx::query_as!(
            DeadLetter,
            "SELECT id, source, provider, received_at, reason, detail, headers, body FROM dead_letters WHERE id = $1",
            id
        )
        .fetch_optional(self)
        .await?;
        Ok(letter)
    }

    async fn mark_replayed(&mut self, id: Uuid) -> Result<(), StoreError> {
        sqlx::query!("UPDATE dead_letters SET replayed_at = now() WHERE id = $1", id).execute(self).await?;
        Ok(())
    }
}

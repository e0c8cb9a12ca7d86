//! The dead letters in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::row::{id, now, text};
use crate::dead_letters::{DeadLetter, DeadLetters, Summary};
use crate::error::StoreError;

#[async_trait]
impl DeadLetters for SqliteConnection {
    async fn bury(&mut self, letter: &DeadLetter) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO dead_letters (id, source, provider, received_at, reason, detail, headers, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE
             SET reason = excluded.reason, detail = excluded.detail, died_at = ?9, replayed_at = NULL
             WHERE dead_letters.replayed_at IS NOT NULL",
        )
        .bind(letter.id.hyphenated())
        .bind(&letter.source)
        .bind(&letter.provider)
        .bind(letter.received_at.map(text))
        .bind(&letter.reason)
        .bind(&letter.detail)
        .bind(&letter.headers)
        .bind(&letter.body)
        .bind(text(now()))
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
        let rows = sqlx::query(
            "SELECT id, source, received_at, died_at, reason, detail, replayed_at FROM dead_letters
             WHERE (?1 IS NULL OR reason = ?1) AND (?2 OR replayed_at IS NULL)
             ORDER BY died_at DESC, id LIMIT ?3",
        )
        .bind(reason)
        .bind(with_replayed)
        .bind(limit)
        .fetch_all(self)
        .await?;
        Ok(rows.iter().map(summary).collect::<Result<_, _>>()?)
    }

    async fn find_dead_letter(&mut self, letter: Uuid) -> Result<Option<DeadLetter>, StoreError> {
        let found = sqlx::query(
            "SELECT id, source, provider, received_at, reason, detail, headers, body FROM dead_letters WHERE id = ?1",
        )
        .bind(letter.hyphenated())
        .fetch_optional(self)
        .await?;
        Ok(found.as_ref().map(read).transpose()?)
    }

    async fn mark_replayed(&mut self, letter: Uuid) -> Result<(), StoreError> {
        sqlx::query("UPDATE dead_letters SET replayed_at = ?2 WHERE id = ?1")
            .bind(letter.hyphenated())
            .bind(text(now()))
            .execute(self)
            .await?;
        Ok(())
    }
}

fn summary(row: &SqliteRow) -> Result<Summary, sqlx::Error> {
    Ok(Summary {
        id: id(row, "id")?,
        source: row.try_get("source")?,
        received_at: row.try_get("received_at")?,
        died_at: row.try_get("died_at")?,
        reason: row.try_get("reason")?,
        detail: row.try_get("detail")?,
        replayed_at: row.try_get("replayed_at")?,
    })
}

fn read(row: &SqliteRow) -> Result<DeadLetter, sqlx::Error> {
    Ok(DeadLetter {
        id: id(row, "id")?,
        source: row.try_get("source")?,
        provider: row.try_get("provider")?,
        received_at: row.try_get("received_at")?,
        reason: row.try_get("reason")?,
        detail: row.try_get("detail")?,
        headers: row.try_get("headers")?,
        body: row.try_get("body")?,
    })
}

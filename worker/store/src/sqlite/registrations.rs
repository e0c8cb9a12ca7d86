//! The registered orders in SQLite.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::row::{now, text};
use crate::error::StoreError;
use crate::registrations::{Gaps, Overdue, Registered, Registrations};

#[async_trait]
impl Registrations for SqliteConnection {
    async fn register_order(
        &mut self,
        source: &str,
        order_ref: &str,
        description: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let inserted = sqlx::query(
            "INSERT INTO registrations (source, order_ref, description, created_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )
        .bind(source)
        .bind(order_ref)
        .bind(description)
        .bind(text(now()))
        .execute(&mut *tx)
        .await?;
        let is_new = inserted.rows_affected() > 0;
        if !is_new {
            sqlx::query(
                "UPDATE registrations SET description = coalesce(?3, description)
                 WHERE source = ?1 AND order_ref = ?2",
            )
            .bind(source)
            .bind(order_ref)
            .bind(description)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(is_new)
    }

    async fn delete_registration(&mut self, source: &str, order_ref: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM registrations WHERE source = ?1 AND order_ref = ?2")
            .bind(source)
            .bind(order_ref)
            .execute(self)
            .await?;
        Ok(())
    }

    async fn find_registration(&mut self, source: &str, order_ref: &str) -> Result<Option<Registered>, StoreError> {
        let found = sqlx::query(
            "SELECT registrations.*, coalesce(orders.status, 'pending') AS status, orders.confirmation
             FROM registrations
             LEFT JOIN orders ON orders.source = registrations.source AND orders.order_ref = registrations.order_ref
             WHERE registrations.source = ?1 AND registrations.order_ref = ?2",
        )
        .bind(source)
        .bind(order_ref)
        .fetch_optional(self)
        .await?;
        Ok(found.as_ref().map(read).transpose()?)
    }

    async fn find_overdue(
        &mut self,
        sources: &[String],
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Overdue>, StoreError> {
        let rows = sqlx::query(include_str!("find_overdue.sql"))
            .bind(Json(sources))
            .bind(text(before))
            .bind(limit)
            .fetch_all(self)
            .await?;
        let overdue = |row: &SqliteRow| {
            Ok(Overdue {
                source: row.try_get("source")?,
                order_ref: row.try_get("order_ref")?,
                description: row.try_get("description")?,
            })
        };
        Ok(rows.iter().map(overdue).collect::<Result<_, sqlx::Error>>()?)
    }

    async fn note_repaired(&mut self, source: &str, order_ref: &str) -> Result<bool, StoreError> {
        let noted = sqlx::query(
            "UPDATE registrations SET repaired_at = ?3
             WHERE source = ?1 AND order_ref = ?2 AND repaired_at IS NULL",
        )
        .bind(source)
        .bind(order_ref)
        .bind(text(now()))
        .execute(self)
        .await?;
        Ok(noted.rows_affected() > 0)
    }

    async fn count_gaps(&mut self) -> Result<Vec<Gaps>, StoreError> {
        let rows = sqlx::query(include_str!("count_gaps.sql")).fetch_all(self).await?;
        let gaps = |row: &SqliteRow| {
            Ok(Gaps {
                source: row.try_get("source")?,
                registered: row.try_get("registered")?,
                completed: row.try_get("completed")?,
                repaired: row.try_get("repaired")?,
                last_repaired_at: row.try_get("last_repaired_at")?,
            })
        };
        Ok(rows.iter().map(gaps).collect::<Result<_, sqlx::Error>>()?)
    }
}

fn read(row: &SqliteRow) -> Result<Registered, sqlx::Error> {
    Ok(Registered {
        source: row.try_get("source")?,
        order_ref: row.try_get("order_ref")?,
        description: row.try_get("description")?,
        registered_at: row.try_get("created_at")?,
        status: row.try_get("status")?,
        confirmation: row.try_get("confirmation")?,
        repaired_at: row.try_get("repaired_at")?,
    })
}

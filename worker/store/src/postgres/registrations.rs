//! The registered orders in PostgreSQL.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::StoreError;
use crate::registrations::{Gaps, Overdue, Registered, Registrations};

#[async_trait]
impl Registrations for PgConnection {
    async fn register_order(
        &mut self,
        source: &str,
        order_ref: &str,
        description: Option<&str>,
    ) -> Result<bool, StoreError> {
        // `xmax` is 0 on a row that this statement inserted.
        let is_new = sqlx::query_scalar!(
            "INSERT INTO registrations (source, order_ref, description) VALUES ($1, $2, $3)
             ON CONFLICT (source, order_ref) DO UPDATE
                 SET description = COALESCE(EXCLUDED.description, registrations.description)
             RETURNING xmax = 0 AS \"is_new!\"",
            source,
            order_ref,
            description
        )
        .fetch_one(self)
        .await?;
        Ok(is_new)
    }

    async fn delete_registration(&mut self, source: &str, order_ref: &str) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM registrations WHERE source = $1 AND order_ref = $2", source, order_ref)
            .execute(self)
            .await?;
        Ok(())
    }

    async fn find_registration(&mut self, source: &str, order_ref: &str) -> Result<Option<Registered>, StoreError> {
        let found = sqlx::query_as!(
            Registered,
            "SELECT
                 registrations.source,
                 registrations.order_ref,
                 registrations.description,
                 registrations.created_at AS registered_at,
                 COALESCE(orders.status, 'pending') AS \"status!\",
                 orders.confirmation,
                 registrations.repaired_at
             FROM registrations
             LEFT JOIN orders ON orders.source = registrations.source AND orders.order_ref = registrations.order_ref
             WHERE registrations.source = $1 AND registrations.order_ref = $2",
            source,
            order_ref
        )
        .fetch_optional(self)
        .await?;
        Ok(found)
    }

    async fn find_overdue(
        &mut self,
        sources: &[String],
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Overdue>, StoreError> {
        let found = sqlx::query_file_as!(Overdue, "src/postgres/find_overdue.sql", sources, before, limit)
            .fetch_all(self)
            .await?;
        Ok(found)
    }

    async fn note_repaired(&mut self, source: &str, order_ref: &str) -> Result<bool, StoreError> {
        let noted = sqlx::query!(
            "UPDATE registrations SET repaired_at = now()
             WHERE source = $1 AND order_ref = $2 AND repaired_at IS NULL",
            source,
            order_ref
        )
        .execute(self)
        .await?;
        Ok(noted.rows_affected() > 0)
    }

    async fn count_gaps(&mut self) -> Result<Vec<Gaps>, StoreError> {
        let gaps = sqlx::query_as!(
            Gaps,
            "SELECT
                 registrations.source,
                 count(*) AS \"registered!\",
                 count(*) FILTER (WHERE orders.status IN ('completed', 'failed', 'cancelled')) AS \"completed!\",
                 count(registrations.repaired_at) AS \"repaired!\",
                 max(registrations.repaired_at) AS last_repaired_at
             FROM registrations
             LEFT JOIN orders ON orders.source = registrations.source AND orders.order_ref = registrations.order_ref
             -- Who tells of payments has no orders; what is registered there is whose a payment is.
             WHERE NOT EXISTS (SELECT FROM payments WHERE payments.source = registrations.source)
             GROUP BY registrations.source
             ORDER BY registrations.source"
        )
        .fetch_all(self)
        .await?;
        Ok(gaps)
    }
}

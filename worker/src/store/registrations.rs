//! The orders that the shop has registered, and which of them are not complete.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::StoreError;

/// An order that is not complete.
#[derive(Debug, Clone)]
pub struct Overdue {
    pub source: String,
    pub order_ref: String,
    pub description: Option<String>,
}

/// A registered order as the shop sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Registered {
    pub source: String,
    pub order_ref: String,
    pub description: Option<String>,
    pub registered_at: DateTime<Utc>,
    /// As in the table `orders`; `pending` before the provider's first word.
    pub status: String,
    pub confirmation: Option<String>,
    pub repaired_at: Option<DateTime<Utc>>,
}

/// How the orders of a source became complete.
#[derive(Debug, Clone)]
pub struct Gaps {
    pub source: String,
    pub registered: i64,
    pub completed: i64,
    /// Of those completed, those that no webhook had completed.
    pub repaired: i64,
    pub last_repaired_at: Option<DateTime<Utc>>,
}

/// Registers an order; without a description, one that is known stays. Answers whether it is new.
pub async fn register(
    db: &mut PgConnection,
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
    .fetch_one(db)
    .await?;
    Ok(is_new)
}

/// Forgets that the order was registered.
pub async fn delete(db: &mut PgConnection, source: &str, order_ref: &str) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM registrations WHERE source = $1 AND order_ref = $2", source, order_ref)
        .execute(db)
        .await?;
    Ok(())
}

/// One registered order, with what became of it.
pub async fn find(db: &mut PgConnection, source: &str, order_ref: &str) -> Result<Option<Registered>, StoreError> {
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
    .fetch_optional(db)
    .await?;
    Ok(found)
}

/// The orders of `sources` that were registered before `before`, are not complete, and were not looked up for it.
pub async fn find_overdue(
    db: &mut PgConnection,
    sources: &[String],
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Overdue>, StoreError> {
    let found =
        sqlx::query_file_as!(Overdue, "src/store/find_overdue.sql", sources, before, limit).fetch_all(db).await?;
    Ok(found)
}

/// Notes that the API completed an order. Answers whether it was registered, and this was the first time.
pub async fn note_repaired(db: &mut PgConnection, source: &str, order_ref: &str) -> Result<bool, StoreError> {
    let noted = sqlx::query!(
        "UPDATE registrations SET repaired_at = now()
         WHERE source = $1 AND order_ref = $2 AND repaired_at IS NULL",
        source,
        order_ref
    )
    .execute(db)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// How many registered orders of each source became complete, and by whose word.
pub async fn gaps(db: &mut PgConnection) -> Result<Vec<Gaps>, StoreError> {
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
    .fetch_all(db)
    .await?;
    Ok(gaps)
}

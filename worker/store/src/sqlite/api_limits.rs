//! The pace of the providers' APIs in SQLite. Times are µs since 1970.

use async_trait::async_trait;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::rate_limit::RateLimit;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::row::{now, text};
use crate::api_limits::{ApiLimits, Breaker, Probe, Reserved, duration, microseconds};
use crate::error::StoreError;

#[async_trait]
impl ApiLimits for SqliteConnection {
    async fn reserve_slots(
        &mut self,
        source: &str,
        limits: &[RateLimit],
        max_wait: Duration,
    ) -> Result<Reserved, StoreError> {
        let now_us = now().timestamp_micros();
        let mut tx = self.begin().await?;
        let slots: Vec<i64> = sqlx::query_scalar(include_str!("reserve_slots.sql"))
            .bind(source)
            .bind(Json(asked(limits)))
            .bind(now_us)
            .bind(microseconds(max_wait))
            .fetch_all(&mut *tx)
            .await?;
        if slots.len() < limits.len() {
            let next: Option<i64> = sqlx::query_scalar(
                "SELECT max(next_at - lead) FROM api_limits
                 WHERE source = ?1 AND bucket IN (SELECT value ->> 0 FROM json_each(?2))",
            )
            .bind(source)
            .bind(Json(asked(limits)))
            .fetch_one(&mut *tx)
            .await?;
            tx.rollback().await?;
            return Ok(Reserved::Full { wait: duration(next.map(|at| at - now_us)) });
        }
        tx.commit().await?;
        let at = slots.into_iter().max().unwrap_or(now_us);
        let time = DateTime::<Utc>::from_timestamp_micros(at).unwrap_or_default();
        Ok(Reserved::Slot { at: time, wait: duration(Some(at - now_us)) })
    }

    async fn block_slots(&mut self, source: &str, limits: &[RateLimit], pause: Duration) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO api_limits AS held (source, bucket, next_at, spacing, lead)
             SELECT ?1, value ->> 0, ?3 + ?4 + (value ->> 2), value ->> 1, value ->> 2 FROM json_each(?2) WHERE true
             ON CONFLICT (source, bucket) DO UPDATE SET next_at = max(held.next_at, excluded.next_at)",
        )
        .bind(source)
        .bind(Json(asked(limits)))
        .bind(now().timestamp_micros())
        .bind(microseconds(pause))
        .execute(self)
        .await?;
        Ok(())
    }

    async fn forget_past_slots(&mut self) -> Result<u64, StoreError> {
        let deleted = sqlx::query("DELETE FROM api_limits WHERE next_at < ?1")
            .bind(now().timestamp_micros())
            .execute(self)
            .await?;
        Ok(deleted.rows_affected())
    }

    async fn find_breaker(&mut self, source: &str) -> Result<Option<Breaker>, StoreError> {
        let row = sqlx::query("SELECT failures, open_until FROM api_breakers WHERE source = ?1")
            .bind(source)
            .fetch_optional(self)
            .await?;
        Ok(row.as_ref().map(breaker).transpose()?)
    }

    async fn claim_probe(&mut self, source: &str, lease: Duration) -> Result<Probe, StoreError> {
        let claimed = sqlx::query(
            "UPDATE api_breakers SET open_until = ?2 + ?3, updated_at = ?4 WHERE source = ?1 AND open_until <= ?2",
        )
        .bind(source)
        .bind(now().timestamp_micros())
        .bind(microseconds(lease))
        .bind(text(now()))
        .execute(self)
        .await?;
        Ok(if claimed.rows_affected() > 0 { Probe::Mine } else { Probe::Taken })
    }

    async fn note_failure(
        &mut self,
        source: &str,
        error: &str,
        pauses: &[Duration],
        is_probe: bool,
    ) -> Result<Option<Breaker>, StoreError> {
        let pauses: Vec<i64> = pauses.iter().copied().map(microseconds).collect();
        let row = sqlx::query(include_str!("note_failure.sql"))
            .bind(source)
            .bind(error)
            .bind(Json(pauses))
            .bind(is_probe)
            .bind(now().timestamp_micros())
            .bind(text(now()))
            .fetch_optional(self)
            .await?;
        Ok(row.as_ref().map(breaker).transpose()?)
    }

    async fn close_breaker(&mut self, source: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM api_breakers WHERE source = ?1").bind(source).execute(self).await?;
        Ok(())
    }
}

/// Each limit as its bucket, spacing and lead.
fn asked(limits: &[RateLimit]) -> Vec<Value> {
    limits.iter().map(|limit| json!([limit.bucket, microseconds(limit.spacing), microseconds(limit.lead)])).collect()
}

fn breaker(row: &SqliteRow) -> Result<Breaker, sqlx::Error> {
    let open_until_us: i64 = row.try_get("open_until")?;
    let open_for = duration(Some(open_until_us - now().timestamp_micros()));
    Ok(Breaker { failures: row.try_get("failures")?, open_for })
}

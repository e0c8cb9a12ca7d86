//! The pace of the providers' APIs in PostgreSQL. The clock is the database's.

use async_trait::async_trait;
use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::rate_limit::RateLimit;
use sqlx::{Connection as _, PgConnection};

use crate::api_limits::{ApiLimits, Breaker, Probe, Reserved, duration, microseconds};
use crate::error::StoreError;

#[async_trait]
impl ApiLimits for PgConnection {
    async fn reserve_slots(
        &mut self,
        source: &str,
        limits: &[RateLimit],
        max_wait: Duration,
    ) -> Result<Reserved, StoreError> {
        let buckets: Vec<_> = limits.iter().map(|limit| limit.bucket.clone()).collect();
        let spacings: Vec<_> = limits.iter().map(|limit| microseconds(limit.spacing)).collect();
        let leads: Vec<_> = limits.iter().map(|limit| microseconds(limit.lead)).collect();
        let mut tx = self.begin().await?;
        let slots = sqlx::query_file_scalar!(
            "src/postgres/reserve_slots.sql",
            source,
            &buckets,
            &spacings,
            &leads,
            microseconds(max_wait)
        )
        .fetch_all(&mut *tx)
        .await?;
        if slots.len() < limits.len() {
            let at = next_slot(&mut tx, source, &buckets).await?;
            tx.rollback().await?;
            return Ok(Reserved::Full { wait: wait_until(self, at).await? });
        }
        tx.commit().await?;
        let at = slots.into_iter().max();
        Ok(Reserved::Slot { at: at.unwrap_or_default(), wait: wait_until(self, at).await? })
    }

    async fn block_slots(&mut self, source: &str, limits: &[RateLimit], pause: Duration) -> Result<(), StoreError> {
        let buckets: Vec<_> = limits.iter().map(|limit| limit.bucket.clone()).collect();
        let spacings: Vec<_> = limits.iter().map(|limit| microseconds(limit.spacing)).collect();
        let leads: Vec<_> = limits.iter().map(|limit| microseconds(limit.lead)).collect();
        sqlx::query!(
            "INSERT INTO api_limits AS held (source, bucket, next_at, spacing, lead)
             SELECT $1, asked.bucket, clock_timestamp() + (asked.lead_us + $5::bigint) * INTERVAL '1 microsecond',
                 asked.spacing_us * INTERVAL '1 microsecond', asked.lead_us * INTERVAL '1 microsecond'
             FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS asked (bucket, spacing_us, lead_us)
             ORDER BY asked.bucket
             ON CONFLICT (source, bucket) DO UPDATE SET next_at = GREATEST(held.next_at, EXCLUDED.next_at)",
            source,
            &buckets,
            &spacings,
            &leads,
            microseconds(pause)
        )
        .execute(self)
        .await?;
        Ok(())
    }

    async fn forget_past_slots(&mut self) -> Result<u64, StoreError> {
        let deleted = sqlx::query!("DELETE FROM api_limits WHERE next_at < clock_timestamp()").execute(self).await?;
        Ok(deleted.rows_affected())
    }

    async fn find_breaker(&mut self, source: &str) -> Result<Option<Breaker>, StoreError> {
        let row = sqlx::query!(
            "SELECT failures,
                 (EXTRACT(EPOCH FROM GREATEST(open_until - clock_timestamp(), INTERVAL '0')) * 1000000)::bigint AS open_us
             FROM api_breakers WHERE source = $1",
            source
        )
        .fetch_optional(self)
        .await?;
        Ok(row.map(|row| Breaker { failures: row.failures, open_for: duration(row.open_us) }))
    }

    async fn claim_probe(&mut self, source: &str, lease: Duration) -> Result<Probe, StoreError> {
        let claimed = sqlx::query!(
            "UPDATE api_breakers
             SET open_until = clock_timestamp() + $2::bigint * INTERVAL '1 microsecond', updated_at = clock_timestamp()
             WHERE source = $1 AND open_until <= clock_timestamp()",
            source,
            microseconds(lease)
        )
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
        let pauses: Vec<_> = pauses.iter().copied().map(microseconds).collect();
        let row = sqlx::query!(
            "INSERT INTO api_breakers AS held (source, failures, open_until, last_error)
             VALUES ($1, 1, clock_timestamp() + ($3::bigint[])[1] * INTERVAL '1 microsecond', $2)
             ON CONFLICT (source) DO UPDATE SET
                 failures = held.failures + 1,
                 open_until = clock_timestamp()
                     + ($3::bigint[])[LEAST(held.failures + 1, cardinality($3::bigint[]))] * INTERVAL '1 microsecond',
                 last_error = EXCLUDED.last_error,
                 updated_at = clock_timestamp()
             WHERE held.open_until <= clock_timestamp() OR $4
             RETURNING failures,
                 (EXTRACT(EPOCH FROM GREATEST(open_until - clock_timestamp(), INTERVAL '0')) * 1000000)::bigint AS open_us",
            source,
            error,
            &pauses,
            is_probe
        )
        .fetch_optional(self)
        .await?;
        Ok(row.map(|row| Breaker { failures: row.failures, open_for: duration(row.open_us) }))
    }

    async fn close_breaker(&mut self, source: &str) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM api_breakers WHERE source = $1", source).execute(self).await?;
        Ok(())
    }
}

async fn next_slot(
    db: &mut PgConnection,
    source: &str,
    buckets: &[String],
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let at = sqlx::query_scalar!(
        "SELECT MAX(next_at - lead) FROM api_limits WHERE source = $1 AND bucket = ANY($2)",
        source,
        buckets
    )
    .fetch_one(db)
    .await?;
    Ok(at)
}

async fn wait_until(db: &mut PgConnection, at: Option<DateTime<Utc>>) -> Result<Duration, StoreError> {
    let wait_us = sqlx::query_scalar!(
        "SELECT (EXTRACT(EPOCH FROM GREATEST($1::timestamptz - clock_timestamp(), INTERVAL '0')) * 1000000)::bigint",
        at
    )
    .fetch_one(db)
    .await?;
    Ok(duration(wait_us))
}

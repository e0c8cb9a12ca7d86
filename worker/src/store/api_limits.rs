//! The pace at which providers' APIs are asked, and which of them are not asked at all, agreed on by all workers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};

use super::StoreError;

/// One limit of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What shares the limit, within a source.
    pub bucket: String,
    /// From one request to the next.
    pub spacing: Duration,
    /// How much earlier than at an even pace a request may go: a burst is `lead / spacing + 1` requests.
    pub lead: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// A request may go at this time of the database's clock, which is so far away.
    Slot { at: DateTime<Utc>, wait: Duration },
    /// Nothing was reserved: the next slot is so far away.
    Full { wait: Duration },
}

/// Reserves the next slot of all the limits together, or of none if it is further away than `max_wait`.
pub async fn reserve(
    db: &mut PgConnection,
    source: &str,
    limits: &[Limit],
    max_wait: Duration,
) -> Result<Reserved, StoreError> {
    let buckets: Vec<_> = limits.iter().map(|limit| limit.bucket.clone()).collect();
    let spacings: Vec<_> = limits.iter().map(|limit| microseconds(limit.spacing)).collect();
    let leads: Vec<_> = limits.iter().map(|limit| microseconds(limit.lead)).collect();
    let mut tx = db.begin().await?;
    let slots = sqlx::query_file_scalar!(
        "src/store/reserve_slots.sql",
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
        return Ok(Reserved::Full { wait: wait_until(db, at).await? });
    }
    tx.commit().await?;
    let at = slots.into_iter().max();
    Ok(Reserved::Slot { at: at.unwrap_or_default(), wait: wait_until(db, at).await? })
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

/// Nobody asks for so long: the provider said so.
pub async fn block(db: &mut PgConnection, source: &str, limits: &[Limit], pause: Duration) -> Result<(), StoreError> {
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
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes what says no more than no row would. Answers how many.
pub async fn forget_past(db: &mut PgConnection) -> Result<u64, StoreError> {
    let deleted = sqlx::query!("DELETE FROM api_limits WHERE next_at < clock_timestamp()").execute(db).await?;
    Ok(deleted.rows_affected())
}

/// A breaker that has counted failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// In a row.
    pub failures: i32,
    /// How long nobody asks; zero if that is over.
    pub open_for: Duration,
}

pub async fn find_breaker(db: &mut PgConnection, source: &str) -> Result<Option<Breaker>, StoreError> {
    let row = sqlx::query!(
        "SELECT failures,
             (EXTRACT(EPOCH FROM GREATEST(open_until - clock_timestamp(), INTERVAL '0')) * 1000000)::bigint AS open_us
         FROM api_breakers WHERE source = $1",
        source
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Breaker { failures: row.failures, open_for: duration(row.open_us) }))
}

/// Who gets to probe an API whose pause is over: one of all workers, for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    Mine,
    Taken,
}

pub async fn claim_probe(db: &mut PgConnection, source: &str, lease: Duration) -> Result<Probe, StoreError> {
    let claimed = sqlx::query!(
        "UPDATE api_breakers
         SET open_until = clock_timestamp() + $2::bigint * INTERVAL '1 microsecond', updated_at = clock_timestamp()
         WHERE source = $1 AND open_until <= clock_timestamp()",
        source,
        microseconds(lease)
    )
    .execute(db)
    .await?;
    Ok(if claimed.rows_affected() > 0 { Probe::Mine } else { Probe::Taken })
}

/// Counts one more failure in a row. `pauses` says how long nobody asks after the first, the second, … and all later
/// ones. What comes in while nobody should ask is not counted, unless it is the probe's.
pub async fn note_failure(
    db: &mut PgConnection,
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
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Breaker { failures: row.failures, open_for: duration(row.open_us) }))
}

/// The API answers: no failure counts any more.
pub async fn close_breaker(db: &mut PgConnection, source: &str) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM api_breakers WHERE source = $1", source).execute(db).await?;
    Ok(())
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn duration(microseconds: Option<i64>) -> Duration {
    Duration::from_micros(u64::try_from(microseconds.unwrap_or_default()).unwrap_or_default())
}

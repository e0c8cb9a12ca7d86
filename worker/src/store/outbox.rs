//! The outbox: promises made, and their deliveries claimed and marked.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::action::{ActionKind, Audience};
use shared::envelope::Mode;
use shared::premise::Premise;
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;
use sqlx::types::Json;
use uuid::Uuid;

use super::StoreError;

/// A promise as it is written.
#[derive(Debug, Serialize)]
pub struct ActionRow<'a> {
    pub id: Uuid,
    pub source: &'a str,
    pub action_key: String,
    pub kind: ActionKind,
    pub audience: Audience,
    pub mode: Mode,
    pub order_ref: Option<String>,
    pub esim_ref: Option<String>,
    pub payload: Value,
    pub premise: Premise,
    pub caused_by: Uuid,
    pub traceparent: Option<&'a str>,
}

/// A delivery that this relay may send until its lease ends, with what it delivers.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub action_id: Uuid,
    pub channel: String,
    /// How often it was handed over, this time included.
    pub attempts: i32,
    /// Ends the right to mark it: whoever claims it next has another.
    pub lease_until: DateTime<Utc>,
    pub source: String,
    pub kind: String,
    pub audience: String,
    pub mode: String,
    pub order_ref: Option<String>,
    pub esim_ref: Option<String>,
    pub payload: Value,
    pub premise: Json<Premise>,
    pub traceparent: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// How a delivery stands after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub action_id: Uuid,
    pub lease_until: DateTime<Utc>,
    pub status: &'static str,
    /// What came of the claim, for the list of attempts.
    pub result: &'static str,
    /// Only for what stays pending.
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

/// Writes the promises that were not made before, and answers the ids of those.
pub async fn promise(db: &mut PgConnection, actions: &[ActionRow<'_>]) -> Result<Vec<Uuid>, StoreError> {
    if actions.is_empty() {
        return Ok(Vec::new());
    }
    let new = sqlx::query_file_scalar!("src/store/promise_actions.sql", Json(actions) as _).fetch_all(db).await?;
    Ok(new)
}

/// Writes a delivery for each pair of an action and a channel, due at once.
pub async fn deliver(db: &mut PgConnection, deliveries: &[(Uuid, &'static str)]) -> Result<(), StoreError> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let (actions, channels): (Vec<Uuid>, Vec<&str>) = deliveries.iter().copied().unzip();
    sqlx::query!(
        "INSERT INTO deliveries (action_id, channel)
         SELECT action_id, channel FROM UNNEST($1::uuid[], $2::text[]) AS new (action_id, channel)",
        &actions,
        &channels as &[&str]
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Claims up to `limit` deliveries of the channel that are due, or whose last claim ran out, for `lease`.
pub async fn claim(
    db: &mut PgConnection,
    channel: &str,
    limit: i64,
    lease: std::time::Duration,
) -> Result<Vec<Claimed>, StoreError> {
    let lease = PgInterval::try_from(lease).map_err(sqlx::Error::Encode)?;
    let claimed =
        sqlx::query_file_as!(Claimed, "src/store/claim_deliveries.sql", channel, limit, lease).fetch_all(db).await?;
    Ok(claimed)
}

/// Marks deliveries of the channel. A claim that somebody else has taken over meanwhile is left alone.
pub async fn mark(db: &mut PgConnection, channel: &str, marks: &[Mark]) -> Result<u64, StoreError> {
    let ids: Vec<_> = marks.iter().map(|mark| mark.action_id).collect();
    let leases: Vec<_> = marks.iter().map(|mark| mark.lease_until).collect();
    let statuses: Vec<_> = marks.iter().map(|mark| mark.status).collect();
    let results: Vec<_> = marks.iter().map(|mark| mark.result).collect();
    let next: Vec<_> = marks.iter().map(|mark| mark.next_attempt_at).collect();
    let errors: Vec<_> = marks.iter().map(|mark| mark.last_error.as_deref()).collect();
    let marked = sqlx::query_file!(
        "src/store/mark_deliveries.sql",
        channel,
        &ids,
        &leases,
        &statuses as &[&str],
        &next as &[Option<DateTime<Utc>>],
        &errors as &[Option<&str>],
        &results as &[&str]
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected())
}

/// Remembers that an endpoint wants no more.
pub async fn disable_endpoint(
    db: &mut PgConnection,
    channel: &str,
    address: &str,
    reason: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO disabled_endpoints (channel, address, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        channel,
        address,
        reason
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Why the endpoint wants no more, if so.
pub async fn find_disabled(db: &mut PgConnection, channel: &str, address: &str) -> Result<Option<String>, StoreError> {
    let reason = sqlx::query_scalar!(
        "SELECT reason FROM disabled_endpoints WHERE channel = $1 AND address = $2",
        channel,
        address
    )
    .fetch_optional(db)
    .await?;
    Ok(reason)
}

/// Makes due what waited for the API to confirm an unsigned webhook, and need not wait any longer; `waiting` are the
/// sources where anything waits for that. Answers how many.
pub async fn release_confirmed(db: &mut PgConnection, waiting: &[String]) -> Result<u64, StoreError> {
    let released = sqlx::query_file!("src/store/release_confirmed.sql", waiting).execute(db).await?;
    Ok(released.rows_affected())
}

/// Lets all of the channel's endpoints be used again. Answers how many were disabled.
pub async fn enable_endpoints(db: &mut PgConnection, channel: &str) -> Result<u64, StoreError> {
    let enabled = sqlx::query!("DELETE FROM disabled_endpoints WHERE channel = $1", channel).execute(db).await?;
    Ok(enabled.rows_affected())
}

/// Makes the channel's failed deliveries due again, from the start of the schedule. Answers how many.
pub async fn retry_failed(db: &mut PgConnection, channel: &str) -> Result<u64, StoreError> {
    let retried = sqlx::query!(
        "UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = now()
         WHERE channel = $1 AND status = 'failed'",
        channel
    )
    .execute(db)
    .await?;
    Ok(retried.rows_affected())
}

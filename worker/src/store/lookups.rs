//! The questions to the providers' APIs: wanted, claimed under a lease, marked.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::lookup::{Lookup, Want};
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;
use sqlx::types::Json;

use super::StoreError;

/// Wanted again while it was being asked: so much later (the answer that came may be older than the want).
const AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// A question that somebody has claimed.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub source: String,
    pub question: String,
    pub reference: String,
    pub lookup: Json<Lookup>,
    pub reason: String,
    /// Answers since it was first wanted for this reason.
    pub asked: i32,
    /// Failures in a row.
    pub failures: i32,
    pub answer_hash: Option<String>,
    pub lease_until: DateTime<Utc>,
}

/// What came of a claim.
#[derive(Debug, Clone)]
pub struct Mark {
    pub reason: &'static str,
    /// What it is if there is no next attempt.
    pub status: &'static str,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub asked: i32,
    pub failures: i32,
    pub last_error: Option<String>,
    pub answer_hash: Option<String>,
}

/// Notes what is to be asked of the sources' APIs; what is noted already becomes due sooner, if need be.
pub async fn want(db: &mut PgConnection, wants: &[(&str, Want)]) -> Result<(), StoreError> {
    if wants.is_empty() {
        return Ok(());
    }
    let sources: Vec<_> = wants.iter().map(|(source, _)| *source).collect();
    let questions: Vec<_> = wants.iter().map(|(_, want)| want.lookup.question.as_str()).collect();
    let references: Vec<_> = wants.iter().map(|(_, want)| want.lookup.about.parts().1).collect();
    let lookups: Result<Vec<Value>, _> = wants.iter().map(|(_, want)| serde_json::to_value(&want.lookup)).collect();
    let lookups = lookups.map_err(|error| sqlx::Error::Encode(error.into()))?;
    let reasons: Vec<_> = wants.iter().map(|(_, want)| want.reason.as_str()).collect();
    let after: Result<Vec<_>, _> = wants.iter().map(|(_, want)| PgInterval::try_from(want.after)).collect();
    let after = after.map_err(sqlx::Error::Encode)?;
    sqlx::query_file!(
        "src/store/want_lookups.sql",
        &sources as &[&str],
        &questions as &[&str],
        &references as &[&str],
        &lookups,
        &reasons as &[&str],
        &after
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Claims up to `limit` questions to the APIs of `sources` that are due, or whose last claim ran out, for `lease`.
pub async fn claim(
    db: &mut PgConnection,
    sources: &[String],
    limit: i64,
    lease: std::time::Duration,
) -> Result<Vec<Claimed>, StoreError> {
    let lease = PgInterval::try_from(lease).map_err(sqlx::Error::Encode)?;
    let claimed =
        sqlx::query_file_as!(Claimed, "src/store/claim_lookups.sql", sources, limit, lease).fetch_all(db).await?;
    Ok(claimed)
}

/// Marks a claim, unless somebody else has taken it over meanwhile.
pub async fn mark(db: &mut PgConnection, claimed: &Claimed, mark: &Mark) -> Result<(), StoreError> {
    let again = PgInterval::try_from(AGAIN_AFTER).map_err(sqlx::Error::Encode)?;
    sqlx::query_file!(
        "src/store/mark_lookup.sql",
        claimed.source,
        claimed.question,
        claimed.reference,
        claimed.lease_until,
        mark.reason,
        mark.status,
        mark.next_attempt_at,
        again,
        mark.asked,
        mark.failures,
        mark.last_error,
        mark.answer_hash
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets how the shop described an order; what is left of the question is the order's own reference.
pub async fn forget_description(db: &mut PgConnection, source: &str, order_ref: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE fetch_tasks SET lookup = lookup #- '{hints,description}'
         WHERE source = $1 AND question = 'order' AND reference = $2",
        source,
        order_ref
    )
    .execute(db)
    .await?;
    Ok(())
}

//! The questions to the providers' APIs: wanted, claimed under a lease, marked.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared::lookup::{Lookup, LookupRequest};
use sqlx::types::Json;

use crate::error::StoreError;

/// Wanted again while it was being asked: so much later (the answer that came may be older than the want).
pub(super) const AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

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

#[async_trait]
pub trait Lookups {
    /// Notes what is to be asked of the sources' APIs; what is noted already becomes due sooner, if need be.
    async fn want_lookups(&mut self, wants: &[(&str, LookupRequest)]) -> Result<(), StoreError>;

    /// Claims up to `limit` questions to the APIs of `sources` that are due, or whose last claim ran out, for `lease`.
    async fn claim_lookups(
        &mut self,
        sources: &[String],
        limit: i64,
        lease: std::time::Duration,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Marks a claim, unless somebody else has taken it over meanwhile.
    async fn mark_lookup(&mut self, claimed: &Claimed, mark: &Mark) -> Result<(), StoreError>;

    /// Forgets how the shop described an order; what is left of the question is the order's own reference.
    async fn forget_description(&mut self, source: &str, order_ref: &str) -> Result<(), StoreError>;
}

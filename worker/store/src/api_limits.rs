//! The pace at which providers' APIs are asked, and which of them are not asked at all, agreed on by all workers.

use async_trait::async_trait;
use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::rate_limit::RateLimit;

use crate::error::StoreError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// A request may go at this time of the database's clock, which is so far away.
    Slot { at: DateTime<Utc>, wait: Duration },
    /// Nothing was reserved: the next slot is so far away.
    Full { wait: Duration },
}

/// A breaker that has counted failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// In a row.
    pub failures: i32,
    /// How long nobody asks; zero if that is over.
    pub open_for: Duration,
}

/// Who gets to probe an API whose pause is over: one of all workers, for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    Mine,
    Taken,
}

#[async_trait]
pub trait ApiLimits {
    /// Reserves the next slot of all the limits together, or of none if it is further away than `max_wait`.
    async fn reserve_slots(
        &mut self,
        source: &str,
        limits: &[RateLimit],
        max_wait: Duration,
    ) -> Result<Reserved, StoreError>;

    /// Nobody asks for so long: the provider said so.
    async fn block_slots(&mut self, source: &str, limits: &[RateLimit], pause: Duration) -> Result<(), StoreError>;

    /// Deletes what says no more than no row would. Answers how many.
    async fn forget_past_slots(&mut self) -> Result<u64, StoreError>;

    async fn find_breaker(&mut self, source: &str) -> Result<Option<Breaker>, StoreError>;

    async fn claim_probe(&mut self, source: &str, lease: Duration) -> Result<Probe, StoreError>;

    /// Counts one more failure in a row. `pauses` says how long nobody asks after the first, the second, … and all later
    /// ones. What comes in while nobody should ask is not counted, unless it is the probe's.
    async fn note_failure(
        &mut self,
        source: &str,
        error: &str,
        pauses: &[Duration],
        is_probe: bool,
    ) -> Result<Option<Breaker>, StoreError>;

    /// The API answers: no failure counts any more.
    async fn close_breaker(&mut self, source: &str) -> Result<(), StoreError>;
}

pub(super) fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn duration(microseconds: Option<i64>) -> Duration {
    Duration::from_micros(u64::try_from(microseconds.unwrap_or_default()).unwrap_or_default())
}

//! The gate before an API: who may go through now, agreed on with all other workers. An API that fails is left alone for
//! a growing time, and then probed by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shared::rate_limit::RateLimit;
use store::api_limits::{Breaker, Probe, Reserved};
use store::{Store, StoreError};
use tokio::time::{Instant, sleep_until};

use super::ApiError;

/// Whose turn is further away does not wait for it, and comes again later.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How long nobody asks after so many failures in a row; the last for all that follow. A few may be chance.
const PAUSES: [Duration; 10] = [
    Duration::ZERO,
    Duration::ZERO,
    Duration::ZERO,
    Duration::ZERO,
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(40),
    Duration::from_secs(80),
    Duration::from_secs(160),
    Duration::from_secs(300),
];
/// From so many failures on, only a probe goes through.
const PROBED_FROM: i32 = 5;
/// A probe whose worker dies is somebody else's after its timeout and so long.
const PROBE_SLACK: Duration = Duration::from_secs(5);
/// Limits of single eSIMs that nobody asks about any more are forgotten every so many requests.
const FORGET_EVERY: u32 = 500;

#[derive(Debug)]
pub(super) struct Gate {
    source: String,
    store: Arc<dyn Store>,
    probe_lease: Duration,
    passed: AtomicU32,
}

/// Leave to send one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    /// What the breaker had counted.
    failures: i32,
    is_probe: bool,
}

impl Gate {
    pub(super) fn new(source: &str, store: Arc<dyn Store>, timeout: Duration) -> Self {
        Self { source: source.to_owned(), store, probe_lease: timeout + PROBE_SLACK, passed: AtomicU32::new(0) }
    }

    /// Waits for a turn, if it is near.
    pub(super) async fn enter(&self, limits: &[RateLimit]) -> Result<Pass, ApiError> {
        let failures = self.let_through().await?;
        self.wait_for_turn(limits).await?;
        let is_probe = failures >= PROBED_FROM;
        if is_probe {
            self.claim_probe().await?;
        }
        Ok(Pass { failures, is_probe })
    }

    /// The failures that were counted, unless nobody may ask now.
    async fn let_through(&self) -> Result<i32, ApiError> {
        let mut db = self.store.connect().await.map_err(|error| unsure(&error))?;
        match db.find_breaker(&self.source).await.map_err(|error| unsure(&error))? {
            Some(breaker) if !breaker.open_for.is_zero() => Err(open(breaker.open_for)),
            found => Ok(found.map_or(0, |breaker| breaker.failures)),
        }
    }

    /// Waits for a slot of all the limits. Who wakes up too late for it takes another: a machine that stood still would
    /// let all that waited on it go at once.
    async fn wait_for_turn(&self, limits: &[RateLimit]) -> Result<(), ApiError> {
        let tightest = limits.iter().map(|limit| limit.spacing).min().unwrap_or_default();
        loop {
            let slot = Instant::now() + self.reserve(limits).await?;
            sleep_until(slot).await;
            if slot.elapsed() <= tightest {
                return Ok(());
            }
        }
    }

    /// How long to wait for the slot that was reserved.
    async fn reserve(&self, limits: &[RateLimit]) -> Result<Duration, ApiError> {
        let mut db = self.store.connect().await.map_err(|error| unsure(&error))?;
        if self.passed.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            db.forget_past_slots().await.map_err(|error| unsure(&error))?;
        }
        let reserved = db.reserve_slots(&self.source, limits, WAIT_MAX).await;
        drop(db);
        match reserved.map_err(|error| unsure(&error))? {
            Reserved::Slot { wait, .. } => Ok(wait),
            Reserved::Full { wait } => {
                Err(ApiError::Later { reason: "its rate limit is used up for now".to_owned(), retry_after: Some(wait) })
            }
        }
    }

    async fn claim_probe(&self) -> Result<(), ApiError> {
        let mut db = self.store.connect().await.map_err(|error| unsure(&error))?;
        let probe = db.claim_probe(&self.source, self.probe_lease).await;
        match probe.map_err(|error| unsure(&error))? {
            Probe::Mine => Ok(()),
            Probe::Taken => Err(open(PAUSES[4])),
        }
    }

    /// The API answered, whatever it said.
    pub(super) async fn answered(&self, pass: Pass) {
        if pass.failures == 0 {
            return;
        }
        let closed = async { self.store.connect().await?.close_breaker(&self.source).await };
        match closed.await {
            Ok(()) if pass.is_probe => tracing::info!(source = self.source, "the provider's API answers again"),
            Ok(()) => {}
            Err(error) => self.log(&error),
        }
    }

    /// No answer came, or none that is one.
    pub(super) async fn failed(&self, pass: Pass, reason: &str) {
        let noted = async {
            let mut db = self.store.connect().await?;
            db.note_failure(&self.source, reason, &PAUSES, pass.is_probe).await
        };
        match noted.await {
            Ok(Some(Breaker { failures, open_for })) if !open_for.is_zero() => {
                tracing::warn!(
                    source = self.source,
                    failures,
                    pause_s = open_for.as_secs(),
                    reason,
                    "the provider's API fails; nobody asks it for a while"
                );
            }
            Ok(_) => {}
            Err(error) => self.log(&error),
        }
    }

    /// The provider wants a pause.
    pub(super) async fn block(&self, limits: &[RateLimit], pause: Duration) {
        tracing::warn!(
            source = self.source,
            pause_s = pause.as_secs(),
            "the provider's API says that we ask too often"
        );
        let blocked = async { self.store.connect().await?.block_slots(&self.source, limits, pause).await };
        if let Err(error) = blocked.await {
            self.log(&error);
        }
    }

    fn log(&self, error: &StoreError) {
        tracing::warn!(
            source = self.source,
            error = error as &dyn std::error::Error,
            "other workers can't be told how the provider's API does"
        );
    }
}

fn open(pause: Duration) -> ApiError {
    ApiError::Later { reason: "it failed too often; nobody asks it for a while".to_owned(), retry_after: Some(pause) }
}

/// Without the database nobody knows who else asks.
fn unsure(error: &StoreError) -> ApiError {
    let reason = format!("its rate limit can't be kept: {}", runtime::telemetry::chain(error));
    ApiError::Later { reason, retry_after: None }
}

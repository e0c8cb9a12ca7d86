//! How a run is going: counters that the sender moves, and the line that is made of them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counted since the start.
#[derive(Debug, Default)]
pub struct Progress {
    /// Attempts that were made.
    pub sent: Counter,
    /// Answered 200.
    pub accepted: Counter,
    /// Attempts after the first one.
    pub retried: Counter,
    /// Answered with 4xx, the forged ones included.
    pub refused: Counter,
    /// Without an answer, or with 5xx.
    pub failed: Counter,
    /// Messages that no attempt delivered, and none will.
    pub lost: Counter,
    /// Messages whose first attempt is made or under way.
    pub begun: Counter,
    /// All messages.
    pub all: Counter,
    /// How far the run is behind its rate (ms).
    pub lag_ms: Counter,
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lag = Duration::from_millis(self.lag_ms.get());
        write!(
            f,
            "{} of {} messages · {} attempts: {} answered 200, {} retries, {} refused, {} failed · {} lost · lag {lag:.1?}",
            self.begun.get(),
            self.all.get(),
            self.sent.get(),
            self.accepted.get(),
            self.retried.get(),
            self.refused.get(),
            self.failed.get(),
            self.lost.get(),
        )
    }
}

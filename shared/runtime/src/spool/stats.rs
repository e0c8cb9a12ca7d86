//! What the spool holds and whether it can be written, readable at any time without asking the writer.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Contents;

/// Room that is asked for before the spool counts as full (bytes), so that readiness ends before the first refusal.
const LEAST_ROOM: u64 = 64 * 1024;
/// Stands for "nothing there".
const NONE: i64 = i64::MAX;

#[derive(Debug)]
pub struct Stats {
    max_bytes: u64,
    events: AtomicU64,
    /// With what is reserved and not yet written.
    bytes: AtomicU64,
    /// µs since 1970.
    oldest_at: AtomicI64,
    broken: AtomicBool,
}

impl Stats {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            oldest_at: AtomicI64::new(NONE),
            broken: AtomicBool::new(false),
        }
    }

    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn oldest_at(&self) -> Option<SystemTime> {
        let micros = self.oldest_at.load(Ordering::Relaxed);
        (micros != NONE).then(|| UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes() + LEAST_ROOM.min(self.max_bytes) > self.max_bytes
    }

    /// Takes room for `bytes`, if there is so much.
    pub(super) fn reserve(&self, bytes: u64) -> bool {
        let take = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= self.max_bytes);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Gives back what was reserved or has been deleted.
    pub(super) fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn wrote(&self, events: u64, oldest_at_us: i64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.oldest_at.fetch_min(oldest_at_us, Ordering::Relaxed);
        self.broken.store(false, Ordering::Relaxed);
    }

    pub(super) fn deleted(&self, events: u64, bytes: u64, oldest_at_us: Option<i64>) {
        self.events.fetch_sub(events, Ordering::Relaxed);
        self.release(bytes);
        self.oldest_at.store(oldest_at_us.unwrap_or(NONE), Ordering::Relaxed);
        self.broken.store(false, Ordering::Relaxed);
    }

    pub(super) fn works(&self, works: bool) {
        self.broken.store(!works, Ordering::Relaxed);
    }

    pub(super) fn set(&self, contents: &Contents) {
        self.events.store(contents.events, Ordering::Relaxed);
        self.bytes.store(contents.bytes, Ordering::Relaxed);
        let since = contents.oldest_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let micros = since.and_then(|since| i64::try_from(since.as_micros()).ok());
        self.oldest_at.store(micros.unwrap_or(NONE), Ordering::Relaxed);
    }
}

//! When a failed delivery is tried again; it knows no clock and draws no lots.

use std::time::Duration;

/// Delays between attempts. After the last one there is no further attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

/// How much a delay may be lengthened, as a share of itself, so that many failures do not come back as one wave.
const JITTER_SHARE: f64 = 0.2;

impl Schedule {
    pub fn new(delays: Vec<Duration>) -> Self {
        Self(delays)
    }

    /// How long to wait after the attempt number `attempts` (from 1) failed; `None` if it was the last. `lot` is the
    /// caller's randomness, 0 ≤ lot < 1. The receiver may ask for more than the schedule (`Retry-After`), never for
    /// less; what it asks for is bounded by the longest delay of the schedule.
    pub fn delay_after(&self, attempts: u32, asked: Option<Duration>, lot: f64) -> Option<Duration> {
        let position = usize::try_from(attempts.saturating_sub(1)).ok()?;
        let delay = self.0.get(position)?.mul_f64(JITTER_SHARE.mul_add(lot, 1.0));
        let longest = self.0.iter().max().copied().unwrap_or_default();
        Some(delay.max(asked.unwrap_or_default().min(longest.max(delay))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        Schedule::new([5, 30, 120, 600, 3_600, 14_400, 43_200].into_iter().map(Duration::from_secs).collect())
    }

    #[track_caller]
    fn check(attempts: u32, asked_s: Option<u64>, expected_s: Option<u64>) {
        let delay = schedule().delay_after(attempts, asked_s.map(Duration::from_secs), 0.0);
        assert_eq!(delay, expected_s.map(Duration::from_secs));
    }

    #[test]
    fn delays_grow_and_end() {
        check(1, None, Some(5));
        check(2, None, Some(30));
        check(7, None, Some(43_200));
        check(8, None, None);
    }

    #[test]
    fn a_receiver_may_ask_for_more_but_not_for_less_and_not_for_ever() {
        check(1, Some(90), Some(90));
        check(3, Some(1), Some(120));
        check(1, Some(1_000_000), Some(43_200));
    }

    #[test]
    fn jitter_only_lengthens() {
        let delay = schedule().delay_after(1, None, 0.999).unwrap();
        assert!(delay > Duration::from_secs(5) && delay < Duration::from_secs(6));
    }
}

//! How long to wait before trying again. The only file that names `backoff`, which is no longer maintained: replacing
//! it means editing this file.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

/// A delay grows by this factor from one attempt to the next.
const FACTOR: f64 = 2.0;
/// A delay is drawn from its nominal value ± this share, so that many clients do not come back as one wave.
const JITTER_SHARE: f64 = 0.5;

/// Growing delays with jitter, without end. It holds the state of one chain of attempts.
#[derive(Debug)]
pub struct Retry {
    delays: ExponentialBackoff,
    max: Duration,
}

impl Retry {
    /// Doubles from `initial` up to `max`; each delay is at most 1.5 × `max`, and there is no last attempt.
    pub fn forever(initial: Duration, max: Duration) -> Self {
        let delays = ExponentialBackoff {
            current_interval: initial,
            initial_interval: initial,
            randomization_factor: JITTER_SHARE,
            multiplier: FACTOR,
            max_interval: max,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Self { delays, max }
    }

    /// How long to wait before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        self.delays.next_backoff().unwrap_or(self.max)
    }

    /// An attempt succeeded: the next failure starts again with the initial delay.
    pub fn reset(&mut self) {
        self.delays.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nominal(delay: Duration, expected_ms: u64) -> bool {
        let expected = Duration::from_millis(expected_ms);
        delay >= expected.mul_f64(0.5) && delay <= expected.mul_f64(1.5) + Duration::from_millis(1)
    }

    #[test]
    fn delays_double_up_to_the_maximum_and_never_end() {
        let mut retry = Retry::forever(Duration::from_millis(100), Duration::from_millis(350));
        for expected_ms in [100, 200, 350, 350, 350] {
            let delay = retry.next_delay();
            assert!(nominal(delay, expected_ms), "{delay:?}, expected about {expected_ms} ms");
        }
        assert!((0..10_000).all(|_| nominal(retry.next_delay(), 350)));
    }

    #[test]
    fn a_success_starts_anew() {
        let mut retry = Retry::forever(Duration::from_millis(100), Duration::from_secs(60));
        for _ in 0..8 {
            retry.next_delay();
        }
        retry.reset();
        assert!(nominal(retry.next_delay(), 100));
    }
}

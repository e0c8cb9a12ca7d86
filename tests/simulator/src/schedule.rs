//! How each provider reads our answers, and when it tries again.
//!
//! Documented: Airalo 20 retries, 15 minutes apart, 204 and above count as failure; Yoni after 3 s and after 6 s, then
//! never; SimplifyTrip 3 retries, 5 minutes apart, none after a 4xx; Svix (Airtm V2) after 5 s, 5 min, 30 min, 2 h, 5 h,
//! 10 h, 10 h, within 15 s for each. Assumed, because it is found nowhere: eSIM Access never tries again and waits 30 s;
//! Airtm V1, of which "non-2xx responses may trigger retries", tries once more after a minute; Yoni waits the 3 s until
//! it would try again; who names no success takes any 2xx for one.

use std::time::Duration;

use samples::Source;

/// What a provider does after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It counts as delivered.
    Done,
    /// In the provider's time.
    AgainAfter(Duration),
    Never,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Pauses between attempts (s), the first after the first attempt.
fn pauses(source: Source) -> &'static [u64] {
    const AIRALO: [u64; 20] = [15 * MINUTE; 20];
    match source {
        Source::Airalo => &AIRALO,
        Source::EsimAccess => &[],
        Source::Yoni => &[3, 6],
        Source::SimplifyTrip => &[5 * MINUTE; 3],
        Source::Airtm => &[MINUTE],
        Source::AirtmV2 => &[5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR],
    }
}

/// How long an attempt waits for our answer.
pub fn patience(source: Source) -> Duration {
    Duration::from_secs(match source {
        Source::Yoni => 3,
        Source::AirtmV2 => 15,
        Source::Airalo | Source::EsimAccess | Source::SimplifyTrip | Source::Airtm => 30,
    })
}

/// What follows the attempt number `attempt` (from 1), answered `status`, or not at all.
pub fn after(source: Source, attempt: usize, status: Option<u16>) -> Next {
    let is_taken = |status: u16| match source {
        Source::Airalo => (200..204).contains(&status),
        Source::EsimAccess => status == 200,
        Source::Yoni | Source::SimplifyTrip | Source::Airtm | Source::AirtmV2 => (200..300).contains(&status),
    };
    if status.is_some_and(is_taken) {
        return Next::Done;
    }
    let is_refused = status.is_some_and(|status| (400..500).contains(&status));
    if source == Source::SimplifyTrip && is_refused {
        return Next::Never;
    }
    match pauses(source).get(attempt.saturating_sub(1)) {
        Some(seconds) => Next::AgainAfter(Duration::from_secs(*seconds)),
        None => Next::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(source: Source, status: Option<u16>) -> (usize, Duration) {
        let mut waited = Duration::ZERO;
        for attempt in 1.. {
            match after(source, attempt, status) {
                Next::AgainAfter(pause) => waited += pause,
                Next::Never => return (attempt, waited),
                Next::Done => return (0, waited),
            }
        }
        (0, waited)
    }

    #[track_caller]
    fn check(source: Source, status: Option<u16>, expected: usize, over_s: u64) {
        assert_eq!(attempts(source, status), (expected, Duration::from_secs(over_s)), "{source:?} {status:?}");
    }

    #[test]
    fn each_provider_tries_as_often_as_it_says() {
        for failure in [None, Some(500), Some(503), Some(404), Some(302)] {
            check(Source::Airalo, failure, 21, 5 * HOUR);
            check(Source::EsimAccess, failure, 1, 0);
            check(Source::Yoni, failure, 3, 9);
            check(Source::Airtm, failure, 2, MINUTE);
            check(Source::AirtmV2, failure, 8, 99_305);
        }
        check(Source::SimplifyTrip, Some(500), 4, 15 * MINUTE);
        check(Source::SimplifyTrip, None, 4, 15 * MINUTE);
    }

    #[test]
    fn simplifytrip_never_tries_again_after_a_4xx() {
        for refusal in [400, 401, 404, 413, 429] {
            check(Source::SimplifyTrip, Some(refusal), 1, 0);
        }
    }

    #[test]
    fn airalo_takes_204_for_a_failure_and_others_take_it_for_a_success() {
        assert_eq!(after(Source::Airalo, 1, Some(202)), Next::Done);
        assert_eq!(after(Source::Airalo, 1, Some(204)), Next::AgainAfter(Duration::from_secs(15 * MINUTE)));
        assert_eq!(after(Source::SimplifyTrip, 1, Some(204)), Next::Done);
        for source in Source::ALL {
            assert_eq!(after(source, 1, Some(200)), Next::Done);
        }
    }
}

//! How often somebody may ask: counted by the times of arrival, over every window of the documented length and not only
//! over those that begin with a full second or minute. It knows no provider.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// So many requests within any span of that length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub requests: usize,
    pub within: Duration,
}

/// Where a caller stands after a request that was let through.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub limit: usize,
    pub remaining: usize,
}

/// The request was one too many.
#[derive(Debug, Clone, Copy)]
pub struct Exceeded {
    pub limit: usize,
    /// Until the same request would be let through; whole seconds, rounded up, at least one.
    pub retry_after_seconds: u64,
}

/// The arrivals that still count, by what they count for.
#[derive(Debug, Default)]
pub struct Limits {
    arrivals: BTreeMap<String, VecDeque<Instant>>,
}

impl Limit {
    pub const fn per_second(requests: usize) -> Self {
        Self { requests, within: Duration::from_secs(1) }
    }

    pub const fn per_minute(requests: usize) -> Self {
        Self { requests, within: Duration::from_secs(60) }
    }
}

impl Limits {
    /// Counts the request for all of these, or for none if one of them is exhausted: a refusal costs nothing.
    pub fn admit(&mut self, at: Instant, limits: &[(&str, Limit)]) -> Result<Standing, Exceeded> {
        for (name, limit) in limits {
            let arrivals = self.arrivals.entry((*name).to_owned()).or_default();
            arrivals.retain(|arrival| at.saturating_duration_since(*arrival) < limit.within);
            if arrivals.len() >= limit.requests {
                let wait = limit.within.saturating_sub(at.saturating_duration_since(arrivals[0]));
                let retry_after_seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
                return Err(Exceeded { limit: limit.requests, retry_after_seconds });
            }
        }
        let mut tightest = Standing { limit: usize::MAX, remaining: usize::MAX };
        for (name, limit) in limits {
            let arrivals = self.arrivals.entry((*name).to_owned()).or_default();
            arrivals.push_back(at);
            let remaining = limit.requests - arrivals.len();
            if remaining < tightest.remaining {
                tightest = Standing { limit: limit.requests, remaining };
            }
        }
        Ok(tightest)
    }
}

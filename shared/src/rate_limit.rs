//! How often an API may be asked; it knows no provider.

use std::time::Duration;

/// One limit of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// The name of what shares the limit, within a source.
    pub bucket: String,
    /// From one request to the next.
    pub spacing: Duration,
    /// How much earlier than at an even pace a request may go: a burst is `lead / spacing + 1` requests.
    pub lead: Duration,
}

//! Waiting: for a state, with a deadline, never for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longer than anything takes on a slow machine that runs four tests at once.
const DEADLINE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Looks until `look` answers `Ok`. The error of a look is the state it saw, and the last one is told on failure.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(state) => assert!(Instant::now() < until, "{what}: not within {DEADLINE:?}; last seen: {state}"),
        }
        sleep(LOOK_EVERY).await;
    }
}

/// `Ok` if it holds, else the state.
pub fn holds(condition: bool, state: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(state()) }
}

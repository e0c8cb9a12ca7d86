//! A fuse: after so many steps the process is as good as dead. Who takes a step after that waits for ever, and whoever
//! watches the fuse drops everything.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio_util::sync::CancellationToken;

/// Cheap to clone; all clones are one fuse.
#[derive(Debug, Clone)]
pub(crate) struct Fuse {
    left: Arc<AtomicI64>,
    blown: CancellationToken,
}

impl Fuse {
    /// Blows at the `steps`th step.
    pub(crate) fn of(steps: i64) -> Self {
        Self { left: Arc::new(AtomicI64::new(steps)), blown: CancellationToken::new() }
    }

    /// Never blows, and counts the steps all the same.
    pub(crate) fn none() -> Self {
        Self::of(i64::MAX)
    }

    /// A place where the process may die.
    pub(crate) async fn step(&self) {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left == 1 {
            self.blown.cancel();
        }
        if left <= 1 {
            pending::<()>().await;
        }
    }

    /// Returns once it has blown.
    pub(crate) async fn blown(&self) {
        self.blown.cancelled().await;
    }

    pub(crate) fn is_blown(&self) -> bool {
        self.blown.is_cancelled()
    }

    /// The steps taken of a fuse that never blows.
    pub(crate) fn taken(&self) -> i64 {
        i64::MAX - self.left.load(Ordering::SeqCst)
    }
}

//! Who holds entries of the spool, and until when.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// Who holds entries: a lane, as long as it and its session live.
#[derive(Debug)]
pub(super) struct Holder {
    end: CancellationToken,
}

impl Holder {
    /// Until `end`, which is the end of a session.
    pub(super) fn until(end: &CancellationToken) -> Arc<Self> {
        Arc::new(Self { end: end.clone() })
    }

    /// A new holder, of nothing yet, until the same end.
    pub(super) fn anew(&self) -> Arc<Self> {
        Self::until(&self.end)
    }

    pub(super) async fn ended(&self) {
        self.end.cancelled().await;
    }

    pub(super) fn lives(&self) -> bool {
        !self.end.is_cancelled()
    }
}

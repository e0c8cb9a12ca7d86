//! Where a webhook becomes durable: in the queue, or else in the spool beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime::queue::{NotPublished, Publish};
use runtime::spool::{NotSpooled, Spool};
use shared::envelope::Envelope;
use thiserror::Error;

use crate::metrics::{Metrics, Reason};

/// Makes webhooks durable. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Intake<P> {
    queue: P,
    /// None where the queue is a spool itself.
    spool: Option<Spool>,
    metrics: Metrics,
    /// So that the change is logged, and not every webhook.
    spooling: Arc<AtomicBool>,
}

/// Where a webhook is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durable {
    InQueue,
    InSpool,
}

impl Durable {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InQueue => "queue",
            Self::InSpool => "spool",
        }
    }
}

/// Neither the queue nor a spool took the webhook.
#[derive(Debug, Error)]
pub(crate) enum NowhereDurable {
    #[error("{0}")]
    InQueue(NotPublished),
    #[error("{0}")]
    InSpool(#[from] NotSpooled),
}

impl<P: Publish> Intake<P> {
    pub(crate) fn new(queue: P, spool: Option<Spool>, metrics: Metrics) -> Self {
        Self { queue, spool, metrics, spooling: Arc::default() }
    }

    /// Returns once the webhook is durable. A copy that reached both places is harmless: it is applied once.
    pub(crate) async fn keep(&self, envelope: Envelope) -> Result<Durable, NowhereDurable> {
        match self.queue.publish(&envelope).await {
            Ok(()) => {
                self.note(None);
                Ok(Durable::InQueue)
            }
            Err(refusal) => {
                self.metrics.publish_failures.get_or_create(&Reason { reason: refusal.reason() }).inc();
                let Some(spool) = &self.spool else { return Err(NowhereDurable::InQueue(refusal)) };
                self.note(Some(&refusal));
                spool.keep(&envelope).await?;
                self.metrics.spooled.inc();
                Ok(Durable::InSpool)
            }
        }
    }

    /// Whether a webhook can be made durable right now; if not, why.
    pub(crate) fn ready(&self) -> Result<(), Vec<String>> {
        if self.queue.is_ready() {
            return Ok(());
        }
        let no_queue = "the queue takes no webhooks".to_owned();
        match self.spool.as_ref().map(Spool::check) {
            Some(Ok(())) => Ok(()),
            Some(Err(no_spool)) => Err(vec![no_queue, no_spool.to_string()]),
            None => Err(vec![no_queue]),
        }
    }

    fn note(&self, refusal: Option<&NotPublished>) {
        let spooling = refusal.is_some();
        if self.spooling.load(Ordering::Relaxed) == spooling
            || self.spooling.swap(spooling, Ordering::Relaxed) == spooling
        {
            return;
        }
        match refusal {
            Some(refusal) => tracing::warn!(reason = %refusal, "webhooks go to the spool"),
            None => tracing::info!("webhooks go to the queue again"),
        }
    }
}

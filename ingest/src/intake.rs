//! Where a webhook becomes durable: in the broker's queue, or else in the spool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime::broker::{NotPublished, Publisher};
use shared::envelope::Envelope;

use crate::metrics::{Metrics, Reason};
use crate::spool::{NotSpooled, Spool};

/// Makes webhooks durable. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    publisher: Publisher,
    spool: Spool,
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

impl Intake {
    pub(crate) fn new(publisher: Publisher, spool: Spool, metrics: Metrics) -> Self {
        Self { publisher, spool, metrics, spooling: Arc::default() }
    }

    /// Returns once the webhook is durable. A copy that reached both places is harmless: it is applied once.
    pub(crate) async fn keep(&self, envelope: Envelope) -> Result<Durable, NotSpooled> {
        match self.publisher.publish(&envelope).await {
            Ok(()) => {
                self.note(None);
                Ok(Durable::InQueue)
            }
            Err(refusal) => {
                self.metrics.publish_failures.get_or_create(&Reason { reason: refusal.reason() }).inc();
                self.note(Some(&refusal));
                self.spool.keep(&envelope).await?;
                self.metrics.spooled.inc();
                Ok(Durable::InSpool)
            }
        }
    }

    /// Whether a webhook can be made durable right now; if not, why.
    pub(crate) fn ready(&self) -> Result<(), Vec<String>> {
        match self.spool.check() {
            Err(no_spool) if !self.publisher.is_ready() => {
                Err(vec!["the broker takes no webhooks".to_owned(), no_spool.to_string()])
            }
            Ok(()) | Err(_) => Ok(()),
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
            None => tracing::info!("webhooks go to the broker again"),
        }
    }
}

//! Where promises go: each channel sends, and says what came of it. Whether to send is not its business.

pub mod log;
pub mod merchant_webhook;

use std::time::Duration;

use merchant_webhook::MerchantWebhook;

use crate::store::outbox::Claimed;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    /// It may succeed later; the receiver may have asked for a pause (`Retry-After`).
    Failed {
        error: String,
        retry_after: Option<Duration>,
    },
    /// The receiver wants nothing more, ever (410).
    Gone {
        error: String,
    },
}

/// A way to a receiver.
#[derive(Debug)]
pub enum Channel {
    Log,
    MerchantWebhook(MerchantWebhook),
}

impl Channel {
    /// Its name in the table `deliveries`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Log => log::NAME,
            Self::MerchantWebhook(_) => merchant_webhook::NAME,
        }
    }

    /// How many deliveries may be under way at once.
    pub fn concurrency(&self) -> usize {
        match self {
            Self::Log => 200,
            Self::MerchantWebhook(webhook) => webhook.concurrency(),
        }
    }

    /// The endpoint that may be disabled, if there is one.
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Log => None,
            Self::MerchantWebhook(webhook) => Some(webhook.address()),
        }
    }

    /// Sends one delivery. Sent twice, the receiver can tell by its id.
    pub async fn send(&self, delivery: &Claimed) -> Outcome {
        match self {
            Self::Log => log::send(delivery),
            Self::MerchantWebhook(webhook) => webhook.send(delivery).await,
        }
    }
}

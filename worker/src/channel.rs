//! Where promises go: each channel sends, and says what came of it. Whether to send is not its business.

pub mod email;
pub mod log;
pub mod merchant_webhook;

use std::time::Duration;

use email::Email;
use merchant_webhook::MerchantWebhook;
use shared::contact::Contact;
use store::outbox::Claimed;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    /// It may succeed later; the receiver may have asked for a pause (`Retry-After`).
    Failed {
        error: String,
        retry_after: Option<Duration>,
    },
    /// It never will: the receiver refuses this one.
    Refused {
        error: String,
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
    Email(Email),
}

impl Channel {
    /// Its name in the table `deliveries`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Log => log::NAME,
            Self::MerchantWebhook(_) => merchant_webhook::NAME,
            Self::Email(_) => email::NAME,
        }
    }

    /// How many deliveries may be under way at once.
    pub fn concurrency(&self) -> usize {
        match self {
            Self::Log => 200,
            Self::MerchantWebhook(webhook) => webhook.concurrency(),
            Self::Email(email) => email.concurrency(),
        }
    }

    /// The endpoint that may be disabled, if there is one.
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Log | Self::Email(_) => None,
            Self::MerchantWebhook(webhook) => Some(webhook.address()),
        }
    }

    /// Whether it speaks to the customer, whose contact must be known.
    pub fn needs_contact(&self) -> bool {
        match self {
            Self::Email(_) => true,
            Self::Log | Self::MerchantWebhook(_) => false,
        }
    }

    /// Sends one delivery. Sent twice, the receiver can tell by its id.
    pub async fn send(&self, delivery: &Claimed, contact: Option<&Contact>) -> Outcome {
        match (self, contact) {
            (Self::Log, _) => log::send(delivery),
            (Self::MerchantWebhook(webhook), _) => webhook.send(delivery).await,
            (Self::Email(email), Some(contact)) => email.send(delivery, contact).await,
            (Self::Email(_), None) => Outcome::Refused { error: "there is no contact".to_owned() },
        }
    }
}

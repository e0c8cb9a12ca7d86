//! A payment: money that comes in for an order or goes out to somebody; it knows no dialect.

use rust_decimal::Decimal;

use crate::Timestamp;
use crate::block::{Heard, Join as _, Latest, blocks};
use crate::confirmation::{Confirmation, Proof, Verdict};
use crate::origin::Mode;
use crate::status::StatusWithReason;
use crate::words;

words! {
    /// How far a payment has come. The order of the variants is the rank that decides between claims of one time.
    pub enum PaymentStatus {
        Pending,
        Failed,
        Cancelled,
        Succeeded,
    }
}

impl PaymentStatus {
    pub fn is_final(self) -> bool {
        match self {
            Self::Failed | Self::Cancelled | Self::Succeeded => true,
            Self::Pending => false,
        }
    }

    /// The same as far as it is told: whether it failed or was cancelled, the money does not come.
    pub(crate) fn without_nuance(self) -> Self {
        match self {
            Self::Cancelled => Self::Failed,
            Self::Pending | Self::Failed | Self::Succeeded => self,
        }
    }
}

words! {
    /// Which way the money goes, seen from the shop.
    pub enum Direction {
        Payin,
        Payout,
    }
}

blocks! {
    /// All that is known of one payment.
    pub struct Payment {
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub standing: Latest<StatusWithReason<PaymentStatus>>,
        /// The status in the provider's own words, lower case.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub provider_status: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub direction: Latest<Direction>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub amount: Latest<Decimal>,
        /// The shop's own number for the payment.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub code: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub payer_email: Latest<String>,
        /// The provider's number for the operation behind the payment.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub operation_ref: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub description: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub mode: Latest<Mode>,
        /// Who stands behind the status.
        #[serde(skip_serializing_if = "Confirmation::is_empty")]
        pub confirmation: Confirmation<PaymentStatus>,
        pub heard: Heard,
    }
}

impl Payment {
    /// What a provider says of a payment's status: `known` is our reading of its word `said`, if we have one.
    pub fn with_status(
        said: &str,
        known: Option<PaymentStatus>,
        reason: Option<String>,
        at: Option<Timestamp>,
    ) -> Self {
        Self {
            provider_status: Latest::claim(said.to_owned(), at).ranked(known.map(|status| status as u8)),
            standing: Latest::maybe(known.map(|status| StatusWithReason { status, reason }), at),
            ..Self::default()
        }
    }

    /// To be called once a fact's times have been judged: what stands behind its status.
    pub(crate) fn note_proof(&mut self, proof: Proof) {
        if let Some(standing) = self.standing.firm_value() {
            let of_value = Some(standing.status).filter(|status| status.is_final());
            self.confirmation.join(Confirmation::of(of_value, self.standing.at(), proof));
        }
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.confirmation.verdict(Some(&self.status()).filter(|status| status.is_final()))
    }

    pub fn status(&self) -> PaymentStatus {
        self.standing.value().map_or(PaymentStatus::Pending, |standing| standing.status)
    }

    /// In, as long as nobody says otherwise.
    pub fn direction(&self) -> Direction {
        self.direction.value().copied().unwrap_or(Direction::Payin)
    }

    pub fn failure_reason(&self) -> Option<&str> {
        self.standing.value().and_then(|standing| standing.reason.as_deref())
    }

    pub fn mode(&self) -> Mode {
        self.mode.value().copied().unwrap_or_default()
    }
}

//! An order: what the shop bought, and how far the provider has come with it; it knows no dialect.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::Timestamp;
use crate::block::{Heard, Join as _, Latest, blocks};
use crate::confirmation::{Confirmation, Proof, Verdict};
use crate::origin::Mode;
use crate::status::StatusWithReason;
use crate::words;

words! {
    /// How far an order has come. The order of the variants is the rank that decides between claims of one time, or of
    /// none: of two contradicting finals without times, completed wins (and the order needs review).
    pub enum OrderStatus {
        Pending,
        Processing,
        Shipping,
        Failed,
        Cancelled,
        Completed,
    }
}

impl OrderStatus {
    pub fn is_final(self) -> bool {
        match self {
            Self::Failed | Self::Cancelled | Self::Completed => true,
            Self::Pending | Self::Processing | Self::Shipping => false,
        }
    }

    /// Somebody acts on it, so it should be proven.
    fn is_of_value(self) -> bool {
        self.is_final() || self == Self::Shipping
    }
}

words! {
    /// What kind of thing was ordered.
    pub enum Product {
        Esim,
        TopUp,
        PhysicalSim,
    }
}

blocks! {
    /// All that is known of one order.
    pub struct Order {
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub standing: Latest<StatusWithReason<OrderStatus>>,
        /// The status in the provider's own words, known to us or not.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub provider_status: Latest<String>,
        /// Final statuses claimed without a time: two of them contradict each other for ever.
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        pub untimed_finals: BTreeSet<OrderStatus>,
        /// Statuses in words that we do not know; somebody should look.
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        pub unknown_statuses: BTreeSet<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub product: Latest<Product>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub package_code: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub package_name: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub amount: Latest<Decimal>,
        /// ISO 4217, or the provider's own code where we do not know it.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub currency: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub quantity: Latest<u32>,
        /// The shop registered the order then, and our clock noticed that the provider said nothing of it.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub silent_since: Latest<Timestamp>,
        /// The shop's own number for the order, where the provider repeats it.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub track_ref: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub mode: Latest<Mode>,
        /// Who stands behind the status.
        #[serde(skip_serializing_if = "Confirmation::is_empty")]
        pub confirmation: Confirmation<OrderStatus>,
        pub heard: Heard,
    }
}

impl Order {
    /// What a provider says of an order's status: `known` is our reading of its word `said`, if we have one.
    pub fn with_status(said: &str, known: Option<OrderStatus>, reason: Option<String>, at: Option<Timestamp>) -> Self {
        let word = Latest::claim(said.to_owned(), at).ranked(known.map(|status| status as u8));
        let mut order = Self { provider_status: word, ..Self::default() };
        match known {
            Some(status) => order.standing = Latest::claim(StatusWithReason { status, reason }, at),
            None => {
                order.unknown_statuses.insert(said.to_owned());
            }
        }
        order
    }

    /// To be called once a fact's times have been judged: a final claim without a time is remembered as such.
    pub fn note_untimed_final(&mut self) {
        if let (Some(standing), None) = (self.standing.value(), self.standing.at())
            && standing.status.is_final()
        {
            self.untimed_finals.insert(standing.status);
        }
    }

    /// To be called once a fact's times have been judged: what stands behind its status.
    pub(crate) fn note_proof(&mut self, proof: Proof) {
        if let Some(standing) = self.standing.firm_value() {
            let of_value = Some(standing.status).filter(|status| status.is_of_value());
            self.confirmation.join(Confirmation::of(of_value, self.standing.at(), proof));
        }
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.confirmation.verdict(Some(&self.status()).filter(|status| status.is_of_value()))
    }

    pub fn status(&self) -> OrderStatus {
        self.standing.value().map_or(OrderStatus::Pending, |standing| standing.status)
    }

    pub fn failure_reason(&self) -> Option<&str> {
        self.standing.value().and_then(|standing| standing.reason.as_deref())
    }

    /// Whether somebody should look: two finals contradict each other, or the provider used a word that we don't know.
    pub fn needs_review(&self) -> bool {
        self.untimed_finals.len() > 1 || !self.unknown_statuses.is_empty()
    }

    /// Whether the provider has said nothing of an order that it should know.
    pub fn is_silent(&self) -> bool {
        !self.silent_since.is_empty() && self.provider_status.is_empty()
    }

    pub fn is_physical(&self) -> bool {
        self.product.value() == Some(&Product::PhysicalSim)
    }

    pub fn mode(&self) -> Mode {
        self.mode.value().copied().unwrap_or_default()
    }
}

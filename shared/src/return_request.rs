//! A return: a request to give an order back, and what the provider decided; it knows no dialect.

use rust_decimal::Decimal;

use crate::Timestamp;
use crate::block::{Heard, Latest, blocks};
use crate::origin::Mode;
use crate::words;

words! {
    /// How far a return has come. The order of the variants is the rank that decides between claims of one time.
    pub enum ReturnStatus {
        Requested,
        Reviewing,
        Rejected,
        Approved,
    }
}

blocks! {
    /// All that is known of one return.
    pub struct ReturnRequest {
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub status: Latest<ReturnStatus>,
        /// The status in the provider's own words.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub provider_status: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub order_ref: Latest<String>,
        /// `full` or `partial`, or the provider's own word.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub return_type: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub refund_amount: Latest<Decimal>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub reason: Latest<String>,
        /// The shop's own number for the return request.
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub track_ref: Latest<String>,
        #[serde(skip_serializing_if = "Latest::is_empty")]
        pub mode: Latest<Mode>,
        pub heard: Heard,
    }
}

impl ReturnRequest {
    /// What a provider says of a return's status: `known` is our reading of its word `said`, if we have one.
    pub fn with_status(said: &str, known: Option<ReturnStatus>, at: Option<Timestamp>) -> Self {
        Self {
            provider_status: Latest::claim(said.to_owned(), at).ranked(known.map(|status| status as u8)),
            status: Latest::maybe(known, at),
            ..Self::default()
        }
    }

    pub fn status(&self) -> ReturnStatus {
        self.status.value().copied().unwrap_or(ReturnStatus::Requested)
    }

    pub fn mode(&self) -> Mode {
        self.mode.value().copied().unwrap_or_default()
    }
}

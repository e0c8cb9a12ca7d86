//! What the clock looks at: eSIMs whose plan ends, orders that nobody has spoken of.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::envelope::Mode;
use shared::esim::Esim;
use shared::origin::Provider;

use crate::error::StoreError;

/// An eSIM whose plan ends soon, or has ended.
#[derive(Debug, Clone)]
pub struct Ending {
    pub source: String,
    pub esim_ref: String,
    pub provider: Provider,
    pub mode: Mode,
    pub esim: Esim,
}

/// An order that the shop registered.
#[derive(Debug, Clone)]
pub struct Registered {
    pub source: String,
    pub order_ref: String,
    pub since: DateTime<Utc>,
    /// Learnt from the source's other orders; unknown if there are none.
    pub provider: Option<Provider>,
}

impl Ending {
    /// From what is stored: (provider, mode) and the blocks. `None` if this version knows no such provider.
    pub(super) fn read(
        source: String,
        esim_ref: String,
        (provider, mode): (&str, &str),
        blocks: Value,
    ) -> Result<Option<Self>, StoreError> {
        let Some(provider) = Provider::parse(provider) else { return Ok(None) };
        let mode = if mode == Mode::Test.as_str() { Mode::Test } else { Mode::Live };
        let esim = serde_json::from_value(blocks).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Some(Self { source, esim_ref, provider, mode, esim }))
    }
}

impl Registered {
    pub(super) fn read(source: String, order_ref: String, since: DateTime<Utc>, provider: Option<&str>) -> Self {
        Self { source, order_ref, since, provider: provider.and_then(Provider::parse) }
    }
}

#[async_trait]
pub trait Deadlines {
    /// eSIMs whose plan is not over and ends before `until`, those after `after` (source, eSIM) in key order.
    async fn find_ending(
        &mut self,
        until: DateTime<Utc>,
        after: (&str, &str),
        limit: i64,
    ) -> Result<Vec<Ending>, StoreError>;

    /// Orders registered before `before` of which the provider has said nothing, and nobody has been told.
    async fn find_silent(&mut self, before: DateTime<Utc>, limit: i64) -> Result<Vec<Registered>, StoreError>;
}

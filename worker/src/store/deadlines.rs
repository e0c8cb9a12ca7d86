//! What the clock looks at: eSIMs whose plan ends, orders that nobody has spoken of.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::envelope::Mode;
use shared::esim::Esim;
use shared::provider::Provider;
use sqlx::PgConnection;

use super::StoreError;

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

/// eSIMs whose plan is not over and ends before `until`, those after (`source`, `esim_ref`) in key order.
pub async fn find_ending(
    db: &mut PgConnection,
    until: DateTime<Utc>,
    (after_source, after_ref): (&str, &str),
    limit: i64,
) -> Result<Vec<Ending>, StoreError> {
    let rows =
        sqlx::query_file!("src/store/find_ending.sql", until, after_source, after_ref, limit).fetch_all(db).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(provider) = Provider::parse(&row.provider) else { continue };
        let mode = if row.mode == Mode::Test.as_str() { Mode::Test } else { Mode::Live };
        let esim = read(row.blocks)?;
        found.push(Ending { source: row.source, esim_ref: row.esim_ref, provider, mode, esim });
    }
    Ok(found)
}

fn read(blocks: Value) -> Result<Esim, StoreError> {
    Ok(serde_json::from_value(blocks).map_err(|error| sqlx::Error::Decode(error.into()))?)
}

/// Orders registered before `before` of which the provider has said nothing, and nobody has been told.
pub async fn find_silent(
    db: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Registered>, StoreError> {
    let rows = sqlx::query_file!("src/store/find_silent.sql", before, limit).fetch_all(db).await?;
    let found = rows.into_iter().map(|row| Registered {
        source: row.source,
        order_ref: row.order_ref,
        since: row.created_at,
        provider: row.provider.as_deref().and_then(Provider::parse),
    });
    Ok(found.collect())
}

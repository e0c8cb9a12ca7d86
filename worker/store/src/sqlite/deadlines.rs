//! What the clock looks at, in SQLite.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{Row as _, SqliteConnection};

use super::row::text;
use crate::deadlines::{Deadlines, Ending, Registered};
use crate::error::StoreError;

#[async_trait]
impl Deadlines for SqliteConnection {
    async fn find_ending(
        &mut self,
        until: DateTime<Utc>,
        (source, esim_ref): (&str, &str),
        limit: i64,
    ) -> Result<Vec<Ending>, StoreError> {
        let rows = sqlx::query(
            "SELECT source, esim_ref, provider, mode, blocks FROM esims
             WHERE expires_at < ?1
               AND (plan_status IS NULL OR plan_status NOT IN ('expired', 'cancelled', 'revoked'))
               AND (source, esim_ref) > (?2, ?3)
             ORDER BY source, esim_ref LIMIT ?4",
        )
        .bind(text(until))
        .bind(source)
        .bind(esim_ref)
        .bind(limit)
        .fetch_all(self)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let (provider, mode): (String, String) = (row.try_get("provider")?, row.try_get("mode")?);
            let (source, esim_ref) = (row.try_get("source")?, row.try_get("esim_ref")?);
            found.extend(Ending::read(source, esim_ref, (&provider, &mode), row.try_get("blocks")?)?);
        }
        Ok(found)
    }

    async fn find_silent(&mut self, before: DateTime<Utc>, limit: i64) -> Result<Vec<Registered>, StoreError> {
        let rows = sqlx::query(include_str!("find_silent.sql")).bind(text(before)).bind(limit).fetch_all(self).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let provider: Option<String> = row.try_get("provider")?;
            let (source, order_ref) = (row.try_get("source")?, row.try_get("order_ref")?);
            found.push(Registered::read(source, order_ref, row.try_get("created_at")?, provider.as_deref()));
        }
        Ok(found)
    }
}

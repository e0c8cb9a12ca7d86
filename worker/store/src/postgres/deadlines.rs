//! What the clock looks at, in PostgreSQL.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::deadlines::{Deadlines, Ending, Registered};
use crate::error::StoreError;

#[async_trait]
impl Deadlines for PgConnection {
    async fn find_ending(
        &mut self,
        until: DateTime<Utc>,
        (after_source, after_ref): (&str, &str),
        limit: i64,
    ) -> Result<Vec<Ending>, StoreError> {
        let rows = sqlx::query_file!("src/postgres/find_ending.sql", until, after_source, after_ref, limit)
            .fetch_all(self)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.extend(Ending::read(row.source, row.esim_ref, (&row.provider, &row.mode), row.blocks)?);
        }
        Ok(found)
    }

    async fn find_silent(&mut self, before: DateTime<Utc>, limit: i64) -> Result<Vec<Registered>, StoreError> {
        let rows = sqlx::query_file!("src/postgres/find_silent.sql", before, limit).fetch_all(self).await?;
        let found = rows
            .into_iter()
            .map(|row| Registered::read(row.source, row.order_ref, row.created_at, row.provider.as_deref()));
        Ok(found.collect())
    }
}

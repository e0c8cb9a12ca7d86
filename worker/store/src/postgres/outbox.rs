//! The outbox in PostgreSQL.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;
use crate::outbox::{ActionRow, Claimed, Mark, Outbox};

#[async_trait]
impl Outbox for PgConnection {
    async fn make_promises(&mut self, actions: &[ActionRow<'_>]) -> Result<Vec<Uuid>, StoreError> {
        if actions.is_empty() {
            return Ok(Vec::new());
        }
        let new =
            sqlx::query_file_scalar!("src/postgres/promise_actions.sql", Json(actions) as _).fetch_all(self).await?;
        Ok(new)
    }

    async fn add_deliveries(&mut self, deliveries: &[(Uuid, &'static str)]) -> Result<(), StoreError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let (actions, channels): (Vec<Uuid>, Vec<&str>) = deliveries.iter().copied().unzip();
        sqlx::query!(
            "INSERT INTO deliveries (action_id, channel)
             SELECT action_id, channel FROM UNNEST($1::uuid[], $2::text[]) AS new (action_id, channel)",
            &actions,
            &channels as &[&str]
        )
        .execute(self)
        .await?;
        Ok(())
    }

    async fn claim_deliveries(
        &mut self,
        channel: &str,
        limit: i64,
        lease: std::time::Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        let lease = PgInterval::try_from(lease).map_err(sqlx::Error::Encode)?;
        let claimed = sqlx::query_file_as!(Claimed, "src/postgres/claim_deliveries.sql", channel, limit, lease)
            .fetch_all(self)
            .await?;
        Ok(claimed)
    }

    async fn mark_deliveries(&mut self, channel: &str, marks: &[Mark]) -> Result<u64, StoreError> {
        let ids: Vec<_> = marks.iter().map(|mark| mark.action_id).collect();
        let leases: Vec<_> = marks.iter().map(|mark| mark.lease_until).collect();
        let statuses: Vec<_> = marks.iter().map(|mark| mark.status).collect();
        let results: Vec<_> = marks.iter().map(|mark| mark.result).collect();
        let next: Vec<_> = marks.iter().map(|mark| mark.next_attempt_at).collect();
        let errors: Vec<_> = marks.iter().map(|mark| mark.last_error.as_deref()).collect();
        let marked = sqlx::query_file!(
            "src/postgres/mark_deliveries.sql",
            channel,
            &ids,
            &leases,
            &statuses as &[&str],
            &next as &[Option<DateTime<Utc>>],
            &errors as &[Option<&str>],
            &results as &[&str]
        )
        .execute(self)
        .await?;
        Ok(marked.rows_affected())
    }

    async fn disable_endpoint(&mut self, channel: &str, address: &str, reason: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO disabled_endpoints (channel, address, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            channel,
            address,
            reason
        )
        .execute(self)
        .await?;
        Ok(())
    }

    async fn find_disabled_endpoint(&mut self, channel: &str, address: &str) -> Result<Option<String>, StoreError> {
        let reason = sqlx::query_scalar!(
            "SELECT reason FROM disabled_endpoints WHERE channel = $1 AND address = $2",
            channel,
            address
        )
        .fetch_optional(self)
        .await?;
        Ok(reason)
    }

    async fn release_confirmed(&mut self, waiting: &[String]) -> Result<u64, StoreError> {
        let released = sqlx::query_file!("src/postgres/release_confirmed.sql", waiting).execute(self).await?;
        Ok(released.rows_affected())
    }

    async fn enable_endpoints(&mut self, channel: &str) -> Result<u64, StoreError> {
        let enabled = sqlx::query!("DELETE FROM disabled_endpoints WHERE channel = $1", channel).execute(self).await?;
        Ok(enabled.rows_affected())
    }

    async fn retry_failed_deliveries(&mut self, channel: &str) -> Result<u64, StoreError> {
        let retried = sqlx::query!(
            "UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = now()
             WHERE channel = $1 AND status = 'failed'",
            channel
        )
        .execute(self)
        .await?;
        Ok(retried.rows_affected())
    }
}

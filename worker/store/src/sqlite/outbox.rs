//! The outbox in SQLite.

use async_trait::async_trait;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use uuid::Uuid;

use super::row::{after, check, id, json, now, text};
use crate::error::StoreError;
use crate::outbox::{ActionRow, Claimed, Mark, Outbox};

#[async_trait]
impl Outbox for SqliteConnection {
    async fn make_promises(&mut self, actions: &[ActionRow<'_>]) -> Result<Vec<Uuid>, StoreError> {
        let mut new = Vec::new();
        for action in actions {
            let given = [Some(&action.action_key), action.order_ref.as_ref(), action.esim_ref.as_ref()];
            given.into_iter().flatten().try_for_each(|text| check(text))?;
            let made = sqlx::query(include_str!("promise_action.sql"))
                .bind(action.id.hyphenated())
                .bind(action.source)
                .bind(&action.action_key)
                .bind(action.kind.as_str())
                .bind(action.audience.as_str())
                .bind(action.mode.as_str())
                .bind(&action.order_ref)
                .bind(&action.esim_ref)
                .bind(json(&action.payload)?)
                .bind(json(&action.premise)?)
                .bind(action.caused_by.hyphenated())
                .bind(action.traceparent)
                .execute(&mut *self)
                .await?;
            if made.rows_affected() > 0 {
                new.push(action.id);
            }
        }
        Ok(new)
    }

    async fn add_deliveries(&mut self, deliveries: &[(Uuid, &'static str)]) -> Result<(), StoreError> {
        for (action, channel) in deliveries {
            sqlx::query("INSERT INTO deliveries (action_id, channel) VALUES (?1, ?2)")
                .bind(action.hyphenated())
                .bind(*channel)
                .execute(&mut *self)
                .await?;
        }
        Ok(())
    }

    async fn claim_deliveries(
        &mut self,
        channel: &str,
        limit: i64,
        lease: Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut tx = self.begin().await?;
        let claimed = sqlx::query(include_str!("claim_deliveries.sql"))
            .bind(channel)
            .bind(limit)
            .bind(text(now()))
            .bind(text(after(lease)))
            .fetch_all(&mut *tx)
            .await?;
        let actions: Vec<Uuid> = claimed.iter().map(|row| id(row, "action_id")).collect::<Result<_, _>>()?;
        let claimed = sqlx::query(
            "SELECT deliveries.*, actions.* FROM deliveries INNER JOIN actions ON actions.id = deliveries.action_id
             WHERE channel = ?1 AND action_id IN (SELECT value FROM json_each(?2)) ORDER BY next_attempt_at",
        )
        .bind(channel)
        .bind(Json(actions))
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(claimed.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn mark_deliveries(&mut self, channel: &str, marks: &[Mark]) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let mut marked = 0;
        for mark in marks {
            let updated = sqlx::query(include_str!("mark_delivery.sql"))
                .bind(channel)
                .bind(mark.action_id.hyphenated())
                .bind(text(mark.lease_until))
                .bind(mark.status)
                .bind(mark.next_attempt_at.map(text))
                .bind(&mark.last_error)
                .bind(mark.result)
                .bind(text(now()))
                .execute(&mut *tx)
                .await?;
            if updated.rows_affected() > 0 {
                marked += 1;
                sqlx::query("INSERT INTO attempts (action_id, channel, at, result, error) VALUES (?1, ?2, ?3, ?4, ?5)")
                    .bind(mark.action_id.hyphenated())
                    .bind(channel)
                    .bind(text(now()))
                    .bind(mark.result)
                    .bind(&mark.last_error)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(marked)
    }

    async fn disable_endpoint(&mut self, channel: &str, address: &str, reason: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO disabled_endpoints (channel, address, reason) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )
        .bind(channel)
        .bind(address)
        .bind(reason)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn find_disabled_endpoint(&mut self, channel: &str, address: &str) -> Result<Option<String>, StoreError> {
        let reason = sqlx::query_scalar("SELECT reason FROM disabled_endpoints WHERE channel = ?1 AND address = ?2")
            .bind(channel)
            .bind(address)
            .fetch_optional(self)
            .await?;
        Ok(reason)
    }

    async fn release_confirmed(&mut self, waiting: &[String]) -> Result<u64, StoreError> {
        let released = sqlx::query(include_str!("release_confirmed.sql"))
            .bind(Json(waiting))
            .bind(text(now()))
            .execute(self)
            .await?;
        Ok(released.rows_affected())
    }

    async fn enable_endpoints(&mut self, channel: &str) -> Result<u64, StoreError> {
        let enabled =
            sqlx::query("DELETE FROM disabled_endpoints WHERE channel = ?1").bind(channel).execute(self).await?;
        Ok(enabled.rows_affected())
    }

    async fn retry_failed_deliveries(&mut self, channel: &str) -> Result<u64, StoreError> {
        let retried = sqlx::query(
            "UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = ?2
             WHERE channel = ?1 AND status = 'failed'",
        )
        .bind(channel)
        .bind(text(now()))
        .execute(self)
        .await?;
        Ok(retried.rows_affected())
    }
}

fn read(row: &SqliteRow) -> Result<Claimed, sqlx::Error> {
    Ok(Claimed {
        action_id: id(row, "action_id")?,
        channel: row.try_get("channel")?,
        attempts: row.try_get("attempts")?,
        lease_until: row.try_get("lease_until")?,
        source: row.try_get("source")?,
        kind: row.try_get("kind")?,
        audience: row.try_get("audience")?,
        mode: row.try_get("mode")?,
        order_ref: row.try_get("order_ref")?,
        esim_ref: row.try_get("esim_ref")?,
        payload: row.try_get("payload")?,
        premise: row.try_get("premise")?,
        traceparent: row.try_get("traceparent")?,
        created_at: row.try_get("created_at")?,
    })
}

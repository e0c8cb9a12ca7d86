//! The inbox in SQLite.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared::envelope::Envelope;
use shared::event::Event;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::row::{self, id, text};
use crate::error::StoreError;
use crate::events::{EventRow, Inbox};

#[async_trait]
impl Inbox for SqliteConnection {
    /// Who writes does so alone.
    async fn lock_recurring(&mut self, _bodies: &[(&str, &str)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn find_recurring(
        &mut self,
        source: &str,
        hash: &str,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<DateTime<Utc>>, StoreError> {
        // `A` is the character after `@`, so this is the range of all keys that start with `hash@`.
        let received_at = sqlx::query_scalar(
            "SELECT received_at FROM events
             WHERE source = ?1 AND event_key >= ?2 || '@' AND event_key < ?2 || 'A'
               AND received_at > ?3 AND received_at < ?4",
        )
        .bind(source)
        .bind(hash)
        .bind(text(from))
        .bind(text(to))
        .fetch_all(self)
        .await?;
        Ok(received_at)
    }

    async fn admit_events(&mut self, events: &[(&Envelope, &Event)]) -> Result<Vec<Uuid>, StoreError> {
        let mut fresh = Vec::with_capacity(events.len());
        for (envelope, event) in events {
            let [order_ref, esim_ref] = [&event.order_ref, &event.esim_ref].map(Option::as_deref);
            let [event_id, traceparent, content_type] =
                [&event.provider_event_id, &envelope.traceparent, &envelope.content_type].map(Option::as_deref);
            let given = [order_ref, esim_ref, event.payment_ref(), event_id, traceparent, content_type];
            given.into_iter().flatten().try_for_each(row::check)?;
            let admitted = sqlx::query(include_str!("admit_event.sql"))
                .bind(envelope.id.hyphenated())
                .bind(&envelope.source)
                .bind(envelope.provider.as_str())
                .bind(&event.kind)
                .bind(&event.key)
                .bind(event_id)
                .bind(event.occurred_at.map(row::given).transpose()?)
                .bind(event.disbelieved_at.map(row::given).transpose()?)
                .bind(text(envelope.received_at))
                .bind(order_ref)
                .bind(esim_ref)
                .bind(event.payment_ref())
                .bind(envelope.origin.as_str())
                .bind(event.mode.as_str())
                .bind(traceparent)
                .bind(content_type)
                .bind(row::json(&envelope.headers)?)
                .bind(&envelope.body)
                .execute(&mut *self)
                .await?;
            if admitted.rows_affected() > 0 {
                fresh.push(envelope.id);
            }
        }
        Ok(fresh)
    }
}

pub(super) fn read(row: &SqliteRow) -> Result<EventRow, sqlx::Error> {
    Ok(EventRow {
        id: id(row, "id")?,
        source: row.try_get("source")?,
        provider: row.try_get("provider")?,
        mode: row.try_get("mode")?,
        origin: row.try_get("origin")?,
        event_key: row.try_get("event_key")?,
        received_at: row.try_get("received_at")?,
        content_type: row.try_get("content_type")?,
        traceparent: row.try_get("traceparent")?,
        headers: row.try_get("headers")?,
        body: row.try_get("body")?,
    })
}

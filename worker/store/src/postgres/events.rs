//! The inbox in PostgreSQL.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared::envelope::Envelope;
use shared::event::Event;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;
use crate::events::Inbox;

#[async_trait]
impl Inbox for PgConnection {
    async fn lock_recurring(&mut self, bodies: &[(&str, &str)]) -> Result<(), StoreError> {
        let names: Vec<String> = bodies.iter().map(|(source, hash)| format!("{source}\n{hash}")).collect();
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0))
             FROM (SELECT DISTINCT name FROM UNNEST($1::text[]) AS name ORDER BY name) AS names",
            &names
        )
        .fetch_all(self)
        .await?;
        Ok(())
    }

    async fn find_recurring(
        &mut self,
        source: &str,
        hash: &str,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<DateTime<Utc>>, StoreError> {
        // `A` is the character after `@`, so this is the range of all keys that start with `hash@`.
        let received_at = sqlx::query_scalar!(
            "SELECT received_at FROM events
             WHERE source = $1 AND event_key >= $2 || '@' AND event_key < $2 || 'A'
               AND received_at > $3 AND received_at < $4",
            source,
            hash,
            from,
            to
        )
        .fetch_all(self)
        .await?;
        Ok(received_at)
    }

    async fn admit_events(&mut self, events: &[(&Envelope, &Event)]) -> Result<Vec<Uuid>, StoreError> {
        let mut rows = Columns::default();
        for (envelope, event) in events {
            rows.push(envelope, event);
        }
        let fresh = sqlx::query_file_scalar!(
            "src/postgres/admit_events.sql",
            &rows.id,
            &rows.source as &[&str],
            &rows.provider as &[&str],
            &rows.kind as &[&str],
            &rows.event_key as &[&str],
            &rows.provider_event_id as &[Option<&str>],
            &rows.occurred_at as &[Option<DateTime<Utc>>],
            &rows.disbelieved_at as &[Option<DateTime<Utc>>],
            &rows.received_at,
            &rows.order_ref as &[Option<&str>],
            &rows.esim_ref as &[Option<&str>],
            &rows.payment_ref as &[Option<&str>],
            &rows.origin as &[&str],
            &rows.mode as &[&str],
            &rows.traceparent as &[Option<&str>],
            &rows.content_type as &[Option<&str>],
            &rows.headers as &[Json<&std::collections::BTreeMap<String, String>>],
            &rows.body as &[&[u8]],
        )
        .fetch_all(self)
        .await?;
        Ok(fresh)
    }
}

#[derive(Default)]
struct Columns<'a> {
    id: Vec<Uuid>,
    source: Vec<&'a str>,
    provider: Vec<&'a str>,
    kind: Vec<&'a str>,
    event_key: Vec<&'a str>,
    provider_event_id: Vec<Option<&'a str>>,
    occurred_at: Vec<Option<DateTime<Utc>>>,
    disbelieved_at: Vec<Option<DateTime<Utc>>>,
    received_at: Vec<DateTime<Utc>>,
    order_ref: Vec<Option<&'a str>>,
    esim_ref: Vec<Option<&'a str>>,
    payment_ref: Vec<Option<&'a str>>,
    origin: Vec<&'a str>,
    mode: Vec<&'a str>,
    traceparent: Vec<Option<&'a str>>,
    content_type: Vec<Option<&'a str>>,
    headers: Vec<Json<&'a std::collections::BTreeMap<String, String>>>,
    body: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, envelope: &'a Envelope, event: &'a Event) {
        self.id.push(envelope.id);
        self.source.push(&envelope.source);
        self.provider.push(envelope.provider.as_str());
        self.kind.push(&event.kind);
        self.event_key.push(&event.key);
        self.provider_event_id.push(event.provider_event_id.as_deref());
        self.occurred_at.push(event.occurred_at);
        self.disbelieved_at.push(event.disbelieved_at);
        self.received_at.push(envelope.received_at);
        self.order_ref.push(event.order_ref.as_deref());
        self.esim_ref.push(event.esim_ref.as_deref());
        self.payment_ref.push(event.payment_ref());
        self.origin.push(envelope.origin.as_str());
        self.mode.push(event.mode.as_str());
        self.traceparent.push(envelope.traceparent.as_deref());
        self.content_type.push(envelope.content_type.as_deref());
        self.headers.push(Json(&envelope.headers));
        self.body.push(&envelope.body);
    }
}

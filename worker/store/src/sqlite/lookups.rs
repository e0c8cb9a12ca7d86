//! The questions to the providers' APIs in SQLite.

use async_trait::async_trait;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::lookup::LookupRequest;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Row as _, SqliteConnection};

use super::row::{after, json, now, text};
use crate::error::StoreError;
use crate::lookups::{AGAIN_AFTER, Claimed, Lookups, Mark};

#[async_trait]
impl Lookups for SqliteConnection {
    async fn want_lookups(&mut self, wants: &[(&str, LookupRequest)]) -> Result<(), StoreError> {
        if wants.is_empty() {
            return Ok(());
        }
        let now = now();
        let due = |want: &LookupRequest| now.checked_add_signed(want.after).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let want = |(source, want): &(&str, LookupRequest)| {
            json!({
                "source": source,
                "question": want.lookup.kind.as_str(),
                "reference": want.lookup.about.parts().1,
                "lookup": want.lookup,
                "reason": want.reason.as_str(),
                "due_at": text(due(want)),
            })
        };
        let wants: Vec<Value> = wants.iter().map(want).collect();
        sqlx::query(include_str!("want_lookups.sql")).bind(json(&wants)?).execute(self).await?;
        Ok(())
    }

    async fn claim_lookups(
        &mut self,
        sources: &[String],
        limit: i64,
        lease: Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        let rows = sqlx::query(include_str!("claim_lookups.sql"))
            .bind(Json(sources))
            .bind(limit)
            .bind(text(now()))
            .bind(text(after(lease)))
            .fetch_all(self)
            .await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn mark_lookup(&mut self, claimed: &Claimed, mark: &Mark) -> Result<(), StoreError> {
        sqlx::query(include_str!("mark_lookup.sql"))
            .bind(&claimed.source)
            .bind(&claimed.question)
            .bind(&claimed.reference)
            .bind(text(claimed.lease_until))
            .bind(mark.reason)
            .bind(mark.status)
            .bind(mark.next_attempt_at.map(text))
            .bind(text(after(AGAIN_AFTER)))
            .bind(mark.asked)
            .bind(mark.failures)
            .bind(&mark.last_error)
            .bind(&mark.answer_hash)
            .bind(text(now()))
            .execute(self)
            .await?;
        Ok(())
    }

    async fn forget_description(&mut self, source: &str, order_ref: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE fetch_tasks SET lookup = json_remove(lookup, '$.hints.description')
             WHERE source = ?1 AND question = 'order' AND reference = ?2",
        )
        .bind(source)
        .bind(order_ref)
        .execute(self)
        .await?;
        Ok(())
    }
}

fn read(row: &SqliteRow) -> Result<Claimed, sqlx::Error> {
    Ok(Claimed {
        source: row.try_get("source")?,
        question: row.try_get("question")?,
        reference: row.try_get("reference")?,
        lookup: row.try_get("lookup")?,
        reason: row.try_get("reason")?,
        asked: row.try_get("asked")?,
        failures: row.try_get("failures")?,
        answer_hash: row.try_get("answer_hash")?,
        lease_until: row.try_get("lease_until")?,
    })
}

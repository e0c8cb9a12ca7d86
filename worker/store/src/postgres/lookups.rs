//! The questions to the providers' APIs in PostgreSQL.

use async_trait::async_trait;
use serde_json::Value;
use shared::lookup::LookupRequest;
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;

use crate::error::StoreError;
use crate::lookups::{AGAIN_AFTER, Claimed, Lookups, Mark};

#[async_trait]
impl Lookups for PgConnection {
    async fn want_lookups(&mut self, wants: &[(&str, LookupRequest)]) -> Result<(), StoreError> {
        if wants.is_empty() {
            return Ok(());
        }
        let sources: Vec<_> = wants.iter().map(|(source, _)| *source).collect();
        let questions: Vec<_> = wants.iter().map(|(_, want)| want.lookup.kind.as_str()).collect();
        let references: Vec<_> = wants.iter().map(|(_, want)| want.lookup.about.parts().1).collect();
        let lookups: Result<Vec<Value>, _> = wants.iter().map(|(_, want)| serde_json::to_value(&want.lookup)).collect();
        let lookups = lookups.map_err(|error| sqlx::Error::Encode(error.into()))?;
        let reasons: Vec<_> = wants.iter().map(|(_, want)| want.reason.as_str()).collect();
        let after: Result<Vec<_>, _> = wants.iter().map(|(_, want)| PgInterval::try_from(want.after)).collect();
        let after = after.map_err(sqlx::Error::Encode)?;
        sqlx::query_file!(
            "src/postgres/want_lookups.sql",
            &sources as &[&str],
            &questions as &[&str],
            &references as &[&str],
            &lookups,
            &reasons as &[&str],
            &after
        )
        .execute(self)
        .await?;
        Ok(())
    }

    async fn claim_lookups(
        &mut self,
        sources: &[String],
        limit: i64,
        lease: std::time::Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        let lease = PgInterval::try_from(lease).map_err(sqlx::Error::Encode)?;
        let claimed = sqlx::query_file_as!(Claimed, "src/postgres/claim_lookups.sql", sources, limit, lease)
            .fetch_all(self)
            .await?;
        Ok(claimed)
    }

    async fn mark_lookup(&mut self, claimed: &Claimed, mark: &Mark) -> Result<(), StoreError> {
        let again = PgInterval::try_from(AGAIN_AFTER).map_err(sqlx::Error::Encode)?;
        sqlx::query_file!(
            "src/postgres/mark_lookup.sql",
            claimed.source,
            claimed.question,
            claimed.reference,
            claimed.lease_until,
            mark.reason,
            mark.status,
            mark.next_attempt_at,
            again,
            mark.asked,
            mark.failures,
            mark.last_error,
            mark.answer_hash
        )
        .execute(self)
        .await?;
        Ok(())
    }

    async fn forget_description(&mut self, source: &str, order_ref: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE fetch_tasks SET lookup = lookup #- '{hints,description}'
             WHERE source = $1 AND question = 'order' AND reference = $2",
            source,
            order_ref
        )
        .execute(self)
        .await?;
        Ok(())
    }
}

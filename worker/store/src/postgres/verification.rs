//! What `verify` reads of PostgreSQL.

use async_trait::async_trait;
use serde_json::{Map, Value};
use shared::fold::EntityId;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use uuid::Uuid;

use crate::catalogue::EntityTable;
use crate::error::StoreError;
use crate::events::EventRow;
use crate::verification::{Counts, Expected, Kept, Mismatch, Verification, Wanted};

#[async_trait]
impl Verification for PgConnection {
    async fn count_rows(&mut self) -> Result<Counts, StoreError> {
        let counts = sqlx::query_as!(
            Counts,
            r#"SELECT
                (SELECT count(*) FROM events) AS "events!",
                (SELECT count(*) FROM orders) + (SELECT count(*) FROM esims) + (SELECT count(*) FROM payments)
                + (SELECT count(*) FROM returns) AS "entities!""#
        )
        .fetch_one(self)
        .await?;
        Ok(counts)
    }

    async fn find_page_ends(&mut self, events: i64) -> Result<Vec<Uuid>, StoreError> {
        let ends = sqlx::query_scalar!(
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS position FROM events) AS numbered
             WHERE position % $1 = 0 ORDER BY id",
            events
        )
        .fetch_all(self)
        .await?;
        Ok(ends)
    }

    async fn read_page(&mut self, after: Uuid, through: Uuid) -> Result<Vec<Kept>, StoreError> {
        let rows = sqlx::query_as!(
            EventRow,
            "SELECT id, source, provider, mode, origin, event_key, received_at, content_type, traceparent, headers, body
             FROM events WHERE id > $1 AND id <= $2",
            after,
            through
        )
        .fetch_all(self)
        .await?;
        rows.into_iter().map(Kept::read).collect()
    }

    async fn compare_rows(&mut self, expected: &Expected) -> Result<Vec<Mismatch>, StoreError> {
        let mut found = Vec::new();
        for (table, rows) in expected.by_table() {
            found.extend(compare(self, table, rows).await?);
        }
        Ok(found)
    }

    async fn list_entities(
        &mut self,
        table: EntityTable,
        after: (&str, &str),
        limit: i64,
    ) -> Result<Vec<EntityId>, StoreError> {
        let (name, reference) = (table.name(), table.reference());
        let select = format!(
            "SELECT source, {reference} FROM {name} WHERE (source, {reference}) > ($1, $2)
             ORDER BY source, {reference} LIMIT $3"
        );
        let select = sqlx::query_as(AssertSqlSafe(select)).bind(after.0).bind(after.1).bind(limit);
        let rows: Vec<(String, String)> = select.fetch_all(self).await?;
        Ok(rows.into_iter().map(|(source, reference)| EntityId { source, key: table.key(reference) }).collect())
    }

    async fn find_missing_promises(&mut self, wanted: &[Wanted]) -> Result<Vec<Uuid>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let missing =
            sqlx::query_file_scalar!("src/postgres/missing_promises.sql", Json(wanted) as _).fetch_all(self).await?;
        Ok(missing)
    }

    async fn find_same_promises(&mut self, wanted: &[Wanted]) -> Result<Vec<Uuid>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let same =
            sqlx::query_file_scalar!("src/postgres/same_promises.sql", Json(wanted) as _).fetch_all(self).await?;
        Ok(same)
    }
}

/// A column that differs, or, without its name, a row that is missing.
#[derive(FromRow)]
struct ComparedColumn {
    source: String,
    reference: String,
    name: Option<String>,
    stored: Option<Value>,
    refolded: Option<Value>,
}

/// The expected rows become rows of the table's own type, as when they are saved, so that only meaning is compared.
async fn compare(
    db: &mut PgConnection,
    table: EntityTable,
    expected: &[Map<String, Value>],
) -> Result<Vec<Mismatch>, StoreError> {
    let compare = include_str!("compare_rows.sql").replace("{table}", table.name());
    let compare = compare.replace("{reference}", table.reference());
    let compared: Vec<ComparedColumn> =
        sqlx::query_as(AssertSqlSafe(compare)).bind(Json(expected)).fetch_all(db).await?;
    let mismatch = |ComparedColumn { source, reference, name, stored, refolded }| Mismatch {
        id: EntityId { source, key: table.key(reference) },
        field: name.map(|name| (name, stored.unwrap_or_default(), refolded.unwrap_or_default())),
    };
    Ok(compared.into_iter().map(mismatch).collect())
}

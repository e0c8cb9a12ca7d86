//! What `verify` reads of PostgreSQL.

use async_trait::async_trait;
use serde_json::{Map, Value};
use shared::fact::EntityKey;
use shared::fold::EntityId;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::entities::Table;
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
            match table {
                Table::Orders => orders::compare(self, rows, &mut found).await?,
                Table::Esims => esims::compare(self, rows, &mut found).await?,
                Table::Payments => payments::compare(self, rows, &mut found).await?,
                Table::Returns => returns::compare(self, rows, &mut found).await?,
            }
        }
        Ok(found)
    }

    async fn list_entities(
        &mut self,
        table: Table,
        after: (&str, &str),
        limit: i64,
    ) -> Result<Vec<EntityId>, StoreError> {
        match table {
            Table::Orders => orders::list(self, after, limit).await,
            Table::Esims => esims::list(self, after, limit).await,
            Table::Payments => payments::list(self, after, limit).await,
            Table::Returns => returns::list(self, after, limit).await,
        }
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

/// The statements that are the same for each of the four tables but for its names.
macro_rules! table {
    ($module:ident, $table:tt, $reference:tt, $kind:ident) => {
        mod $module {
            use super::*;

            /// The rows become rows of the table's own type, as when they are saved, so that only meaning is compared.
            pub(super) async fn compare(
                db: &mut PgConnection,
                expected: &[Map<String, Value>],
                found: &mut Vec<Mismatch>,
            ) -> Result<(), StoreError> {
                if expected.is_empty() {
                    return Ok(());
                }
                let rows = sqlx::query!(
                    r#"SELECT
                        expected.source AS "source!", expected."#
                        + $reference
                        + r#" AS "reference!", fields.name AS "name?", fields.stored AS "stored?",
                        fields.refolded AS "refolded?"
                    FROM JSON_POPULATE_RECORDSET(NULL::"#
                        + $table
                        + r#", $1::json) AS expected
                    LEFT JOIN "#
                        + $table
                        + r#" AS kept
                        ON kept.source = expected.source AND kept."#
                        + $reference
                        + r#" = expected."#
                        + $reference
                        + r#"
                    LEFT JOIN LATERAL (
                        SELECT refolded.key AS name, stored.value AS stored, refolded.value AS refolded
                        FROM JSONB_EACH(TO_JSONB(expected)) AS refolded
                        INNER JOIN JSONB_EACH(TO_JSONB(kept)) AS stored ON stored.key = refolded.key
                        WHERE kept.* IS DISTINCT FROM expected.* AND stored.value <> refolded.value
                    ) AS fields ON true
                    WHERE kept.source IS NULL OR fields.name IS NOT NULL
                    ORDER BY 1, 2, 3"#,
                    Json(expected) as _
                )
                .fetch_all(db)
                .await?;
                for row in rows {
                    let id = EntityId { source: row.source, key: EntityKey::$kind(row.reference) };
                    let values = (row.stored.unwrap_or_default(), row.refolded.unwrap_or_default());
                    let field = row.name.map(|name| (name, values.0, values.1));
                    found.push(Mismatch { id, field });
                }
                Ok(())
            }

            pub(super) async fn list(
                db: &mut PgConnection,
                (source, reference): (&str, &str),
                limit: i64,
            ) -> Result<Vec<EntityId>, StoreError> {
                let rows = sqlx::query!(
                    "SELECT source, "
                        + $reference
                        + " AS reference FROM "
                        + $table
                        + " WHERE (source, "
                        + $reference
                        + ") > ($1, $2) ORDER BY source, "
                        + $reference
                        + " LIMIT $3",
                    source,
                    reference,
                    limit
                )
                .fetch_all(db)
                .await?;
                let id = |(source, reference)| EntityId { source, key: EntityKey::$kind(reference) };
                Ok(rows.into_iter().map(|row| id((row.source, row.reference))).collect())
            }
        }
    };
}

table!(orders, "orders", "order_ref", Order);
table!(esims, "esims", "esim_ref", Esim);
table!(payments, "payments", "payment_ref", Payment);
table!(returns, "returns", "return_ref", Return);

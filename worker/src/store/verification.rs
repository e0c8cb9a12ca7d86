//! What `verify` reads, all of it from one snapshot: the events page by page, and how the tables differ from them.

use serde::Serialize;
use serde_json::{Map, Value};
use shared::action::ActionKind;
use shared::envelope::Envelope;
use shared::fact::EntityKey;
use shared::fold::EntityId;
use shared::premise::Premise;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::StoreError;
use super::events::EventRow;

/// An event as it is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) envelope: Envelope,
    pub(crate) event_key: String,
}

/// How many rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) events: i64,
    /// Orders, eSIMs, payments and returns together.
    pub(crate) entities: i64,
}

/// The tables of entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Orders,
    Esims,
    Payments,
    Returns,
}

/// Rows as they should be. Like [`Mismatch`] it can't be printed: there are activation codes in it.
#[derive(Default)]
pub(crate) struct Expected {
    orders: Vec<Map<String, Value>>,
    esims: Vec<Map<String, Value>>,
    payments: Vec<Map<String, Value>>,
    returns: Vec<Map<String, Value>>,
}

/// What is not as it should be of an entity.
pub(crate) struct Mismatch {
    pub(crate) id: EntityId,
    /// The column with what it holds and what it should; `None` if there is no row.
    pub(crate) field: Option<(String, Value, Value)>,
}

/// A promise that should be there.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Wanted {
    pub(crate) id: Uuid,
    pub(crate) source: String,
    pub(crate) action_key: String,
    pub(crate) kind: ActionKind,
    pub(crate) order_ref: Option<String>,
    pub(crate) esim_ref: Option<String>,
    pub(crate) premise: Premise,
}

impl Table {
    pub(crate) const ALL: [Self; 4] = [Self::Orders, Self::Esims, Self::Payments, Self::Returns];
}

impl Expected {
    pub(crate) fn push(&mut self, key: &EntityKey, row: Map<String, Value>) {
        match key {
            EntityKey::Order(_) => self.orders.push(row),
            EntityKey::Esim(_) => self.esims.push(row),
            EntityKey::Payment(_) => self.payments.push(row),
            EntityKey::Return(_) => self.returns.push(row),
        }
    }
}

/// A transaction that sees one moment, whatever workers do meanwhile, and can write nothing.
pub(crate) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    Ok(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
}

pub(crate) async fn count(db: &mut PgConnection) -> Result<Counts, StoreError> {
    let counts = sqlx::query_as!(
        Counts,
        r#"SELECT
            (SELECT count(*) FROM events) AS "events!",
            (SELECT count(*) FROM orders) + (SELECT count(*) FROM esims) + (SELECT count(*) FROM payments)
            + (SELECT count(*) FROM returns) AS "entities!""#
    )
    .fetch_one(db)
    .await?;
    Ok(counts)
}

/// The last event of each full page of so many, in the order of their ids.
pub(crate) async fn find_page_ends(db: &mut PgConnection, events: i64) -> Result<Vec<Uuid>, StoreError> {
    let ends = sqlx::query_scalar!(
        "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS position FROM events) AS numbered
         WHERE position % $1 = 0 ORDER BY id",
        events
    )
    .fetch_all(db)
    .await?;
    Ok(ends)
}

/// The events with ids after the one, through the other.
pub(crate) async fn read_page(db: &mut PgConnection, after: Uuid, through: Uuid) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query_as!(
        EventRow,
        "SELECT id, source, provider, mode, origin, event_key, received_at, content_type, traceparent, headers, body
         FROM events WHERE id > $1 AND id <= $2",
        after,
        through
    )
    .fetch_all(db)
    .await?;
    let kept = |row: EventRow| {
        let event_key = row.event_key.clone();
        let strange = || sqlx::Error::Decode("an event of an unknown provider or origin".into());
        Ok(Kept { envelope: row.into_envelope().ok_or_else(strange)?, event_key })
    };
    rows.into_iter().map(kept).collect()
}

/// What differs between the tables and the rows as they should be.
pub(crate) async fn compare(db: &mut PgConnection, expected: &Expected) -> Result<Vec<Mismatch>, StoreError> {
    let mut found = Vec::new();
    orders::compare(db, &expected.orders, &mut found).await?;
    esims::compare(db, &expected.esims, &mut found).await?;
    payments::compare(db, &expected.payments, &mut found).await?;
    returns::compare(db, &expected.returns, &mut found).await?;
    Ok(found)
}

/// The entities of a table in the order of their keys, up to `limit` of those after (source, reference).
pub(crate) async fn list(
    db: &mut PgConnection,
    table: Table,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<EntityId>, StoreError> {
    match table {
        Table::Orders => orders::list(db, after, limit).await,
        Table::Esims => esims::list(db, after, limit).await,
        Table::Payments => payments::list(db, after, limit).await,
        Table::Returns => returns::list(db, after, limit).await,
    }
}

/// Of the promises those whose key is not there.
pub(crate) async fn find_missing(db: &mut PgConnection, wanted: &[Wanted]) -> Result<Vec<Uuid>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let missing = sqlx::query_file_scalar!("src/store/missing_promises.sql", Json(wanted) as _).fetch_all(db).await?;
    Ok(missing)
}

/// Of the promises those that say the same, by kind and premise, as one that is there.
pub(crate) async fn find_same(db: &mut PgConnection, wanted: &[Wanted]) -> Result<Vec<Uuid>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let same = sqlx::query_file_scalar!("src/store/same_promises.sql", Json(wanted) as _).fetch_all(db).await?;
    Ok(same)
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

//! What `verify` reads of SQLite.

use async_trait::async_trait;
use serde_json::Value;
use shared::fold::EntityId;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use uuid::Uuid;

use super::events;
use super::row::{ids, read_row, text};
use crate::catalogue::{Column, EntityTable, Form, Table};
use crate::error::StoreError;
use crate::transfer::Row;
use crate::verification::{Counts, Expected, Kept, Mismatch, Verification, Wanted};

#[async_trait]
impl Verification for SqliteConnection {
    async fn count_rows(&mut self) -> Result<Counts, StoreError> {
        let row = sqlx::query(
            "SELECT
                (SELECT count(*) FROM events) AS events,
                (SELECT count(*) FROM orders) + (SELECT count(*) FROM esims) + (SELECT count(*) FROM payments)
                + (SELECT count(*) FROM returns) AS entities",
        )
        .fetch_one(self)
        .await?;
        Ok(Counts { events: row.try_get("events")?, entities: row.try_get("entities")? })
    }

    async fn find_page_ends(&mut self, events: i64) -> Result<Vec<Uuid>, StoreError> {
        let rows = sqlx::query(
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS position FROM events)
             WHERE position % ?1 = 0 ORDER BY id",
        )
        .bind(events)
        .fetch_all(self)
        .await?;
        Ok(ids(&rows)?)
    }

    async fn read_page(&mut self, after: Uuid, through: Uuid) -> Result<Vec<Kept>, StoreError> {
        let rows = sqlx::query("SELECT * FROM events WHERE id > ?1 AND id <= ?2")
            .bind(after.hyphenated())
            .bind(through.hyphenated())
            .fetch_all(self)
            .await?;
        rows.iter().map(|row| Kept::read(events::read(row)?)).collect()
    }

    async fn compare_rows(&mut self, expected: &Expected) -> Result<Vec<Mismatch>, StoreError> {
        let mut found = Vec::new();
        for (table, rows) in expected.by_table() {
            let (columns, reference) = (Table::of(table), table.reference());
            let select = format!("SELECT * FROM {} WHERE source = $1 AND {reference} = $2", table.name());
            for expected in rows {
                let value = |column: &str| expected[column].as_str().unwrap_or_default().to_owned();
                let id = EntityId { source: value("source"), key: table.key(value(reference)) };
                let kept = sqlx::query(AssertSqlSafe(select.clone()))
                    .bind(&id.source)
                    .bind(id.key.parts().1)
                    .fetch_optional(&mut *self)
                    .await?;
                match kept {
                    None => found.push(Mismatch { id, field: None }),
                    Some(kept) => found.extend(differences(&id, &columns, expected, &read_row(&columns, &kept)?)),
                }
            }
        }
        Ok(found)
    }

    async fn list_entities(
        &mut self,
        table: EntityTable,
        (source, reference): (&str, &str),
        limit: i64,
    ) -> Result<Vec<EntityId>, StoreError> {
        let (name, column) = (table.name(), table.reference());
        let select = format!(
            "SELECT source, {column} AS reference FROM {name} WHERE (source, {column}) > (?1, ?2)
             ORDER BY source, {column} LIMIT ?3"
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(source).bind(reference).bind(limit).fetch_all(self).await?;
        let id = |row: &sqlx::sqlite::SqliteRow| {
            Ok(EntityId { source: row.try_get("source")?, key: table.key(row.try_get("reference")?) })
        };
        Ok(rows.iter().map(id).collect::<Result<_, sqlx::Error>>()?)
    }

    async fn find_missing_promises(&mut self, wanted: &[Wanted]) -> Result<Vec<Uuid>, StoreError> {
        let rows = sqlx::query(
            "SELECT wanted.value ->> 'id' AS id FROM json_each(?1) AS wanted
             WHERE NOT EXISTS (
                 SELECT 1 FROM actions
                 WHERE actions.source = wanted.value ->> 'source'
                   AND actions.action_key = wanted.value ->> 'action_key'
             )",
        )
        .bind(Json(wanted))
        .fetch_all(self)
        .await?;
        Ok(ids(&rows)?)
    }

    async fn find_same_promises(&mut self, wanted: &[Wanted]) -> Result<Vec<Uuid>, StoreError> {
        let rows = sqlx::query(include_str!("same_promises.sql")).bind(Json(wanted)).fetch_all(self).await?;
        let mut same = Vec::new();
        for row in rows {
            let place: i64 = row.try_get("place")?;
            let Some(wanted) = usize::try_from(place).ok().and_then(|place| wanted.get(place)) else { continue };
            // SQLite would compare how they are spelled.
            let premise: Value = row.try_get("premise")?;
            if serde_json::to_value(&wanted.premise).is_ok_and(|wanted| wanted == premise) {
                same.push(wanted.id);
            }
        }
        Ok(same)
    }
}

/// The columns that hold something else than expected.
fn differences(id: &EntityId, table: &Table, expected: &Row, kept: &Row) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for Column { name, form } in &table.columns {
        let Some(expected) = expected.get(*name) else { continue };
        let expected = match form {
            Form::Time => as_stored(expected),
            _ => expected.clone(),
        };
        let stored = kept.get(*name).cloned().unwrap_or_default();
        if stored != expected {
            found.push(Mismatch { id: id.clone(), field: Some(((*name).to_owned(), stored, expected)) });
        }
    }
    found
}

/// A time in JSON as it is stored.
fn as_stored(time: &Value) -> Value {
    let parsed = time.as_str().and_then(|text| text.parse().ok());
    parsed.map_or_else(|| time.clone(), |time| Value::from(text(time)))
}

//! The entities' rows in SQLite.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Value, json};
use shared::fact::State;
use shared::fold::EntityId;
use shared::origin::Provider;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::row::{self, column_of};
use crate::catalogue::{EntityRow, EntityTable};
use crate::entities::Entities;
use crate::error::StoreError;

#[async_trait]
impl Entities for SqliteConnection {
    /// Differs from PostgreSQL: there is one writer, so the transaction is all the lock there is.
    async fn lock_entities(
        &mut self,
        ids: &BTreeMap<EntityId, Provider>,
    ) -> Result<BTreeMap<EntityId, State>, StoreError> {
        for table in EntityTable::ALL {
            let of_table = ids.iter().filter(|(id, _)| EntityTable::of(&id.key) == table);
            let rows: Vec<Value> =
                of_table.map(|(id, provider)| json!([id.source, id.key.parts().1, provider.as_str()])).collect();
            if rows.is_empty() {
                continue;
            }
            let (name, reference) = (table.name(), table.reference());
            let insert = format!(
                "INSERT INTO {name} (source, {reference}, provider)
                 SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING"
            );
            sqlx::query(AssertSqlSafe(insert)).bind(row::json(&rows)?).execute(&mut *self).await?;
        }
        self.read_entities(&ids.keys().cloned().collect()).await
    }

    async fn read_entities(&mut self, ids: &BTreeSet<EntityId>) -> Result<BTreeMap<EntityId, State>, StoreError> {
        let mut states = BTreeMap::new();
        for table in EntityTable::ALL {
            let of_table = ids.iter().filter(|id| EntityTable::of(&id.key) == table);
            let keys: Vec<Value> = of_table.map(|id| json!([id.source, id.key.parts().1])).collect();
            if keys.is_empty() {
                continue;
            }
            let (name, reference) = (table.name(), table.reference());
            let select = format!(
                "SELECT source, {reference}, blocks FROM {name}
                 WHERE (source, {reference}) IN (SELECT value ->> 0, value ->> 1 FROM json_each($1))"
            );
            let select = sqlx::query_as(AssertSqlSafe(select)).bind(Json(keys));
            let rows: Vec<(String, String, String)> = select.fetch_all(&mut *self).await?;
            for (source, reference, blocks) in rows {
                states.insert(EntityId { source, key: table.key(reference) }, table.read_state(&blocks)?);
            }
        }
        Ok(states)
    }

    async fn save_entities(&mut self, states: &BTreeMap<EntityId, State>) -> Result<(), StoreError> {
        for table in EntityTable::ALL {
            let of_table = states.iter().filter(|(id, _)| EntityTable::of(&id.key) == table);
            let rows: Vec<_> = of_table.map(|(id, state)| EntityRow { id, state }).collect();
            if !rows.is_empty() {
                sqlx::query(AssertSqlSafe(update(table))).bind(row::json(&rows)?).execute(&mut *self).await?;
            }
        }
        Ok(())
    }
}

/// Differs from PostgreSQL: SQLite has no row types, so each column is taken out of the JSON by itself.
fn update(table: EntityTable) -> String {
    let (name, reference) = (table.name(), table.reference());
    let columns = table.state_columns();
    let assignments: Vec<_> =
        columns.iter().map(|(column, form)| format!("{column} = {}", column_of("new.value", column, *form))).collect();
    format!(
        "UPDATE {name} SET {} FROM json_each($1) AS new
         WHERE {name}.source = new.value ->> 'source' AND {name}.{reference} = new.value ->> '{reference}'",
        assignments.join(", ")
    )
}

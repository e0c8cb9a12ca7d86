//! The entities' rows in SQLite.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::fact::{EntityKey, State};
use shared::fold::EntityId;
use shared::origin::Provider;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::row;
use crate::entities::{Entities, Table};
use crate::error::StoreError;
use crate::view;

#[async_trait]
impl Entities for SqliteConnection {
    /// Who writes does so alone, so that the transaction is all the lock there is.
    async fn lock_entities(
        &mut self,
        ids: &BTreeMap<EntityId, Provider>,
    ) -> Result<BTreeMap<EntityId, State>, StoreError> {
        for table in Table::ALL {
            let of_table = ids.iter().filter(|(id, _)| Table::of(&id.key) == table);
            let rows: Vec<Value> =
                of_table.map(|(id, provider)| json!([id.source, id.key.parts().1, provider.as_str()])).collect();
            if rows.is_empty() {
                continue;
            }
            let (name, reference) = table.names();
            let insert = format!(
                "INSERT INTO {name} (source, {reference}, provider)
                 SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING"
            );
            sqlx::query(AssertSqlSafe(insert)).bind(row::json(&rows)?).execute(&mut *self).await?;
        }
        self.read_entities(&ids.keys().cloned().collect()).await
    }

    async fn read_entities(&mut self, ids: &BTreeSet<EntityId>) -> Result<BTreeMap<EntityId, State>, StoreError> {
        let mut states = BTreeMap::new();
        for table in Table::ALL {
            let of_table = ids.iter().filter(|id| Table::of(&id.key) == table);
            let keys: Vec<Value> = of_table.map(|id| json!([id.source, id.key.parts().1])).collect();
            if keys.is_empty() {
                continue;
            }
            let (name, reference) = table.names();
            let select = format!(
                "SELECT source, {reference} AS reference, blocks FROM {name}
                 WHERE (source, {reference}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))"
            );
            for row in sqlx::query(AssertSqlSafe(select)).bind(Json(keys)).fetch_all(&mut *self).await? {
                let id = EntityId { source: row.try_get("source")?, key: table.key(row.try_get("reference")?) };
                let state = state(&id.key, row.try_get("blocks")?)?;
                states.insert(id, state);
            }
        }
        Ok(states)
    }

    async fn save_entities(&mut self, states: &BTreeMap<EntityId, State>) -> Result<(), StoreError> {
        for table in Table::ALL {
            let of_table = states.iter().filter(|(id, _)| Table::of(&id.key) == table);
            let mut rows: Vec<_> = of_table.map(|(id, state)| view::row(id, state)).collect();
            rows.iter_mut().try_for_each(row::stored)?;
            if rows.is_empty() {
                continue;
            }
            let save = match table {
                Table::Orders => include_str!("save_orders.sql"),
                Table::Esims => include_str!("save_esims.sql"),
                Table::Payments => include_str!("save_payments.sql"),
                Table::Returns => include_str!("save_returns.sql"),
            };
            sqlx::query(save).bind(row::json(&rows)?).execute(&mut *self).await?;
        }
        Ok(())
    }
}

fn state(key: &EntityKey, blocks: Value) -> Result<State, sqlx::Error> {
    let state = match key {
        EntityKey::Order(_) => serde_json::from_value(blocks).map(State::Order),
        EntityKey::Esim(_) => serde_json::from_value(blocks).map(State::Esim),
        EntityKey::Payment(_) => serde_json::from_value(blocks).map(State::Payment),
        EntityKey::Return(_) => serde_json::from_value(blocks).map(State::Return),
    };
    state.map_err(|error| sqlx::Error::Decode(error.into()))
}

//! The entities' rows in PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use shared::fact::State;
use shared::fold::EntityId;
use shared::origin::Provider;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::catalogue::{EntityRow, EntityTable};
use crate::entities::Entities;
use crate::error::StoreError;

#[async_trait]
impl Entities for PgConnection {
    async fn lock_entities(
        &mut self,
        ids: &BTreeMap<EntityId, Provider>,
    ) -> Result<BTreeMap<EntityId, State>, StoreError> {
        let mut states = BTreeMap::new();
        for table in EntityTable::ALL {
            let of_table = || ids.iter().filter(|(id, _)| EntityTable::of(&id.key) == table);
            let keys = Keys::of(of_table().map(|(id, _)| id));
            if keys.is_empty() {
                continue;
            }
            let (name, reference) = (table.name(), table.reference());
            let providers: Vec<_> = of_table().map(|(_, provider)| provider.as_str()).collect();
            let insert = format!(
                "INSERT INTO {name} (source, {reference}, provider)
                 SELECT source, reference, provider
                 FROM UNNEST($1::text[], $2::text[], $3::text[]) AS new (source, reference, provider)
                 ORDER BY source, reference
                 ON CONFLICT DO NOTHING"
            );
            let insert = sqlx::query(AssertSqlSafe(insert)).bind(&keys.sources).bind(&keys.references).bind(providers);
            insert.execute(&mut *self).await?;
            let in_order = format!("ORDER BY source, {reference} FOR UPDATE");
            states.extend(read_rows(self, table, &keys, &in_order).await?);
        }
        Ok(states)
    }

    async fn read_entities(&mut self, ids: &BTreeSet<EntityId>) -> Result<BTreeMap<EntityId, State>, StoreError> {
        let mut states = BTreeMap::new();
        for table in EntityTable::ALL {
            let keys = Keys::of(ids.iter().filter(|id| EntityTable::of(&id.key) == table));
            if !keys.is_empty() {
                states.extend(read_rows(self, table, &keys, "").await?);
            }
        }
        Ok(states)
    }

    async fn save_entities(&mut self, states: &BTreeMap<EntityId, State>) -> Result<(), StoreError> {
        for table in EntityTable::ALL {
            let of_table = states.iter().filter(|(id, _)| EntityTable::of(&id.key) == table);
            let rows: Vec<_> = of_table.map(|(id, state)| EntityRow { id, state }).collect();
            if !rows.is_empty() {
                sqlx::query(AssertSqlSafe(update(table))).bind(Json(rows)).execute(&mut *self).await?;
            }
        }
        Ok(())
    }
}

/// The keys of one table's rows, column by column.
struct Keys<'a> {
    sources: Vec<&'a str>,
    references: Vec<&'a str>,
}

impl<'a> Keys<'a> {
    fn of(ids: impl Iterator<Item = &'a EntityId>) -> Self {
        let (sources, references) = ids.map(|id| (id.source.as_str(), id.key.parts().1)).unzip();
        Self { sources, references }
    }

    fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

async fn read_rows(
    db: &mut PgConnection,
    table: EntityTable,
    keys: &Keys<'_>,
    suffix: &str,
) -> Result<Vec<(EntityId, State)>, StoreError> {
    let (name, reference) = (table.name(), table.reference());
    let select = format!(
        "SELECT source, {reference}, blocks::text FROM {name}
         WHERE (source, {reference}) IN (SELECT * FROM UNNEST($1::text[], $2::text[])) {suffix}"
    );
    let select = sqlx::query_as(AssertSqlSafe(select)).bind(&keys.sources).bind(&keys.references);
    let rows: Vec<(String, String, String)> = select.fetch_all(db).await?;
    let read = |(source, reference, blocks): (String, String, String)| {
        Ok((EntityId { source, key: table.key(reference) }, table.read_state(&blocks)?))
    };
    rows.into_iter().map(read).collect()
}

/// The rows become rows of the table's own type, so that their columns have its types.
fn update(table: EntityTable) -> String {
    let (name, reference) = (table.name(), table.reference());
    let columns = table.state_columns();
    let assignments: Vec<_> = columns.iter().map(|(column, _)| format!("{column} = new.{column}")).collect();
    format!(
        "UPDATE {name} SET {} FROM JSON_POPULATE_RECORDSET(NULL::{name}, $1::json) AS new
         WHERE {name}.source = new.source AND {name}.{reference} = new.{reference}",
        assignments.join(", ")
    )
}

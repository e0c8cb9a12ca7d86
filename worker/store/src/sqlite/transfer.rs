//! The tables on their way out of SQLite.

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::row::{column_of, read_row};
use crate::catalogue::Table;
use crate::error::StoreError;
use crate::transfer::{Row, Transfer};

#[async_trait]
impl Transfer for SqliteConnection {
    fn read_table(&mut self, table: &'static Table) -> BoxStream<'_, Result<Row, StoreError>> {
        let select = format!("SELECT {} FROM {} ORDER BY {}", table.names(), table.name, table.order.join(", "));
        let rows = sqlx::query(AssertSqlSafe(select)).fetch(self);
        rows.map(move |row| Ok(read_row(table, &row?)?)).boxed()
    }

    async fn write_rows(&mut self, table: &'static Table, rows: &[Row]) -> Result<(), StoreError> {
        let values: Vec<_> = table.columns.iter().map(|column| column_of("value", column.name, column.form)).collect();
        let insert =
            format!("INSERT INTO {} ({}) SELECT {} FROM json_each($1)", table.name, table.names(), values.join(", "));
        let rows: Vec<Value> = rows.iter().cloned().map(Value::Object).collect();
        sqlx::query(AssertSqlSafe(insert)).bind(Json(rows)).execute(self).await?;
        Ok(())
    }

    async fn is_empty(&mut self, table: &'static Table) -> Result<bool, StoreError> {
        let select = format!("SELECT NOT EXISTS (SELECT 1 FROM {})", table.name);
        Ok(sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(self).await?)
    }
}

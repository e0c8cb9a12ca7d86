//! The tables on their way out of SQLite.

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::row;
use crate::error::StoreError;
use crate::transfer::{Form, Portable, Row, Transfer};

#[async_trait]
impl Transfer for SqliteConnection {
    fn read_table(&mut self, table: Portable) -> BoxStream<'_, Result<Row, StoreError>> {
        let select = format!("SELECT {} FROM {} ORDER BY {}", table.names(), table.name, table.order);
        let rows = sqlx::query(AssertSqlSafe(select)).fetch(self);
        rows.map(move |row| Ok(read(table, &row?)?)).boxed()
    }

    async fn write_rows(&mut self, table: Portable, rows: &[Row]) -> Result<(), StoreError> {
        let values: Vec<_> = table.columns.iter().map(|(column, form)| write_as(column, *form)).collect();
        let insert =
            format!("INSERT INTO {} ({}) SELECT {} FROM json_each(?1)", table.name, table.names(), values.join(", "));
        let rows: Vec<Value> = rows.iter().cloned().map(Value::Object).collect();
        sqlx::query(AssertSqlSafe(insert)).bind(Json(rows)).execute(self).await?;
        Ok(())
    }

    async fn is_empty(&mut self, table: Portable) -> Result<bool, StoreError> {
        let select = format!("SELECT NOT EXISTS (SELECT 1 FROM {})", table.name);
        Ok(sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(self).await?)
    }
}

fn write_as(column: &str, form: Form) -> String {
    match form {
        Form::Text | Form::Time | Form::Decimal | Form::Integer | Form::Boolean => format!("value ->> '{column}'"),
        Form::Json => format!("value -> '{column}'"),
        Form::Bytes => format!("unhex(value ->> '{column}')"),
    }
}

/// A row with at least the table's columns, in the form in which it moves.
pub(super) fn read(table: Portable, row: &SqliteRow) -> Result<Row, sqlx::Error> {
    let mut row = row::read(row)?;
    for (column, form) in table.columns {
        let value = row.get_mut(*column).map(Value::take).unwrap_or_default();
        let value = match (form, value) {
            (Form::Boolean, Value::Number(number)) => Value::Bool(number.as_i64() == Some(1)),
            (Form::Json, Value::String(text)) => {
                serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))?
            }
            (_, value) => value,
        };
        row.insert((*column).to_owned(), value);
    }
    Ok(row)
}

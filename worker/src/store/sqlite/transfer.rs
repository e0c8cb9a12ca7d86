//! The tables on their way out of SQLite.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::row;
use crate::store::StoreError;
use crate::store::transfer::{Form, Portable, Row, Transfer};

impl Transfer for SqliteConnection {
    fn read_table(&mut self, table: Portable) -> BoxStream<'_, Result<Row, StoreError>> {
        let columns: Vec<_> = table.columns.iter().map(|(column, _)| *column).collect();
        let select = format!("SELECT {} FROM {} ORDER BY {}", columns.join(", "), table.name, table.order);
        let rows = sqlx::query(AssertSqlSafe(select)).fetch(self);
        rows.map(move |row| Ok(read(table, &row?)?)).boxed()
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

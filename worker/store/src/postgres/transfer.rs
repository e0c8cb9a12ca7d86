//! The tables on their way into PostgreSQL, and out of it for comparison.

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::catalogue::{Column, Form, Table};
use crate::error::StoreError;
use crate::transfer::{Row, Transfer};

#[async_trait]
impl Transfer for PgConnection {
    fn read_table(&mut self, table: &'static Table) -> BoxStream<'_, Result<Row, StoreError>> {
        let columns: Vec<_> =
            table.columns.iter().map(|column| format!("'{}', {}", column.name, read_as(*column))).collect();
        // In the order of the bytes, as everywhere else; what is null comes first.
        let order = table.columns.iter().filter(|column| table.order.contains(&column.name));
        let order: Vec<_> =
            order.map(|column| format!("({})::text COLLATE \"C\" NULLS FIRST", read_as(*column))).collect();
        let select = format!(
            "SELECT jsonb_build_object({}) AS \"row\" FROM {} ORDER BY {}",
            columns.join(", "),
            table.name,
            order.join(", ")
        );
        let rows = sqlx::query(AssertSqlSafe(select)).fetch(self);
        rows.map(|row| Ok(row?.try_get::<Json<Row>, _>("row")?.0)).boxed()
    }

    async fn write_rows(&mut self, table: &'static Table, rows: &[Row]) -> Result<(), StoreError> {
        let values: Vec<_> = table.columns.iter().map(|column| write_as(*column)).collect();
        let insert = format!(
            "INSERT INTO {} ({}) SELECT {} FROM jsonb_array_elements($1) AS moved (\"row\")",
            table.name,
            table.names(),
            values.join(", ")
        );
        let rows: Vec<Value> = rows.iter().cloned().map(Value::Object).collect();
        sqlx::query(AssertSqlSafe(insert)).bind(Json(rows)).execute(self).await?;
        Ok(())
    }

    async fn is_empty(&mut self, table: &'static Table) -> Result<bool, StoreError> {
        let select = format!("SELECT NOT EXISTS (SELECT FROM {})", table.name);
        Ok(sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(self).await?)
    }
}

fn read_as(Column { name, form }: Column) -> String {
    match form {
        Form::Time => format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
        Form::Decimal => format!("{name}::text"),
        Form::Bytes => format!("encode({name}, 'hex')"),
        Form::Id | Form::Text | Form::Integer | Form::Boolean | Form::Json => name.to_owned(),
    }
}

fn write_as(Column { name, form }: Column) -> String {
    let text = format!("(moved.\"row\" ->> '{name}')");
    match form {
        Form::Id => format!("{text}::uuid"),
        Form::Text => text,
        Form::Time => format!("{text}::timestamptz"),
        Form::Decimal => format!("{text}::numeric"),
        Form::Integer => format!("{text}::bigint"),
        Form::Boolean => format!("{text}::boolean"),
        Form::Json => format!("(moved.\"row\" -> '{name}')"),
        Form::Bytes => format!("decode({text}, 'hex')"),
    }
}

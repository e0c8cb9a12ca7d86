//! The tables on their way into PostgreSQL, and out of it for comparison.

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use crate::error::StoreError;
use crate::transfer::{Form, Portable, Row, Transfer};

#[async_trait]
impl Transfer for PgConnection {
    fn read_table(&mut self, table: Portable) -> BoxStream<'_, Result<Row, StoreError>> {
        let columns: Vec<_> =
            table.columns.iter().map(|(column, form)| format!("'{column}', {}", read_as(column, *form))).collect();
        // In the order of the bytes, as everywhere else; what is null comes first.
        let order: Vec<_> = table.order.split(", ").map(|column| read_in_order(table, column)).collect();
        let select = format!(
            "SELECT jsonb_build_object({}) AS \"row\" FROM {} ORDER BY {}",
            columns.join(", "),
            table.name,
            order.join(", ")
        );
        let rows = sqlx::query(AssertSqlSafe(select)).fetch(self);
        rows.map(|row| Ok(row?.try_get::<Json<Row>, _>("row")?.0)).boxed()
    }

    async fn write_rows(&mut self, table: Portable, rows: &[Row]) -> Result<(), StoreError> {
        let values: Vec<_> = table.columns.iter().map(|(column, form)| write_as(column, *form)).collect();
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

    async fn is_empty(&mut self, table: Portable) -> Result<bool, StoreError> {
        let select = format!("SELECT NOT EXISTS (SELECT FROM {})", table.name);
        Ok(sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(self).await?)
    }
}

fn read_in_order(table: Portable, column: &str) -> String {
    let form = table.columns.iter().find(|(name, _)| *name == column).map_or(Form::Text, |(_, form)| *form);
    format!("({})::text COLLATE \"C\" NULLS FIRST", read_as(column, form))
}

fn read_as(column: &str, form: Form) -> String {
    match form {
        Form::Time => format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
        Form::Decimal => format!("{column}::text"),
        Form::Bytes => format!("encode({column}, 'hex')"),
        Form::Text | Form::Integer | Form::Boolean | Form::Json => column.to_owned(),
    }
}

fn write_as(column: &str, form: Form) -> String {
    let text = format!("(moved.\"row\" ->> '{column}')");
    match form {
        Form::Text => match column {
            "id" | "action_id" | "caused_by" => format!("{text}::uuid"),
            _ => text,
        },
        Form::Time => format!("{text}::timestamptz"),
        Form::Decimal => format!("{text}::numeric"),
        Form::Integer => format!("{text}::bigint"),
        Form::Boolean => format!("{text}::boolean"),
        Form::Json => format!("(moved.\"row\" -> '{column}')"),
        Form::Bytes => format!("decode({text}, 'hex')"),
    }
}

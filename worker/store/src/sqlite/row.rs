//! Rust's values in SQLite's types and back: times and ids as text, whole rows as JSON. What PostgreSQL can't hold in its
//! types is refused here, too: the same event must have the same fate in both, and what is kept here must be able to move
//! there.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::catalogue::{Column, Form, Table, time_text};
use crate::transfer::Row;

/// The latest time that its form has room for.
const LATEST: &str = "9999-12-31T23:59:59.999999Z";

/// Microseconds, as everything that is stored.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::<Utc>::from(SystemTime::now()).trunc_subsecs(6)
}

/// So long from now, or as late as can be told.
pub(super) fn after(pause: Duration) -> DateTime<Utc> {
    let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
    now().checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The time as it is stored. A time that its form has no room for is stored as the latest one.
pub(super) fn text(time: DateTime<Utc>) -> String {
    time_text(time).unwrap_or_else(|_| LATEST.to_owned())
}

/// A time that a provider gave, as it is stored.
pub(super) fn given(time: DateTime<Utc>) -> Result<String, sqlx::Error> {
    time_text(time).map_err(|unfit| sqlx::Error::Encode(unfit.into()))
}

/// A text that somebody else gave.
pub(super) fn check(text: &str) -> Result<(), sqlx::Error> {
    if text.contains('\0') { Err(unfit("a text with a NUL in it")) } else { Ok(()) }
}

/// The same for what is kept as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<String, sqlx::Error> {
    let json = serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))?;
    // One that is escaped itself is part of a text about it.
    let is_escape = |at: usize| json[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0;
    if json.match_indices("\\u0000").any(|(at, _)| is_escape(at)) {
        return Err(unfit("a text with a NUL in it"));
    }
    Ok(json)
}

fn unfit(what: &'static str) -> sqlx::Error {
    sqlx::Error::Encode(what.into())
}

pub(super) fn id(row: &SqliteRow, column: &str) -> Result<Uuid, sqlx::Error> {
    Ok(row.try_get::<Hyphenated, _>(column)?.into_uuid())
}

pub(super) fn ids(rows: &[SqliteRow]) -> Result<Vec<Uuid>, sqlx::Error> {
    rows.iter().map(|row| id(row, "id")).collect()
}

/// The column of a row that is the JSON object `row`, as an expression of SQL.
pub(super) fn column_of(row: &str, column: &str, form: Form) -> String {
    match form {
        Form::Id | Form::Text | Form::Time | Form::Decimal | Form::Integer | Form::Boolean => {
            format!("{row} ->> '{column}'")
        }
        Form::Json => format!("{row} -> '{column}'"),
        Form::Bytes => format!("unhex({row} ->> '{column}')"),
    }
}

/// A row that holds at least the table's columns, each in its form.
pub(super) fn read_row(table: &Table, row: &SqliteRow) -> Result<Row, sqlx::Error> {
    let mut row = read(row)?;
    for Column { name, form } in &table.columns {
        let value = row.get_mut(*name).map(Value::take).unwrap_or_default();
        let value = match (form, value) {
            (Form::Boolean, Value::Number(number)) => Value::Bool(number.as_i64() == Some(1)),
            (Form::Json, Value::String(text)) => {
                serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))?
            }
            (_, value) => value,
        };
        row.insert((*name).to_owned(), value);
    }
    Ok(row)
}

/// The row as JSON, each value as it is stored; bytes as hexadecimal text.
fn read(row: &SqliteRow) -> Result<Row, sqlx::Error> {
    let mut fields = Row::new();
    for column in row.columns() {
        let index = column.ordinal();
        let raw = row.try_get_raw(index)?;
        let value = match raw.type_info().name() {
            _ if raw.is_null() => Value::Null,
            "INTEGER" => Value::from(row.try_get::<i64, _>(index)?),
            "REAL" => Value::from(row.try_get::<f64, _>(index)?),
            "BLOB" => Value::from(hex::encode(row.try_get::<Vec<u8>, _>(index)?)),
            _ => Value::from(row.try_get::<String, _>(index)?),
        };
        fields.insert(column.name().to_owned(), value);
    }
    Ok(fields)
}

//! Rust's values in SQLite's types and back: times and ids as text, whole rows as JSON.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::{Map, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Microseconds, as everything that is stored.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::<Utc>::from(SystemTime::now()).trunc_subsecs(6)
}

/// So long from now, or as late as can be told.
pub(super) fn after(pause: Duration) -> DateTime<Utc> {
    let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
    now().checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// As wide as any other, so that the order of times is the order of their texts.
pub(super) fn text(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

pub(super) fn id(row: &SqliteRow, column: &str) -> Result<Uuid, sqlx::Error> {
    Ok(row.try_get::<Hyphenated, _>(column)?.into_uuid())
}

pub(super) fn ids(rows: &[SqliteRow]) -> Result<Vec<Uuid>, sqlx::Error> {
    rows.iter().map(|row| id(row, "id")).collect()
}

/// The row as JSON, each value as it is stored; bytes as hexadecimal text.
pub(super) fn read(row: &SqliteRow) -> Result<Map<String, Value>, sqlx::Error> {
    let mut fields = Map::new();
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

/// An entity's row as it is to be stored: its times as wide as all times are, and 0 or 1 for a boolean.
pub(super) fn stored(row: &mut Map<String, Value>) {
    for (name, value) in row.iter_mut() {
        match value {
            Value::Bool(is_so) => *value = Value::from(i64::from(*is_so)),
            Value::String(time) if name.ends_with("_at") => {
                if let Ok(time) = time.parse::<DateTime<Utc>>() {
                    *value = Value::from(text(time));
                }
            }
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {}
        }
    }
}

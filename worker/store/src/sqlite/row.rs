//! Rust's values in SQLite's types and back: times and ids as text, whole rows as JSON. What PostgreSQL can't hold in its
//! types is refused here, too: the same event must have the same fate in both, and what is kept here must be able to move
//! there.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Datelike as _, SubsecRound as _, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Of the times whose text has four digits for the year; PostgreSQL reads no others from text.
const YEARS: RangeInclusive<i32> = 1..=9999;
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

/// As wide as any other, so that the order of times is the order of their texts. What has no room is as late as can be
/// told.
pub(super) fn text(time: DateTime<Utc>) -> String {
    if time.year() > *YEARS.end() {
        return LATEST.to_owned();
    }
    time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A time that somebody else gave.
pub(super) fn given(time: DateTime<Utc>) -> Result<String, sqlx::Error> {
    if YEARS.contains(&time.year()) { Ok(text(time)) } else { Err(unfit("a time before the year 1 or after 9999")) }
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
pub(super) fn stored(row: &mut Map<String, Value>) -> Result<(), sqlx::Error> {
    for (name, value) in row.iter_mut() {
        match value {
            Value::Bool(is_so) => *value = Value::from(i64::from(*is_so)),
            Value::String(_) if name.ends_with("_at") => {
                if let Some(time) = parse_time(value) {
                    *value = Value::from(given(time)?);
                }
            }
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {}
        }
    }
    Ok(())
}

/// A time in JSON as it would be stored.
pub(super) fn as_time(value: &Value) -> Value {
    parse_time(value).map_or_else(|| value.clone(), |time| Value::from(text(time)))
}

fn parse_time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

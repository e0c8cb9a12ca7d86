//! The values of columns, and the forms that they have in a row whatever the database.

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use shared::Timestamp;
use shared::fact::State;
use thiserror::Error;

/// How a column's values look in a row of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text, a UUID with hyphens.
    Id,
    Text,
    /// Text, `2026-05-31T10:00:00.000000Z`.
    Time,
    /// Text, with the digits as they are stored.
    Decimal,
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Any JSON, by its meaning: the order of keys and the spacing do not count.
    Json,
    /// Text, hexadecimal.
    Bytes,
}

/// The value of a column of an entity's row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FieldValue<'a> {
    Text(Option<&'a str>),
    Time(Option<Timestamp>),
    Decimal(Option<&'a Decimal>),
    Integer(Option<u64>),
    Boolean(bool),
    Blocks(&'a State),
}

/// A time that its form has no room for: PostgreSQL reads only years of four digits from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a time before the year 1 or after 9999")]
pub(crate) struct UnfitTime;

/// The time in its form. All texts have one width, so that the order of times is the order of their texts.
pub(crate) fn time_text(time: DateTime<Utc>) -> Result<String, UnfitTime> {
    if (1..=9999).contains(&time.year()) {
        Ok(time.to_rfc3339_opts(SecondsFormat::Micros, true))
    } else {
        Err(UnfitTime)
    }
}

impl FieldValue<'_> {
    pub(crate) fn form(&self) -> Form {
        match self {
            Self::Text(_) => Form::Text,
            Self::Time(_) => Form::Time,
            Self::Decimal(_) => Form::Decimal,
            Self::Integer(_) => Form::Integer,
            Self::Boolean(_) => Form::Boolean,
            Self::Blocks(_) => Form::Json,
        }
    }

    /// The value as people are shown it.
    pub(crate) fn shown(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Time(time) => json!(time),
            Self::Decimal(decimal) => json!(decimal),
            Self::Integer(integer) => json!(integer),
            Self::Boolean(boolean) => json!(boolean),
            Self::Blocks(_) => Value::Null,
        }
    }
}

impl Serialize for FieldValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Time(time) => time.map(time_text).transpose().map_err(S::Error::custom)?.serialize(serializer),
            Self::Decimal(decimal) => decimal.serialize(serializer),
            Self::Integer(integer) => integer.serialize(serializer),
            Self::Boolean(boolean) => boolean.serialize(serializer),
            Self::Blocks(State::Order(order)) => order.serialize(serializer),
            Self::Blocks(State::Esim(esim)) => esim.serialize(serializer),
            Self::Blocks(State::Payment(payment)) => payment.serialize(serializer),
            Self::Blocks(State::Return(return_request)) => return_request.serialize(serializer),
        }
    }
}

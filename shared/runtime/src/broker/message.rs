//! An envelope as an AMQP message, and back. The body travels as it is; everything else is in properties and headers.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde_json::{Map, Value, json};
use shared::envelope::{Envelope, Mode, Origin};
use shared::provider::Provider;
use uuid::Uuid;

use crate::queue::{DeathNote, NotAnEnvelope};

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;
/// What a request's header is called in the message: with this in front of its own name.
const HTTP_PREFIX: &str = "http-";

pub(super) fn properties(envelope: &Envelope) -> BasicProperties {
    let mut properties = BasicProperties::default()
        .with_message_id(word(&envelope.id.to_string()))
        .with_timestamp(u64::try_from(envelope.received_at.timestamp()).unwrap_or_default())
        .with_type(word(envelope.provider.as_str()))
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers(envelope));
    if let Some(content_type) = &envelope.content_type {
        properties = properties.with_content_type(word(content_type));
    }
    properties
}

fn headers(envelope: &Envelope) -> FieldTable {
    let mut table = FieldTable::default();
    let mut insert = |name: &str, value: &str| {
        table.insert(word(name), AMQPValue::LongString(value.into()));
    };
    insert("source", &envelope.source);
    insert("received_at", &envelope.received_at.to_rfc3339_opts(SecondsFormat::Micros, true));
    insert("mode", envelope.mode.as_str());
    insert("origin", envelope.origin.as_str());
    if let Some(traceparent) = &envelope.traceparent {
        insert("traceparent", traceparent);
    }
    for (name, value) in &envelope.headers {
        insert(&format!("{HTTP_PREFIX}{name}"), value);
    }
    table
}

/// AMQP's short strings hold 255 bytes; lapin's own conversion panics on more. Ours are shorter, or of no use.
fn word(text: &str) -> ShortString {
    let end = text.floor_char_boundary(255);
    ShortString::try_new(&text[..end]).unwrap_or_default()
}

pub(super) fn envelope(properties: &BasicProperties, body: Vec<u8>) -> Result<Envelope, Box<NotAnEnvelope>> {
    let empty = FieldTable::default();
    let headers = properties.headers().as_ref().unwrap_or(&empty);
    match read(properties, headers) {
        Ok(envelope) => Ok(Envelope { body, ..envelope }),
        Err(detail) => Err(Box::new(NotAnEnvelope {
            detail,
            source: text(headers, "source"),
            provider: provider(properties),
            message_id: message_id(properties),
            headers: describe(properties, headers),
            body,
        })),
    }
}

fn read(properties: &BasicProperties, headers: &FieldTable) -> Result<Envelope, String> {
    let received_at = text(headers, "received_at").ok_or("the header received_at is missing")?;
    let received_at = DateTime::parse_from_rfc3339(&received_at).map_err(|error| format!("received_at: {error}"))?;
    Ok(Envelope {
        id: message_id(properties).ok_or("message_id is missing or not a UUID")?,
        source: text(headers, "source").ok_or("the header source is missing")?,
        provider: provider(properties).ok_or("type is missing or names no provider")?,
        mode: known(headers, "mode", |word| Mode::deserialize(word))?,
        origin: known(headers, "origin", |word| Origin::deserialize(word))?,
        received_at: received_at.with_timezone(&Utc),
        content_type: properties.content_type().as_ref().map(ToString::to_string),
        traceparent: text(headers, "traceparent"),
        headers: http_headers(headers),
        body: Vec::new(),
    })
}

fn message_id(properties: &BasicProperties) -> Option<Uuid> {
    properties.message_id().as_ref().and_then(|id| Uuid::try_parse(id.as_str()).ok())
}

fn provider(properties: &BasicProperties) -> Option<Provider> {
    properties.kind().as_ref().and_then(|kind| Provider::parse(kind.as_str()))
}

/// A header with one of a type's words; without the header, the type's default.
fn known<T: Default>(
    headers: &FieldTable,
    name: &str,
    read: impl FnOnce(StrDeserializer<'_, WordError>) -> Result<T, WordError>,
) -> Result<T, String> {
    match text(headers, name) {
        None => Ok(T::default()),
        Some(word) => read(word.as_str().into_deserializer()).map_err(|error| format!("{name}: {error}")),
    }
}

fn http_headers(headers: &FieldTable) -> BTreeMap<String, String> {
    let named = headers.into_iter().filter_map(|(name, _)| name.as_str().strip_prefix(HTTP_PREFIX));
    named.filter_map(|name| Some((name.to_owned(), text(headers, &format!("{HTTP_PREFIX}{name}"))?))).collect()
}

fn text(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(value) => String::from_utf8(value.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(value) => Some(value.to_string()),
        _ => None,
    }
}

/// What the broker notes on a message that it dead-lettered; entries are newest first.
pub(super) fn death(properties: &BasicProperties) -> Option<DeathNote> {
    let AMQPValue::FieldArray(deaths) = properties.headers().as_ref()?.inner().get("x-death")? else {
        return None;
    };
    let AMQPValue::FieldTable(newest) = deaths.as_slice().first()? else {
        return None;
    };
    let count = match newest.inner().get("count") {
        Some(AMQPValue::LongLongInt(count)) => u64::try_from(*count).unwrap_or_default(),
        Some(AMQPValue::LongInt(count)) => u64::try_from(*count).unwrap_or_default(),
        _ => 1,
    };
    Some(DeathNote { reason: text(newest, "reason")?, count })
}

fn describe(properties: &BasicProperties, headers: &FieldTable) -> Value {
    let mut all: Map<String, Value> =
        headers.into_iter().map(|(name, value)| (name.to_string(), json_of(value))).collect();
    let mut note = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            all.insert(format!("amqp.{name}"), value);
        }
    };
    let string = |value: &Option<ShortString>| value.as_ref().map(|value| json!(value.as_str()));
    note("message_id", string(properties.message_id()));
    note("type", string(properties.kind()));
    note("content_type", string(properties.content_type()));
    note("content_encoding", string(properties.content_encoding()));
    note("app_id", string(properties.app_id()));
    note("timestamp", properties.timestamp().map(|seconds| json!(seconds)));
    Value::Object(all)
}

fn json_of(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Boolean(value) => json!(value),
        AMQPValue::ShortShortInt(value) => json!(value),
        AMQPValue::ShortShortUInt(value) => json!(value),
        AMQPValue::ShortInt(value) => json!(value),
        AMQPValue::ShortUInt(value) => json!(value),
        AMQPValue::LongInt(value) => json!(value),
        AMQPValue::LongUInt(value) => json!(value),
        AMQPValue::LongLongInt(value) => json!(value),
        AMQPValue::Float(value) => json!(value),
        AMQPValue::Double(value) => json!(value),
        AMQPValue::DecimalValue(value) => json!({ "scale": value.scale, "value": value.value }),
        AMQPValue::ShortString(value) => json!(value.as_str()),
        AMQPValue::LongString(value) => json!(String::from_utf8_lossy(value.as_bytes())),
        AMQPValue::ByteArray(value) => json!(String::from_utf8_lossy(value.as_slice())),
        AMQPValue::Timestamp(value) => json!(value),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(json_of).collect(),
        AMQPValue::FieldTable(table) => {
            Value::Object(table.into_iter().map(|(name, value)| (name.to_string(), json_of(value))).collect())
        }
        AMQPValue::Void => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Envelope {
        Envelope {
            id: Uuid::from_u128(7),
            source: "airalo".to_owned(),
            provider: Provider::Airalo,
            mode: Mode::Test,
            origin: Origin::Replay,
            received_at: DateTime::from_timestamp_micros(1_767_225_600_123_456).unwrap(),
            content_type: Some("application/json".to_owned()),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            headers: BTreeMap::from([("airalo-signature".to_owned(), "ab12".to_owned())]),
            body: b"{\"a\": 1}\n\xff".to_vec(),
        }
    }

    #[test]
    fn an_envelope_survives_the_queue() {
        let sent = sample();
        assert_eq!(envelope(&properties(&sent), sent.body.clone()).unwrap(), sent);
    }

    #[test]
    fn an_envelope_without_optional_parts_survives_the_queue() {
        let sent =
            Envelope { content_type: None, traceparent: None, headers: BTreeMap::new(), body: Vec::new(), ..sample() };
        assert_eq!(envelope(&properties(&sent), Vec::new()).unwrap(), sent);
    }

    #[test]
    fn the_properties_are_the_contract() {
        let properties = properties(&sample());
        assert_eq!(properties.message_id().as_ref().unwrap().as_str(), Uuid::from_u128(7).to_string());
        assert_eq!(properties.kind().as_ref().unwrap().as_str(), "airalo");
        assert_eq!(*properties.delivery_mode(), Some(2));
        assert_eq!(*properties.timestamp(), Some(1_767_225_600));
        let headers = properties.headers().as_ref().unwrap();
        assert_eq!(text(headers, "received_at").unwrap(), "2026-01-01T00:00:00.123456Z");
        assert_eq!(text(headers, "http-airalo-signature").unwrap(), "ab12");
    }

    #[test]
    fn a_foreign_message_keeps_what_it_came_with() {
        let mut table = FieldTable::default();
        table.insert("source".into(), AMQPValue::LongString("airalo".into()));
        table.insert("tries".into(), AMQPValue::LongInt(3));
        let properties = BasicProperties::default().with_headers(table).with_type("airalo".into());
        let foreign = envelope(&properties, b"hello".to_vec()).unwrap_err();
        assert_eq!(foreign.detail, "the header received_at is missing");
        assert_eq!(foreign.source.as_deref(), Some("airalo"));
        assert_eq!(foreign.provider, Some(Provider::Airalo));
        assert_eq!(foreign.headers, json!({ "source": "airalo", "tries": 3, "amqp.type": "airalo" }));
        assert_eq!(foreign.body, b"hello");
    }

    #[test]
    fn an_overlong_content_type_is_cut_and_does_not_panic() {
        let sent = Envelope { content_type: Some("ä".repeat(300)), ..sample() };
        assert_eq!(properties(&sent).content_type().as_ref().unwrap().as_str().len(), 254);
    }

    #[test]
    fn the_newest_death_counts() {
        let death_of = |reason: &str, count| {
            let mut table = FieldTable::default();
            table.insert("reason".into(), AMQPValue::LongString(reason.into()));
            table.insert("count".into(), AMQPValue::LongLongInt(count));
            AMQPValue::FieldTable(table)
        };
        let deaths = vec![death_of("delivery_limit", 2), death_of("rejected", 1)];
        let mut headers = FieldTable::default();
        headers.insert("x-death".into(), AMQPValue::FieldArray(deaths.into()));
        let properties = BasicProperties::default().with_headers(headers);
        assert_eq!(death(&properties), Some(DeathNote { reason: "delivery_limit".to_owned(), count: 2 }));
        assert_eq!(death(&BasicProperties::default()), None);
    }
}

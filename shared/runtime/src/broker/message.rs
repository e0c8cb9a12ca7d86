//! An envelope as an AMQP message, and back. The body travels as it is; everything else is in properties and headers,
//! whose texts and names are the envelope's own business ([`Head`]).

use std::borrow::Cow;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde_json::{Map, Value, json};
use shared::envelope::{Envelope, Head};

use crate::queue::{DeathNote, NotAnEnvelope};

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

pub(super) fn properties(envelope: &Envelope) -> BasicProperties {
    let head = Head::of(envelope);
    let mut properties = BasicProperties::default()
        .with_timestamp(u64::try_from(envelope.received_at.timestamp()).unwrap_or_default())
        .with_delivery_mode(PERSISTENT)
        .with_headers(table(&head));
    if let Some(message_id) = &head.message_id {
        properties = properties.with_message_id(word(message_id));
    }
    if let Some(kind) = &head.kind {
        properties = properties.with_type(word(kind));
    }
    if let Some(content_type) = &head.content_type {
        properties = properties.with_content_type(word(content_type));
    }
    properties
}

fn table(head: &Head<'_>) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, text) in &head.headers {
        table.insert(word(name), AMQPValue::LongString(text.as_ref().into()));
    }
    table
}

/// AMQP's short strings hold 255 bytes; lapin's own conversion panics on more. Ours are shorter, or of no use.
fn word(text: &str) -> ShortString {
    let end = text.floor_char_boundary(255);
    ShortString::try_new(&text[..end]).unwrap_or_default()
}

pub(super) fn envelope(properties: &BasicProperties, body: Vec<u8>) -> Result<Envelope, Box<NotAnEnvelope>> {
    let head = head(properties);
    // The body is moved, not copied, and a message that is none of ours keeps it.
    match head.envelope(Vec::new()) {
        Ok(envelope) => Ok(Envelope { body, ..envelope }),
        Err(detail) => Err(Box::new(NotAnEnvelope {
            detail,
            source: head.text("source").map(str::to_owned),
            provider: head.provider(),
            message_id: head.message_id(),
            headers: describe(properties),
            body,
        })),
    }
}

fn head(properties: &BasicProperties) -> Head<'_> {
    let headers = properties.headers().as_ref().into_iter().flatten();
    Head {
        message_id: property(properties.message_id()),
        kind: property(properties.kind()),
        content_type: property(properties.content_type()),
        headers: headers.filter_map(|(name, value)| Some((name.as_str().into(), text(value)?.into()))).collect(),
    }
}

fn property(value: &Option<ShortString>) -> Option<Cow<'_, str>> {
    value.as_ref().map(|text| text.as_str().into())
}

fn text(value: &AMQPValue) -> Option<&str> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str()),
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
    Some(DeathNote { reason: text(newest.inner().get("reason")?)?.to_owned(), count })
}

fn describe(properties: &BasicProperties) -> Value {
    let headers = properties.headers().as_ref().into_iter().flatten();
    let mut all: Map<String, Value> = headers.map(|(name, value)| (name.to_string(), json_of(value))).collect();
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
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use shared::envelope::{Mode, Origin};
    use shared::origin::Provider;
    use uuid::Uuid;

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
        let headers = properties.headers().as_ref().unwrap().inner();
        assert_eq!(headers["received_at"], AMQPValue::LongString("2026-01-01T00:00:00.123456Z".into()));
        assert_eq!(headers["http-airalo-signature"], AMQPValue::LongString("ab12".into()));
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

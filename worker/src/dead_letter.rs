//! What becomes of a message that is no event: a dead letter with its reason, and the way back.

use anyhow::{Context as _, bail};
use runtime::queue::NotAnEnvelope;
use serde_json::Value;
use shared::envelope::{Envelope, Origin};
use shared::event::Malformed;
use store::dead_letters::DeadLetter;
use uuid::Uuid;

/// Marks the ids of letters that came without one; drawn once, for this purpose alone.
const NAMESPACE: Uuid = Uuid::from_u128(0x4b2f_0d3a_6f0e_4c8e_8d57_53ab_3c1d_9e10);

/// An authentic body that is not an event of its provider.
pub fn malformed(envelope: &Envelope, why: &Malformed) -> DeadLetter {
    let reason = match why {
        Malformed::Unparseable(_) => "unparseable",
        Malformed::Unidentified(_) => "unidentified",
        Malformed::StaleReplay { .. } => "stale_replay",
    };
    of_envelope(envelope, reason, why.to_string())
}

/// An event that the database refuses.
pub fn rejected(envelope: &Envelope, why: &dyn std::fmt::Display) -> DeadLetter {
    of_envelope(envelope, "store_rejected", why.to_string())
}

/// A message that the broker gave up on.
pub fn given_up(envelope: &Envelope, detail: String) -> DeadLetter {
    of_envelope(envelope, "delivery_limit", detail)
}

/// A message that somebody else put into our queue.
pub fn foreign(message: NotAnEnvelope) -> DeadLetter {
    DeadLetter {
        id: message.message_id.unwrap_or_else(|| Uuid::new_v5(&NAMESPACE, &message.body)),
        source: message.source.map(without_nul),
        provider: message.provider.map(|provider| provider.as_str().to_owned()),
        received_at: None,
        reason: "not_an_envelope".to_owned(),
        detail: without_nul(message.detail),
        headers: value_without_nul(message.headers),
        body: message.body,
    }
}

/// The envelope as it was, now sent by an operator's hand.
pub fn replay(letter: DeadLetter) -> anyhow::Result<Envelope> {
    if letter.reason == "not_an_envelope" {
        bail!("{} was no envelope of ours ({}), so it can't be replayed", letter.id, letter.detail);
    }
    let envelope: Envelope = serde_json::from_value(letter.headers).context("reading the envelope that was kept")?;
    Ok(Envelope { origin: Origin::Replay, body: letter.body, ..envelope })
}

fn of_envelope(envelope: &Envelope, reason: &str, detail: String) -> DeadLetter {
    DeadLetter {
        id: envelope.id,
        source: Some(without_nul(envelope.source.clone())),
        provider: Some(envelope.provider.as_str().to_owned()),
        received_at: Some(envelope.received_at),
        reason: reason.to_owned(),
        detail: without_nul(detail),
        headers: value_without_nul(serde_json::to_value(envelope).unwrap_or_default()),
        body: envelope.body.clone(),
    }
}

/// PostgreSQL's text holds every character but this one; a dead letter must never be refused itself.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

fn value_without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(value_without_nul).collect()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, field)| (without_nul(name), value_without_nul(field))).collect(),
        ),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::envelope::Mode;
    use shared::origin::Provider;

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            id: Uuid::from_u128(7),
            source: "yoni".to_owned(),
            provider: Provider::Yoni,
            mode: Mode::Test,
            origin: Origin::Webhook,
            received_at: chrono::DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            content_type: Some("text/\0plain".to_owned()),
            traceparent: None,
            headers: BTreeMap::new(),
            body: b"\0not JSON".to_vec(),
        }
    }

    #[test]
    fn what_died_comes_back_as_it_was_but_for_its_origin() {
        let letter = malformed(&envelope(), &Malformed::Unparseable("x".to_owned()));
        let expected =
            Envelope { origin: Origin::Replay, content_type: Some("text/\u{fffd}plain".to_owned()), ..envelope() };
        assert_eq!(replay(letter).unwrap(), expected);
    }

    #[test]
    fn a_dead_letter_holds_nothing_that_the_database_refuses() {
        let letter = rejected(&envelope(), &"a \0 in a key");
        assert!(!letter.detail.contains('\0') && !letter.headers.to_string().contains("\\u0000"));
        assert_eq!(letter.body, envelope().body);
    }
}

//! What the dialects' tests share: envelopes around a body, and requests with it.

use std::collections::BTreeMap;

use secrecy::SecretSlice;
use serde_json::Value;
use uuid::Uuid;

use super::{Event, Malformed, Provider, Request, Unauthentic, decode};
use crate::Timestamp;
use crate::envelope::{Envelope, Mode, Origin};
use crate::esim::Esim;
use crate::fact::State;
use crate::order::Order;

/// The body of a provider's sample, as the providers' documents have it.
macro_rules! payload {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/samples/payloads/", $path))
    };
}
pub(super) use payload;

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// When everything here is received, unless a test says otherwise.
pub(super) fn received_at() -> Timestamp {
    time("2026-05-01T12:00:00Z")
}

pub(super) fn envelope(provider: Provider, body: &str) -> Envelope {
    Envelope {
        id: Uuid::nil(),
        source: provider.to_string(),
        provider,
        mode: Mode::Live,
        origin: Origin::Webhook,
        received_at: received_at(),
        content_type: None,
        traceparent: None,
        headers: BTreeMap::new(),
        body: body.as_bytes().to_vec(),
    }
}

#[track_caller]
pub(super) fn event(provider: Provider, body: &str) -> Event {
    decode(&envelope(provider, body)).unwrap()
}

#[track_caller]
pub(super) fn event_of(provider: Provider, body: &Value) -> Event {
    event(provider, &body.to_string())
}

/// What is missing from a body, as the refusal says it.
#[track_caller]
pub(super) fn check_refused(provider: Provider, body: &Value, expected: &str) {
    let refusal = decode(&envelope(provider, &body.to_string())).map(|event| event.kind);
    assert_eq!(refusal, Err(Malformed::Unidentified(expected.to_owned())), "{body}");
}

pub(super) fn orders(event: &Event) -> Vec<&Order> {
    let claims = event.facts.iter().map(|fact| &fact.claims);
    claims.filter_map(|claims| if let State::Order(order) = claims { Some(order) } else { None }).collect()
}

pub(super) fn esims(event: &Event) -> Vec<&Esim> {
    let claims = event.facts.iter().map(|fact| &fact.claims);
    claims.filter_map(|claims| if let State::Esim(esim) = claims { Some(esim) } else { None }).collect()
}

pub(super) fn authenticate(
    provider: Provider,
    headers: &[(&str, &str)],
    body: &[u8],
    received_at: Timestamp,
    secrets: &[&str],
) -> Result<(), Unauthentic> {
    let headers: BTreeMap<_, _> = headers.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let secrets: Vec<_> = secrets.iter().map(|secret| SecretSlice::from(secret.as_bytes().to_vec())).collect();
    provider.authenticate(Request { headers: &headers, body, received_at }, &secrets)
}

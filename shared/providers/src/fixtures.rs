//! Parts that the dialects' tests share: envelopes around a body, requests with it, and replies of an API.

use std::collections::BTreeMap;

use http::StatusCode;
use http::header::HeaderMap;
use secrecy::{SecretSlice, SecretString};
use serde_json::Value;
use shared::Timestamp;
use shared::envelope::Envelope;
use shared::esim::Esim;
use shared::event::{Event, Malformed};
use shared::fact::{EntityKey, Fact, State};
use shared::lookup::{Answer, Hints, Lookup, LookupKind};
use shared::order::Order;
use shared::origin::{Mode, Origin, Provider};
use url::Url;
use uuid::Uuid;

use crate::{ApiOutcome, ApiReply, Credentials, IncomingRequest, ProofInput, ReplyBody, Unauthentic, decode, dialect};

/// The body of a provider's sample, as the providers' documents have it.
macro_rules! payload {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/samples/payloads/", $path))
    };
}
pub(crate) use payload;

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// When everything here is received, unless a test says otherwise.
pub(crate) fn received_at() -> Timestamp {
    time("2026-05-01T12:00:00Z")
}

pub(crate) fn envelope(provider: Provider, body: &str) -> Envelope {
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
pub(crate) fn event(provider: Provider, body: &str) -> Event {
    decode(&envelope(provider, body)).unwrap()
}

#[track_caller]
pub(crate) fn event_of(provider: Provider, body: &Value) -> Event {
    event(provider, &body.to_string())
}

/// What is missing from a body, as the refusal says it.
#[track_caller]
pub(crate) fn check_refused(provider: Provider, body: &Value, expected: &str) {
    let refusal = decode(&envelope(provider, &body.to_string())).map(|event| event.kind);
    assert_eq!(refusal, Err(Malformed::Unidentified(expected.to_owned())), "{body}");
}

pub(crate) fn orders(event: &Event) -> Vec<&Order> {
    let claims = event.facts.iter().map(|fact| &fact.claims);
    claims.filter_map(|claims| if let State::Order(order) = claims { Some(order) } else { None }).collect()
}

pub(crate) fn esims(event: &Event) -> Vec<&Esim> {
    let claims = event.facts.iter().map(|fact| &fact.claims);
    claims.filter_map(|claims| if let State::Esim(esim) = claims { Some(esim) } else { None }).collect()
}

pub(crate) fn authenticate(
    provider: Provider,
    headers: &[(&str, &str)],
    body: &[u8],
    received_at: Timestamp,
    secrets: &[&str],
) -> Result<(), Unauthentic> {
    let headers: BTreeMap<_, _> = headers.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let secrets: Vec<_> = secrets.iter().map(|secret| SecretSlice::from(secret.as_bytes().to_vec())).collect();
    dialect(provider).authenticate(IncomingRequest { headers: &headers, body, received_at }, &secrets)
}

/// When everything here is asked, shortly before it is received.
pub(crate) fn asked_at() -> Timestamp {
    time("2026-05-01T11:59:58Z")
}

pub(crate) fn answer_envelope(provider: Provider, asked: Lookup, found: Option<Value>) -> Envelope {
    let body = Answer { asked, asked_at: asked_at(), found }.body();
    Envelope { origin: Origin::Fetch, body, ..envelope(provider, "") }
}

#[track_caller]
pub(crate) fn answer(provider: Provider, asked: Lookup, found: &Value) -> Event {
    decode(&answer_envelope(provider, asked, Some(found.clone()))).unwrap()
}

/// What is claimed if the API knows no such thing.
#[track_caller]
pub(crate) fn no_answer(provider: Provider, asked: Lookup) -> Event {
    decode(&answer_envelope(provider, asked, None)).unwrap()
}

#[track_caller]
pub(crate) fn check_answer_refused(provider: Provider, asked: Lookup, found: &Value, expected: &str) {
    let refusal = decode(&answer_envelope(provider, asked, Some(found.clone()))).map(|event| event.kind);
    assert_eq!(refusal, Err(Malformed::Unidentified(expected.to_owned())), "{found}");
}

pub(crate) fn order_lookup(order_ref: &str) -> Lookup {
    shared::lookup::order_lookup(order_ref, None)
}

pub(crate) fn esim_lookup(kind: LookupKind, esim_ref: &str, hints: Hints) -> Lookup {
    Lookup { about: EntityKey::Esim(esim_ref.to_owned()), kind, hints }
}

/// The event's facts, each in one line: which entity, and where it is now.
pub(crate) fn in_short(event: &Event) -> Vec<String> {
    event.facts.iter().map(fact_in_short).collect()
}

fn fact_in_short(fact: &Fact) -> String {
    let key = serde_json::to_value(&fact.key).unwrap();
    let status = match &fact.claims {
        State::Order(order) => order.status().as_str().to_owned(),
        State::Esim(esim) => {
            let plan = esim.plan_status().map(|plan| format!("plan={}", plan.as_str()));
            let profile = esim.profile_status().map(|profile| format!("profile={}", profile.as_str()));
            let thresholds = esim.reached_percent.values().map(|percent| format!("told={percent}%"));
            let alert = esim.low_data_alert.value().map(|alert| format!("alert={}%", alert.level));
            let notice = esim.expiry_alert.value().map(|alert| format!("notice={}d", alert.level));
            let notices = esim.expiry_notices.iter().map(|(_, days)| format!("notice={days}d"));
            let install = (!esim.install.is_empty()).then(|| "install".to_owned());
            let used = esim.usage.value().map(|usage| format!("used={}", usage.used_bytes));
            let said = [plan, profile, install, used, alert, notice].into_iter().flatten();
            said.chain(thresholds).chain(notices).collect::<Vec<_>>().join(" ")
        }
        State::Payment(payment) => payment.status().as_str().to_owned(),
        State::Return(request) => request.status().as_str().to_owned(),
    };
    format!("{} {}: {status}", key["entity"].as_str().unwrap(), key["ref"].as_str().unwrap())
}

pub(crate) fn reply(status: u16, body: &Value) -> ApiReply {
    let body = if body.is_null() { ReplyBody::Empty } else { ReplyBody::read(body.to_string().as_bytes()) };
    ApiReply { status: StatusCode::from_u16(status).unwrap(), retry_after: None, body }
}

/// What an outcome comes down to, in a word.
pub(crate) fn word(outcome: &ApiOutcome) -> &'static str {
    match outcome {
        ApiOutcome::Found(_) => "found",
        ApiOutcome::NotFound => "nothing",
        ApiOutcome::Later(..) => "later",
        ApiOutcome::Limited(_) => "limited",
        ApiOutcome::Refused(_) => "refused",
        ApiOutcome::Denied(_) => "denied",
        ApiOutcome::Unauthorized => "unknown",
    }
}

#[track_caller]
pub(crate) fn check_outcome(provider: Provider, status: u16, body: &Value, expected: &str) {
    let outcome = (dialect(provider).api.judge)(&reply(status, body));
    assert_eq!(word(&outcome), expected, "{status} {body}");
}

/// Method, URL and body of the request that asks, as they go out; or why it can't be asked.
pub(crate) fn sent(provider: Provider, lookup: &Lookup, credentials: &Credentials) -> Result<(String, String), String> {
    let request = dialect(provider).request(lookup, credentials)?;
    let url = request.url(&Url::parse("https://api.example/base/").unwrap());
    let shown = url.as_str().trim_start_matches("https://api.example");
    Ok((format!("{} {shown}", request.method()), request.body().to_owned()))
}

/// The method and URL of a request that needs no credentials.
#[track_caller]
pub(crate) fn line(provider: Provider, lookup: &Lookup) -> String {
    sent(provider, lookup, &Credentials::default()).unwrap().0
}

pub(crate) fn credentials(values: &[(&'static str, &str)]) -> Credentials {
    let values = values.iter().map(|(name, value)| (*name, SecretString::from(*value)));
    Credentials { values: values.collect(), version: None }
}

/// The headers that prove who sends a request with this path and body.
pub(crate) fn prove(provider: Provider, values: &[(&'static str, &str)], path: &str, body: &str) -> HeaderMap {
    let input = ProofInput {
        credentials: &credentials(values),
        token: None,
        path,
        body,
        sent_at: Timestamp::from_timestamp_millis(1_628_670_421).unwrap(),
        request_id: "4ce9d9cd-ac9e-4e17-b3a2-c66c358c1ce2".parse().unwrap(),
    };
    dialect(provider).api.prove(&input).unwrap()
}

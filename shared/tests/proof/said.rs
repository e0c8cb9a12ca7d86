//! What is said: by the providers and their APIs in their own words, and by our clock. The vocabulary of all lives; each
//! thing that is said has one place here.

pub(crate) mod access;
pub(crate) mod airalo;
pub(crate) mod airtm;
pub(crate) mod trip;
pub(crate) mod yoni;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{SecondsFormat, TimeDelta};
use invariants::Arrival;
use providers::{Signing, dialect};
use serde_json::{Value, json};
use shared::Timestamp;
use shared::clock::Deadline;
use shared::envelope::{Envelope, Mode, Origin};
use shared::fact::EntityKey;
use shared::lookup::{Answer, Hints, Lookup, LookupKind};
use shared::origin::Provider;
use uuid::Uuid;

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The fields by which the providers date what they say.
const DATES: [&str; 6] = ["eventGenerateTime", "lastUpdateTime", "createdAt", "updatedAt", "created_at", "updated_at"];

/// So many seconds after the beginning of all lives.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_780_272_000 + seconds, 0).unwrap()
}

/// The same as it is written.
fn written(seconds: i64) -> String {
    at(seconds).to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(crate) fn order(reference: &str) -> EntityKey {
    EntityKey::Order(reference.to_owned())
}

pub(crate) fn esim(reference: &str) -> EntityKey {
    EntityKey::Esim(reference.to_owned())
}

pub(crate) fn payment(reference: &str) -> EntityKey {
    EntityKey::Payment(reference.to_owned())
}

/// One thing that is said, and how it comes. It is received when it is said, unless it comes late.
#[derive(Clone)]
pub(crate) struct Said {
    provider: Provider,
    origin: Origin,
    mode: Mode,
    is_signed: bool,
    received_at: Timestamp,
    body: Value,
}

impl fmt::Debug for Said {
    /// In one line, so that a life that failed can be read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, origin, mode, is_signed, received_at, body } = self;
        let signed = if *is_signed { " signed" } else { "" };
        write!(f, "{received_at} {} {provider}{signed} {}: {body}", origin.as_str(), mode.as_str())
    }
}

impl Said {
    /// Signed, where the provider always signs.
    fn webhook(provider: Provider, seconds: i64, body: Value) -> Self {
        let is_signed = dialect(provider).signing() == Signing::Always;
        Self { provider, origin: Origin::Webhook, mode: Mode::Live, is_signed, received_at: at(seconds), body }
    }

    /// What the API answered to a question that went out at `seconds`; it takes a second.
    fn answer(
        provider: Provider,
        seconds: i64,
        (about, kind, hints): (EntityKey, LookupKind, Hints),
        found: Option<Value>,
    ) -> Self {
        let asked = Lookup { about, kind, hints };
        let body = serde_json::to_value(Answer { asked, asked_at: at(seconds), found }).unwrap();
        Self { origin: Origin::Fetch, is_signed: false, ..Self::webhook(provider, seconds + 1, body) }
    }

    /// What our clock noticed at `seconds`.
    pub(crate) fn deadline(provider: Provider, seconds: i64, deadline: &Deadline) -> Self {
        let body = serde_json::to_value(deadline).unwrap();
        Self { origin: Origin::Clock, is_signed: false, ..Self::webhook(provider, seconds, body) }
    }

    /// The same, received so many seconds later.
    pub(crate) fn late(self, seconds: i64) -> Self {
        Self { received_at: self.received_at + TimeDelta::seconds(seconds), ..self }
    }

    pub(crate) fn signed(self) -> Self {
        Self { is_signed: true, ..self }
    }

    pub(crate) fn unsigned(self) -> Self {
        Self { is_signed: false, ..self }
    }

    /// At a source for tests.
    pub(crate) fn test(self) -> Self {
        Self { mode: Mode::Test, ..self }
    }

    /// The same without a date.
    pub(crate) fn undated(mut self) -> Self {
        redate(&mut self.body, &Value::Null);
        self
    }

    /// The same with another date.
    pub(crate) fn dated(mut self, seconds: i64) -> Self {
        redate(&mut self.body, &written(seconds).into());
        self
    }

    /// As the worker reads it.
    pub(crate) fn read(&self) -> Arrival {
        let mut body = self.body.clone();
        if body.get("sentDate").is_some() {
            body["sentDate"] = json!(self.received_at);
            body["mode"] = if self.mode == Mode::Test { "TEST_MODE" } else { "LIVE_MODE" }.into();
        }
        let signatures = dialect(self.provider).signature_headers().iter().filter(|_| self.is_signed);
        let headers: BTreeMap<_, _> = signatures.map(|name| ((*name).to_owned(), "verified".to_owned())).collect();
        Arrival::read(Envelope {
            id: Uuid::nil(),
            source: self.provider.to_string(),
            provider: self.provider,
            mode: self.mode,
            origin: self.origin,
            received_at: self.received_at,
            content_type: None,
            traceparent: None,
            headers,
            body: body.to_string().into_bytes(),
        })
    }
}

fn redate(value: &mut Value, date: &Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| {
            if DATES.contains(&name.as_str()) {
                field.clone_from(date);
            } else {
                redate(field, date);
            }
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| redate(item, date)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

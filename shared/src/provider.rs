//! The providers' dialects behind one door: is a request authentic, and what does its body claim.
//!
//! Everything about one provider is in its own file. A dialect is lenient about form (numbers as strings, `+0000` and
//! `Z`, unknown fields, missing optionals, words that we do not know) and strict about meaning: what names no entity
//! is refused, with the reason.

mod airalo;
mod airtm;
mod answer;
mod canonical;
mod esim_access;
#[cfg(test)]
mod fixtures;
mod flatten;
mod limits;
mod reading;
mod signature;
mod simplifytrip;
mod yoni;

use std::collections::BTreeMap;
use std::fmt;

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::Timestamp;
use crate::block::Heard;
use crate::clock::Deadline;
use crate::confirmation::Proof;
use crate::envelope::Envelope;
use crate::event::{CreditAlert, Event, Malformed, occurrence_key};
use crate::fact::{EntityKey, Fact};
use crate::origin::{Mode, Origin, Provider};

/// A provider's clock may be ahead of ours by so much; a time beyond that is not believed.
const CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);

/// Whether a provider signs its webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    Always,
    /// In its newer generation (Airtm V2).
    Sometimes,
    Never,
}

/// What authentication looks at.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
    pub received_at: Timestamp,
}

impl fmt::Debug for Request<'_> {
    /// Without the body and the headers, as an [`Envelope`]'s.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("received_at", &self.received_at)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a request is not taken as the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unauthentic {
    #[error("the signature header is missing")]
    Missing,
    #[error("the signature does not match the body")]
    Mismatch,
    /// Only where the provider signs the time of the attempt (Svix).
    #[error("the signature is older or newer than the tolerance allows")]
    Expired,
}

/// What a dialect reads from a body; `decode` makes it an [`Event`].
#[derive(Debug, Default)]
struct Reading {
    kind: String,
    recurs: bool,
    provider_event_id: Option<String>,
    occurred_at: Option<Timestamp>,
    /// The payload's own mode, where it has one.
    mode: Option<Mode>,
    order_ref: Option<String>,
    esim_ref: Option<String>,
    facts: Vec<Fact>,
    credit: Option<CreditAlert>,
    /// When the API was asked, if this is its answer.
    asked_at: Option<Timestamp>,
    /// Nothing was said of what the facts are about: the API does not know it.
    is_unknown: bool,
}

impl Provider {
    pub fn signing(self) -> Signing {
        match self {
            Self::Airalo | Self::Simplifytrip => Signing::Always,
            Self::Airtm => Signing::Sometimes,
            Self::EsimAccess | Self::Yoni => Signing::Never,
        }
    }

    /// The request headers that verification or parsing needs, in lower case; the envelope keeps these and no others.
    pub fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Airalo => airalo::HEADERS,
            Self::Simplifytrip => simplifytrip::HEADERS,
            Self::Airtm => airtm::HEADERS,
            Self::EsimAccess | Self::Yoni => &[],
        }
    }

    /// Those of [`headers`](Self::headers) that are the signature. An envelope has one only if it was verified.
    pub fn signature_headers(self) -> &'static [&'static str] {
        match self {
            Self::Airalo => airalo::SIGNATURES,
            Self::Simplifytrip => simplifytrip::SIGNATURES,
            Self::Airtm => airtm::SIGNATURES,
            Self::EsimAccess | Self::Yoni => &[],
        }
    }

    /// Whether one of the `secrets` (several during a rotation) signed the request, compared in constant time over
    /// the raw bytes. A provider that never signs is not authentic by signature.
    pub fn authenticate(self, request: Request<'_>, secrets: &[SecretSlice<u8>]) -> Result<(), Unauthentic> {
        match self {
            Self::Airalo => airalo::authenticate(request, secrets),
            Self::Simplifytrip => simplifytrip::authenticate(request, secrets),
            Self::Airtm => airtm::authenticate(request, secrets),
            Self::EsimAccess | Self::Yoni => Err(Unauthentic::Missing),
        }
    }

    /// Whether `secret` has the form that the provider's secrets have; the message says what is wrong with it.
    pub fn check_secret(self, secret: &SecretSlice<u8>) -> Result<(), String> {
        match self {
            _ if secret.expose_secret().is_empty() => Err("it is empty".to_owned()),
            Self::Airtm => airtm::check_secret(secret),
            Self::Airalo | Self::Simplifytrip | Self::EsimAccess | Self::Yoni => Ok(()),
        }
    }
}

/// Reads an envelope. Only the envelope counts, no clock and no earlier event: a stored one reads the same for ever.
pub fn decode(envelope: &Envelope) -> Result<Event, Malformed> {
    let body = parse(&envelope.body)?;
    let key = event_key(envelope.provider, &body);
    let reading = match envelope.provider {
        _ if envelope.origin == Origin::Clock => read_deadline(&body),
        provider if envelope.origin == Origin::Fetch => read_answer(provider, &body),
        Provider::Airalo => airalo::read(&body, envelope, &key),
        Provider::EsimAccess => esim_access::read(&body, envelope, &key),
        Provider::Yoni => yoni::read(&body),
        Provider::Simplifytrip => simplifytrip::read(&body, envelope),
        Provider::Airtm => airtm::read(&body, envelope),
    }?;
    let event = settle(reading, key, envelope);
    limits::check(&event)?;
    Ok(event)
}

fn read_answer(provider: Provider, body: &Value) -> Result<Reading, Malformed> {
    answer::read(provider, body, |found, asked| match provider {
        Provider::Airalo => airalo::answer::read(found, asked),
        Provider::EsimAccess => esim_access::answer::read(found, asked),
        Provider::Yoni => yoni::answer::read(found, asked),
        Provider::Simplifytrip => simplifytrip::answer::read(found, asked),
        Provider::Airtm => airtm::answer::read(found, asked),
    })
}

/// Our own clock speaks one dialect for all providers.
fn read_deadline(body: &Value) -> Result<Reading, Malformed> {
    let deadline = Deadline::parse(body)?;
    let fact = deadline.fact();
    let (order_ref, esim_ref) = match &fact.key {
        EntityKey::Order(reference) => (Some(reference.clone()), None),
        EntityKey::Esim(reference) => (None, Some(reference.clone())),
        EntityKey::Payment(_) | EntityKey::Return(_) => (None, None),
    };
    Ok(Reading { kind: deadline.kind().to_owned(), order_ref, esim_ref, facts: vec![fact], ..Reading::default() })
}

fn parse(body: &[u8]) -> Result<Value, Malformed> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(Malformed::Unparseable("it is empty".to_owned()));
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| Malformed::Unparseable(without_content(&error)))?;
    if value.is_object() { Ok(value) } else { Err(Malformed::Unidentified("it is not an object".to_owned())) }
}

/// Where the body stops being JSON, without quoting from it.
fn without_content(error: &serde_json::Error) -> String {
    format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column()).to_lowercase()
}

fn event_key(provider: Provider, body: &Value) -> String {
    let per_attempt: &[&str] = match provider {
        Provider::Simplifytrip => simplifytrip::PER_ATTEMPT,
        Provider::Airalo | Provider::EsimAccess | Provider::Yoni | Provider::Airtm => &[],
    };
    hex::encode(Sha256::digest(canonical::bytes(body, per_attempt)))
}

/// Whoever accepts webhooks leaves the signature in the envelope only if it was right.
fn proof(envelope: &Envelope, asked_at: Option<Timestamp>) -> Proof {
    let is_signed = envelope.provider.signature_headers().iter().any(|name| envelope.headers.contains_key(*name));
    match (envelope.origin, asked_at) {
        (Origin::Clock, _) => Proof::Ours,
        (Origin::Fetch, Some(asked_at)) => Proof::Answered(asked_at),
        _ if is_signed => Proof::Signed,
        (Origin::Webhook | Origin::Fetch | Origin::Replay, _) => Proof::Unsigned(envelope.received_at),
    }
}

/// Judges every time by when the event was received, and gives each fact what all facts carry.
fn settle(mut reading: Reading, key: String, envelope: &Envelope) -> Event {
    let believed_until = envelope.received_at.checked_add_signed(CLOCK_SKEW).unwrap_or(envelope.received_at);
    let mode = reading.mode.unwrap_or(envelope.mode);
    // Our own clock is not somebody we hear from; each worker's would tell another time.
    let is_heard = envelope.origin != Origin::Clock && !reading.is_unknown;
    let heard = if is_heard { Heard::at(envelope.received_at) } else { Heard::default() };
    let proof = proof(envelope, reading.asked_at);
    for fact in &mut reading.facts {
        fact.settle(heard, believed_until, mode, proof);
    }
    let believed = |at: &Timestamp| *at <= believed_until;
    Event {
        kind: reading.kind,
        key: if reading.recurs { occurrence_key(&key, envelope.received_at) } else { key },
        recurs: reading.recurs,
        provider_event_id: reading.provider_event_id,
        occurred_at: reading.occurred_at.filter(believed),
        disbelieved_at: reading.occurred_at.filter(|at| !believed(at)),
        mode,
        origin: envelope.origin,
        order_ref: reading.order_ref,
        esim_ref: reading.esim_ref,
        facts: reading.facts,
        credit: reading.credit,
    }
}

#[cfg(test)]
mod tests;

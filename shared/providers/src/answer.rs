//! A lookup that an API supports, and its answer as claims: which entity was asked about, and when, is known beforehand, so that a
//! dialect reads only the body.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde_json::Value;
use shared::Timestamp;
use shared::confirmation::Confirmation;
use shared::esim::Esim;
use shared::event::Malformed;
use shared::fact::{EntityKey, Fact};
use shared::lookup::{Answer, Lookup, LookupKind};
use shared::order::Order;
use shared::payment::Payment;

use crate::credentials::Credentials;
use crate::limits::is_writable;
use crate::reading::{decimal, missing, text, whole, word};
use crate::request::ApiRequest;
use crate::webhook::Reading;

/// A lookup that a provider's API supports.
#[derive(Debug)]
pub(crate) struct SupportedLookup {
    pub(crate) kind: LookupKind,
    /// The request that asks; the error is why the entity can't be asked about.
    pub(crate) request: fn(&Lookup, &Credentials) -> Result<ApiRequest, String>,
    /// What an answer claims.
    pub(crate) read: fn(&Value, Asked<'_>) -> Result<Found, Malformed>,
    /// What it claims that the API knows no such entity.
    pub(crate) deny: fn(Asked<'_>) -> Vec<Fact>,
}

/// What an answer claims; `None` if the API knows no such entity.
pub(crate) type Found = Option<Vec<Fact>>;

/// A lookup about one entity, ready to be compared with its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) reference: &'a str,
    pub(crate) lookup: &'a Lookup,
    pub(crate) at: Timestamp,
}

impl Asked<'_> {
    /// The time of which an answer tells that may be as old as `age`.
    pub(crate) fn before(&self, age: TimeDelta) -> Timestamp {
        self.at.checked_sub_signed(age).filter(|at| is_writable(*at)).unwrap_or(self.at)
    }
}

/// Reads an answer to one of the `supported` lookups.
pub(crate) fn read(supported: &[SupportedLookup], body: &Value) -> Result<Reading, Malformed> {
    let Answer { asked: lookup, asked_at, found } = Answer::parse(body)?;
    let dialect = supported.iter().find(|supported| supported.kind == lookup.kind);
    let (Some(dialect), Some(reference)) = (dialect, lookup.kind.reference(&lookup.about)) else {
        return Err(unsupported(&lookup));
    };
    let asked = Asked { reference, lookup: &lookup, at: asked_at };
    let found = found.map_or(Ok(None), |found| (dialect.read)(&found, asked))?;
    let is_unknown = found.is_none();
    let facts = found.unwrap_or_else(|| (dialect.deny)(asked));
    let (order_ref, esim_ref) = references(&lookup, &facts);
    Ok(Reading {
        kind: lookup.kind.answer_kind(),
        occurred_at: Some(asked_at),
        order_ref,
        esim_ref,
        facts,
        asked_at: Some(asked_at),
        is_unknown,
        ..Reading::default()
    })
}

fn unsupported(lookup: &Lookup) -> Malformed {
    let (kind, (entity, _)) = (lookup.kind.as_str(), lookup.about.parts());
    Malformed::Unidentified(format!(
        "it answers the lookup {kind} of an {entity}, which this provider does not support"
    ))
}

fn references(asked: &Lookup, facts: &[Fact]) -> (Option<String>, Option<String>) {
    let order_of = |key: &EntityKey| if let EntityKey::Order(reference) = key { Some(reference.clone()) } else { None };
    let esim_of = |key: &EntityKey| if let EntityKey::Esim(reference) = key { Some(reference.clone()) } else { None };
    let mut esims = facts.iter().filter_map(|fact| esim_of(&fact.key));
    let only_esim = esims.next().filter(|_| esims.next().is_none());
    let order_ref = order_of(&asked.about).or_else(|| facts.iter().find_map(|fact| order_of(&fact.key)));
    (order_ref.or_else(|| asked.hints.order_ref.clone()), esim_of(&asked.about).or(only_esim))
}

/// Denies the order: a webhook about it was not the provider's.
pub(crate) fn deny_order(asked: Asked<'_>) -> Vec<Fact> {
    vec![denied_order(asked.reference, asked.at)]
}

/// Denies the eSIM.
pub(crate) fn deny_esim(asked: Asked<'_>) -> Vec<Fact> {
    let esim = Esim { confirmation: Confirmation::denied(asked.at), ..Esim::default() };
    vec![Fact::esim(asked.reference, esim)]
}

/// Denies the eSIM and its order, where one answer tells of both.
pub(crate) fn deny_esim_and_order(asked: Asked<'_>) -> Vec<Fact> {
    let order_ref = asked.lookup.hints.order_ref.as_ref();
    let order = order_ref.map(|order_ref| denied_order(order_ref, asked.at));
    order.into_iter().chain(deny_esim(asked)).collect()
}

/// Denies the payment.
pub(crate) fn deny_payment(asked: Asked<'_>) -> Vec<Fact> {
    let payment = Payment { confirmation: Confirmation::denied(asked.at), ..Payment::default() };
    vec![Fact::payment(asked.reference, payment)]
}

/// Denies nothing: webhooks claim more of the entity than this lookup tells.
pub(crate) fn deny_nothing(_: Asked<'_>) -> Vec<Fact> {
    Vec::new()
}

fn denied_order(order_ref: &str, asked_at: Timestamp) -> Fact {
    Fact::order(order_ref, Order { confirmation: Confirmation::denied(asked_at), ..Order::default() })
}

/// A switch written as a bool, a number or a word; `None` if it is neither on nor off.
pub(crate) fn switch(value: &Value, name: &str) -> Option<bool> {
    match value.get(name) {
        Some(Value::Bool(switch)) => Some(*switch),
        _ => match word(value, name)?.as_str() {
            "TRUE" | "1" => Some(true),
            "FALSE" | "0" => Some(false),
            _ => None,
        },
    }
}

/// A list that may be empty but must be there, so that a body of an unknown form denies nothing.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], Malformed> {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| missing(name))
}

/// Megabytes of 2²⁰ bytes, as all providers count them, in bytes.
pub(crate) fn megabytes(value: &Value, name: &str) -> Option<u64> {
    whole(decimal(value, name)?.checked_mul(Decimal::from(1024 * 1024))?)
}

/// Whether the field `name` of `value` is `expected` or has no text.
pub(crate) fn is_about(value: &Value, name: &str, expected: &str) -> bool {
    text(value, name).is_none_or(|said| said == expected)
}

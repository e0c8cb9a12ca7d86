//! What a provider's API answered, as an event: the asked entity and the time of asking are known beforehand, so that
//! each dialect reads only the body.

use chrono::TimeDelta;
use serde_json::Value;

use super::limits::is_writable;
use super::reading::{decimal, missing, text, whole, word};
use super::{Malformed, Provider, Reading};
use crate::Timestamp;
use crate::confirmation::Confirmation;
use crate::esim::Esim;
use crate::fact::{EntityKey, Fact};
use crate::lookup::{Answer, Lookup, Question};
use crate::order::Order;
use crate::payment::Payment;

/// A dialect's reading of an answer: what it claims, or that there is no such thing.
pub(super) type Found = Option<Vec<Fact>>;

/// A question about one entity, ready to be compared with what came back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) reference: &'a str,
    pub(super) question: Question,
    pub(super) lookup: &'a Lookup,
    pub(super) at: Timestamp,
}

impl Asked<'_> {
    /// As of when an answer holds that may be as old as `age`.
    pub(super) fn before(&self, age: TimeDelta) -> Timestamp {
        self.at.checked_sub_signed(age).filter(|at| is_writable(*at)).unwrap_or(self.at)
    }
}

/// Reads an answer; `dialect` is what the provider's own file makes of its body.
pub(super) fn read(
    provider: Provider,
    body: &Value,
    dialect: impl FnOnce(&Value, Asked<'_>) -> Result<Found, Malformed>,
) -> Result<Reading, Malformed> {
    let answer = Answer::parse(body)?;
    let asked = asked(&answer)?;
    let found = match &answer.found {
        Some(found) => dialect(found, asked)?,
        None => None,
    };
    let is_unknown = found.is_none();
    let facts = found.unwrap_or_else(|| denied(provider, asked));
    let (order_ref, esim_ref) = references(&answer.asked, &facts);
    Ok(Reading {
        kind: asked.question.answer_kind().to_owned(),
        occurred_at: Some(asked.at),
        order_ref,
        esim_ref,
        facts,
        asked_at: Some(asked.at),
        is_unknown,
        ..Reading::default()
    })
}

/// Which entities there are questions about.
fn asked(answer: &Answer) -> Result<Asked<'_>, Malformed> {
    let lookup = &answer.asked;
    let reference = match (lookup.question, &lookup.about) {
        (Question::Order, EntityKey::Order(reference))
        | (Question::Esim | Question::Usage, EntityKey::Esim(reference))
        | (Question::Payment, EntityKey::Payment(reference)) => reference,
        (_, about) => {
            let (entity, _) = about.parts();
            return Err(unanswerable(lookup.question, entity));
        }
    };
    Ok(Asked { reference, question: lookup.question, lookup, at: answer.asked_at })
}

/// The refusal of an answer to a question that nobody should have asked.
pub(super) fn unanswerable(question: Question, of: &str) -> Malformed {
    Malformed::Unidentified(format!("it answers a question about {} that can't be asked of {of}", question.as_str()))
}

/// What it means that there is no such thing: whoever said otherwise was not the provider.
fn denied(provider: Provider, asked: Asked<'_>) -> Vec<Fact> {
    match asked.question {
        Question::Order => vec![denied_order(asked.reference, asked.at)],
        // It knows no activation codes, so it can't deny one.
        Question::Esim if provider == Provider::Simplifytrip => Vec::new(),
        Question::Esim => {
            let esim = Esim { confirmation: Confirmation::denied(asked.at), ..Esim::default() };
            // Yoni is asked for both at once.
            let order_ref = asked.lookup.hints.order_ref.as_ref().filter(|_| provider == Provider::Yoni);
            let order = order_ref.map(|order_ref| denied_order(order_ref, asked.at));
            order.into_iter().chain([Fact::esim(asked.reference, esim)]).collect()
        }
        Question::Usage => Vec::new(),
        Question::Payment => {
            let payment = Payment { confirmation: Confirmation::denied(asked.at), ..Payment::default() };
            vec![Fact::payment(asked.reference, payment)]
        }
    }
}

fn denied_order(order_ref: &str, asked_at: Timestamp) -> Fact {
    Fact::order(order_ref, Order { confirmation: Confirmation::denied(asked_at), ..Order::default() })
}

fn references(asked: &Lookup, facts: &[Fact]) -> (Option<String>, Option<String>) {
    let order_of = |key: &EntityKey| if let EntityKey::Order(reference) = key { Some(reference.clone()) } else { None };
    let esim_of = |key: &EntityKey| if let EntityKey::Esim(reference) = key { Some(reference.clone()) } else { None };
    let mut esims = facts.iter().filter_map(|fact| esim_of(&fact.key));
    let only_esim = esims.next().filter(|_| esims.next().is_none());
    let order_ref = order_of(&asked.about).or_else(|| facts.iter().find_map(|fact| order_of(&fact.key)));
    (order_ref.or_else(|| asked.hints.order_ref.clone()), esim_of(&asked.about).or(only_esim))
}

/// A switch written as a bool, a number or a word; `None` if it says nothing.
pub(super) fn switch(value: &Value, name: &str) -> Option<bool> {
    match value.get(name) {
        Some(Value::Bool(switch)) => Some(*switch),
        _ => match word(value, name)?.as_str() {
            "TRUE" | "1" => Some(true),
            "FALSE" | "0" => Some(false),
            _ => None,
        },
    }
}

/// A list that may be empty and must be there: nothing is denied because a body has another form than we know.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], Malformed> {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| missing(name))
}

/// Megabytes of 2²⁰ bytes, as all providers count them, in bytes.
pub(super) fn megabytes(value: &Value, name: &str) -> Option<u64> {
    whole(decimal(value, name)?.checked_mul(rust_decimal::Decimal::from(1024 * 1024))?)
}

/// Whether `value` names `expected` under `name`, or names nothing there.
pub(super) fn is_about(value: &Value, name: &str, expected: &str) -> bool {
    text(value, name).is_none_or(|said| said == expected)
}

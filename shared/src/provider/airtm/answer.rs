//! Airtm's API: an operation (V1), a pay-in or a pay-out (V2), as bare as its callbacks.

use serde_json::Value;

use super::super::answer::{Asked, Found, is_about, unanswerable};
use super::super::reading::{missing, object, text};
use super::{Malformed, Said, direction_by_fields, direction_of, read_payment};
use crate::fact::State;
use crate::lookup::Question;
use crate::payment::Direction;

pub(in super::super) fn read(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    if asked.question != Question::Payment {
        return Err(unanswerable(asked.question, "Airtm"));
    }
    let payment = object(found, "data").unwrap_or(found);
    if !is_about(payment, "id", asked.reference) {
        return Err(missing("the asked id"));
    }
    let named = text(payment, "operation_type").and_then(|noun| direction_of(&noun));
    let direction = named.or(asked.lookup.hints.direction).or_else(|| direction_by_fields(payment));
    let noun = direction.map_or("payment", Direction::as_str);
    let mut facts = read_payment(payment, &Said { kind: None, noun, direction, verb: None })?.facts;
    for fact in &mut facts {
        // Not as of the last change: whoever forges a webhook may date it later than that.
        if let State::Payment(payment) = &mut fact.claims {
            payment.standing = std::mem::take(&mut payment.standing).as_of(asked.at);
            payment.provider_status = std::mem::take(&mut payment.provider_status).as_of(asked.at);
        }
    }
    Ok(Some(facts))
}

#[cfg(test)]
mod tests;

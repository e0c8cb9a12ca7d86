//! Airtm's API: an operation (V1), a pay-in or a pay-out (V2), as bare as its callbacks.

use serde_json::Value;
use shared::event::Malformed;
use shared::fact::State;
use shared::payment::Direction;

use super::webhook;
use super::webhook::{PaymentEvent, direction_by_fields, direction_of};
use crate::answer::{Asked, Found, is_about};
use crate::reading::{missing, object, text};

pub(super) fn read_payment(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    let payment = object(found, "data").unwrap_or(found);
    if !is_about(payment, "id", asked.reference) {
        return Err(missing("the asked id"));
    }
    let named = text(payment, "operation_type").and_then(|noun| direction_of(&noun));
    let direction = named.or(asked.lookup.hints.direction).or_else(|| direction_by_fields(payment));
    let noun = direction.map_or("payment", Direction::as_str);
    let event = PaymentEvent { kind: None, noun, direction, verb: None };
    let mut facts = webhook::read_payment(payment, &event)?.facts;
    for fact in &mut facts {
        // Not as of the last change, because a forged webhook may have a later date than that.
        if let State::Payment(payment) = &mut fact.claims {
            payment.standing = std::mem::take(&mut payment.standing).as_of(asked.at);
            payment.provider_status = std::mem::take(&mut payment.provider_status).as_of(asked.at);
        }
    }
    Ok(Some(facts))
}

#[cfg(test)]
mod tests;

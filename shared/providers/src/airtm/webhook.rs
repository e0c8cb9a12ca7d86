//! Airtm's webhooks about pay-ins (purchases) and pay-outs, in two generations that tell the same of a payment.
//!
//! V1 posts the object in snake case and signs nothing. V2 posts it in camel case through Svix, which signs, mostly
//! inside `{type, data}` and, by the guide's own examples, also bare. Facts are from Airtm's OpenAPI files of both
//! generations and from <https://docs.svix.com/receiving/verifying-payloads/how-manual>.

use serde_json::Value;
use shared::block::Latest;
use shared::event::Malformed;
use shared::fact::Fact;
use shared::payment::{Direction, Payment, PaymentStatus};

use super::signature::message_id;
use crate::reading::{decimal, kind, missing, object, required, text, text_of, time};
use crate::webhook::{Reading, ReceivedWebhook};

pub(super) fn read(ReceivedWebhook { body, envelope, .. }: ReceivedWebhook<'_>) -> Result<Reading, Malformed> {
    match (text(body, "type"), object(body, "data")) {
        (Some(name), Some(payment)) => {
            let (noun, verb) = name.split_once('.').unwrap_or((name.as_str(), ""));
            let Some(direction) = direction_of(noun) else {
                // It is not about a payment: it is kept and claims nothing.
                let provider_event_id = message_id(&envelope.headers);
                return Ok(Reading { kind: kind(&name), provider_event_id, ..Reading::default() });
            };
            let event = PaymentEvent { kind: Some(kind(&name)), noun, direction: Some(direction), verb: Some(verb) };
            Ok(Reading { provider_event_id: message_id(&envelope.headers), ..read_payment(payment, &event)? })
        }
        _ if is_camel_case(body) => {
            let direction = direction_by_fields(body);
            let noun = direction.map_or("payment", Direction::as_str);
            let event = PaymentEvent { kind: None, noun, direction, verb: None };
            Ok(Reading { provider_event_id: message_id(&envelope.headers), ..read_payment(body, &event)? })
        }
        _ => {
            let noun = required(body, "operation_type")?.to_lowercase();
            let event = PaymentEvent { kind: None, noun: &noun, direction: direction_of(&noun), verb: None };
            read_payment(body, &event)
        }
    }
}

/// What is known of a payment apart from its object.
pub(super) struct PaymentEvent<'a> {
    /// Made of the noun and the status if the event has no name.
    pub(super) kind: Option<String>,
    pub(super) noun: &'a str,
    pub(super) direction: Option<Direction>,
    /// The second half of the event's name, which is final where the object's status is a word of Airtm's bridge.
    pub(super) verb: Option<&'a str>,
}

pub(super) fn direction_of(noun: &str) -> Option<Direction> {
    match noun.to_lowercase().as_str() {
        "purchase" | "payin" => Some(Direction::Payin),
        "payout" => Some(Direction::Payout),
        _ => None,
    }
}

fn is_camel_case(body: &Value) -> bool {
    ["createdAt", "updatedAt", "airtmUserId", "netAmount"].iter().any(|name| body.get(name).is_some())
}

/// A bare object does not say what it is; these fields exist on one side only.
pub(super) fn direction_by_fields(body: &Value) -> Option<Direction> {
    let has = |name: &&str| body.get(*name).is_some();
    if ["bulkPayoutId", "grossAmount", "enterpriseFee", "requireIdVerified", "reasonCode"].iter().any(has) {
        Some(Direction::Payout)
    } else if ["items", "confirmationUri", "cancelUri", "failureReason"].iter().any(has) {
        Some(Direction::Payin)
    } else {
        None
    }
}

pub(super) fn read_payment(payment: &Value, event: &PaymentEvent<'_>) -> Result<Reading, Malformed> {
    let payment_ref = required(payment, "id")?;
    let status = text(payment, "status").or_else(|| event.verb.map(str::to_owned)).filter(|word| !word.is_empty());
    let status = status.ok_or_else(|| missing("status"))?.to_lowercase();
    let known = known_status(event.direction, &status)
        .or_else(|| known_status(event.direction, &event.verb.unwrap_or_default().to_lowercase()));
    let at = ["updated_at", "updatedAt", "created_at", "createdAt"].iter().find_map(|name| time(payment, name));
    let text_of = |names: &[&str]| Latest::maybe(text_of(payment, names), at);
    let claims = Payment {
        direction: Latest::maybe(event.direction, at),
        amount: Latest::maybe(decimal(payment, "amount").or_else(|| decimal(payment, "grossAmount")), at),
        code: text_of(&["code"]),
        payer_email: text_of(&["airtm_user_email", "airtmUserEmail"]),
        operation_ref: text_of(&["airtm_operation_id"]),
        description: text_of(&["description", "notes"]),
        ..Payment::with_status(&status, known, reason(payment), at)
    };
    Ok(Reading {
        kind: event.kind.clone().unwrap_or_else(|| kind(&format!("{}_{status}", event.noun))),
        occurred_at: at,
        facts: vec![Fact::payment(payment_ref, claims)],
        ..Reading::default()
    })
}

fn reason(payment: &Value) -> Option<String> {
    text_of(payment, &["failure_reason", "failureReason", "reasonDescription", "reason_code", "reasonCode"])
}

/// Callbacks are in lower case and the API's examples in upper. `ERROR` is "temporary until COMPLETED or CANCELED". The
/// words of Airtm's bridge (`BRIDGE_…`) are explained nowhere, so that none is read as final.
fn known_status(direction: Option<Direction>, status: &str) -> Option<PaymentStatus> {
    match status {
        "created"
        | "pending"
        | "processing"
        | "committed"
        | "cancel_requested"
        | "error"
        | "pending_signature"
        | "signed"
        | "pending_user_action" => Some(PaymentStatus::Pending),
        "failed" => Some(PaymentStatus::Failed),
        "canceled" | "cancelled" => Some(PaymentStatus::Cancelled),
        "confirmed" if direction != Some(Direction::Payout) => Some(PaymentStatus::Succeeded),
        "completed" if direction != Some(Direction::Payin) => Some(PaymentStatus::Succeeded),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! Airtm: payins (purchases) and payouts, in two generations that tell the same of a payment.
//!
//! V1 posts the object in snake case and signs nothing. V2 posts it in camel case through Svix, which signs, mostly
//! inside `{type, data}` and, by the guide's own examples, also bare. Facts are from Airtm's OpenAPI files of both
//! generations and from <https://docs.svix.com/receiving/verifying-payloads/how-manual>.

pub(super) mod answer;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, TimeDelta};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::Value;

use super::reading::{decimal, kind, object, required, text, text_of, time};
use super::signature::{header, hmac_sha256, is_among, keys};
use super::{Malformed, Reading, Request, Unauthentic};
use crate::Timestamp;
use crate::block::Latest;
use crate::envelope::Envelope;
use crate::fact::Fact;
use crate::payment::{Direction, Payment, PaymentStatus};

/// Svix's names for what it signs by, and what it calls them for customers who hide it.
const SVIX: SignatureHeaders = SignatureHeaders { id: "svix-id", timestamp: "svix-timestamp", list: "svix-signature" };
const WHITE_LABEL: SignatureHeaders =
    SignatureHeaders { id: "webhook-id", timestamp: "webhook-timestamp", list: "webhook-signature" };

pub(super) const HEADERS: &[&str] =
    &[SVIX.id, SVIX.timestamp, SVIX.list, WHITE_LABEL.id, WHITE_LABEL.timestamp, WHITE_LABEL.list];

pub(super) const SIGNATURES: &[&str] = &[SVIX.list, WHITE_LABEL.list];

/// How far the time of the attempt may be from ours; the same as in Svix's own libraries.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// What precedes the Base64 form of a key in a secret.
const SECRET_PREFIX: &str = "whsec_";
/// Below this a key can be guessed. Svix makes keys of 24 bytes and more.
const MIN_KEY_BYTES: usize = 16;

/// Secrets are pasted by hand, so missing padding is forgiven.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

struct SignatureHeaders {
    id: &'static str,
    timestamp: &'static str,
    list: &'static str,
}

/// V2's signature, `v1,<Base64 of HMAC-SHA256>`, one or several with spaces between, over `{id}.{timestamp}.{body}`.
pub(super) fn authenticate(request: Request<'_>, secrets: &[SecretSlice<u8>]) -> Result<(), Unauthentic> {
    let names = if request.headers.contains_key(SVIX.list) { SVIX } else { WHITE_LABEL };
    let list = header(&request, names.list)?;
    let id = header(&request, names.id)?;
    let timestamp = header(&request, names.timestamp)?;
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", request.body].concat();
    let expected = keys(secrets).filter_map(decode_secret).filter_map(|key| hmac_sha256(&key, &message));
    let expected: Vec<_> = expected.collect();
    let given = list.split_ascii_whitespace().filter_map(|item| BASE64.decode(item.strip_prefix("v1,")?).ok());
    if !given.fold(false, |found, given| found | is_among(&given, &expected)) {
        return Err(Unauthentic::Mismatch);
    }
    let sent_at = timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let is_near = |sent_at: Timestamp| (request.received_at - sent_at).abs() <= TOLERANCE;
    if sent_at.is_some_and(is_near) { Ok(()) } else { Err(Unauthentic::Expired) }
}

pub(super) fn check_secret(secret: &SecretSlice<u8>) -> Result<(), String> {
    if !secret.expose_secret().starts_with(SECRET_PREFIX.as_bytes()) {
        return Err(format!("it does not start with {SECRET_PREFIX}"));
    }
    let key = decode_secret(secret.expose_secret());
    let key = key.ok_or_else(|| format!("what follows {SECRET_PREFIX} is not Base64"))?;
    if key.len() < MIN_KEY_BYTES {
        return Err(format!("its key has {} bytes, which is less than {MIN_KEY_BYTES}", key.len()));
    }
    Ok(())
}

fn decode_secret(secret: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(secret.strip_prefix(SECRET_PREFIX.as_bytes())?).ok()
}

pub(super) fn read(body: &Value, envelope: &Envelope) -> Result<Reading, Malformed> {
    match (text(body, "type"), object(body, "data")) {
        (Some(event), Some(payment)) => {
            let (noun, verb) = event.split_once('.').unwrap_or((event.as_str(), ""));
            let Some(direction) = direction_of(noun) else {
                // Of something else than payments: kept, claiming nothing.
                let provider_event_id = message_id(envelope);
                return Ok(Reading { kind: kind(&event), provider_event_id, ..Reading::default() });
            };
            let said = Said { kind: Some(kind(&event)), noun, direction: Some(direction), verb: Some(verb) };
            Ok(Reading { provider_event_id: message_id(envelope), ..read_payment(payment, &said)? })
        }
        _ if is_camel_case(body) => {
            let direction = direction_by_fields(body);
            let noun = direction.map_or("payment", Direction::as_str);
            let said = Said { kind: None, noun, direction, verb: None };
            Ok(Reading { provider_event_id: message_id(envelope), ..read_payment(body, &said)? })
        }
        _ => {
            let noun = required(body, "operation_type")?.to_lowercase();
            let said = Said { kind: None, noun: &noun, direction: direction_of(&noun), verb: None };
            read_payment(body, &said)
        }
    }
}

/// Svix's id of the message, which a resend keeps. V1 has none.
fn message_id(envelope: &Envelope) -> Option<String> {
    [SVIX.id, WHITE_LABEL.id].into_iter().find_map(|name| envelope.headers.get(name)).cloned()
}

/// What is known of a payment apart from its object.
struct Said<'a> {
    /// Made of the noun and the status if the event has no name.
    kind: Option<String>,
    noun: &'a str,
    direction: Option<Direction>,
    /// The second half of the event's name, which is final where the object's status is a word of Airtm's bridge.
    verb: Option<&'a str>,
}

fn direction_of(noun: &str) -> Option<Direction> {
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
fn direction_by_fields(body: &Value) -> Option<Direction> {
    let has = |name: &&str| body.get(*name).is_some();
    if ["bulkPayoutId", "grossAmount", "enterpriseFee", "requireIdVerified", "reasonCode"].iter().any(has) {
        Some(Direction::Payout)
    } else if ["items", "confirmationUri", "cancelUri", "failureReason"].iter().any(has) {
        Some(Direction::Payin)
    } else {
        None
    }
}

fn read_payment(payment: &Value, said: &Said<'_>) -> Result<Reading, Malformed> {
    let payment_ref = required(payment, "id")?;
    let status = text(payment, "status").or_else(|| said.verb.map(str::to_owned)).filter(|word| !word.is_empty());
    let status = status.ok_or_else(|| super::reading::missing("status"))?.to_lowercase();
    let known = known_status(said.direction, &status)
        .or_else(|| known_status(said.direction, &said.verb.unwrap_or_default().to_lowercase()));
    let at = ["updated_at", "updatedAt", "created_at", "createdAt"].iter().find_map(|name| time(payment, name));
    let text_of = |names: &[&str]| Latest::maybe(text_of(payment, names), at);
    let claims = Payment {
        direction: Latest::maybe(said.direction, at),
        amount: Latest::maybe(decimal(payment, "amount").or_else(|| decimal(payment, "grossAmount")), at),
        code: text_of(&["code"]),
        payer_email: text_of(&["airtm_user_email", "airtmUserEmail"]),
        operation_ref: text_of(&["airtm_operation_id"]),
        description: text_of(&["description", "notes"]),
        ..Payment::with_status(&status, known, reason(payment), at)
    };
    Ok(Reading {
        kind: said.kind.clone().unwrap_or_else(|| kind(&format!("{}_{status}", said.noun))),
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

//! Whether what was read fits the tables: the limits of `migrations/`, said a second time and on purpose apart from the
//! code that keeps them. What the database would refuse costs a batch its halving, and ends as a letter that says little.

use chrono::Datelike as _;
use serde_json::Value;
use shared::Timestamp;
use shared::action::Action;
use shared::esim::Esim;
use shared::event::Event;
use shared::fact::{EntityKey, Fact, State};

const ORDER_REF_MAX: usize = 200;
const ESIM_REF_MAX: usize = 400;
const PAYMENT_REF_MAX: usize = 200;
const RETURN_REF_MAX: usize = 200;
/// An index of PostgreSQL holds no more than 2704 bytes of a row.
const KEY_BYTES_MAX: usize = 2600;
/// What PostgreSQL reads in the form in which we write it.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

pub(crate) fn check(event: &Event) {
    check_text("kind", &event.kind);
    for (name, text) in [("provider_event_id", &event.provider_event_id), ("order_ref", &event.order_ref)] {
        check_text(name, text.as_deref().unwrap_or_default());
    }
    check_reference("order_ref", event.order_ref.as_deref(), ORDER_REF_MAX);
    check_reference("esim_ref", event.esim_ref.as_deref(), ESIM_REF_MAX);
    check_reference("payment_ref", event.payment_ref(), PAYMENT_REF_MAX);
    event.occurred_at.into_iter().chain(event.disbelieved_at).for_each(|at| check_time("occurred_at", at));
    event.facts.iter().for_each(check_fact);
}

pub(crate) fn check_action(action: &Action) {
    check_text("action_key", &action.key);
    assert!(action.key.len() <= KEY_BYTES_MAX, "an action's key of {} bytes", action.key.len());
    check_json("payload", &action.payload);
    check_json("premise", &serde_json::to_value(&action.premise).expect("a premise is JSON"));
}

fn check_fact(Fact { key, claims }: &Fact) {
    let (name, reference, max) = match key {
        EntityKey::Order(reference) => ("order_ref", reference, ORDER_REF_MAX),
        EntityKey::Esim(reference) => ("esim_ref", reference, ESIM_REF_MAX),
        EntityKey::Payment(reference) => ("payment_ref", reference, PAYMENT_REF_MAX),
        EntityKey::Return(reference) => ("return_ref", reference, RETURN_REF_MAX),
    };
    check_reference(name, Some(reference), max);
    let blocks = match claims {
        State::Order(order) => serde_json::to_value(order),
        State::Esim(esim) => {
            check_esim(esim);
            serde_json::to_value(esim)
        }
        State::Payment(payment) => {
            // Indexed, and what a contact is registered under.
            check_reference("code", payment.code.value().map(String::as_str), ORDER_REF_MAX);
            serde_json::to_value(payment)
        }
        State::Return(return_request) => {
            let order_ref = return_request.order_ref.value();
            check_reference("returns.order_ref", order_ref.map(String::as_str), ORDER_REF_MAX);
            serde_json::to_value(return_request)
        }
    };
    check_json(name, &blocks.expect("a state is JSON"));
}

fn check_esim(esim: &Esim) {
    check_reference("esims.order_ref", esim.order_ref.value().map(String::as_str), ORDER_REF_MAX);
    check_reference("iccid", esim.iccid.value().map(String::as_str), ESIM_REF_MAX);
    if let Some(install) = esim.install.value() {
        assert!(install.activation_code.starts_with("LPA:"), "an activation code of another form");
    }
    for bytes in esim.usage.value().into_iter().flat_map(|usage| [usage.total_bytes, usage.used_bytes]) {
        assert!(i64::try_from(bytes).is_ok(), "{bytes} bytes are more than a bigint holds");
    }
    let ends = esim.expiry_notices.iter().map(|(at, _)| *at).chain(esim.expires_at.value().copied());
    ends.for_each(|at| check_time("expires_at", at));
}

fn check_reference(name: &str, reference: Option<&str>, max: usize) {
    if let Some(reference) = reference {
        check_text(name, reference);
        let length = reference.chars().count();
        assert!((1..=max).contains(&length), "{name} of {length} characters");
    }
}

fn check_text(name: &str, text: &str) {
    assert!(!text.contains('\0'), "{name} holds a NUL, which PostgreSQL's text does not");
}

/// Of what is kept as JSON: its texts, and each time that a claim is dated by.
fn check_json(name: &str, value: &Value) {
    match value {
        Value::String(text) => {
            check_text(name, text);
            if let (true, Ok(at)) = (["at", "first", "last"].contains(&name), text.parse()) {
                check_time(name, at);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check_json(name, item)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| {
            check_text("a field's name", name);
            check_json(name, field);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_time(name: &str, at: Timestamp) {
    assert!(YEARS.contains(&at.year()), "{name} of the year {}", at.year());
}

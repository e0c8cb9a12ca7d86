//! What an action carries to its receiver: a copy of what was known when it was promised.

use serde_json::{Map, Value, json};

use super::ActionKind;
use crate::confirmation::Refutation;
use crate::esim::{Esim, Install};
use crate::event::CreditAlert;
use crate::fact::State;
use crate::order::Order;
use crate::payment::Payment;
use crate::premise::Rule;
use crate::return_request::ReturnRequest;

pub(super) fn of(reference: &str, state: &State, kind: ActionKind, rule: &Rule) -> Value {
    let mut payload = match state {
        State::Order(state) => order(reference, state),
        State::Esim(state) => esim(reference, state),
        State::Payment(state) => payment(reference, state),
        State::Return(state) => return_request(reference, state),
    };
    if let (ActionKind::EsimReady, State::Esim(esim)) = (kind, state) {
        payload["install"] = esim.install.value().map(install).into();
    }
    if kind == ActionKind::WebhookRefuted {
        refuted(&mut payload, state);
    }
    match rule {
        Rule::LowData { percent, .. } => payload["used_percent"] = (*percent).into(),
        Rule::Expiring { days, .. } => payload["days_left"] = (*days).into(),
        Rule::OrderIs { .. }
        | Rule::OrderNeedsReview
        | Rule::OrderIsSilent
        | Rule::IsRefuted
        | Rule::PaymentIs { .. }
        | Rule::ReturnIs { .. }
        | Rule::PlanIs { .. }
        | Rule::Installable
        | Rule::InstallableBy { .. }
        | Rule::OnDevice => {}
    }
    payload
}

/// What an unsigned webhook said, and what the provider says instead. Of an eSIM that is its activation code, which is
/// named and not shown.
fn refuted(payload: &mut Value, state: &State) {
    let (claimed, confirmed) = match state {
        State::Order(order) => words(order.confirmation.refutation(), |status| status.as_str()),
        State::Payment(payment) => words(payment.confirmation.refutation(), |status| status.as_str()),
        State::Esim(esim) => {
            let (claimed, confirmed) = words(esim.confirmation.refutation(), |_| "an activation code");
            (claimed, confirmed.map(|_| "another activation code"))
        }
        State::Return(_) => (None, None),
    };
    payload["claimed"] = claimed.into();
    payload["confirmed"] = confirmed.unwrap_or("unknown").into();
    payload["refuted_at"] = json!(state.refuted_at());
}

fn words<T>(
    refutation: Option<Refutation<'_, T>>,
    word: impl Fn(&T) -> &'static str,
) -> (Option<&'static str>, Option<&'static str>) {
    refutation.map_or((None, None), |Refutation { claimed, instead, .. }| (Some(word(claimed)), instead.map(word)))
}

fn order(order_ref: &str, order: &Order) -> Value {
    without_nulls(json!({
        "order_ref": order_ref,
        "status": order.status(),
        "provider_status": order.provider_status.value(),
        "failure_reason": order.failure_reason(),
        "package_code": order.package_code.value(),
        "package_name": order.package_name.value(),
        "amount": order.amount.value(),
        "currency": order.currency.value(),
        "quantity": order.quantity.value(),
        "track_ref": order.track_ref.value(),
        "silent_since": order.silent_since.value(),
    }))
}

fn esim(esim_ref: &str, esim: &Esim) -> Value {
    without_nulls(json!({
        "esim_ref": esim_ref,
        "order_ref": esim.order_ref.value(),
        "iccid": esim.iccid.value(),
        "plan_status": esim.plan_status(),
        "profile_status": esim.profile_status(),
        "package_name": esim.package_name.value(),
        "total_bytes": esim.usage.value().map(|usage| usage.total_bytes),
        "used_bytes": esim.usage.value().map(|usage| usage.used_bytes),
        "expires_at": esim.expires_at.value(),
    }))
}

fn install(install: &Install) -> Value {
    // `LPA:1$<SM-DP+ address>$<matching id>`: a phone without a camera wants the two apart (SGP.22, section 4.1).
    let mut parts = install.activation_code.split('$').skip(1);
    without_nulls(json!({
        "activation_code": install.activation_code,
        "smdp_address": parts.next(),
        "matching_id": parts.next(),
        "confirmation_code": install.confirmation_code,
        "apn": install.apn,
        "pin": install.pin,
        "puk": install.puk,
        "qr_code_url": install.qr_code_url,
        "apple_install_url": install.apple_install_url,
    }))
}

fn payment(payment_ref: &str, payment: &Payment) -> Value {
    without_nulls(json!({
        "payment_ref": payment_ref,
        "direction": payment.direction.value(),
        "status": payment.status(),
        "amount": payment.amount.value(),
        "code": payment.code.value(),
        "payer_email": payment.payer_email.value(),
        "failure_reason": payment.failure_reason(),
        "description": payment.description.value(),
    }))
}

fn return_request(return_ref: &str, return_request: &ReturnRequest) -> Value {
    without_nulls(json!({
        "return_ref": return_ref,
        "order_ref": return_request.order_ref.value(),
        "status": return_request.status(),
        "return_type": return_request.return_type.value(),
        "refund_amount": return_request.refund_amount.value(),
        "reason": return_request.reason.value(),
        "track_ref": return_request.track_ref.value(),
    }))
}

pub(super) fn credit(alert: &CreditAlert) -> Value {
    without_nulls(json!({
        "used_percent": alert.used_percent,
        "remaining": alert.remaining,
        "message": alert.message,
    }))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, field)| !field.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}

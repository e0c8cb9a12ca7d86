//! The columns that people read, as views of the blocks. They are what is written, and what `why` compares.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::Timestamp;
use shared::confirmation::Verdict;
use shared::envelope::Mode;
use shared::esim::Esim;
use shared::fact::{EntityKey, State};
use shared::fold::EntityId;
use shared::order::{Order, OrderStatus, Product};
use shared::payment::{Direction, Payment, PaymentStatus};
use shared::return_request::{ReturnRequest, ReturnStatus};

#[derive(Serialize)]
pub(crate) struct OrderRow<'a> {
    source: &'a str,
    order_ref: &'a str,
    status: OrderStatus,
    provider_status: Option<&'a String>,
    status_at: Option<Timestamp>,
    needs_review: bool,
    failure_reason: Option<&'a str>,
    product: Option<&'a Product>,
    package_code: Option<&'a String>,
    package_name: Option<&'a String>,
    amount: Option<&'a Decimal>,
    currency: Option<&'a String>,
    quantity: Option<&'a u32>,
    track_ref: Option<&'a String>,
    confirmation: Option<&'static str>,
    mode: Mode,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    blocks: &'a Order,
}

impl<'a> OrderRow<'a> {
    pub(crate) fn new(source: &'a str, order_ref: &'a str, order: &'a Order) -> Self {
        Self {
            source,
            order_ref,
            status: order.status(),
            provider_status: order.provider_status.value(),
            status_at: order.standing.at(),
            needs_review: order.needs_review(),
            failure_reason: order.failure_reason(),
            product: order.product.value(),
            package_code: order.package_code.value(),
            package_name: order.package_name.value(),
            amount: order.amount.value(),
            currency: order.currency.value(),
            quantity: order.quantity.value(),
            track_ref: order.track_ref.value(),
            confirmation: order.verdict().map(Verdict::as_str),
            mode: order.mode(),
            created_at: order.heard.first,
            updated_at: order.heard.last,
            blocks: order,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct EsimRow<'a> {
    source: &'a str,
    esim_ref: &'a str,
    order_ref: Option<&'a String>,
    iccid: Option<&'a String>,
    eid: Option<&'a String>,
    provider_esim_ref: Option<&'a String>,
    plan_status: Option<&'static str>,
    provider_plan_status: Option<&'a String>,
    plan_status_at: Option<Timestamp>,
    profile_status: Option<&'static str>,
    provider_profile_status: Option<&'a String>,
    profile_status_at: Option<Timestamp>,
    activation_code: Option<&'a str>,
    total_bytes: Option<u64>,
    used_bytes: Option<u64>,
    usage_at: Option<Timestamp>,
    expires_at: Option<&'a Timestamp>,
    package_name: Option<&'a String>,
    confirmation: Option<&'static str>,
    mode: Mode,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    blocks: &'a Esim,
}

impl<'a> EsimRow<'a> {
    pub(crate) fn new(source: &'a str, esim_ref: &'a str, esim: &'a Esim) -> Self {
        Self {
            source,
            esim_ref,
            order_ref: esim.order_ref.value(),
            iccid: esim.iccid.value(),
            eid: esim.eid.value(),
            provider_esim_ref: esim.provider_esim_ref.value(),
            plan_status: esim.plan_status().map(shared::esim::PlanStatus::as_str),
            provider_plan_status: esim.provider_plan_status.value(),
            plan_status_at: esim.plan_status_at(),
            profile_status: esim.profile_status().map(shared::esim::ProfileStatus::as_str),
            provider_profile_status: esim.provider_profile_status.value(),
            profile_status_at: esim.profile.at(),
            activation_code: esim.install.value().map(|install| install.activation_code.as_str()),
            total_bytes: esim.usage.value().map(|usage| usage.total_bytes),
            used_bytes: esim.usage.value().map(|usage| usage.used_bytes),
            usage_at: esim.usage.at(),
            expires_at: esim.expires_at.value(),
            package_name: esim.package_name.value(),
            confirmation: esim.verdict().map(Verdict::as_str),
            mode: esim.mode(),
            created_at: esim.heard.first,
            updated_at: esim.heard.last,
            blocks: esim,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct PaymentRow<'a> {
    source: &'a str,
    payment_ref: &'a str,
    direction: Option<&'a Direction>,
    status: PaymentStatus,
    provider_status: Option<&'a String>,
    status_at: Option<Timestamp>,
    amount: Option<&'a Decimal>,
    code: Option<&'a String>,
    payer_email: Option<&'a String>,
    failure_reason: Option<&'a str>,
    operation_ref: Option<&'a String>,
    description: Option<&'a String>,
    confirmation: Option<&'static str>,
    mode: Mode,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    blocks: &'a Payment,
}

impl<'a> PaymentRow<'a> {
    pub(crate) fn new(source: &'a str, payment_ref: &'a str, payment: &'a Payment) -> Self {
        Self {
            source,
            payment_ref,
            direction: payment.direction.value(),
            status: payment.status(),
            provider_status: payment.provider_status.value(),
            status_at: payment.standing.at(),
            amount: payment.amount.value(),
            code: payment.code.value(),
            payer_email: payment.payer_email.value(),
            failure_reason: payment.failure_reason(),
            operation_ref: payment.operation_ref.value(),
            description: payment.description.value(),
            confirmation: payment.verdict().map(Verdict::as_str),
            mode: payment.mode(),
            created_at: payment.heard.first,
            updated_at: payment.heard.last,
            blocks: payment,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ReturnRow<'a> {
    source: &'a str,
    return_ref: &'a str,
    order_ref: Option<&'a String>,
    status: ReturnStatus,
    provider_status: Option<&'a String>,
    status_at: Option<Timestamp>,
    return_type: Option<&'a String>,
    refund_amount: Option<&'a Decimal>,
    reason: Option<&'a String>,
    track_ref: Option<&'a String>,
    mode: Mode,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    blocks: &'a ReturnRequest,
}

impl<'a> ReturnRow<'a> {
    pub(crate) fn new(source: &'a str, return_ref: &'a str, return_request: &'a ReturnRequest) -> Self {
        Self {
            source,
            return_ref,
            order_ref: return_request.order_ref.value(),
            status: return_request.status(),
            provider_status: return_request.provider_status.value(),
            status_at: return_request.status.at(),
            return_type: return_request.return_type.value(),
            refund_amount: return_request.refund_amount.value(),
            reason: return_request.reason.value(),
            track_ref: return_request.track_ref.value(),
            mode: return_request.mode(),
            created_at: return_request.heard.first,
            updated_at: return_request.heard.last,
            blocks: return_request,
        }
    }
}

/// The row of any entity as JSON, without the blocks, and with what is secret or personal only named.
pub fn readable(id: &EntityId, state: &State) -> Map<String, Value> {
    let mut fields = row(id, state);
    for hidden in ["blocks", "source", "created_at", "updated_at"] {
        fields.remove(hidden);
    }
    for named in ["activation_code", "payer_email"] {
        if let Some(value) = fields.get_mut(named).filter(|value| !value.is_null()) {
            *value = Value::from("known");
        }
    }
    fields
}

/// The row of any entity as JSON, with all that is in it.
pub fn row(id: &EntityId, state: &State) -> Map<String, Value> {
    let source = id.source.as_str();
    let row = match (&id.key, state) {
        (EntityKey::Order(reference), State::Order(order)) => json(&OrderRow::new(source, reference, order)),
        (EntityKey::Esim(reference), State::Esim(esim)) => json(&EsimRow::new(source, reference, esim)),
        (EntityKey::Payment(reference), State::Payment(payment)) => json(&PaymentRow::new(source, reference, payment)),
        (EntityKey::Return(reference), State::Return(state)) => json(&ReturnRow::new(source, reference, state)),
        (EntityKey::Order(_) | EntityKey::Esim(_) | EntityKey::Payment(_) | EntityKey::Return(_), _) => Value::Null,
    };
    if let Value::Object(fields) = row { fields } else { Map::new() }
}

fn json(row: &impl Serialize) -> Value {
    serde_json::to_value(row).unwrap_or_default()
}

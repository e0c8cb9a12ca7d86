//! The columns of the four entity tables: how the value of each comes from the state, and where it may be shown.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use shared::Timestamp;
use shared::confirmation::Verdict;
use shared::esim::{Esim, PlanStatus, ProfileStatus};
use shared::fact::State;
use shared::order::{Order, Product};
use shared::payment::{Direction, Payment};
use shared::return_request::ReturnRequest;

use super::value::FieldValue;

/// Where a column's value may be shown: in the story of the entity that `why` tells, and in the differences that
/// `verify` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// In both: a word of ours, a time or an amount.
    Public,
    /// In the story only; a difference names the column. It identifies an eSIM, or a provider may have written anything.
    Private,
    /// In neither: both say no more than that it is there.
    Secret,
    /// In differences only: it belongs to the row, and the story does not tell it.
    Row,
    /// Not in the story; a difference names the parts of the JSON object that differ.
    Parts,
}

/// A column of an entity's row.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    pub name: &'static str,
    pub visibility: Visibility,
    pub(crate) value: FieldValue<'a>,
}

/// The columns that come from the state.
pub fn fields(state: &State) -> Vec<Field<'_>> {
    let (mut fields, heard) = match state {
        State::Order(order) => (of_order(order), order.heard),
        State::Esim(esim) => (of_esim(esim), esim.heard),
        State::Payment(payment) => (of_payment(payment), payment.heard),
        State::Return(return_request) => (of_return(return_request), return_request.heard),
    };
    fields.extend([
        text("mode", Visibility::Public, Some(state.mode().as_str())),
        time("created_at", Visibility::Row, heard.first),
        time("updated_at", Visibility::Row, heard.last),
        Field { name: "blocks", visibility: Visibility::Parts, value: FieldValue::Blocks(state) },
    ]);
    fields
}

fn of_order(order: &Order) -> Vec<Field<'_>> {
    use Visibility::{Private, Public};
    vec![
        text("status", Public, Some(order.status().as_str())),
        text("provider_status", Public, order.provider_status.value()),
        time("status_at", Public, order.standing.at()),
        boolean("needs_review", Public, order.needs_review()),
        text("failure_reason", Private, order.failure_reason()),
        text("product", Public, order.product.value().copied().map(Product::as_str)),
        text("package_code", Private, order.package_code.value()),
        text("package_name", Private, order.package_name.value()),
        decimal("amount", Public, order.amount.value()),
        text("currency", Public, order.currency.value()),
        integer("quantity", Public, order.quantity.value().copied().map(u64::from)),
        text("track_ref", Private, order.track_ref.value()),
        text("confirmation", Public, order.verdict().map(Verdict::as_str)),
    ]
}

fn of_esim(esim: &Esim) -> Vec<Field<'_>> {
    use Visibility::{Private, Public, Secret};
    let usage = esim.usage.value();
    vec![
        text("order_ref", Public, esim.order_ref.value()),
        text("iccid", Private, esim.iccid.value()),
        text("eid", Private, esim.eid.value()),
        text("provider_esim_ref", Private, esim.provider_esim_ref.value()),
        text("plan_status", Public, esim.plan_status().map(PlanStatus::as_str)),
        text("provider_plan_status", Public, esim.provider_plan_status.value()),
        time("plan_status_at", Public, esim.plan_status_at()),
        text("profile_status", Public, esim.profile_status().map(ProfileStatus::as_str)),
        text("provider_profile_status", Public, esim.provider_profile_status.value()),
        time("profile_status_at", Public, esim.profile.at()),
        text("activation_code", Secret, esim.install.value().map(|install| install.activation_code.as_str())),
        integer("total_bytes", Public, usage.map(|usage| usage.total_bytes)),
        integer("used_bytes", Public, usage.map(|usage| usage.used_bytes)),
        time("usage_at", Private, esim.usage.at()),
        time("expires_at", Public, esim.expires_at.value().copied()),
        text("package_name", Private, esim.package_name.value()),
        text("confirmation", Public, esim.verdict().map(Verdict::as_str)),
    ]
}

fn of_payment(payment: &Payment) -> Vec<Field<'_>> {
    use Visibility::{Private, Public, Secret};
    vec![
        text("direction", Public, payment.direction.value().copied().map(Direction::as_str)),
        text("status", Public, Some(payment.status().as_str())),
        text("provider_status", Public, payment.provider_status.value()),
        time("status_at", Public, payment.standing.at()),
        decimal("amount", Public, payment.amount.value()),
        text("code", Private, payment.code.value()),
        text("payer_email", Secret, payment.payer_email.value()),
        text("failure_reason", Private, payment.failure_reason()),
        text("operation_ref", Private, payment.operation_ref.value()),
        text("description", Private, payment.description.value()),
        text("confirmation", Public, payment.verdict().map(Verdict::as_str)),
    ]
}

fn of_return(return_request: &ReturnRequest) -> Vec<Field<'_>> {
    use Visibility::{Private, Public};
    vec![
        text("order_ref", Public, return_request.order_ref.value()),
        text("status", Public, Some(return_request.status().as_str())),
        text("provider_status", Public, return_request.provider_status.value()),
        time("status_at", Public, return_request.status.at()),
        text("return_type", Private, return_request.return_type.value()),
        decimal("refund_amount", Public, return_request.refund_amount.value()),
        text("reason", Private, return_request.reason.value()),
        text("track_ref", Private, return_request.track_ref.value()),
    ]
}

fn text<'a, T: AsRef<str> + ?Sized>(name: &'static str, visibility: Visibility, value: Option<&'a T>) -> Field<'a> {
    Field { name, visibility, value: FieldValue::Text(value.map(AsRef::as_ref)) }
}

fn time(name: &'static str, visibility: Visibility, value: Option<Timestamp>) -> Field<'static> {
    Field { name, visibility, value: FieldValue::Time(value) }
}

fn decimal<'a>(name: &'static str, visibility: Visibility, value: Option<&'a Decimal>) -> Field<'a> {
    Field { name, visibility, value: FieldValue::Decimal(value) }
}

fn integer(name: &'static str, visibility: Visibility, value: Option<u64>) -> Field<'static> {
    Field { name, visibility, value: FieldValue::Integer(value) }
}

fn boolean(name: &'static str, visibility: Visibility, value: bool) -> Field<'static> {
    Field { name, visibility, value: FieldValue::Boolean(value) }
}

impl Field<'_> {
    /// The value as the entity's story shows it; `None` if the story leaves it out.
    pub fn shown(&self) -> Option<Value> {
        match self.visibility {
            Visibility::Public | Visibility::Private => Some(self.value.shown()),
            Visibility::Secret => Some(if self.value.shown().is_null() { Value::Null } else { json!("known") }),
            Visibility::Row | Visibility::Parts => None,
        }
    }
}

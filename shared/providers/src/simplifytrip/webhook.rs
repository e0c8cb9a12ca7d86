//! SimplifyTrip's webhooks: orders of eSIMs and of physical SIMs, and returns; each event in a signed envelope.
//!
//! Facts are from <https://docs.simplifytrip.com/en/developers/webhooks> and `…/signature`.

use chrono::TimeDelta;
use serde_json::Value;
use shared::Timestamp;
use shared::block::Latest;
use shared::envelope::Envelope;
use shared::esim::{Esim, Install, PlanStatus};
use shared::event::Malformed;
use shared::fact::Fact;
use shared::order::{Order, OrderStatus, Product};
use shared::origin::{Mode, Origin};
use shared::return_request::{ReturnRequest, ReturnStatus};

use crate::reading::{count, decimal, items, kind, missing, object, required, text, text_of, time, word};
use crate::webhook::{Reading, ReceivedWebhook};

/// The time of the attempt.
pub(super) const CHANGES_PER_ATTEMPT: &[&str] = &["sentDate"];

/// "Accept each event once within a 24-hour window."
const FRESH: TimeDelta = TimeDelta::hours(24);

pub(super) fn read(ReceivedWebhook { body, envelope, .. }: ReceivedWebhook<'_>) -> Result<Reading, Malformed> {
    let event = required(body, "type")?;
    let data = object(body, "data").ok_or_else(|| missing("data"))?;
    refuse_stale(body, envelope)?;
    let at = time(body, "createdAt");
    let facts = match event.to_uppercase().as_str() {
        "PURCHASE_ORDER_SUCCESS" => read_order(data, Some(OrderStatus::Completed), "SUCCESS", at)?,
        "PURCHASE_ORDER_FAIL" => read_order(data, Some(OrderStatus::Failed), "FAIL", at)?,
        "PURCHASE_ORDER_UPDATE" => read_update(data, at)?,
        "RETURN_ORDER_UPDATE" => vec![read_return(data, at)?],
        // A new type of event is kept and claims nothing.
        _ => Vec::new(),
    };
    Ok(Reading {
        kind: kind(&event),
        provider_event_id: text(body, "id"),
        occurred_at: at,
        mode: word(body, "mode").and_then(|mode| read_mode(&mode)),
        order_ref: text(data, "orderId"),
        esim_ref: only_esim(data),
        facts,
        ..Reading::default()
    })
}

/// Compares with the time of receipt, not with the present time, so that a stored envelope is always read the same. An
/// event that an operator sends again is no replay.
fn refuse_stale(body: &Value, envelope: &Envelope) -> Result<(), Malformed> {
    let received_at = envelope.received_at;
    match (envelope.origin, time(body, "sentDate")) {
        (Origin::Webhook, Some(sent_at)) if (received_at - sent_at).abs() > FRESH => {
            Err(Malformed::StaleReplay { sent_at, received_at })
        }
        _ => Ok(()),
    }
}

fn read_mode(mode: &str) -> Option<Mode> {
    match mode {
        "TEST_MODE" => Some(Mode::Test),
        "LIVE_MODE" => Some(Mode::Live),
        _ => None,
    }
}

/// A physical SIM, step by step.
fn read_update(data: &Value, at: Option<Timestamp>) -> Result<Vec<Fact>, Malformed> {
    let status = required(data, "status")?;
    let (order_ref, order) = order_of(data, order_status(&status), &status, at)?;
    Ok(vec![Fact::order(order_ref, Order { product: Latest::claim(Product::PhysicalSim, at), ..order })])
}

/// The words of physical orders; which of them the API has for the others, and for a failure, is not documented.
pub(super) fn order_status(status: &str) -> Option<OrderStatus> {
    match status.to_uppercase().as_str() {
        "NEW" | "PENDING" => Some(OrderStatus::Pending),
        "CONFIRMED" | "PROCESSING" => Some(OrderStatus::Processing),
        "DELIVERING" => Some(OrderStatus::Shipping),
        "SUCCESS" | "COMPLETED" => Some(OrderStatus::Completed),
        "FAIL" | "FAILED" => Some(OrderStatus::Failed),
        "CANCELED" | "CANCELLED" => Some(OrderStatus::Cancelled),
        _ => None,
    }
}

/// The whole order: `event` is the status where the order itself says none.
fn read_order(
    data: &Value,
    known: Option<OrderStatus>,
    event: &str,
    at: Option<Timestamp>,
) -> Result<Vec<Fact>, Malformed> {
    let status = text(data, "status").unwrap_or_else(|| event.to_owned());
    let (order_ref, order) = order_of(data, known, &status, at)?;
    let mut facts = vec![Fact::order(order_ref.clone(), order)];
    if known == Some(OrderStatus::Completed) {
        facts.extend(esims(data).filter_map(|esim| read_esim(esim, &order_ref, at)));
    }
    Ok(facts)
}

fn order_of(
    data: &Value,
    known: Option<OrderStatus>,
    status: &str,
    at: Option<Timestamp>,
) -> Result<(String, Order), Malformed> {
    let order_ref = required(data, "orderId")?;
    let lines = items(data, "items");
    let quantity = lines.iter().filter_map(|line| count(line, "quantity")).reduce(u32::saturating_add);
    let order = Order {
        product: Latest::maybe(product(lines), at),
        package_code: Latest::maybe(lines.first().and_then(|line| text(line, "sku")), at),
        quantity: Latest::maybe(quantity, at),
        track_ref: Latest::maybe(text(data, "trackId"), at),
        ..Order::with_status(status, known, failure(data, known), at)
    };
    Ok((order_ref, order))
}

/// The body of a failed order is not documented; the API's order has a field `error`, "present when" it failed.
pub(super) fn failure(data: &Value, known: Option<OrderStatus>) -> Option<String> {
    let has_failed = matches!(known, Some(OrderStatus::Failed | OrderStatus::Cancelled));
    let reason = |name: &&str| {
        text(data, name)
            .or_else(|| text_of(object(data, name)?, &["message", "errorMessage", "reason", "code", "errorCode"]))
    };
    has_failed.then(|| ["error", "message", "reason"].iter().find_map(reason)).flatten()
}

/// An order of both kinds counts as one of eSIMs: those are what its completion delivers.
pub(super) fn product(lines: &[Value]) -> Option<Product> {
    let has = |kind: &str| lines.iter().any(|line| word(line, "type").as_deref() == Some(kind));
    if has("ESIM") {
        Some(Product::Esim)
    } else if has("SIM") {
        Some(Product::PhysicalSim)
    } else {
        None
    }
}

pub(super) fn esims(data: &Value) -> impl Iterator<Item = &Value> {
    items(data, "items").iter().flat_map(|line| items(line, "eSims"))
}

fn only_esim(data: &Value) -> Option<String> {
    let mut iccids = esims(data).filter_map(|esim| text(esim, "iccid"));
    let first = iccids.next()?;
    iccids.next().is_none().then_some(first)
}

pub(super) fn read_esim(esim: &Value, order_ref: &str, at: Option<Timestamp>) -> Option<Fact> {
    let iccid = text(esim, "iccid")?;
    let claims = Esim {
        order_ref: Latest::claim(order_ref.to_owned(), at),
        iccid: Latest::claim(iccid.clone(), at),
        plan: Latest::claim(PlanStatus::Allocated, at),
        install: Latest::maybe(install(esim), at),
        ..Esim::default()
    };
    Some(Fact::esim(iccid, claims))
}

/// The sample's `activationCode` is another than the one in its `qrCodeContent`; the picture that customers scan shows
/// the latter.
fn install(esim: &Value) -> Option<Install> {
    let assembled = || Some(format!("LPA:1${}${}", text(esim, "smdpAddress")?, text(esim, "activationCode")?));
    let activation_code = text(esim, "qrCodeContent").filter(|code| code.starts_with("LPA:")).or_else(assembled)?;
    Some(Install {
        apn: text(esim, "planAPN"),
        pin: text(esim, "pin"),
        puk: text(esim, "puk"),
        qr_code_url: text(esim, "qrCodeImg"),
        ..Install::new(activation_code)
    })
}

fn read_return(data: &Value, at: Option<Timestamp>) -> Result<Fact, Malformed> {
    let return_ref = required(data, "id")?;
    let status = required(data, "status")?;
    let known = match status.to_uppercase().as_str() {
        "REQUESTED" => Some(ReturnStatus::Requested),
        "REVIEWING" => Some(ReturnStatus::Reviewing),
        "APPROVED" => Some(ReturnStatus::Approved),
        "REJECTED" => Some(ReturnStatus::Rejected),
        _ => None,
    };
    let claims = ReturnRequest {
        order_ref: Latest::maybe(text(data, "orderId"), at),
        return_type: Latest::maybe(text(data, "returnType").map(return_type), at),
        refund_amount: Latest::maybe(decimal(data, "refundAmount"), at),
        reason: Latest::maybe(text(data, "reason"), at),
        // "Identify the return request": not the order's.
        track_ref: Latest::maybe(text(data, "trackId"), at),
        ..ReturnRequest::with_status(&status, known, at)
    };
    Ok(Fact::return_request(return_ref, claims))
}

fn return_type(said: String) -> String {
    match said.to_uppercase().as_str() {
        "FULL" => "full".to_owned(),
        "PARTIAL" => "partial".to_owned(),
        _ => said,
    }
}

#[cfg(test)]
mod tests;

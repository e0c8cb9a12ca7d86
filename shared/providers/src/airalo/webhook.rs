//! Airalo's webhooks: finished orders, warnings about data and validity, and the shop's credit.
//!
//! Bodies name neither their type nor a time, so the shape tells the type. `created_at` has no zone and is the order's
//! own, not the event's: nothing is dated by it.

use rust_decimal::prelude::ToPrimitive as _;
use serde_json::Value;
use shared::block::Latest;
use shared::esim::{Alert, Esim, Install, PlanStatus};
use shared::event::{CreditAlert, Malformed, occurrence_key};
use shared::fact::Fact;
use shared::order::{Order, OrderStatus, Product};

use crate::reading::{count, decimal, items, missing, object, required, text, text_of};
use crate::webhook::{Reading, ReceivedWebhook};

pub(super) fn read(webhook: ReceivedWebhook<'_>) -> Result<Reading, Malformed> {
    let body = webhook.body;
    // An order has a field `data` of its own ("1 GB"), so only an object is the wrapper.
    let said = object(body, "data").unwrap_or(body);
    if let (Some(level), true) = (text(said, "level"), items(said, "sims").is_empty()) {
        return read_low_data(said, &level, webhook);
    }
    if let (Some(message), true) = (text(said, "message"), said.get("remaining").is_some()) {
        return Ok(read_credit_limit(said, message));
    }
    // Integrators report `request_id` in either place.
    let order_ref = text(body, "request_id").or_else(|| text_of(said, &["request_id", "id"]));
    Ok(read_order(order_ref.ok_or_else(|| missing("request_id"))?, said, body))
}

/// "The same as the response of the regular order", plus `request_id`; a failure carries `reason` and no `sims`.
pub(super) fn read_order(order_ref: String, said: &Value, body: &Value) -> Reading {
    let package_name = text(said, "package");
    let order = Order {
        product: Latest::maybe(text(said, "type").and_then(|kind| product(&kind)), None),
        package_code: Latest::maybe(text(said, "package_id"), None),
        package_name: Latest::maybe(package_name.clone(), None),
        amount: Latest::maybe(decimal(said, "price"), None),
        currency: Latest::maybe(text(said, "currency"), None),
        quantity: Latest::maybe(count(said, "quantity"), None),
        ..standing(said, body)
    };
    let is_lost = matches!(order.status(), OrderStatus::Failed | OrderStatus::Cancelled);
    let sims = if is_lost { &[] } else { items(said, "sims") };
    let esims: Vec<_> = sims.iter().filter_map(|sim| read_sim(sim, &order_ref, package_name.as_deref())).collect();
    let esim_ref = match esims.as_slice() {
        [(iccid, _)] => Some(iccid.clone()),
        _ => None,
    };
    let mut facts = vec![Fact::order(order_ref.clone(), order)];
    facts.extend(esims.into_iter().map(|(iccid, esim)| Fact::esim(iccid, esim)));
    Reading { kind: "async_order".to_owned(), order_ref: Some(order_ref), esim_ref, facts, ..Reading::default() }
}

/// An order that has come says so by what it brings; only orders that were fetched have a `status`.
fn standing(said: &Value, body: &Value) -> Order {
    let reason = || text_of(said, &["reason", "message"]).or_else(|| text(body, "reason"));
    if let Some(status) = status(said).or_else(|| status(body)) {
        let known = known_status(&status);
        let reason = if known == Some(OrderStatus::Completed) { None } else { reason() };
        return Order::with_status(&status, known, reason, None);
    }
    if items(said, "sims").is_empty()
        && let Some(reason) = reason()
    {
        return Order::with_status("failed", Some(OrderStatus::Failed), Some(reason), None);
    }
    // A top-up comes with `sims: []`. The answer 202 to the order has neither, and says nothing yet.
    if said.get("sims").is_some() || text(said, "package_id").is_some() {
        return Order::with_status("completed", Some(OrderStatus::Completed), None, None);
    }
    Order::default()
}

/// `"failed"`, or `{"name": "Failed", "slug": "failed"}`.
pub(super) fn status(value: &Value) -> Option<String> {
    let status = text(value, "status").or_else(|| text_of(object(value, "status")?, &["slug", "name"]))?;
    Some(status.to_lowercase())
}

/// Refunds (`refunded`, `partially_refunded`) are no state of ours: somebody should look.
pub(super) fn known_status(status: &str) -> Option<OrderStatus> {
    match status {
        "pending" => Some(OrderStatus::Pending),
        "processing" => Some(OrderStatus::Processing),
        "completed" => Some(OrderStatus::Completed),
        "failed" => Some(OrderStatus::Failed),
        "cancelled" | "canceled" => Some(OrderStatus::Cancelled),
        _ => None,
    }
}

fn product(kind: &str) -> Option<Product> {
    match kind.to_lowercase().as_str() {
        "sim" => Some(Product::Esim),
        "topup" => Some(Product::TopUp),
        _ => None,
    }
}

fn read_sim(sim: &Value, order_ref: &str, package_name: Option<&str>) -> Option<(String, Esim)> {
    let iccid = text(sim, "iccid")?;
    let esim = Esim {
        order_ref: Latest::claim(order_ref.to_owned(), None),
        iccid: Latest::claim(iccid.clone(), None),
        plan: Latest::claim(PlanStatus::Allocated, None),
        install: Latest::maybe(install(sim), None),
        package_name: Latest::maybe(package_name.map(str::to_owned), None),
        ..Esim::default()
    };
    Some((iccid, esim))
}

/// `qrcode` is the whole code; `lpa` is, whatever its name says, only the SM-DP+ server's address.
pub(super) fn install(sim: &Value) -> Option<Install> {
    let assembled = || Some(format!("LPA:1${}${}", text(sim, "lpa")?, text(sim, "matching_id")?));
    let activation_code = text(sim, "qrcode").or_else(assembled)?;
    Some(Install {
        confirmation_code: text(sim, "confirmation_code"),
        apn: text(sim, "apn_value"),
        qr_code_url: text(sim, "qrcode_url"),
        apple_install_url: text(sim, "direct_apple_installation_url"),
        ..Install::new(activation_code)
    })
}

/// A warning has no id, no time and no order, and its body recurs byte for byte once a top-up is used up, too.
fn read_low_data(said: &Value, level: &str, webhook: ReceivedWebhook<'_>) -> Result<Reading, Malformed> {
    let iccid = required(said, "iccid")?;
    let received_at = webhook.envelope.received_at;
    let event_key = occurrence_key(webhook.body_hash, received_at);
    let alert = |level| Latest::claim(Alert { level, event_key }, Some(received_at));
    let mut esim = Esim {
        iccid: Latest::claim(iccid.clone(), None),
        // Here it is the package's code; the order knows the name that a customer has seen.
        package_name: Latest::maybe(text(said, "package_name"), None).weak(),
        ..Esim::default()
    };
    match read_level(level) {
        Some(Level::PercentUsed(percent)) => esim.low_data_alert = alert(percent),
        Some(Level::DaysLeft(days)) => esim.expiry_alert = alert(days),
        None => {}
    }
    Ok(Reading {
        kind: "low_data".to_owned(),
        recurs: true,
        esim_ref: Some(iccid.clone()),
        facts: vec![Fact::esim(iccid, esim)],
        ..Reading::default()
    })
}

enum Level {
    PercentUsed(u32),
    DaysLeft(u32),
}

/// `75%`, `90%`, `1days`, `3days`, and others of these forms.
fn read_level(level: &str) -> Option<Level> {
    let level = level.to_lowercase();
    if let Some(percent) = level.strip_suffix('%') {
        return percent.trim().parse().ok().filter(|percent| (1..=100).contains(percent)).map(Level::PercentUsed);
    }
    let days = level.strip_suffix("days").or_else(|| level.strip_suffix("day"))?;
    days.trim().parse().ok().map(Level::DaysLeft)
}

fn read_credit_limit(said: &Value, message: String) -> Reading {
    let credit = CreditAlert { used_percent: percent_in(&message), remaining: decimal(said, "remaining"), message };
    Reading { kind: "credit_limit".to_owned(), recurs: true, credit: Some(credit), ..Reading::default() }
}

/// The level is only in the prose: "Surpassed 80% of the credit limit balance".
fn percent_in(message: &str) -> Option<u32> {
    let (before, _) = message.split_once('%')?;
    let before = before.trim_end();
    let number = before.rsplit(|letter: char| !letter.is_ascii_digit() && letter != '.').next()?;
    number.parse::<rust_decimal::Decimal>().ok()?.trunc().to_u32()
}

#[cfg(test)]
mod tests;

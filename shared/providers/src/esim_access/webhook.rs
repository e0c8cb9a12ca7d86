//! eSIM Access' webhooks: orders, and the life of each eSIM: plan, profile, usage, validity.
//!
//! Unsigned. ICCIDs are reused and not every event has the `esimTranNo`, so an eSIM is named `{orderNo}/{iccid}`.
//! Facts are from the provider's webhook page and its Postman collection (docs.esimaccess.com, April 2026).

use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use shared::Timestamp;
use shared::block::Latest;
use shared::esim::{Alert, Esim, PlanStatus, ProfileStatus, Usage};
use shared::event::Malformed;
use shared::fact::Fact;
use shared::order::{Order, OrderStatus};

use crate::reading::{count, decimal, integer, kind, missing, object, required, text, time, word};
use crate::webhook::{Reading, ReceivedWebhook};

pub(super) fn read(webhook: ReceivedWebhook<'_>) -> Result<Reading, Malformed> {
    let ReceivedWebhook { body, envelope, body_hash } = webhook;
    let notify_type = required(body, "notifyType")?;
    let mut reading =
        Reading { kind: kind(&notify_type), provider_event_id: text(body, "notifyId"), ..Reading::default() };
    if reading.kind == "check_health" {
        // Sent when the URL is saved, about an order that does not exist.
        reading.occurred_at = time(body, "eventGenerateTime");
        return Ok(reading);
    }
    let content = object(body, "content").ok_or_else(|| missing("content"))?;
    let at = time(body, "eventGenerateTime").or_else(|| time(content, "timestamp"));
    reading.occurred_at = at;
    let alert = |level| Latest::claim(Alert { level, event_key: body_hash.to_owned() }, Some(envelope.received_at));
    let esim = match reading.kind.as_str() {
        "order_status" => {
            let order_ref = required(content, "orderNo")?;
            reading.facts.push(Fact::order(order_ref.clone(), read_order(content, at)));
            reading.order_ref = Some(order_ref);
            return Ok(reading);
        }
        "smdp_event" => read_smdp_event(content, at),
        "esim_status" => read_esim_status(content, at),
        "data_usage" => read_data_usage(content, at, alert),
        "validity_usage" => read_validity(content, at, alert),
        // A new type of event is kept, found by its references, and claims nothing: nothing is dead-lettered for it.
        _ => {
            reading.order_ref = text(content, "orderNo");
            reading.esim_ref = references(content).ok().map(|(order_ref, iccid)| esim_ref(&order_ref, &iccid));
            return Ok(reading);
        }
    };
    add_esim(&mut reading, content, esim)?;
    Ok(reading)
}

/// Adds what every event about an eSIM says of its identity, and of the order, if it does.
fn add_esim(reading: &mut Reading, content: &Value, esim: Esim) -> Result<(), Malformed> {
    let at = reading.occurred_at;
    let (order_ref, iccid) = references(content)?;
    let esim_ref = esim_ref(&order_ref, &iccid);
    let esim = Esim {
        order_ref: Latest::claim(order_ref.clone(), at),
        iccid: Latest::claim(iccid, at),
        eid: Latest::maybe(text(content, "eid"), at),
        provider_esim_ref: Latest::maybe(text(content, "esimTranNo"), at),
        ..esim
    };
    reading.facts.push(Fact::esim(esim_ref.clone(), esim));
    // "Rarely", an ESIM_STATUS has the order's status, too.
    if content.get("orderStatus").is_some_and(|status| !status.is_null()) {
        reading.facts.push(Fact::order(order_ref.clone(), read_order(content, at)));
    }
    reading.order_ref = Some(order_ref);
    reading.esim_ref = Some(esim_ref);
    Ok(())
}

fn references(content: &Value) -> Result<(String, String), Malformed> {
    Ok((required(content, "orderNo")?, required(content, "iccid")?))
}

pub(super) fn esim_ref(order_ref: &str, iccid: &str) -> String {
    format!("{order_ref}/{iccid}")
}

fn read_order(content: &Value, at: Option<Timestamp>) -> Order {
    let order = match text(content, "orderStatus") {
        Some(status) => Order::with_status(&status, order_status(&status), None, at),
        None => Order::default(),
    };
    Order { track_ref: Latest::maybe(text(content, "transactionId"), at), ..order }
}

/// What happens on the SM-DP+ server, as it happens. The plan's status that rides along may be stale.
fn read_smdp_event(content: &Value, at: Option<Timestamp>) -> Esim {
    let sequence = integer(content, "seqNumber");
    let Esim { plan, provider_plan_status, .. } = read_plan(content, at);
    // GSMA SGP.22 names these outcomes of a step; eSIM Access documents `Executed-Success`, or nothing at all.
    let step_failed = matches!(word(content, "notifyStatus").as_deref(), Some("FAILED" | "EXPIRED"));
    let profile = if step_failed { Esim::default() } else { read_profile(content, at, sequence) };
    Esim { plan: plan.weak(), provider_plan_status: provider_plan_status.weak(), ..profile }
}

fn read_esim_status(content: &Value, at: Option<Timestamp>) -> Esim {
    let Esim { plan, provider_plan_status, .. } = read_plan(content, at);
    let Esim { profile, provider_profile_status, .. } = read_profile(content, at, None);
    let esim = Esim { plan, provider_plan_status, profile, provider_profile_status, ..Esim::default() };
    match usage(content) {
        Some(usage) => esim.with_usage(usage, None, at),
        None => esim,
    }
}

fn read_plan(content: &Value, at: Option<Timestamp>) -> Esim {
    let plan = word(content, "esimStatus").and_then(|status| plan_status(&status));
    Esim {
        plan: Latest::maybe(plan, at),
        provider_plan_status: Latest::maybe(text(content, "esimStatus"), at).ranked(plan.map(|plan| plan as u8)),
        ..Esim::default()
    }
}

fn read_profile(content: &Value, at: Option<Timestamp>, sequence: Option<u64>) -> Esim {
    let profile = word(content, "smdpStatus").and_then(|status| profile_status(&status));
    let said = Latest::maybe(text(content, "smdpStatus"), at).numbered(sequence);
    Esim {
        profile: Latest::maybe(profile, at).numbered(sequence),
        provider_profile_status: said.ranked(profile.map(|profile| profile as u8)),
        ..Esim::default()
    }
}

/// Measured at `lastUpdateTime`, one to three hours before it is sent. `remain` is in bytes here.
fn read_data_usage(content: &Value, at: Option<Timestamp>, alert: impl Fn(u32) -> Latest<Alert>) -> Esim {
    let named_percent = decimal(content, "remainThreshold").and_then(used_percent);
    match usage(content) {
        Some(usage) => Esim::default().with_usage(usage, named_percent, time(content, "lastUpdateTime").or(at)),
        None => Esim { low_data_alert: named_percent.map(|p| alert(p.into())).unwrap_or_default(), ..Esim::default() },
    }
}

pub(super) fn usage(content: &Value) -> Option<Usage> {
    let total_bytes = integer(content, "totalVolume")?;
    let remain = || integer(content, "remain").or_else(|| integer(content, "remainVolume"));
    let used_bytes = integer(content, "orderUsage").or_else(|| total_bytes.checked_sub(remain()?))?;
    Some(Usage { total_bytes, used_bytes })
}

/// The share that remains (0.2) as the share that is used (80 %). Other thresholds than 0.5, 0.2 and 0.1 are seen.
fn used_percent(remaining: Decimal) -> Option<u8> {
    if remaining < Decimal::ZERO || remaining >= Decimal::ONE {
        return None;
    }
    let percent = (Decimal::ONE - remaining) * Decimal::ONE_HUNDRED;
    percent.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_u8().filter(|percent| *percent > 0)
}

/// `expiredTime` is exact and `remain`, in days here, is not.
fn read_validity(content: &Value, at: Option<Timestamp>, alert: impl Fn(u32) -> Latest<Alert>) -> Esim {
    let expires_at = time(content, "expiredTime");
    let in_days = matches!(word(content, "durationUnit").as_deref(), Some("DAY" | "DAYS"));
    let days = count(content, "remain").filter(|_| in_days);
    let mut esim = Esim { expires_at: Latest::maybe(expires_at, at), ..Esim::default() };
    match (expires_at, days) {
        (Some(expires_at), Some(days)) => {
            esim.expiry_notices.insert((expires_at, days));
        }
        (None, Some(days)) => esim.expiry_alert = alert(days),
        (_, None) => {}
    }
    esim
}

/// Only `GOT_RESOURCE` is documented for an order's event; the rest are the API's words for the same.
fn order_status(status: &str) -> Option<OrderStatus> {
    match status.to_uppercase().as_str() {
        "CREATE" | "PAYING" => Some(OrderStatus::Pending),
        "PAID" | "GETTING_RESOURCE" => Some(OrderStatus::Processing),
        "GOT_RESOURCE" => Some(OrderStatus::Completed),
        "CANCEL" | "CANCELED" | "CANCELLED" => Some(OrderStatus::Cancelled),
        "FAILED" => Some(OrderStatus::Failed),
        _ => None,
    }
}

/// Webhooks say `REVOKED`, the API `REVOKE`. What the two kinds of expiry mean differs from page to page, so that data
/// is left is not concluded from them.
pub(super) fn plan_status(status: &str) -> Option<PlanStatus> {
    match status {
        "CREATE" | "PAYING" | "PAID" | "GETTING_RESOURCE" => Some(PlanStatus::Pending),
        "GOT_RESOURCE" => Some(PlanStatus::Allocated),
        "IN_USE" => Some(PlanStatus::Active),
        "SUSPEND" | "SUSPENDED" => Some(PlanStatus::Suspended),
        "USED_UP" => Some(PlanStatus::Depleted),
        "USED_EXPIRED" | "UNUSED_EXPIRED" | "EXPIRED" => Some(PlanStatus::Expired),
        "CANCEL" | "CANCELED" | "CANCELLED" => Some(PlanStatus::Cancelled),
        "REVOKE" | "REVOKED" => Some(PlanStatus::Revoked),
        _ => None,
    }
}

pub(super) fn profile_status(status: &str) -> Option<ProfileStatus> {
    match status {
        "RELEASED" => Some(ProfileStatus::Released),
        "DOWNLOAD" | "DOWNLOADED" => Some(ProfileStatus::Downloaded),
        "INSTALLATION" | "INSTALLED" => Some(ProfileStatus::Installed),
        "ENABLED" => Some(ProfileStatus::Enabled),
        "DISABLED" => Some(ProfileStatus::Disabled),
        "DELETED" => Some(ProfileStatus::Deleted),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

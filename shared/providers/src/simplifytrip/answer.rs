//! SimplifyTrip's API: an order, and an eSIM with its history, its plan and what is used of it
//! (<https://docs.simplifytrip.com/en/api-list/order> and `…/retrieve`).

use chrono::{NaiveDateTime, TimeDelta};
use rust_decimal::Decimal;
use serde_json::Value;
use shared::Timestamp;
use shared::block::{Join as _, Latest};
use shared::esim::{Esim, PlanStatus, ProfileStatus, Usage};
use shared::event::Malformed;
use shared::fact::{Fact, State};
use shared::order::{Order, OrderStatus};

use super::webhook;
use super::webhook::{esims, failure, order_status, product};
use crate::answer::{Asked, Found, is_about};
use crate::limits::is_writable;
use crate::reading::{integer, items, missing, object, text, text_of, time, whole, word};

/// Times without a zone are the provider's local ones: its sample records at 22:42:42 what was bought at 14:42:07Z.
const LOCAL: TimeDelta = TimeDelta::hours(8);

pub(super) fn read_order(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    order_of(data(found), asked).map(Some)
}

pub(super) fn read_esim(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    esim_of(data(found), asked).map(Some)
}

fn data(found: &Value) -> &Value {
    object(found, "data").unwrap_or(found)
}

/// What a webhook calls `orderId` is `id` here.
fn order_of(said: &Value, asked: Asked<'_>) -> Result<Vec<Fact>, Malformed> {
    let at = Some(asked.at);
    text_of(said, &["id", "orderId"]).ok_or_else(|| missing("id"))?;
    let lines = items(said, "items");
    let status = text(said, "status");
    let known = status.as_deref().and_then(order_status);
    let standing =
        status.map_or_else(Order::default, |status| Order::with_status(&status, known, failure(said, known), at));
    let order = Order {
        product: Latest::maybe(product(lines), None),
        package_code: Latest::maybe(lines.first().and_then(|line| text(line, "sku")), None),
        track_ref: Latest::maybe(text(said, "trackId"), None),
        ..standing
    };
    let mut facts = vec![Fact::order(asked.reference, order)];
    if known == Some(OrderStatus::Completed) {
        facts.extend(esims(said).filter_map(|esim| webhook::read_esim(esim, asked.reference, None)));
    }
    for fact in &mut facts {
        if let State::Esim(esim) = &mut fact.claims {
            esim.install = std::mem::take(&mut esim.install).as_of(asked.at);
        }
    }
    Ok(facts)
}

fn esim_of(said: &Value, asked: Asked<'_>) -> Result<Vec<Fact>, Malformed> {
    let at = Some(asked.at);
    let status = object(said, "simStatus");
    if !is_about(said, "iccid", asked.reference) || (status.is_none() && said.get("activityLogs").is_none()) {
        return Err(missing("simStatus"));
    }
    let order_ref = object(said, "orderInfo").and_then(|order| text(order, "orderId"));
    let plan = status.and_then(|status| word(status, "planStatus")).and_then(|status| plan_status(&status));
    let mut esim = Esim {
        order_ref: Latest::maybe(order_ref, None),
        iccid: Latest::claim(asked.reference.to_owned(), None),
        plan: Latest::maybe(plan, at),
        provider_plan_status: Latest::maybe(status.and_then(|status| text(status, "planStatus")), at),
        expires_at: Latest::maybe(status.and_then(|status| local_time(status, "planEndTime")), at),
        package_name: Latest::maybe(object(said, "productInfo").and_then(package_name), None),
        ..Esim::default()
    };
    for log in items(said, "activityLogs") {
        esim.join(activity(log));
    }
    let esim = match usage(said) {
        Some(usage) => esim.with_usage(usage, None, at),
        None => esim,
    };
    Ok(vec![Fact::esim(asked.reference, esim)])
}

fn activity(log: &Value) -> Esim {
    let at = local_time(log, "recordTime");
    Esim {
        eid: Latest::maybe(text(log, "eid"), at),
        profile: Latest::maybe(word(log, "status").and_then(|status| profile_status(&status)), at),
        provider_profile_status: Latest::maybe(text(log, "status"), at),
        ..Esim::default()
    }
}

/// A plan by the day has its data anew each day: no allowance that could be used up.
fn usage(said: &Value) -> Option<Usage> {
    let used_bytes = integer(object(said, "simStatus")?, "usedTraffic")?;
    let product = object(said, "productInfo").filter(|product| word(product, "package").as_deref() == Some("FIXED"))?;
    Some(Usage { total_bytes: volume(&word(product, "data")?)?, used_bytes })
}

/// `6GB`, `500 MB`.
fn volume(text: &str) -> Option<u64> {
    let units = [("GB", 1024 * 1024 * 1024), ("MB", 1024 * 1024)];
    let (number, bytes) = units.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)))?;
    let number: Decimal = number.trim().parse().ok()?;
    whole(number.checked_mul(Decimal::from(bytes))?).filter(|volume| *volume > 0)
}

fn package_name(product: &Value) -> Option<String> {
    text(product, "name").or_else(|| text(object(product, "name")?, "en"))
}

fn local_time(value: &Value, name: &str) -> Option<Timestamp> {
    let at = time(value, name)?;
    let is_bare = text(value, name).is_some_and(|text| {
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
            .iter()
            .any(|form| NaiveDateTime::parse_from_str(&text, form).is_ok())
    });
    if is_bare { at.checked_sub_signed(LOCAL).filter(|at| is_writable(*at)) } else { Some(at) }
}

/// What `UNAVAILABLE` means is not told.
fn plan_status(status: &str) -> Option<PlanStatus> {
    match status {
        "UNUSED" => Some(PlanStatus::Allocated),
        "IN_USE" => Some(PlanStatus::Active),
        "EXPIRED" => Some(PlanStatus::Expired),
        _ => None,
    }
}

fn profile_status(status: &str) -> Option<ProfileStatus> {
    match status {
        "NOT_DOWNLOADED" => Some(ProfileStatus::Released),
        "DOWNLOADED" => Some(ProfileStatus::Downloaded),
        "INSTALLED" => Some(ProfileStatus::Installed),
        "ENABLED" => Some(ProfileStatus::Enabled),
        "DISABLED" => Some(ProfileStatus::Disabled),
        "DELETED" => Some(ProfileStatus::Deleted),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

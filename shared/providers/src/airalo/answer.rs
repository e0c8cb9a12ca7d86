//! Airalo's API: orders by number or by the shop's description, eSIMs, and what is used of one.

use chrono::TimeDelta;
use serde_json::Value;
use shared::block::Latest;
use shared::esim::{Esim, PlanStatus, Usage};
use shared::event::Malformed;
use shared::fact::{Fact, State};
use shared::order::Order;

use super::webhook;
use super::webhook::{install, known_status, status};
use crate::answer::{Asked, Found, is_about, list, megabytes, switch};
use crate::reading::{missing, object, text, time, word};

/// "Cached for 20 minutes": the answer may be as old as that.
const USAGE_CACHE: TimeDelta = TimeDelta::minutes(20);

pub(super) fn read_order(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    order(found, asked)?.map(|order| read_answered_order(order, found, asked)).transpose()
}

pub(super) fn read_esim(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    one(found)?.map(|sim| read_sim(sim, asked)).transpose()
}

/// What is not found comes as an empty list.
fn one(found: &Value) -> Result<Option<&Value>, Malformed> {
    match object(found, "data") {
        Some(one) => Ok(Some(one)),
        None => Ok(list(found, "data")?.first()),
    }
}

/// The order itself, or the one of a list, which was searched by a part of its description.
fn order<'a>(found: &'a Value, asked: Asked<'_>) -> Result<Option<&'a Value>, Malformed> {
    if let Some(order) = object(found, "data") {
        return Ok(Some(order));
    }
    let description = asked.lookup.hints.description.as_deref();
    let is_meant = |order: &&Value| description.is_none_or(|description| is_about(order, "description", description));
    let mut orders = list(found, "data")?.iter().filter(is_meant);
    let first = orders.next();
    if orders.next().is_some() {
        return Err(Malformed::Unidentified("several orders answer to the description".to_owned()));
    }
    Ok(first)
}

fn read_answered_order(order: &Value, found: &Value, asked: Asked<'_>) -> Result<Vec<Fact>, Malformed> {
    text(order, "id").ok_or_else(|| missing("data.id"))?;
    let mut facts = webhook::read_order(asked.reference.to_owned(), order, found).facts;
    for fact in &mut facts {
        match &mut fact.claims {
            State::Order(order) => date(order, asked),
            State::Esim(esim) => esim.install = std::mem::take(&mut esim.install).as_of(asked.at),
            State::Payment(_) | State::Return(_) => {}
        }
    }
    Ok(facts)
}

fn date(order: &mut Order, asked: Asked<'_>) {
    order.standing = std::mem::take(&mut order.standing).as_of(asked.at);
    order.provider_status = std::mem::take(&mut order.provider_status).as_of(asked.at);
}

/// The order is included as `simable`; it has no `request_id`, so only who asks knows what we call it.
fn read_sim(sim: &Value, asked: Asked<'_>) -> Result<Vec<Fact>, Malformed> {
    let at = Some(asked.at);
    if !is_about(sim, "iccid", asked.reference) || (text(sim, "iccid"), text(sim, "lpa")) == (None, None) {
        return Err(missing("data.iccid"));
    }
    let included = object(sim, "simable").or_else(|| object(sim, "order"));
    let order_ref = asked.lookup.hints.order_ref.as_ref();
    let is_recycled = switch(sim, "recycled") == Some(true);
    let esim = Esim {
        order_ref: Latest::maybe(order_ref.cloned(), None),
        iccid: Latest::claim(asked.reference.to_owned(), None),
        plan: if is_recycled {
            Latest::claim(PlanStatus::Expired, at)
        } else {
            Latest::claim(PlanStatus::Allocated, None)
        },
        install: Latest::maybe(install(sim), at),
        package_name: Latest::maybe(included.and_then(|order| text(order, "package")), None),
        ..Esim::default()
    };
    let standing = included.and_then(status);
    let order = order_ref.zip(standing).map(|(order_ref, status)| {
        Fact::order(order_ref, Order::with_status(&status, known_status(&status), None, at))
    });
    Ok(order.into_iter().chain([Fact::esim(asked.reference, esim)]).collect())
}

/// Airalo sends warnings itself, so no threshold is concluded from the numbers, which would warn the customer twice.
pub(super) fn read_usage(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    Ok(one(found)?.map(|usage| vec![usage_of(usage, asked)]))
}

fn usage_of(usage: &Value, asked: Asked<'_>) -> Fact {
    let at = Some(asked.before(USAGE_CACHE));
    let said = text(usage, "status");
    let plan = word(usage, "status").and_then(|status| plan_status(&status));
    let esim = Esim {
        plan: Latest::maybe(plan, at),
        provider_plan_status: Latest::maybe(said, at),
        usage: Latest::maybe(used(usage), at),
        expires_at: Latest::maybe(time(usage, "expired_at"), at),
        ..Esim::default()
    };
    Fact::esim(asked.reference, esim)
}

/// Of an unlimited plan both numbers are zero.
fn used(usage: &Value) -> Option<Usage> {
    if switch(usage, "is_unlimited") == Some(true) {
        return None;
    }
    let total_bytes = megabytes(usage, "total").filter(|total| *total > 0)?;
    let used_bytes = total_bytes.checked_sub(megabytes(usage, "remaining")?)?;
    Some(Usage { total_bytes, used_bytes })
}

/// A recycled eSIM "can no longer be used or topped up", which for its customer is the same as an expired one.
fn plan_status(status: &str) -> Option<PlanStatus> {
    match status {
        "NOT_ACTIVE" => Some(PlanStatus::Allocated),
        "ACTIVE" => Some(PlanStatus::Active),
        "FINISHED" => Some(PlanStatus::Depleted),
        "EXPIRED" | "RECYCLED" => Some(PlanStatus::Expired),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

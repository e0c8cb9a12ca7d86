//! Yoni's API: a page of orders, each with its eSIM, and what is used of an eSIM.
//!
//! What a record of the page holds is not documented; integrators find the webhook's names there.

use serde_json::Value;
use shared::block::Latest;
use shared::esim::{Esim, PlanStatus, Usage};
use shared::event::Malformed;
use shared::fact::Fact;
use shared::order::Order;

use super::api::failure;
use super::webhook;
use super::webhook::known_result;
use crate::answer::{Asked, Found, is_about, list, megabytes};
use crate::reading::{missing, object, text, text_of};

pub(super) fn read_order(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    read_page(found, (Some(asked.reference), asked.lookup.hints.iccid.as_deref()), asked)
}

pub(super) fn read_esim(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    read_page(found, (asked.lookup.hints.order_ref.as_deref(), Some(asked.reference)), asked)
}

fn data(found: &Value) -> Result<&Value, Malformed> {
    if failure(found).is_some() {
        return Err(Malformed::Unidentified("the API reports an error".to_owned()));
    }
    object(found, "data").ok_or_else(|| missing("data"))
}

/// An order has one eSIM, so that one record tells of both.
fn read_page(
    found: &Value,
    (order_ref, iccid): (Option<&str>, Option<&str>),
    asked: Asked<'_>,
) -> Result<Found, Malformed> {
    let is_meant = |record: &&Value| {
        order_ref.is_none_or(|order_ref| is_about(record, "orderNo", order_ref))
            && iccid.is_none_or(|iccid| is_about(record, "iccid", iccid))
    };
    let Some(record) = list(data(found)?, "records")?.iter().find(is_meant) else { return Ok(None) };
    let order_ref = order_ref.map(str::to_owned).or_else(|| text(record, "orderNo"));
    let iccid = text(record, "iccid").or_else(|| iccid.map(str::to_owned));
    let result = text_of(record, &["result", "orderStatus", "status"]);
    let status = result.as_deref().and_then(known_result);
    let order = order_ref.as_ref().map(|order_ref| {
        let Order { standing, provider_status, unknown_statuses, .. } = result
            .as_deref()
            .map_or_else(Order::default, |result| Order::with_status(result, status, None, Some(asked.at)));
        let order = Order { standing, provider_status, unknown_statuses, ..webhook::read_order(record, "", None) };
        Fact::order(order_ref, order)
    });
    let esim = iccid.zip(order_ref.as_deref()).map(|(iccid, order_ref)| {
        let mut esim = webhook::read_esim(record, iccid.clone(), order_ref, status);
        esim.install = esim.install.as_of(asked.at);
        Fact::esim(iccid, esim)
    });
    Ok(Some(order.into_iter().chain(esim).collect()))
}

pub(super) fn read_usage(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    Ok(Some(vec![usage_of(data(found)?, asked)]))
}

/// The flow has no status, but its numbers say whether data is left.
fn usage_of(flow: &Value, asked: Asked<'_>) -> Fact {
    let at = Some(asked.at);
    let numbers = megabytes(flow, "total").filter(|total| *total > 0).zip(megabytes(flow, "usage"));
    let esim = numbers.map_or_else(Esim::default, |(total_bytes, used_bytes)| {
        let plan = match used_bytes {
            0 => None,
            used if used >= total_bytes => Some(PlanStatus::Depleted),
            _ => Some(PlanStatus::Active),
        };
        let esim = Esim { plan: Latest::maybe(plan, at), ..Esim::default() };
        esim.with_usage(Usage { total_bytes, used_bytes }, None, at)
    });
    Fact::esim(asked.reference, esim)
}

#[cfg(test)]
mod tests;

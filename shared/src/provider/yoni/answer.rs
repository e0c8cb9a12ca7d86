//! Yoni's API: a page of orders, each with its eSIM, and what is used of an eSIM.
//!
//! What a record of the page holds is not documented; integrators find the webhook's names there.

use serde_json::Value;

use super::super::answer::{Asked, Found, is_about, list, megabytes, unanswerable};
use super::super::reading::{missing, object, text, text_of};
use super::{Malformed, known_result, read_esim, read_order};
use crate::block::Latest;
use crate::esim::{Esim, PlanStatus, Usage};
use crate::fact::Fact;
use crate::lookup::Question;
use crate::order::Order;

pub(in super::super) fn read(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    if text(found, "code").is_some_and(|code| code != "0" && code != "200") {
        return Err(Malformed::Unidentified("the API reports an error".to_owned()));
    }
    let data = object(found, "data").ok_or_else(|| missing("data"))?;
    match asked.question {
        Question::Order | Question::Esim => Ok(read_page(list(data, "records")?, asked)),
        Question::Usage => Ok(Some(vec![read_usage(data, asked)])),
        Question::Payment => Err(unanswerable(asked.question, "Yoni")),
    }
}

/// An order has one eSIM, so that one record tells of both.
fn read_page(records: &[Value], asked: Asked<'_>) -> Found {
    let (order_ref, iccid) = match asked.question {
        Question::Order => (Some(asked.reference), asked.lookup.hints.iccid.as_deref()),
        Question::Esim | Question::Usage | Question::Payment => {
            (asked.lookup.hints.order_ref.as_deref(), Some(asked.reference))
        }
    };
    let is_meant = |record: &&Value| {
        order_ref.is_none_or(|order_ref| is_about(record, "orderNo", order_ref))
            && iccid.is_none_or(|iccid| is_about(record, "iccid", iccid))
    };
    let record = records.iter().find(is_meant)?;
    let order_ref = order_ref.map(str::to_owned).or_else(|| text(record, "orderNo"));
    let iccid = text(record, "iccid").or_else(|| iccid.map(str::to_owned));
    let result = text_of(record, &["result", "orderStatus", "status"]);
    let status = result.as_deref().and_then(known_result);
    let order = order_ref.as_ref().map(|order_ref| {
        let Order { standing, provider_status, unknown_statuses, .. } = result
            .as_deref()
            .map_or_else(Order::default, |result| Order::with_status(result, status, None, Some(asked.at)));
        let order = Order { standing, provider_status, unknown_statuses, ..read_order(record, "", None) };
        Fact::order(order_ref, order)
    });
    let esim = iccid.zip(order_ref.as_deref()).map(|(iccid, order_ref)| {
        let mut esim = read_esim(record, iccid.clone(), order_ref, status);
        esim.install = esim.install.as_of(asked.at);
        Fact::esim(iccid, esim)
    });
    Some(order.into_iter().chain(esim).collect())
}

/// The flow knows no status, but what is used says whether there is something left.
fn read_usage(flow: &Value, asked: Asked<'_>) -> Fact {
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

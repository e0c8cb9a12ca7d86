//! The answers of eSIM Access' API: the eSIMs of an order, and one eSIM.

use chrono::TimeDelta;
use serde_json::Value;
use shared::block::Latest;
use shared::esim::{Esim, Install, PlanStatus};
use shared::event::Malformed;
use shared::fact::Fact;
use shared::order::{Order, OrderStatus, Product};

use super::api::failure;
use super::webhook::{esim_ref, plan_status, profile_status, usage};
use crate::answer::{Asked, Found, is_about, list};
use crate::reading::{items, missing, object, text, time, word};

/// Usage is "updated every 2-3 hours": without a time of its own it may be as old as that.
const USAGE_DELAY: TimeDelta = TimeDelta::hours(3);

fn esims(found: &Value) -> Result<&[Value], Malformed> {
    if failure(found).is_some() {
        return Err(Malformed::Unidentified("the API reports an error".to_owned()));
    }
    list(object(found, "obj").ok_or_else(|| missing("obj"))?, "esimList")
}

pub(super) fn read_order(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    Ok(order_of(esims(found)?, asked))
}

fn order_of(esims: &[Value], asked: Asked<'_>) -> Found {
    let esims: Vec<_> = esims.iter().filter(|esim| is_about(esim, "orderNo", asked.reference)).collect();
    let first = esims.first()?;
    let claims = esims.iter().map(|esim| (text(esim, "iccid"), claims(esim, asked.reference, asked)));
    let claims: Vec<_> = claims.collect();
    let is_complete = claims.iter().all(|(iccid, esim)| iccid.is_some() && is_allocated(esim));
    // That it is under way is only our conclusion, and contradicts no webhook that was faster than the list.
    let standing = if is_complete {
        Order::with_status("GOT_RESOURCE", Some(OrderStatus::Completed), None, Some(asked.at))
    } else {
        let order = Order::with_status("GETTING_RESOURCE", Some(OrderStatus::Processing), None, Some(asked.at));
        Order { standing: order.standing.weak(), provider_status: order.provider_status.weak(), ..order }
    };
    let package = items(first, "packageList").first();
    let of_package = |name: &str| Latest::maybe(package.and_then(|package| text(package, name)), None);
    let order = Order {
        product: Latest::claim(Product::Esim, None),
        package_code: of_package("packageCode"),
        package_name: of_package("packageName"),
        quantity: Latest::maybe(u32::try_from(claims.len()).ok(), None),
        track_ref: Latest::maybe(text(first, "transactionId"), None),
        ..standing
    };
    let named = claims.into_iter().filter_map(|(iccid, esim)| Some((iccid?, esim)));
    let esims = named.map(|(iccid, esim)| Fact::esim(esim_ref(asked.reference, &iccid), esim));
    Some([Fact::order(asked.reference, order)].into_iter().chain(esims).collect())
}

pub(super) fn read_esim(found: &Value, asked: Asked<'_>) -> Result<Found, Malformed> {
    Ok(esim_of(esims(found)?, asked))
}

/// ICCIDs are reused, so an answer may tell of eSIMs of other orders, too.
fn esim_of(esims: &[Value], asked: Asked<'_>) -> Found {
    let (order_ref, iccid) = asked.reference.split_once('/')?;
    let esim = esims.iter().find(|esim| is_about(esim, "orderNo", order_ref) && is_about(esim, "iccid", iccid))?;
    Some(vec![Fact::esim(asked.reference, claims(esim, order_ref, asked))])
}

/// An eSIM that was handed out has a code, whatever became of it since.
fn is_allocated(esim: &Esim) -> bool {
    let is_pending = esim.plan_status().is_none_or(|plan| matches!(plan, PlanStatus::Pending | PlanStatus::Allocated));
    !esim.install.is_empty() || !is_pending
}

fn claims(esim: &Value, order_ref: &str, asked: Asked<'_>) -> Esim {
    let at = Some(asked.at);
    let status = |name: &str| word(esim, name);
    let package = items(esim, "packageList").first();
    let claims = Esim {
        order_ref: Latest::claim(order_ref.to_owned(), at),
        iccid: Latest::maybe(text(esim, "iccid"), at),
        eid: Latest::maybe(text(esim, "eid"), at),
        provider_esim_ref: Latest::maybe(text(esim, "esimTranNo"), at),
        plan: Latest::maybe(status("esimStatus").and_then(|status| plan_status(&status)), at),
        provider_plan_status: Latest::maybe(text(esim, "esimStatus"), at),
        profile: Latest::maybe(status("smdpStatus").and_then(|status| profile_status(&status)), at),
        provider_profile_status: Latest::maybe(text(esim, "smdpStatus"), at),
        install: Latest::maybe(install(esim), at),
        expires_at: Latest::maybe(time(esim, "expiredTime"), at),
        package_name: Latest::maybe(package.and_then(|package| text(package, "packageName")), at),
        ..Esim::default()
    };
    match usage(esim).filter(|usage| usage.total_bytes > 0) {
        Some(usage) => {
            let measured_at = time(esim, "lastUpdateTime").unwrap_or_else(|| asked.before(USAGE_DELAY));
            claims.with_usage(usage, None, Some(measured_at))
        }
        None => claims,
    }
}

fn install(esim: &Value) -> Option<Install> {
    Some(Install {
        apn: text(esim, "apn"),
        pin: text(esim, "pin"),
        puk: text(esim, "puk"),
        qr_code_url: text(esim, "qrCodeUrl"),
        ..Install::new(text(esim, "ac")?)
    })
}

#[cfg(test)]
mod tests;

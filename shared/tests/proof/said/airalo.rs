//! What Airalo says: signed, and without a date.

use serde_json::{Value, json};
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use super::{Said, esim, order, written};

/// An order has come, with one eSIM.
pub(crate) fn order_of(seconds: i64, order_ref: &str, iccid: &str, code: &str) -> Said {
    order_with(seconds, order_ref, &[(iccid, code)])
}

/// An order has come, with eSIMs: their ICCIDs and codes.
pub(crate) fn order_with(seconds: i64, order_ref: &str, sims: &[(&str, &str)]) -> Said {
    let sims: Vec<Value> = sims.iter().map(|(iccid, code)| sim(iccid, code)).collect();
    let data = json!({"id": 1, "type": "sim", "package_id": "p", "package": "Bonbon", "price": 9.5, "sims": sims});
    Said::webhook(Provider::Airalo, seconds, json!({"request_id": order_ref, "data": data}))
}

pub(crate) fn top_up(seconds: i64, order_ref: &str) -> Said {
    let data = json!({"id": 2, "type": "topup", "package_id": "p-topup", "sims": []});
    Said::webhook(Provider::Airalo, seconds, json!({"request_id": order_ref, "data": data}))
}

pub(crate) fn failure(seconds: i64, order_ref: &str, reason: &str) -> Said {
    Said::webhook(Provider::Airalo, seconds, json!({"request_id": order_ref, "reason": reason}))
}

/// A warning, which has no identity but what it says.
pub(crate) fn warning(seconds: i64, iccid: &str, level: &str) -> Said {
    let body = json!({"level": level, "package_name": "bonbon-7gb-10days", "remaining_percentage": 20, "iccid": iccid});
    Said::webhook(Provider::Airalo, seconds, body)
}

/// The shop's own credit runs low.
pub(crate) fn credit(seconds: i64, percent: u32) -> Said {
    let message = format!("Surpassed {percent}% of the credit limit balance");
    Said::webhook(Provider::Airalo, seconds, json!({"message": message, "remaining": 225.35}))
}

pub(crate) fn answers_order(seconds: i64, order_ref: &str, (iccid, code): (&str, &str), status: &str) -> Said {
    let data =
        json!({"id": 1, "type": "sim", "package_id": "p", "sims": [sim(iccid, code)], "status": {"slug": status}});
    let about = (order(order_ref), LookupKind::Order, Hints::default());
    Said::answer(Provider::Airalo, seconds, about, Some(json!({"data": data})))
}

pub(crate) fn denies_order(seconds: i64, order_ref: &str) -> Said {
    Said::answer(Provider::Airalo, seconds, (order(order_ref), LookupKind::Order, Hints::default()), None)
}

/// The plan ends at `end`; of its 1024 MB some remain.
pub(crate) fn answers_usage(seconds: i64, iccid: &str, status: &str, remaining: u32, end: i64) -> Said {
    let data = json!({"remaining": remaining, "total": 1024, "expired_at": written(end), "status": status});
    let about = (esim(iccid), LookupKind::Usage, Hints::default());
    Said::answer(Provider::Airalo, seconds, about, Some(json!({"data": data})))
}

fn sim(iccid: &str, code: &str) -> Value {
    json!({"iccid": iccid, "lpa": "lpa.airalo.com", "matching_id": code, "qrcode": format!("LPA:1$lpa.airalo.com${code}")})
}

//! What Yoni says: unsigned, and without a date.

use serde_json::{Value, json};
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use super::{Said, esim, order};

/// The word on an order. One that failed has no eSIM.
pub(crate) fn result(seconds: i64, order_ref: &str, iccid: &str, code: &str, result: &str) -> Said {
    Said::webhook(Provider::Yoni, seconds, record(order_ref, iccid, code, result))
}

/// Its API about an eSIM and its order at once.
pub(crate) fn answers(seconds: i64, order_ref: &str, iccid: &str, code: &str, result: &str) -> Said {
    let records = json!([record(order_ref, iccid, code, result)]);
    let found = json!({"code": 0, "data": {"records": records, "total": 1}});
    Said::answer(Provider::Yoni, seconds, about(order_ref, iccid), Some(found))
}

/// Its API knows neither the eSIM nor its order.
pub(crate) fn denies(seconds: i64, order_ref: &str, iccid: &str) -> Said {
    Said::answer(Provider::Yoni, seconds, about(order_ref, iccid), None)
}

pub(crate) fn denies_order(seconds: i64, order_ref: &str) -> Said {
    Said::answer(Provider::Yoni, seconds, (order(order_ref), LookupKind::Order, Hints::default()), None)
}

/// What is used of an eSIM, in MB.
pub(crate) fn answers_usage(seconds: i64, iccid: &str, total: u32, used: u32) -> Said {
    let found = json!({"code": 0, "data": {"total": total.to_string(), "usage": used.to_string()}});
    Said::answer(Provider::Yoni, seconds, (esim(iccid), LookupKind::Usage, Hints::default()), Some(found))
}

fn about(order_ref: &str, iccid: &str) -> (shared::fact::EntityKey, LookupKind, Hints) {
    let hints = Hints { order_ref: Some(order_ref.to_owned()), iccid: Some(iccid.to_owned()), ..Hints::default() };
    (esim(iccid), LookupKind::Esim, hints)
}

fn record(order_ref: &str, iccid: &str, code: &str, result: &str) -> Value {
    json!({"orderNo": order_ref, "iccid": iccid, "lpa": format!("LPA:1$rsp.demo${code}"), "result": result,
           "currency": "2", "price": "9.99"})
}

//! What SimplifyTrip says: signed, and each with a date.

use serde_json::{Value, json};
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use super::{Said, esim, order, written};

/// An order has come, with one eSIM.
pub(crate) fn success(seconds: i64, order_ref: &str, iccid: &str, code: &str) -> Said {
    wrap("PURCHASE_ORDER_SUCCESS", seconds, json!({"orderId": order_ref, "items": lines(iccid, code)}))
}

pub(crate) fn failure(seconds: i64, order_ref: &str, reason: &str) -> Said {
    wrap("PURCHASE_ORDER_FAIL", seconds, json!({"orderId": order_ref, "error": {"message": reason}}))
}

/// A step of an order of physical SIMs.
pub(crate) fn step(seconds: i64, order_ref: &str, status: &str) -> Said {
    let items = json!([{"sku": "AS7", "quantity": 3, "type": "SIM", "status": status}]);
    let data = json!({"orderId": order_ref, "trackId": "t", "status": status, "items": items});
    wrap("PURCHASE_ORDER_UPDATE", seconds, data)
}

pub(crate) fn returned(seconds: i64, return_ref: &str, order_ref: &str, status: &str) -> Said {
    let data = json!({"id": return_ref, "orderId": order_ref, "trackId": "t2", "status": status,
                      "returnType": "FULL", "refundAmount": 205_000});
    wrap("RETURN_ORDER_UPDATE", seconds, data)
}

pub(crate) fn answers_order(seconds: i64, order_ref: &str, (iccid, code): (&str, &str), status: &str) -> Said {
    let about = (order(order_ref), LookupKind::Order, Hints::default());
    let found = json!({"id": order_ref, "status": status, "items": lines(iccid, code)});
    Said::answer(Provider::Simplifytrip, seconds, about, Some(found))
}

pub(crate) fn denies_order(seconds: i64, order_ref: &str) -> Said {
    Said::answer(Provider::Simplifytrip, seconds, (order(order_ref), LookupKind::Order, Hints::default()), None)
}

/// The plan ends at `end`; its profile came where it is at `recorded`.
pub(crate) fn answers_esim(seconds: i64, iccid: &str, plan: &str, (recorded, profile): (i64, &str), end: i64) -> Said {
    let log = json!({"eid": "89049032", "recordTime": written(recorded), "status": profile});
    let found = json!({"iccid": iccid, "activityLogs": [log],
                       "simStatus": {"planStatus": plan, "planEndTime": written(end), "usedTraffic": 3_221_225_472_u64},
                       "productInfo": {"name": "Six", "package": "FIXED", "data": "6GB"}});
    Said::answer(Provider::Simplifytrip, seconds, (esim(iccid), LookupKind::Esim, Hints::default()), Some(found))
}

fn lines(iccid: &str, code: &str) -> Value {
    let esim = json!({"iccid": iccid, "smdpAddress": "rsp.example", "activationCode": code, "pin": "1234"});
    json!([{"sku": "E23", "quantity": 1, "type": "eSIM", "eSims": [esim]}])
}

fn wrap(event: &str, seconds: i64, data: Value) -> Said {
    let body = json!({"id": format!("w{seconds}"), "type": event, "createdAt": written(seconds), "sentDate": null,
                      "data": data});
    Said::webhook(Provider::Simplifytrip, seconds, body)
}

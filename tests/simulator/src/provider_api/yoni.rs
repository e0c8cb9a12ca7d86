//! Yoni's API: the page of orders and an eSIM's flow, both signed over the path and not over the body.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::http::{Asked, Reply, Speaks};
use super::limits::{Limit, Limits};
use super::lock;

pub const APP_ID: &str = "yoni-app-id";
pub const APP_SECRET: &str = "yoni-app-secret";

const PAGES: Limit = Limit::per_second(10);
const FLOWS: Limit = Limit::per_second(5);
const TIMESTAMP_SKEW: TimeDelta = TimeDelta::hours(1);

/// The shop's account.
#[derive(Debug, Default)]
pub struct Account {
    /// By `orderNo`.
    pub orders: BTreeMap<String, Order>,
    /// By ICCID.
    pub flows: BTreeMap<String, Flow>,
    limits: Limits,
}

/// Everything is a string, as in the webhook.
#[derive(Debug, Clone)]
pub struct Order {
    pub order_no: String,
    pub iccid: Option<String>,
    /// The full activation code.
    pub lpa: Option<String>,
    pub package_code: String,
    pub package_name: String,
    pub price: String,
    /// `1` is RMB, `2` USD, and so on.
    pub currency: String,
    /// `COMPLETED` or `FAILED`; none while the order is being processed.
    pub result: Option<String>,
}

/// Megabytes.
#[derive(Debug, Clone)]
pub struct Flow {
    pub total: String,
    pub usage: String,
}

impl Order {
    pub fn processing(order_no: &str) -> Self {
        Self {
            order_no: order_no.to_owned(),
            iccid: None,
            lpa: None,
            package_code: "YN-JP-3GB-7D".to_owned(),
            package_name: "Japan 3GB 7 days".to_owned(),
            price: "9.99".to_owned(),
            currency: "2".to_owned(),
            result: None,
        }
    }

    pub fn completed(order_no: &str, iccid: &str, lpa: &str) -> Self {
        let (iccid, lpa) = (Some(iccid.to_owned()), Some(lpa.to_owned()));
        Self { iccid, lpa, result: Some("COMPLETED".to_owned()), ..Self::processing(order_no) }
    }

    pub fn failed(order_no: &str) -> Self {
        Self { result: Some("FAILED".to_owned()), ..Self::processing(order_no) }
    }

    fn record(&self) -> Value {
        json!({
            "orderNo": self.order_no,
            "currency": self.currency,
            "iccid": self.iccid,
            "lpa": self.lpa,
            "packageCode": self.package_code,
            "packageName": self.package_name,
            "price": self.price,
            "result": self.result,
        })
    }
}

/// Being processed: ask again.
pub fn processing() -> Reply {
    failure(101, "processing")
}

/// Busy: ask again.
pub fn busy() -> Reply {
    failure(102, "busy")
}

impl Speaks for Account {
    async fn answer(account: &Mutex<Self>, asked: &Asked) -> Reply {
        if !is_signed(asked) {
            let body = json!({ "code": 401, "error": true, "msg": "Unauthorized", "success": false });
            return Reply::json(200, &body);
        }
        let mut account = lock(account);
        match asked.operation() {
            ("POST", path) if path == ["v1", "order", "e-sim", "page"] => account.page(asked),
            ("POST", path) if path == ["v1", "order", "e-sim", "flow"] => account.flow(asked),
            _ => Reply::json(404, &json!({ "code": 404, "msg": "Not Found" })),
        }
    }
}

/// Of `appId & timestamp & path`, with this shop's secret.
pub fn signature(timestamp: &str, path: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).expect("an HMAC takes a key of any length");
    mac.update(format!("{APP_ID}&{timestamp}&{path}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn is_signed(asked: &Asked) -> bool {
    let (Some(APP_ID), Some(timestamp), Some(sign)) =
        (asked.header("appId"), asked.header("timestamp"), asked.header("sign"))
    else {
        return false;
    };
    let Some(time) = timestamp.parse().ok().and_then(chrono::DateTime::from_timestamp_millis) else { return false };
    sign.to_lowercase() == signature(timestamp, &asked.path) && (Utc::now() - time).abs() < TIMESTAMP_SKEW
}

impl Account {
    fn page(&mut self, asked: &Asked) -> Reply {
        if let Err(exceeded) = self.limits.admit(asked.at, &[("page", PAGES)]) {
            return Reply::too_many(exceeded, &json!({ "code": 102, "msg": "too many requests" }));
        }
        let body = asked.json().unwrap_or_default();
        let number = |name: &str| body[name].as_u64().and_then(|number| usize::try_from(number).ok());
        let (Some(current @ 1..), Some(size @ 1..)) = (number("current"), number("size")) else {
            return failure(400, "query error");
        };
        let holds = |name: &str, value: Option<&str>| body[name].as_str().is_none_or(|given| Some(given) == value);
        let is_asked =
            |order: &&Order| holds("orderNo", Some(&order.order_no)) && holds("iccid", order.iccid.as_deref());
        let found: Vec<_> = self.orders.values().filter(is_asked).collect();
        let records: Vec<_> = found.iter().skip((current - 1) * size).take(size).map(|order| order.record()).collect();
        success(&json!({ "records": records, "total": found.len(), "current": current, "size": size }))
    }

    fn flow(&mut self, asked: &Asked) -> Reply {
        if let Err(exceeded) = self.limits.admit(asked.at, &[("flow", FLOWS)]) {
            return Reply::too_many(exceeded, &json!({ "code": 102, "msg": "too many requests" }));
        }
        let body = asked.json().unwrap_or_default();
        let order = body["orderNo"].as_str().and_then(|order_no| self.orders.get(order_no));
        let iccid = order.and_then(|order| order.iccid.as_deref()).filter(|iccid| body["iccid"] == **iccid);
        let flow = iccid.and_then(|iccid| self.flows.get(iccid));
        let data = flow.map(|flow| json!({ "total": flow.total, "usage": flow.usage }));
        data.map_or_else(|| failure(400, "query error"), |data| success(&data))
    }
}

fn success(data: &Value) -> Reply {
    Reply::json(200, &json!({ "code": 0, "data": data, "msg": "success" }))
}

fn failure(code: u32, msg: &str) -> Reply {
    Reply::json(200, &json!({ "code": code, "data": null, "msg": msg }))
}

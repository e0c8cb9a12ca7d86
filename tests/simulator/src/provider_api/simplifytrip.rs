//! SimplifyTrip's API: an order's details, and the life of an eSIM.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::http::{Asked, Reply, Speaks};
use super::limits::{Limit, Limits};
use super::lock;

pub const API_KEY: &str = "pk_test_simplifytrip";
pub const SECRET_KEY: &str = "sk_test_simplifytrip";

const WINDOW: Duration = Duration::from_secs(3);
/// Of each method, within the window.
const GETS: Limit = Limit { requests: 2000, within: WINDOW };
const WRITES: Limit = Limit { requests: 100, within: WINDOW };
const OTHERS: Limit = Limit { requests: 50, within: WINDOW };

/// The shop's account.
#[derive(Debug, Default)]
pub struct Account {
    /// By `id`, which the webhooks call `orderId`.
    pub orders: BTreeMap<String, Order>,
    /// By ICCID.
    pub esims: BTreeMap<String, Esim>,
    limits: Limits,
}

#[derive(Debug, Clone)]
pub struct Order {
    pub id: String,
    pub track_id: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub status: String,
    /// Only of a failed order.
    pub error: Option<String>,
    pub total: u64,
    /// As the API writes them.
    pub items: Vec<Value>,
}

#[derive(Debug, Clone)]
pub struct Esim {
    pub iccid: String,
    pub eid: String,
    pub order_id: String,
    pub track_id: String,
    pub sub_order_id: String,
    /// `NOT_DOWNLOADED`, `DOWNLOADED`, `INSTALLED`, `ENABLED`, `DISABLED`, `DELETED`; with its time.
    pub activity: Vec<(DateTime<Utc>, String)>,
    /// Bytes a day.
    pub usage: Vec<(DateTime<Utc>, u64)>,
    /// `UNUSED`, `IN_USE`, `EXPIRED` or `UNAVAILABLE`.
    pub plan_status: String,
    pub plan_start: Option<DateTime<Utc>>,
    pub plan_end: Option<DateTime<Utc>>,
    pub remaining_days: u32,
}

impl Order {
    /// One item that holds all of the eSIMs, each given by its ICCID and activation code.
    pub fn succeeded(id: &str, track_id: &str, esims: &[(&str, &str)]) -> Self {
        let esims: Vec<_> = esims.iter().map(|(iccid, code)| esim(iccid, code)).collect();
        let item = json!({
            "subOrderId": format!("{id}-1"),
            "subTrackId": format!("{track_id}-1"),
            "sku": "AS7BCUNL03DPY",
            "quantity": esims.len(),
            "type": "eSIM",
            "status": "SUCCESS",
            "eSims": esims,
        });
        Self { status: "SUCCESS".to_owned(), items: vec![item], ..Self::new(id, track_id) }
    }

    pub fn failed(id: &str, track_id: &str, error: &str) -> Self {
        Self { status: "FAILED".to_owned(), error: Some(error.to_owned()), ..Self::new(id, track_id) }
    }

    /// Placed, and nothing has come of it yet.
    pub fn new(id: &str, track_id: &str) -> Self {
        Self {
            id: id.to_owned(),
            track_id: track_id.to_owned(),
            created_at: Utc::now(),
            updated_at: Utc::now(),
            status: "NEW".to_owned(),
            error: None,
            total: 12,
            items: Vec::new(),
        }
    }

    fn read(&self) -> Value {
        let mut order = json!({
            "id": self.id,
            "trackId": self.track_id,
            "createdAt": written(self.created_at),
            "updatedAt": written(self.updated_at),
            "status": self.status,
            "total": self.total,
            "items": self.items,
        });
        if let Some(error) = &self.error {
            order["error"] = json!(error);
        }
        order
    }
}

fn esim(iccid: &str, code: &str) -> Value {
    json!({
        "qrCodeContent": code,
        "qrCodeImg": "https://merchant.simplifytrip.com/qr.png",
        "iccid": iccid,
        "planAPN": "internet",
        "smdpAddress": code.split('$').nth(1),
        "pin": "1234",
        "puk": "12345678",
        "activationCode": code.split('$').nth(2),
    })
}

impl Esim {
    pub fn unused(iccid: &str, order: &Order) -> Self {
        Self {
            iccid: iccid.to_owned(),
            eid: "89049032000000000000000000000001".to_owned(),
            order_id: order.id.clone(),
            track_id: order.track_id.clone(),
            sub_order_id: format!("{}-1", order.id),
            activity: vec![(order.created_at, "NOT_DOWNLOADED".to_owned())],
            usage: Vec::new(),
            plan_status: "UNUSED".to_owned(),
            plan_start: None,
            plan_end: None,
            remaining_days: 0,
        }
    }

    fn read(&self) -> Value {
        let activity = self.activity.iter();
        let activity =
            activity.map(|(time, status)| json!({ "eid": self.eid, "recordTime": written(*time), "status": status }));
        let usage = self.usage.iter();
        let usage = usage.map(|(day, bytes)| json!({ "usedDate": written(*day), "usageAmt": bytes }));
        json!({
            "activityLogs": activity.collect::<Vec<_>>(),
            "usageInfoList": usage.collect::<Vec<_>>(),
            "simStatus": {
                "planStartTime": self.plan_start.map(written),
                "planEndTime": self.plan_end.map(written),
                "remainingDays": self.remaining_days,
                "usedTraffic": self.usage.iter().map(|(_, bytes)| bytes).sum::<u64>(),
                "planStatus": self.plan_status,
            },
            "productInfo": { "sku": "AS7BCUNL03DPY", "name": "Japan 3GB 7 days" },
            "orderInfo": {
                "orderId": self.order_id,
                "trackId": self.track_id,
                "subOrderId": self.sub_order_id,
                "subTrackId": format!("{}-1", self.track_id),
                "purchaseDate": self.activity.first().map(|(time, _)| written(*time)),
            },
        })
    }
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Speaks for Account {
    async fn answer(account: &Mutex<Self>, asked: &Asked) -> Reply {
        if asked.header("X-Api-Key") != Some(API_KEY) || asked.bearer() != Some(SECRET_KEY) {
            return failure(401, "UNAUTHORIZED", "the API key or the secret key is wrong");
        }
        let mut account = lock(account);
        let (method, path) = asked.operation();
        let limit = match method {
            "GET" => GETS,
            "POST" | "PUT" | "DELETE" => WRITES,
            _ => OTHERS,
        };
        if let Err(exceeded) = account.limits.admit(asked.at, &[(method, limit)]) {
            return Reply::too_many(exceeded, &error(429, "TOO_MANY_REQUESTS", "too many requests"));
        }
        let found = match (method, path.as_slice()) {
            ("GET", ["api", "v1", "orders", id]) => account.order(id).map(Order::read),
            ("GET", ["api", "v1", "products", "esim", iccid]) => account.esims.get(*iccid).map(Esim::read),
            _ => None,
        };
        found.map_or_else(|| failure(404, "NOT_FOUND", "not found"), |found| Reply::json(200, &found))
    }
}

impl Account {
    fn order(&self, id: &str) -> Option<&Order> {
        self.orders.get(id).or_else(|| self.orders.values().find(|order| order.track_id == id))
    }
}

fn failure(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &error(status, code, message))
}

fn error(status: u16, code: &str, message: &str) -> Value {
    json!({ "timestamp": written(Utc::now()), "statusCode": status, "errorCode": code, "message": message })
}

//! What Airalo pushes: the opt-ins, each checked with HEAD, and the simulator of signed webhooks.

use std::sync::Mutex;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha512;

use super::{Account, CLIENT_SECRET, invalid, success};
use crate::client::http_client;
use crate::provider_api::http::{Asked, Reply};
use crate::provider_api::limits::Limit;
use crate::provider_api::lock;

const SIMULATIONS: Limit = Limit::per_minute(5);
const TYPES: [&str; 3] = ["async_orders", "webhook_low_data", "webhook_credit_limit"];
const EVENTS: [(&str, &str); 3] = [
    ("async_order_notification", "async_orders"),
    ("low_data_notification", "webhook_low_data"),
    ("credit_limit_notification", "webhook_credit_limit"),
];
/// The simulator's names, and what the webhook calls the same.
const LOW_DATA: [(&str, &str, u32); 4] =
    [("data_75", "75%", 25), ("data_90", "90%", 10), ("expire_1", "1days", 43), ("expire_3", "3days", 43)];
const CREDIT_LEVELS: [&str; 4] = ["50", "70", "80", "90"];

/// One opt-in; there is one URL a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub kind: String,
    pub webhook_url: String,
    /// Of the credit limit, in percent.
    pub levels: Vec<u64>,
}

pub(super) async fn opt_in(account: &Mutex<Account>, asked: &Asked) -> Reply {
    let notification = match read(asked) {
        Ok(notification) => notification,
        Err(refusal) => return refusal,
    };
    let Ok(client) = http_client() else { return Reply::empty(500) };
    let pong = client.head(&notification.webhook_url).send().await;
    if !pong.is_ok_and(|pong| pong.status() == 200) {
        return invalid(&json!({ "webhook_url": "The webhook url must respond with 200 OK to a HEAD request." }));
    }
    let mut account = lock(account);
    account.notifications.retain(|other| other.kind != notification.kind);
    account.notifications.push(notification);
    account.notification()
}

fn read(asked: &Asked) -> Result<Notification, Reply> {
    let body = asked.json().unwrap_or_default();
    let kind = body["type"].as_str().filter(|kind| TYPES.contains(kind));
    let kind = kind.ok_or_else(|| invalid(&json!({ "type": "The selected type is invalid." })))?;
    let url = body["webhook_url"].as_str();
    let url = url.ok_or_else(|| invalid(&json!({ "webhook_url": "The webhook url field is required." })))?;
    let levels = body["levels"].as_array().cloned().unwrap_or_default();
    let levels: Vec<_> = levels.iter().filter_map(Value::as_u64).collect();
    let are_known = levels.iter().all(|level| CREDIT_LEVELS.contains(&level.to_string().as_str()));
    let are_due = kind == "webhook_credit_limit";
    if !are_known || are_due == levels.is_empty() {
        return Err(invalid(&json!({ "levels": "The levels field is invalid." })));
    }
    Ok(Notification { kind: kind.to_owned(), webhook_url: url.to_owned(), levels })
}

/// Delivers before it answers.
pub(super) async fn simulate(account: &Mutex<Account>, asked: &Asked) -> Reply {
    let (url, webhook) = match lock(account).simulation(asked) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let text = webhook.to_string();
    let Ok(client) = http_client() else { return Reply::empty(500) };
    let request = client.post(&url).header("content-type", "application/json");
    let pushed = request.header("airalo-signature", signature(CLIENT_SECRET, &text)).body(text).send().await;
    if pushed.is_ok_and(|answer| answer.status().is_success()) {
        Reply::json(200, &json!({ "success": "Notification sent" }))
    } else {
        Reply::json(400, &json!({ "error": format!("Could not push data to {url}") }))
    }
}

/// What `airalo-signature` holds.
pub fn signature(client_secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha512>::new_from_slice(client_secret.as_bytes()).expect("an HMAC takes a key of any length");
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

impl Account {
    pub(super) fn notification(&self) -> Reply {
        let Some(newest) = self.notifications.last() else { return success(&json!([]), "success") };
        let notification = json!({ "type": newest.kind, "contact_point": newest.webhook_url });
        success(&json!({ "notification": notification }), "success")
    }

    pub(super) fn opt_out(&mut self, asked: &Asked) -> Reply {
        let body = asked.json().unwrap_or_default();
        let Some(kind) = body["type"].as_str() else {
            return invalid(&json!({ "type": "The type field is required." }));
        };
        self.notifications.retain(|notification| notification.kind != kind);
        Reply::empty(204)
    }

    /// Where to send which webhook.
    fn simulation(&mut self, asked: &Asked) -> Result<(String, Value), Reply> {
        let limits = [("simulator", SIMULATIONS)];
        let admitted = self.limits.admit(asked.at, &limits);
        admitted.map_err(|exceeded| Reply::too_many(exceeded, &json!({ "message": "Too Many Attempts." })))?;
        let body = asked.json().unwrap_or_default();
        let text = |name: &str| match &body[name] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let event = text("event").unwrap_or_default();
        let Some((_, kind)) = EVENTS.iter().find(|(name, _)| *name == event) else {
            let names: Vec<_> = EVENTS.iter().rev().map(|(name, _)| *name).collect();
            return Err(invalid(&json!({ "event": format!("Event must be one of: {}", names.join(", ")) })));
        };
        let opted_in = self.notifications.iter().find(|notification| notification.kind == *kind);
        let url = text("webhook_url").or_else(|| opted_in.map(|found| found.webhook_url.clone()));
        let url = url.ok_or_else(|| Reply::json(400, &json!({ "error": "User is not opted in" })))?;
        let iccid = text("iccid").unwrap_or_else(|| "891000000000009125".to_owned());
        let webhook = match *kind {
            "webhook_low_data" => low_data(&text("type").unwrap_or_default(), &iccid)?,
            "webhook_credit_limit" => credit_limit(&text("level").unwrap_or_default())?,
            _ => async_order(&iccid),
        };
        Ok((url, webhook))
    }
}

fn low_data(name: &str, iccid: &str) -> Result<Value, Reply> {
    let found = LOW_DATA.iter().find(|(simulated, ..)| *simulated == name);
    let (_, level, remaining) = found.ok_or_else(|| invalid(&json!({ "type": "The selected type is invalid." })))?;
    let package = "bonbon-7gb-10days";
    Ok(json!({ "level": level, "package_name": package, "remaining_percentage": remaining, "iccid": iccid }))
}

fn credit_limit(level: &str) -> Result<Value, Reply> {
    if !CREDIT_LEVELS.contains(&level) {
        return Err(invalid(&json!({ "level": "The selected level is invalid." })));
    }
    Ok(json!({ "message": format!("Surpassed {level}% of the credit limit balance"), "remaining": 225.35 }))
}

/// As the answer to an order: here quantity is a string, validity and price are numbers.
fn async_order(iccid: &str) -> Value {
    json!({
        "request_id": "3NhR3gKmqCWK7IWppurpDX3Cg",
        "data": {
            "id": 9647,
            "code": "20230227-009647",
            "currency": "USD",
            "package_id": "kallur-digital-7days-1gb",
            "quantity": "1",
            "type": "sim",
            "description": "simulated",
            "esim_type": "Prepaid",
            "validity": 7,
            "package": "Kallur Digital-1 GB - 7 Days",
            "data": "1 GB",
            "price": 9.5,
            "created_at": "2023-02-27 08:30:14",
            "sims": [{
                "id": 11028,
                "created_at": "2023-02-27 08:30:14",
                "iccid": iccid,
                "lpa": "lpa.airalo.com",
                "imsis": null,
                "matching_id": "TEST",
                "qrcode": "LPA:1$lpa.airalo.com$TEST",
                "airalo_code": null,
                "apn_type": "automatic",
                "apn_value": null,
                "is_roaming": true,
                "confirmation_code": null,
            }],
        },
        "meta": { "message": "success" },
    })
}

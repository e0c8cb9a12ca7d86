//! Airalo's subscriptions: each type of webhook has one, with a URL of its own.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use shared::rate_limit::RateLimit;
use shared::words;

use crate::api::WebhookUrls;
use crate::request::{ApiRequest, per_interval, per_second};

words! {
    /// A type of webhook.
    pub enum Topic {
        AsyncOrders,
        WebhookLowData,
        WebhookCreditLimit,
    }
}

/// What Airalo has registered for one type of webhook.
#[derive(Debug)]
pub struct RegisteredUrl {
    pub topic: Topic,
    pub url: String,
    levels: Vec<u64>,
}

/// A webhook to be sent as a trial.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    pub topic: Topic,
    /// Of low data: `data_75`, `data_90`, `expire_1` or `expire_3`.
    pub warning: &'a str,
    /// Of the credit limit, in percent.
    pub level: u8,
    pub iccid: Option<&'a str>,
    /// Where to send it, instead of the registered URL.
    pub webhook_url: Option<&'a SecretString>,
}

pub(super) const WEBHOOK_URLS: WebhookUrls = WebhookUrls { request: find_all, read: urls };

/// Asks for all subscriptions.
pub fn find_all() -> ApiRequest {
    ApiRequest::get(&["v2", "notifications", "opt-in"], vec![requests()])
}

pub fn opt_in(topic: Topic, url: &str, levels: &[u8]) -> ApiRequest {
    let mut body = json!({ "type": topic.as_str(), "webhook_url": url });
    if !levels.is_empty() {
        body["levels"] = json!(levels);
    }
    ApiRequest::post(&["v2", "notifications", "opt-in"], &body, vec![requests()])
}

pub fn opt_out(topic: Topic) -> ApiRequest {
    ApiRequest::post(&["v2", "notifications", "opt-out"], &json!({ "type": topic.as_str() }), vec![requests()])
}

/// Asks for a webhook as a trial.
pub fn simulate(trial: &Trial<'_>) -> ApiRequest {
    let mut body = match trial.topic {
        Topic::AsyncOrders => json!({ "event": "async_order_notification" }),
        Topic::WebhookLowData => json!({ "event": "low_data_notification", "type": trial.warning }),
        Topic::WebhookCreditLimit => json!({ "event": "credit_limit_notification", "level": trial.level }),
    };
    if let Some(iccid) = trial.iccid {
        body["iccid"] = json!(iccid);
    }
    if let Some(url) = trial.webhook_url {
        body["webhook_url"] = json!(url.expose_secret());
    }
    // 5 a minute for our address.
    let limit = per_interval("simulator", Duration::from_secs(12));
    ApiRequest::post(&["v2", "simulator", "webhook"], &body, vec![limit])
}

/// The limit of 5 a second that Airalo documents for usage.
fn requests() -> RateLimit {
    per_second("requests", 5)
}

/// The subscriptions in an answer to [`find_all`].
pub fn read(answer: &Value) -> Vec<RegisteredUrl> {
    let mut found = Vec::new();
    collect(answer, &mut found);
    found
}

fn urls(answer: &Value) -> Vec<String> {
    read(answer).into_iter().map(|registered| registered.url).collect()
}

/// An answer may be one object or a list, so this looks wherever a type has a place beside it.
fn collect(value: &Value, found: &mut Vec<RegisteredUrl>) {
    match value {
        Value::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Value::as_str);
            let topic = text("type").and_then(Topic::parse);
            if let (Some(topic), Some(url)) = (topic, text("contact_point").or_else(|| text("webhook_url"))) {
                let levels = object.get("levels").and_then(Value::as_array);
                let levels = levels.map(|levels| levels.iter().filter_map(Value::as_u64).collect());
                found.push(RegisteredUrl { topic, url: url.to_owned(), levels: levels.unwrap_or_default() });
            }
            object.values().for_each(|inner| collect(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| collect(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl RegisteredUrl {
    /// Whether it is registered for these levels, whatever their order. No levels stand for any.
    pub fn has_levels(&self, levels: &[u8]) -> bool {
        let mut wished: Vec<_> = levels.iter().copied().map(u64::from).collect();
        let mut registered = self.levels.clone();
        wished.sort_unstable();
        registered.sort_unstable();
        wished.is_empty() || wished == registered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn airalos_subscriptions_are_found_alone_and_in_a_list() {
        let one = json!({ "type": "async_orders", "contact_point": "https://a.example/x" });
        let mail = json!({ "type": "email_low_data", "contact_point": "ops@a.example" });
        let limit =
            json!({ "type": "webhook_credit_limit", "contact_point": "https://a.example/y", "levels": [90, 70] });
        for answer in [
            json!({ "data": { "notification": one }, "meta": {} }),
            json!({ "data": { "notifications": [one, mail] } }),
            json!({ "data": [{ "notification": one }] }),
        ] {
            let found = read(&answer);
            assert_eq!(found.len(), 1, "{answer}");
            assert!(found[0].topic == Topic::AsyncOrders && found[0].url == "https://a.example/x");
        }
        let found = read(&limit);
        assert!(found[0].has_levels(&[70, 90]) && found[0].has_levels(&[]) && !found[0].has_levels(&[70]));
    }
}

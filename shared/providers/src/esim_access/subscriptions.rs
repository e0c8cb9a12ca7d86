//! eSIM Access sends all webhooks of an account to one URL.

use serde_json::{Value, json};
use shared::rate_limit::RateLimit;

use crate::api::WebhookUrls;
use crate::request::{ApiRequest, per_second};

pub(super) const WEBHOOK_URLS: WebhookUrls = WebhookUrls { request: find, read: urls };

/// Asks for the URL.
pub fn find() -> ApiRequest {
    ApiRequest::post(&["webhook", "query"], &json!({}), limits())
}

pub fn set(url: &str) -> ApiRequest {
    ApiRequest::post(&["webhook", "save"], &json!({ "webhook": url }), limits())
}

/// The URL in the answer to [`find`]. The documentation shows no answer, so it is looked for in several places.
pub fn read(answer: &Value) -> Option<&str> {
    let found = answer["obj"].as_str().or_else(|| answer["obj"]["webhook"].as_str());
    found.or_else(|| answer["obj"]["url"].as_str()).filter(|url| !url.trim().is_empty())
}

fn urls(answer: &Value) -> Vec<String> {
    read(answer).map(str::to_owned).into_iter().collect()
}

fn limits() -> Vec<RateLimit> {
    vec![per_second("requests", 8)]
}

//! SimplifyTrip's merchant API. Only writes are signed, and nothing is written here.

use http::header::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use shared::lookup::Lookup;
use shared::rate_limit::RateLimit;

use crate::api::ApiDialect;
use crate::credentials::{BaseUrl, CredentialKey, Credentials, ProofInput, insert};
use crate::reply::{ApiOutcome, ApiReply, by_status, code};
use crate::request::{ApiRequest, iccid, order_ref, per_second};

const API_KEY: CredentialKey = CredentialKey::secret("api_key");
const SECRET_KEY: CredentialKey = CredentialKey::secret("secret_key");

pub(super) const API: ApiDialect = ApiDialect {
    credentials: &[API_KEY, SECRET_KEY],
    base_url: BaseUrl::Documented("https://merchant.simplifytrip.com"),
    prove,
    judge,
    token: None,
    webhook_urls: None,
};

/// The documentation has no path for the details of an order; its other paths suggest this one.
pub(super) fn ask_for_order(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    Ok(ApiRequest::get(&["api", "v1", "orders", order_ref(lookup)?], limits()))
}

pub(super) fn ask_for_esim(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    Ok(ApiRequest::get(&["api", "v1", "products", "esim", iccid(lookup)?], limits()))
}

/// 2000 reads in 3 s are allowed, and an unknown number at the same time. This stays far below both.
fn limits() -> Vec<RateLimit> {
    vec![per_second("requests", 20)]
}

fn prove(input: &ProofInput<'_>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let secret_key = input.credentials.required(SECRET_KEY)?.expose_secret();
    insert(&mut headers, "x-api-key", input.credentials.required(API_KEY)?.expose_secret())?;
    insert(&mut headers, "authorization", &format!("Bearer {secret_key}"))?;
    Ok(headers)
}

fn judge(reply: &ApiReply) -> ApiOutcome {
    let body = reply.json().unwrap_or(&Value::Null);
    let code = code(&body["errorCode"]);
    match (reply.status.as_u16(), code) {
        (404, _) if is_unknown_path(body) => {
            ApiOutcome::Refused("it answered 404: it has no such path; has its API changed?".to_owned())
        }
        (200..=299, Some(code)) if code == "TOO_MANY_REQUESTS" => {
            ApiOutcome::Later(format!("it answered {code}"), None)
        }
        (200..=299, Some(code)) => ApiOutcome::Refused(format!("it answered {code}")),
        _ => by_status(reply).unwrap_or_else(|| ApiOutcome::Found(body.clone())),
    }
}

/// The path of an order is a guess, so a path that does not exist must not mean that the order does not exist.
fn is_unknown_path(body: &Value) -> bool {
    body["message"].as_str().is_some_and(|message| message.starts_with("Cannot GET"))
}

#[cfg(test)]
mod tests;

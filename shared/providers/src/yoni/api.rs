//! Yoni's API: the page of orders, and the flow (data used) of one eSIM.

use http::StatusCode;
use http::header::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::lookup::Lookup;

use crate::api::ApiDialect;
use crate::credentials::{BaseUrl, CredentialKey, Credentials, ProofInput, insert};
use crate::reply::{ApiOutcome, ApiReply, by_status, code};
use crate::request::{ApiRequest, EmptyAnswer, iccid, order_ref, per_second};
use crate::signature::hmac_sha256;

const APP_ID: CredentialKey = CredentialKey::identifier("app_id");
const APP_SECRET: CredentialKey = CredentialKey::secret("app_secret");

/// Entries of a page.
const PAGE: u32 = 50;

pub(super) const API: ApiDialect = ApiDialect {
    credentials: &[APP_ID, APP_SECRET],
    // The documentation names only a sandbox.
    base_url: BaseUrl::Undocumented("Yoni documents no host for production, ask Yoni for it"),
    prove,
    judge,
    token: None,
    webhook_urls: None,
};

pub(super) fn ask_for_order(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    Ok(page("orderNo", order_ref(lookup)?))
}

pub(super) fn ask_for_esim(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    Ok(page("iccid", iccid(lookup)?))
}

pub(super) fn ask_for_usage(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    let body = json!({ "orderNo": order_ref(lookup)?, "iccid": iccid(lookup)? });
    Ok(ApiRequest::post(&["v1", "order", "e-sim", "flow"], &body, vec![per_second("flow", 5)]))
}

fn page(key: &str, reference: &str) -> ApiRequest {
    let mut body = json!({ "current": 1, "size": PAGE });
    body[key] = json!(reference);
    let request = ApiRequest::post(&["v1", "order", "e-sim", "page"], &body, vec![per_second("page", 10)]);
    request.not_found_if(EmptyAnswer::ListAt("/data/records"))
}

/// The body is not signed, and neither are host and query.
fn prove(input: &ProofInput<'_>) -> Result<HeaderMap, String> {
    let app_id = input.credentials.required(APP_ID)?.expose_secret();
    let app_secret = input.credentials.required(APP_SECRET)?.expose_secret();
    let timestamp = input.sent_at.timestamp_millis().to_string();
    let mac = hmac_sha256(app_secret.as_bytes(), format!("{app_id}&{timestamp}&{}", input.path).as_bytes());
    let mut headers = HeaderMap::new();
    insert(&mut headers, "appid", app_id)?;
    insert(&mut headers, "timestamp", &timestamp)?;
    insert(&mut headers, "sign", &hex::encode(mac.ok_or("the app secret can't sign")?))?;
    Ok(headers)
}

/// `code` tells, with whatever status; that of a failed authentication stands in another envelope.
fn judge(reply: &ApiReply) -> ApiOutcome {
    let failure = reply.json().and_then(failure).filter(|_| reply.status != StatusCode::TOO_MANY_REQUESTS);
    let Some(code) = failure else {
        return by_status(reply).unwrap_or_else(|| read_success(reply));
    };
    let answered = format!("it answered code {code}");
    match code.as_str() {
        "400" | "504" | "505" | "506" => ApiOutcome::Refused(answered),
        "401" | "501" | "502" => ApiOutcome::Denied(format!("{answered}; are app_id and app_secret right?")),
        "503" => ApiOutcome::Denied("our address is not allowed (code 503)".to_owned()),
        // 101 (being processed), 102 (busy), 9999 (unknown), and undocumented codes.
        _ => ApiOutcome::Later(answered, reply.retry_after),
    }
}

/// The code of an answer that reports a failure. `0` is documented for success; `200` is taken for success, too.
pub(super) fn failure(answer: &Value) -> Option<String> {
    code(&answer["code"]).filter(|code| !matches!(code.as_str(), "0" | "200"))
}

/// The documents show the flow's answer without a code.
fn read_success(reply: &ApiReply) -> ApiOutcome {
    match reply.json() {
        Some(answer) if !answer["code"].is_null() || answer["data"].is_object() => ApiOutcome::Found(answer.clone()),
        Some(_) | None => ApiOutcome::Later("it answered without a code".to_owned(), None),
    }
}

#[cfg(test)]
mod tests;

//! Airalo's Partner API, v2. No request has `include=user`, because user data is not needed here.

use std::time::Duration;

use http::header::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use shared::lookup::Lookup;
use shared::rate_limit::RateLimit;

use super::subscriptions;
use crate::api::{ApiDialect, IssuedToken, TokenDialect};
use crate::credentials::{BaseUrl, CredentialKey, Credentials, ProofInput, insert};
use crate::reply::{ApiOutcome, ApiReply, by_status, code};
use crate::request::{ApiRequest, EmptyAnswer, checked, iccid, order_ref, per_interval, per_second};

const CLIENT_ID: CredentialKey = CredentialKey::identifier("client_id");
const CLIENT_SECRET: CredentialKey = CredentialKey::secret("client_secret");

/// 24 hours, for an answer that does not say how long its token is valid.
const TOKEN_LIFE_S: u64 = 86_400;

pub(super) const API: ApiDialect = ApiDialect {
    credentials: &[CLIENT_ID, CLIENT_SECRET],
    base_url: BaseUrl::Documented("https://partners-api.airalo.com"),
    prove,
    judge,
    token: Some(TokenDialect { request: ask_for_token, read: read_token }),
    webhook_urls: Some(subscriptions::WEBHOOK_URLS),
};

pub(super) fn ask_for_esim(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    let path = ["v2", "sims", iccid(lookup)?];
    Ok(ApiRequest::get(&path, vec![requests()]).with_query("include", "order,order.status"))
}

pub(super) fn ask_for_usage(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    let iccid = iccid(lookup)?;
    // 5 a second for the company, and 10 a minute for each eSIM.
    let own = per_interval(&format!("usage:{iccid}"), Duration::from_secs(6));
    Ok(ApiRequest::get(&["v2", "sims", iccid, "usage"], vec![per_second("usage", 5), own]))
}

/// An order that was placed asynchronously has a `request_id`, which the API can't be asked for. Such an order is found by
/// the shop's description or by its eSIM.
pub(super) fn ask_for_order(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    let reference = order_ref(lookup)?;
    let list = ApiRequest::get(&["v2", "orders"], vec![requests()]).with_query("include", "sims,status");
    if reference.bytes().all(|byte| byte.is_ascii_digit()) {
        let path = ["v2", "orders", reference];
        return Ok(ApiRequest::get(&path, vec![requests()]).with_query("include", "sims,status"));
    }
    if let Some(description) = lookup.hints.description.as_ref().filter(|description| !description.trim().is_empty()) {
        let list = list.with_query("filter[description]", description);
        return Ok(list.not_found_if(EmptyAnswer::NoneDescribed(description.clone())));
    }
    if let Some(iccid) = &lookup.hints.iccid {
        return Ok(list.with_query("filter[iccid]", checked(iccid)?).not_found_if(EmptyAnswer::ListAt("/data")));
    }
    Err("Airalo finds no order by its request_id; give orders a description of your own, and register it".to_owned())
}

/// The limit is documented only for usage; it is kept for every other request, too.
fn requests() -> RateLimit {
    per_second("requests", 5)
}

pub(super) fn ask_for_token(credentials: &Credentials) -> Result<ApiRequest, String> {
    let fields = [
        ("client_id", credentials.required(CLIENT_ID)?.expose_secret()),
        ("client_secret", credentials.required(CLIENT_SECRET)?.expose_secret()),
        ("grant_type", "client_credentials"),
    ];
    // 3 a minute. Two at once, because a new token may be revoked right away; then one per 40 s keeps any minute at 3.
    let (spacing, lead) = (Duration::from_secs(40), Duration::from_secs(40));
    let limit = RateLimit { bucket: "token".to_owned(), spacing, lead };
    Ok(ApiRequest::post_form(&["v2", "token"], &fields, vec![limit]))
}

pub(super) fn read_token(answer: &Value) -> Option<IssuedToken> {
    let data = if answer["data"].is_object() { &answer["data"] } else { answer };
    let value = data["access_token"].as_str().filter(|token| !token.is_empty())?;
    let life_s = code(&data["expires_in"]).and_then(|seconds| seconds.parse().ok()).unwrap_or(TOKEN_LIFE_S);
    Some(IssuedToken { value: value.into(), life: Duration::from_secs(life_s) })
}

fn prove(input: &ProofInput<'_>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    if let Some(token) = input.token {
        insert(&mut headers, "authorization", &format!("Bearer {}", token.expose_secret()))?;
    }
    Ok(headers)
}

/// An error is known by its `code`, which may come with any status, 200 too. `meta.message` has several spellings and
/// says nothing.
pub(super) fn judge(reply: &ApiReply) -> ApiOutcome {
    let body = reply.json().unwrap_or(&Value::Null);
    let code = body.get("code").and_then(code).filter(|_| body.get("data").is_none_or(Value::is_null));
    let said = |code: &str| format!("it answered {} with code {code}", reply.status.as_u16());
    match (reply.status.as_u16(), code.as_deref()) {
        // Maintenance, and an unexpected error.
        (200..=299 | 400 | 422, Some(code @ ("13" | "53"))) => ApiOutcome::Later(said(code), reply.retry_after),
        (200..=299 | 400 | 422, Some("73")) => ApiOutcome::Refused("the eSIM was recycled (code 73)".to_owned()),
        (_, Some("89")) => ApiOutcome::Denied("our address is not allowed (code 89)".to_owned()),
        (200..=299 | 400 | 422, Some(code)) => ApiOutcome::Refused(said(code)),
        _ => by_status(reply).unwrap_or_else(|| ApiOutcome::Found(body.clone())),
    }
}

#[cfg(test)]
mod tests;

//! eSIM Access's open API. It has no sandbox.

use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::fact::EntityKey;
use shared::lookup::Lookup;
use shared::rate_limit::RateLimit;

use super::subscriptions;
use crate::answer::switch;
use crate::api::ApiDialect;
use crate::credentials::{BaseUrl, CredentialKey, Credentials, ProofInput, insert};
use crate::reply::{ApiOutcome, ApiReply, by_status, code};
use crate::request::{ApiRequest, EmptyAnswer, checked, iccid, order_ref, per_second};
use crate::signature::hmac_sha256;

const ACCESS_CODE: CredentialKey = CredentialKey::secret("access_code");
const SECRET_KEY: CredentialKey = CredentialKey::optional_secret("secret_key");

/// The most entries that a page may hold, and more than any order has.
const PAGE: u32 = 500;
/// Profiles are allocated within about 30 s.
const ALLOCATING: Duration = Duration::from_secs(10);
const BUSY: Duration = Duration::from_secs(5);

pub(super) const API: ApiDialect = ApiDialect {
    credentials: &[ACCESS_CODE, SECRET_KEY],
    base_url: BaseUrl::Documented("https://api.esimaccess.com/api/v1/open"),
    prove,
    judge,
    token: None,
    webhook_urls: Some(subscriptions::WEBHOOK_URLS),
};

pub(super) fn ask_for_order(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    Ok(query("orderNo", order_of(lookup)?))
}

/// By its order if possible, because ICCIDs are used again.
pub(super) fn ask_for_esim(lookup: &Lookup, _: &Credentials) -> Result<ApiRequest, String> {
    match order_of(lookup) {
        Ok(order) => Ok(query("orderNo", order)),
        Err(_) => Ok(query("iccid", iccid(lookup)?)),
    }
}

fn query(key: &str, reference: &str) -> ApiRequest {
    let mut body = json!({ "pager": { "pageNum": 1, "pageSize": PAGE } });
    body[key] = json!(reference);
    ApiRequest::post(&["esim", "query"], &body, limits()).not_found_if(EmptyAnswer::ListAt("/obj/esimList"))
}

/// An eSIM's reference begins with its order's.
fn order_of(lookup: &Lookup) -> Result<&str, String> {
    match (&lookup.about, &lookup.hints.order_ref) {
        (EntityKey::Esim(reference), None) => {
            let (order, _) = reference.split_once('/').ok_or("its order is not known")?;
            checked(order)
        }
        _ => order_ref(lookup),
    }
}

fn limits() -> Vec<RateLimit> {
    vec![per_second("requests", 8)]
}

/// With a secret key, the request is signed; else the access code alone is the proof.
fn prove(input: &ProofInput<'_>) -> Result<HeaderMap, String> {
    let access_code = input.credentials.required(ACCESS_CODE)?.expose_secret();
    let mut headers = HeaderMap::new();
    insert(&mut headers, "rt-accesscode", access_code)?;
    if let Some(secret_key) = input.credentials.optional(SECRET_KEY) {
        let timestamp = input.sent_at.timestamp_millis().to_string();
        let request_id = input.request_id.simple().to_string();
        let message = [timestamp.as_str(), &request_id, access_code, input.body].concat();
        let mac = hmac_sha256(secret_key.expose_secret().as_bytes(), message.as_bytes());
        let signature = hex::encode(mac.ok_or("the secret key can't sign")?);
        insert(&mut headers, "rt-timestamp", &timestamp)?;
        insert(&mut headers, "rt-requestid", &request_id)?;
        insert(&mut headers, "rt-signature", &signature)?;
    }
    Ok(headers)
}

/// The status is 200 whatever happened, so `errorCode` is read.
fn judge(reply: &ApiReply) -> ApiOutcome {
    let failure = reply.json().and_then(failure).filter(|_| reply.status != StatusCode::TOO_MANY_REQUESTS);
    let Some(code) = failure else {
        let no_body = || ApiOutcome::Later("it answered nothing".to_owned(), None);
        return by_status(reply)
            .unwrap_or_else(|| reply.json().map_or_else(no_body, |body| ApiOutcome::Found(body.clone())));
    };
    let answered = format!("it answered code {code}");
    match code.as_str() {
        "200010" => ApiOutcome::Later("profiles are still being allocated (code 200010)".to_owned(), Some(ALLOCATING)),
        "900001" => ApiOutcome::Later("it is busy (code 900001)".to_owned(), Some(BUSY)),
        "310272" | "310403" => ApiOutcome::NotFound,
        "101002" => ApiOutcome::Denied("our address is not allowed (code 101002)".to_owned()),
        "101003" => ApiOutcome::Denied("the signature is wrong (code 101003); is secret_key right?".to_owned()),
        "000101" | "000102" => ApiOutcome::Denied(format!("{answered}: a header is missing or wrong")),
        "000103" | "000104" | "000105" | "000106" | "000107" | "200002" | "200005" | "200006" | "200007" | "200008"
        | "200009" | "200011" | "310201" | "310211" | "310221" | "310231" | "310241" | "310243" | "310251" => {
            ApiOutcome::Refused(answered)
        }
        // 000001 (the server), 101001 (the age of the timestamp), no code, and undocumented codes.
        _ => ApiOutcome::Later(answered, reply.retry_after),
    }
}

/// The code of an answer that reports a failure; empty if it has none. `success` is a bool; the documents call it a
/// string.
pub(super) fn failure(answer: &Value) -> Option<String> {
    let code = code(&answer["errorCode"]).filter(|code| !code.is_empty() && code != "0");
    code.or_else(|| (switch(answer, "success") == Some(false)).then(String::new))
}

#[cfg(test)]
mod tests;

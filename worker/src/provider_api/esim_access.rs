//! eSIM Access's open API. It has no sandbox.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::fact::EntityKey;
use shared::lookup::{Lookup, LookupKind};
use store::api_limits::Limit;

use super::http::Reply;
use super::request::{Empty, Moment, Request, checked, iccid, insert, order_ref, per_second, unsupported};
use super::verdict::{Verdict, by_status, code};

/// The most that a page may hold, and more than any order has.
const PAGE: u32 = 500;
/// Profiles are allocated within about 30 s.
const ALLOCATING: Duration = Duration::from_secs(10);
const BUSY: Duration = Duration::from_secs(5);

pub(super) fn question(lookup: &Lookup) -> Result<Request, String> {
    match lookup.kind {
        LookupKind::Order | LookupKind::Esim => {
            let mut body = json!({ "pager": { "pageNum": 1, "pageSize": PAGE } });
            match order_of(lookup) {
                Ok(order) => body["orderNo"] = json!(order),
                // ICCIDs are used again, so this is the last resort.
                Err(_) if lookup.kind == LookupKind::Esim => body["iccid"] = json!(iccid(lookup)?),
                Err(unknown) => return Err(unknown),
            }
            let request = Request::post(&["esim", "query"], &body, limits());
            Ok(request.nothing_if(Empty::ListAt("/obj/esimList")))
        }
        LookupKind::Usage => {
            let known = lookup.hints.provider_esim_ref.as_deref();
            let esim = checked(known.ok_or("its esimTranNo is not known")?)?;
            let request = Request::post(&["esim", "usage", "query"], &json!({ "esimTranNoList": [esim] }), limits());
            Ok(request.nothing_if(Empty::ListAt("/obj/esimUsageList")))
        }
        LookupKind::Payment => Err(unsupported(lookup)),
    }
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

fn limits() -> Vec<Limit> {
    vec![per_second("requests", 8)]
}

/// With a secret key, the request is signed; else the access code alone is the proof.
pub(super) fn prove(
    access_code: &SecretString,
    secret_key: Option<&SecretString>,
    body: &str,
    moment: &Moment,
) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    insert(&mut headers, "rt-accesscode", access_code.expose_secret())?;
    if let Some(secret_key) = secret_key {
        let (timestamp, request_id) = (moment.now_ms.to_string(), moment.request_id.simple().to_string());
        let signature = sign(secret_key, &timestamp, &request_id, access_code.expose_secret(), body)?;
        insert(&mut headers, "rt-timestamp", &timestamp)?;
        insert(&mut headers, "rt-requestid", &request_id)?;
        insert(&mut headers, "rt-signature", &signature)?;
    }
    Ok(headers)
}

pub(super) fn sign(
    secret_key: &SecretString,
    timestamp: &str,
    request_id: &str,
    access_code: &str,
    body: &str,
) -> Result<String, String> {
    let mac = Hmac::<Sha256>::new_from_slice(secret_key.expose_secret().as_bytes());
    let mut mac = mac.map_err(|_any_length| "the secret key can't sign".to_owned())?;
    for part in [timestamp, request_id, access_code, body] {
        mac.update(part.as_bytes());
    }
    Ok(hex::encode(mac.finalize().into_bytes()))
}

/// The status is 200 whatever happened; `errorCode` tells. `success` is now a word and now a truth value, so it is not
/// looked at.
pub(super) fn read(reply: &Reply) -> Verdict {
    if let Some(verdict) = by_status(reply).filter(|_| !is_coded(reply)) {
        return verdict;
    }
    let Some(body) = reply.json() else { return Verdict::Later("it answered nothing".to_owned(), None) };
    let code = code(&body["errorCode"]).unwrap_or_default();
    let said = format!("it answered code {code}");
    match code.as_str() {
        "" | "0" => Verdict::Found(body.clone()),
        "200010" => Verdict::Later("profiles are still being allocated (code 200010)".to_owned(), Some(ALLOCATING)),
        "900001" => Verdict::Later("it is busy (code 900001)".to_owned(), Some(BUSY)),
        "310272" => Verdict::Nothing,
        "310403" => Verdict::Nothing,
        "101002" => Verdict::Denied("our address is not allowed (code 101002)".to_owned()),
        "101003" => Verdict::Denied("the signature is wrong (code 101003); is secret_key right?".to_owned()),
        "000101" | "000102" => Verdict::Denied(format!("{said}: a header is missing or wrong")),
        "000103" | "000104" | "000105" | "000106" | "000107" | "200002" | "200005" | "200006" | "200007" | "200008"
        | "200009" | "200011" | "310201" | "310211" | "310221" | "310231" | "310241" | "310243" | "310251" => {
            Verdict::Refused(said)
        }
        // 000001 (the server), 101001 (the timestamp's age), and what is not documented.
        _ => Verdict::Later(said, reply.retry_after),
    }
}

fn is_coded(reply: &Reply) -> bool {
    let has_code = reply.json().and_then(|body| code(&body["errorCode"])).is_some_and(|code| code != "0");
    has_code && reply.status.as_u16() != 429
}

/// Where webhooks go now.
pub(crate) fn webhook() -> Request {
    Request::post(&["webhook", "query"], &json!({}), limits())
}

pub(crate) fn set_webhook(url: &str) -> Request {
    Request::post(&["webhook", "save"], &json!({ "webhook": url }), limits())
}

/// The URL in the answer to [`webhook`]. The documentation shows no answer, so it is looked for.
pub(crate) fn read_webhook(answer: &Value) -> Option<&str> {
    let found = answer["obj"].as_str().or_else(|| answer["obj"]["webhook"].as_str());
    found.or_else(|| answer["obj"]["url"].as_str()).filter(|url| !url.trim().is_empty())
}

//! Yoni's API: the page of orders, and the flow (data used) of one eSIM.

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::lookup::{Lookup, LookupKind};

use super::http::Reply;
use super::request::{Empty, Moment, Request, iccid, insert, order_ref, per_second, unsupported};
use super::verdict::{Verdict, by_status, code};

const PAGE: u32 = 50;

pub(super) fn question(lookup: &Lookup) -> Result<Request, String> {
    match lookup.kind {
        LookupKind::Order => Ok(page("orderNo", order_ref(lookup)?)),
        LookupKind::Esim => Ok(page("iccid", iccid(lookup)?)),
        LookupKind::Usage => {
            let body = json!({ "orderNo": order_ref(lookup)?, "iccid": iccid(lookup)? });
            Ok(Request::post(&["v1", "order", "e-sim", "flow"], &body, vec![per_second("flow", 5)]))
        }
        LookupKind::Payment => Err(unsupported(lookup)),
    }
}

fn page(key: &str, reference: &str) -> Request {
    let mut body = json!({ "current": 1, "size": PAGE });
    body[key] = json!(reference);
    let request = Request::post(&["v1", "order", "e-sim", "page"], &body, vec![per_second("page", 10)]);
    request.nothing_if(Empty::ListAt("/data/records"))
}

pub(super) fn prove(
    app_id: &SecretString,
    app_secret: &SecretString,
    path: &str,
    moment: &Moment,
) -> Result<HeaderMap, String> {
    let (app_id, timestamp) = (app_id.expose_secret(), moment.now_ms.to_string());
    let mut headers = HeaderMap::new();
    insert(&mut headers, "appid", app_id)?;
    insert(&mut headers, "timestamp", &timestamp)?;
    insert(&mut headers, "sign", &sign(app_secret, app_id, &timestamp, path)?)?;
    Ok(headers)
}

/// The body is not signed, and neither are host and query.
pub(super) fn sign(app_secret: &SecretString, app_id: &str, timestamp: &str, path: &str) -> Result<String, String> {
    let mac = Hmac::<Sha256>::new_from_slice(app_secret.expose_secret().as_bytes());
    let mut mac = mac.map_err(|_any_length| "the app secret can't sign".to_owned())?;
    mac.update(format!("{app_id}&{timestamp}&{path}").as_bytes());
    Ok(hex::encode(mac.finalize().into_bytes()))
}

/// `code` tells, with whatever status; that of a failed authentication stands in another envelope.
pub(super) fn read(reply: &Reply) -> Verdict {
    let code = reply.json().and_then(|body| code(&body["code"])).filter(|_| reply.status.as_u16() != 429);
    let Some(code) = code else {
        let no_code = || Verdict::Later("it answered without a code".to_owned(), None);
        return by_status(reply).unwrap_or_else(no_code);
    };
    let said = format!("it answered code {code}");
    match code.as_str() {
        "0" => by_status(reply).unwrap_or_else(|| Verdict::Found(reply.json().cloned().unwrap_or(Value::Null))),
        "400" | "504" | "505" | "506" => Verdict::Refused(said),
        "401" | "501" | "502" => Verdict::Denied(format!("{said}; are app_id and app_secret right?")),
        "503" => Verdict::Denied("our address is not allowed (code 503)".to_owned()),
        // 101 (being processed), 102 (busy), 9999 (unknown), and what is not documented.
        _ => Verdict::Later(said, reply.retry_after),
    }
}

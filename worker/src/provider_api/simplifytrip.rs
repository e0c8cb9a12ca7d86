//! SimplifyTrip's merchant API. It signs writes only, and we don't write.

use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use shared::lookup::{Lookup, LookupKind};
use store::api_limits::Limit;

use super::http::Reply;
use super::request::{Request, iccid, insert, order_ref, per_second, unsupported};
use super::verdict::{Verdict, by_status, code};

pub(super) fn question(lookup: &Lookup) -> Result<Request, String> {
    match lookup.kind {
        // The documentation has no path for an order's details; this is the one that its others suggest.
        LookupKind::Order => Ok(Request::get(&["api", "v1", "orders", order_ref(lookup)?], limits())),
        // Usage comes with the eSIM.
        LookupKind::Esim | LookupKind::Usage => {
            Ok(Request::get(&["api", "v1", "products", "esim", iccid(lookup)?], limits()))
        }
        LookupKind::Payment => Err(unsupported(lookup)),
    }
}

/// 2000 reads in 3 s are allowed, and an unknown number at a time: there is no need to find out.
fn limits() -> Vec<Limit> {
    vec![per_second("requests", 20)]
}

pub(super) fn prove(api_key: &SecretString, secret_key: &SecretString) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    insert(&mut headers, "x-api-key", api_key.expose_secret())?;
    insert(&mut headers, "authorization", &format!("Bearer {}", secret_key.expose_secret()))?;
    Ok(headers)
}

pub(super) fn read(reply: &Reply) -> Verdict {
    let body = reply.json().unwrap_or(&Value::Null);
    let code = code(&body["errorCode"]);
    match (reply.status.as_u16(), code) {
        (404, _) if is_unknown_path(body) => {
            Verdict::Refused("it answered 404: it has no such path; has its API changed?".to_owned())
        }
        (200..=299, Some(code)) if code == "TOO_MANY_REQUESTS" => Verdict::Later(format!("it answered {code}"), None),
        (200..=299, Some(code)) => Verdict::Refused(format!("it answered {code}")),
        _ => by_status(reply).unwrap_or_else(|| Verdict::Found(body.clone())),
    }
}

/// A path that does not exist must not count as an order that does not: the path is a guess.
fn is_unknown_path(body: &Value) -> bool {
    body["message"].as_str().is_some_and(|message| message.starts_with("Cannot GET"))
}

//! Airalo's Partner API, v2. No `include=user`: nobody here needs to know who that is.

use std::time::Duration;

use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use shared::lookup::{Lookup, LookupKind};
use store::api_limits::Limit;

use super::ApiError;
use super::http::Reply;
use super::request::{Empty, Request, checked, evenly, iccid, insert, order_ref, per_second, unsupported};
use super::token::Token;
use super::verdict::{Verdict, by_status, code};

/// 24 hours, should an answer not say.
const TOKEN_LIFE_S: u64 = 86_400;

/// What Airalo sends webhooks about, each with a URL of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    AsyncOrders,
    LowData,
    CreditLimit,
}

impl Topic {
    pub(crate) const ALL: [Self; 3] = [Self::AsyncOrders, Self::LowData, Self::CreditLimit];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AsyncOrders => "async_orders",
            Self::LowData => "webhook_low_data",
            Self::CreditLimit => "webhook_credit_limit",
        }
    }
}

pub(super) fn question(lookup: &Lookup) -> Result<Request, String> {
    match lookup.kind {
        LookupKind::Order => order(lookup),
        LookupKind::Esim => {
            let path = ["v2", "sims", iccid(lookup)?];
            Ok(Request::get(&path, vec![requests()]).with_query("include", "order,order.status"))
        }
        LookupKind::Usage => {
            let iccid = iccid(lookup)?;
            // 5 a second for the company, and 10 a minute for each eSIM.
            let own = evenly(&format!("usage:{iccid}"), Duration::from_secs(6));
            Ok(Request::get(&["v2", "sims", iccid, "usage"], vec![per_second("usage", 5), own]))
        }
        LookupKind::Payment => Err(unsupported(lookup)),
    }
}

/// An order that was placed asynchronously is known by its `request_id`, which the API can't be asked for: then by what
/// the shop called it, or by its eSIM.
fn order(lookup: &Lookup) -> Result<Request, String> {
    let reference = order_ref(lookup)?;
    let list = Request::get(&["v2", "orders"], vec![requests()]).with_query("include", "sims,status");
    if reference.bytes().all(|byte| byte.is_ascii_digit()) {
        let path = ["v2", "orders", reference];
        return Ok(Request::get(&path, vec![requests()]).with_query("include", "sims,status"));
    }
    if let Some(description) = lookup.hints.description.as_ref().filter(|description| !description.trim().is_empty()) {
        let list = list.with_query("filter[description]", description);
        return Ok(list.nothing_if(Empty::NoneDescribed(description.clone())));
    }
    if let Some(iccid) = &lookup.hints.iccid {
        return Ok(list.with_query("filter[iccid]", checked(iccid)?).nothing_if(Empty::ListAt("/data")));
    }
    Err("Airalo finds no order by its request_id; give orders a description of your own, and register it".to_owned())
}

/// Documented only for usage; kept for everything else, too.
fn requests() -> Limit {
    per_second("requests", 5)
}

pub(super) fn token_request(client_id: &SecretString, client_secret: &SecretString) -> Request {
    let fields = [
        ("client_id", client_id.expose_secret()),
        ("client_secret", client_secret.expose_secret()),
        ("grant_type", "client_credentials"),
    ];
    // 3 a minute. Two at once, because one may be found revoked right away; then one each 40 s keeps any minute at 3.
    let (spacing, lead) = (Duration::from_secs(40), Duration::from_secs(40));
    Request::post_form(&["v2", "token"], &fields, vec![Limit { bucket: "token".to_owned(), spacing, lead }])
}

pub(super) fn read_token(answer: &Value) -> Result<Token, ApiError> {
    let data = if answer["data"].is_object() { &answer["data"] } else { answer };
    let value = data["access_token"].as_str().filter(|token| !token.is_empty()).ok_or_else(no_token)?;
    let life_s = code(&data["expires_in"]).and_then(|seconds| seconds.parse().ok()).unwrap_or(TOKEN_LIFE_S);
    Ok(Token::new(value.into(), Duration::from_secs(life_s)))
}

pub(super) fn no_token() -> ApiError {
    ApiError::Later { reason: "it gave no token".to_owned(), retry_after: None }
}

pub(super) fn prove(token: Option<&SecretString>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        insert(&mut headers, "authorization", &format!("Bearer {}", token.expose_secret()))?;
    }
    Ok(headers)
}

/// An error is known by its `code`, which may come with any status, 200 too. `meta.message` is misspelt in several ways
/// and tells nothing.
pub(super) fn read(reply: &Reply) -> Verdict {
    let body = reply.json().unwrap_or(&Value::Null);
    let code = body.get("code").and_then(code).filter(|_| body.get("data").is_none_or(Value::is_null));
    let said = |code: &str| format!("it answered {} with code {code}", reply.status.as_u16());
    match (reply.status.as_u16(), code.as_deref()) {
        // Maintenance, and what they did not expect either.
        (200..=299 | 400 | 422, Some(code @ ("13" | "53"))) => Verdict::Later(said(code), reply.retry_after),
        (200..=299 | 400 | 422, Some("73")) => Verdict::Refused("the eSIM was recycled (code 73)".to_owned()),
        (_, Some("89")) => Verdict::Denied("our address is not allowed (code 89)".to_owned()),
        (200..=299 | 400 | 422, Some(code)) => Verdict::Refused(said(code)),
        _ => by_status(reply).unwrap_or_else(|| Verdict::Found(body.clone())),
    }
}

/// Where webhooks go now.
pub(crate) fn opted_in() -> Request {
    Request::get(&["v2", "notifications", "opt-in"], vec![requests()])
}

pub(crate) fn opt_in(topic: Topic, url: &str, levels: &[u8]) -> Request {
    let mut body = json!({ "type": topic.as_str(), "webhook_url": url });
    if !levels.is_empty() {
        body["levels"] = json!(levels);
    }
    Request::post(&["v2", "notifications", "opt-in"], &body, vec![requests()])
}

pub(crate) fn opt_out(topic: Topic) -> Request {
    Request::post(&["v2", "notifications", "opt-out"], &json!({ "type": topic.as_str() }), vec![requests()])
}

pub(crate) fn simulate(body: &Value) -> Request {
    // 5 a minute for our address.
    Request::post(&["v2", "simulator", "webhook"], body, vec![evenly("simulator", Duration::from_secs(12))])
}

//! Airtm's enterprise API in both generations. Who asks is HTTP Basic in both: documented for V1, and for V2 in the
//! catalogue of its OpenAPI files (key as the user, secret as the password), not in a page of Airtm's own that we read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use shared::fact::EntityKey;
use shared::lookup::{Lookup, LookupKind};
use shared::payment::Direction;

use super::AirtmVersion;
use super::http::Reply;
use super::request::{Request, checked, insert, per_second, unsupported};
use super::verdict::{Verdict, by_status, code};

pub(super) fn question(lookup: &Lookup, version: AirtmVersion) -> Result<Request, String> {
    let (LookupKind::Payment, EntityKey::Payment(reference)) = (lookup.kind, &lookup.about) else {
        return Err(unsupported(lookup));
    };
    let room = match (version, lookup.hints.direction) {
        (AirtmVersion::V1, _) => "operations",
        (AirtmVersion::V2, Some(Direction::Payin)) => "payins",
        (AirtmVersion::V2, Some(Direction::Payout)) => "payouts",
        (AirtmVersion::V2, None) => return Err("it is not known whether it is a pay-in or a pay-out".to_owned()),
    };
    Ok(Request::get(&[room, checked(reference)?], vec![per_second("requests", 10)]))
}

pub(super) fn prove(api_key: &SecretString, secret: &SecretString) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let pair = format!("{}:{}", api_key.expose_secret(), secret.expose_secret());
    insert(&mut headers, "authorization", &format!("Basic {}", STANDARD.encode(pair)))?;
    Ok(headers)
}

pub(super) fn read(reply: &Reply) -> Verdict {
    let body = reply.json().unwrap_or(&Value::Null);
    match (reply.status.as_u16(), code(&body["code"])) {
        // Not a UUID, so no id of theirs.
        (422, _) => Verdict::Nothing,
        (400..=403 | 409, Some(code)) if code == "352015" => Verdict::Nothing,
        _ => by_status(reply).unwrap_or_else(|| Verdict::Found(body.clone())),
    }
}

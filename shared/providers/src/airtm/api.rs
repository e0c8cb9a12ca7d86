//! Airtm's enterprise API in both generations. Both prove the sender by HTTP Basic: documented for V1, and for V2 in the
//! catalogue of its OpenAPI files (key as the user, secret as the password), not in a page of Airtm's own that we read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use shared::fact::EntityKey;
use shared::lookup::Lookup;
use shared::payment::Direction;

use crate::api::ApiDialect;
use crate::credentials::{BaseUrl, CredentialKey, Credentials, ProofInput, insert};
use crate::reply::{ApiOutcome, ApiReply, by_status, code};
use crate::request::{ApiRequest, checked, per_second};

const API_KEY: CredentialKey = CredentialKey::secret("api_key");
const SECRET: CredentialKey = CredentialKey::secret("secret");

pub(super) const API: ApiDialect = ApiDialect {
    credentials: &[API_KEY, SECRET],
    base_url: BaseUrl::ByVersion {
        versions: &[(1, "https://payments.air-pay.io"), (2, "https://api.enterprise.airtm.com/v2")],
        meaning: "the generation of Airtm's API that the key is for",
    },
    prove,
    judge,
    token: None,
    webhook_urls: None,
};

pub(super) fn ask_for_payment(lookup: &Lookup, credentials: &Credentials) -> Result<ApiRequest, String> {
    let EntityKey::Payment(reference) = &lookup.about else { return Err("it is no payment".to_owned()) };
    let room = match (credentials.version, lookup.hints.direction) {
        (Some(1), _) => "operations",
        (_, Some(Direction::Payin)) => "payins",
        (_, Some(Direction::Payout)) => "payouts",
        (_, None) => return Err("it is not known whether it is a pay-in or a pay-out".to_owned()),
    };
    Ok(ApiRequest::get(&[room, checked(reference)?], vec![per_second("requests", 10)]))
}

fn prove(input: &ProofInput<'_>) -> Result<HeaderMap, String> {
    let (api_key, secret) = (input.credentials.required(API_KEY)?, input.credentials.required(SECRET)?);
    let pair = format!("{}:{}", api_key.expose_secret(), secret.expose_secret());
    let mut headers = HeaderMap::new();
    insert(&mut headers, "authorization", &format!("Basic {}", STANDARD.encode(pair)))?;
    Ok(headers)
}

fn judge(reply: &ApiReply) -> ApiOutcome {
    let body = reply.json().unwrap_or(&Value::Null);
    match (reply.status.as_u16(), code(&body["code"])) {
        // Not a UUID, so no id of Airtm's.
        (422, _) => ApiOutcome::NotFound,
        (400..=403 | 409, Some(code)) if code == "352015" => ApiOutcome::NotFound,
        _ => by_status(reply).unwrap_or_else(|| ApiOutcome::Found(body.clone())),
    }
}

#[cfg(test)]
mod tests;

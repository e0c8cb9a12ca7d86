//! How each provider shows that a webhook is its own. Written from the providers' documents alone, and on purpose apart
//! from the code that verifies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};

use crate::Source;

/// What a source and its provider share.
#[derive(Clone)]
pub enum Credential {
    /// The last segment of the URL, for providers that don't sign.
    Token(String),
    SigningSecret(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::SigningSecret(_) => "SigningSecret(…)",
        })
    }
}

/// The headers by which `source` shows that it sends `body` at `now`; none from a provider that doesn't sign. Svix names
/// each message (`message_id`, the same in every attempt); the others have no use for it.
pub fn sign(
    source: Source,
    credential: &Credential,
    body: &[u8],
    message_id: &str,
    now: DateTime<Utc>,
) -> Vec<(&'static str, String)> {
    let Credential::SigningSecret(secret) = credential else {
        return Vec::new();
    };
    match source {
        Source::Airalo => vec![("airalo-signature", airalo(secret, body))],
        Source::SimplifyTrip => vec![("x-simplify-trip-signature", simplifytrip(secret, body))],
        Source::AirtmV2 => {
            let timestamp = now.timestamp().to_string();
            let signature = svix(secret, message_id, &timestamp, body);
            vec![("svix-id", message_id.to_owned()), ("svix-timestamp", timestamp), ("svix-signature", signature)]
        }
        Source::EsimAccess | Source::Yoni | Source::Airtm => Vec::new(),
    }
}

/// An id as Svix gives its messages: the same for the same `origin`.
pub fn message_id(origin: &str) -> String {
    format!("msg_{}", &hex::encode(Sha256::digest(origin))[..27])
}

/// HMAC-SHA512 over the bytes as they are sent, in lower-case hex.
fn airalo(secret: &str, body: &[u8]) -> String {
    hex::encode(mac::<Hmac<Sha512>>(secret.as_bytes(), body))
}

/// HMAC-SHA256 in lower-case hex over the body's leaves as `path_to_key=value`, sorted, joined by `&`.
fn simplifytrip(secret: &str, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut leaves = Vec::new();
    flatten(&body, "", &mut leaves);
    leaves.sort();
    let line: Vec<_> = leaves.iter().map(|(path, value)| format!("{path}={value}")).collect();
    hex::encode(mac::<Hmac<Sha256>>(secret.as_bytes(), line.join("&").as_bytes()))
}

fn flatten(value: &Value, path: &str, leaves: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}_{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, field)| flatten(field, &below(name), leaves)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| flatten(item, &below(&index.to_string()), leaves));
        }
        Value::String(text) => leaves.push((path.to_owned(), text.clone())),
        Value::Number(_) | Value::Bool(_) | Value::Null => leaves.push((path.to_owned(), value.to_string())),
    }
}

/// Svix: HMAC-SHA256 in Base64 over `{id}.{timestamp}.{body}`, under the key that the secret holds in Base64.
fn svix(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap_or_default();
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    format!("v1,{}", STANDARD.encode(mac::<Hmac<Sha256>>(&key, &signed)))
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("an HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn airalo_signs_the_bytes() {
        let body = br#"{"level":"3days","package_name":"bonbon-7gb-10days","remaining_percentage":43,"iccid":"87123123456889019"}"#;
        assert_eq!(
            airalo("test_secret", body),
            "f9adc6ff1de7e4d7b46eabcfacb7c7eee6a57e8f5d54c0ed6a1fbc2a40a107703364c310a809558a2e8b18f111240057\
             acaaa66cf382b69b302300570232aced"
        );
    }

    #[test]
    fn simplifytrip_signs_the_flattened_body() {
        let sample = crate::named("simplifytrip/sim_order_update").unwrap();
        assert_eq!(
            simplifytrip("ck_test_example", sample.body.as_bytes()),
            "1a7740d14b0e4df13201f209ce9844674bd506d2c4283d467d43f2b8fd074593"
        );
    }

    #[test]
    fn svix_signs_as_the_standard_webhooks_vector_says() {
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(
            svix(secret, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", body),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
    }
}

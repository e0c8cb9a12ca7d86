//! The shop's own endpoint, by the Standard Webhooks specification 1.0.0.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, redirect};
use runtime::retry_after;
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::trace::TraceContext;
use store::outbox::Claimed;

use super::Outcome;

mod settings;

pub use settings::MerchantWebhookSettings;
pub(crate) use settings::http_url;

pub const NAME: &str = "merchant_webhook";

/// Sends to the shop's endpoint. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MerchantWebhook {
    settings: MerchantWebhookSettings,
    client: Client,
}

impl MerchantWebhook {
    /// Fails if there are no root certificates to trust.
    pub fn new(settings: MerchantWebhookSettings) -> anyhow::Result<Self> {
        runtime::tls::use_ring();
        let client = Client::builder()
            .timeout(settings.timeout)
            // A redirect is a failure by the specification, and would carry the signature elsewhere.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("esim-events/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("building the HTTP client for MERCHANT_WEBHOOK_URL")?;
        Ok(Self { settings, client })
    }

    pub fn concurrency(&self) -> usize {
        self.settings.concurrency
    }

    pub fn address(&self) -> &str {
        self.settings.url.as_str()
    }

    /// Sends one delivery, signed as of now.
    pub async fn send(&self, delivery: &Claimed) -> Outcome {
        let body = body(delivery).to_string();
        let id = webhook_id(delivery);
        let timestamp = Utc::now().timestamp();
        let mut request = self
            .client
            .post(self.settings.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign(&self.settings.secrets, &id, timestamp, &body));
        if let Some(trace) = delivery.traceparent.as_deref().and_then(TraceContext::parse) {
            request = request.header("traceparent", trace.child(rand::random()).to_string());
        }
        match request.body(body).send().await {
            Ok(response) => judge(response.status(), response.headers(), Utc::now()),
            // The URL may hold a secret path.
            Err(error) => Outcome::Failed { error: describe(&error.without_url()), retry_after: None },
        }
    }
}

/// The same at every attempt: the receiver's key to recognise a repetition.
fn webhook_id(delivery: &Claimed) -> String {
    format!("{}_{NAME}", delivery.action_id)
}

fn body(delivery: &Claimed) -> Value {
    let mut data = json!({
        "action_id": delivery.action_id,
        "source": delivery.source,
        "audience": delivery.audience,
        "mode": delivery.mode,
        "order_ref": delivery.order_ref,
        "esim_ref": delivery.esim_ref,
    });
    if let (Value::Object(data), Value::Object(payload)) = (&mut data, &delivery.payload) {
        data.extend(payload.clone());
    }
    json!({ "type": delivery.kind, "timestamp": delivery.created_at, "data": data })
}

fn sign(secrets: &[SecretSlice<u8>], id: &str, timestamp: i64, body: &str) -> String {
    let signatures = secrets.iter().filter_map(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret()).ok()?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

fn judge(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Outcome {
    if status.is_success() {
        return Outcome::Sent;
    }
    let error = format!("the endpoint answered {}", status.as_u16());
    if status == StatusCode::GONE {
        return Outcome::Gone { error };
    }
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Outcome::Failed { error, retry_after: asked.and_then(|asked| retry_after::parse(asked, now)) }
}

fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "the endpoint did not answer in time".to_owned();
    }
    runtime::telemetry::chain(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the Standard Webhooks specification's own libraries.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = STANDARD.decode("C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let signed =
            sign(&[secret.clone().into(), secret.into()], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        let expected = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
        assert_eq!(signed, format!("{expected} {expected}"));
    }

    #[track_caller]
    fn check(status: u16, retry_after: Option<&'static str>, expected: &Outcome) {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(RETRY_AFTER, reqwest::header::HeaderValue::from_static(text));
        }
        let now = DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z").unwrap().with_timezone(&Utc);
        assert_eq!(&judge(StatusCode::from_u16(status).unwrap(), &headers, now), expected);
    }

    #[test]
    fn answers_are_read_as_the_specification_says() {
        let failed = |status: u16, retry_after: Option<u64>| Outcome::Failed {
            error: format!("the endpoint answered {status}"),
            retry_after: retry_after.map(std::time::Duration::from_secs),
        };
        check(200, None, &Outcome::Sent);
        check(204, None, &Outcome::Sent);
        check(302, None, &failed(302, None));
        check(410, None, &Outcome::Gone { error: "the endpoint answered 410".to_owned() });
        check(429, Some("120"), &failed(429, Some(120)));
        check(503, Some("Fri, 02 Jan 2026 03:04:35 GMT"), &failed(503, Some(30)));
        check(503, Some("soon"), &failed(503, None));
    }
}

//! The settings of the shop's endpoint. Without `MERCHANT_WEBHOOK_URL` there is none.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use runtime::settings::{count, default, duration, required};
use secrecy::SecretSlice;

runtime::settings! {
    /// The shop's endpoint, and how requests to it are signed.
    pub struct MerchantWebhookSettings under "The shop's endpoint" if MERCHANT_WEBHOOK_URL {
        /// URL that receives the shop's notices by Standard Webhooks; without it they are only logged
        MERCHANT_WEBHOOK_URL => url: Url = required(http_url),
        /// Signing secrets, whsec_…; during a rotation several, separated by commas: each of them signs
        MERCHANT_WEBHOOK_SECRETS => secrets: Vec<SecretSlice<u8>> = required(signing_secrets),
        /// How long the endpoint may take, from connecting to the end of its answer
        MERCHANT_WEBHOOK_TIMEOUT => timeout: Duration = default("15s", duration),
        /// Requests to the endpoint at a time
        MERCHANT_WEBHOOK_CONCURRENCY => concurrency: usize = default("16", count(1_000)),
    }
}

/// A URL of HTTP.
pub(crate) fn http_url(text: &str) -> Result<Url, String> {
    let url: Url = text.trim().parse().map_err(|error| format!("it is not a URL: {error}"))?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err("it must start with https://".to_owned()) }
}

/// The bytes behind `whsec_`: 24 to 64, in base64, as Standard Webhooks has them.
fn signing_secrets(text: &str) -> Result<Vec<SecretSlice<u8>>, String> {
    let secret = |text: &str| {
        let bytes = text.trim().strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
        bytes
            .filter(|bytes| (24..=64).contains(&bytes.len()))
            .map(SecretSlice::from)
            .ok_or_else(|| "each must be whsec_ and 24 to 64 bytes in base64".to_owned())
    };
    text.split(',').map(secret).collect()
}

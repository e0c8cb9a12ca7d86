//! The settings of the shop's endpoint. Without `MERCHANT_WEBHOOK_URL` there is none.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use runtime::settings::{Problems, count, duration};
use secrecy::SecretSlice;

use crate::channel::merchant_webhook::MerchantWebhookSettings;

/// The settings as text. No secret has a default.
#[derive(Debug, Args)]
#[command(next_help_heading = "The shop's endpoint")]
pub struct MerchantWebhookArgs {
    /// Where the shop wants to be told, by Standard Webhooks; unset: only the log is told
    #[arg(long, env, hide_env_values = true)]
    merchant_webhook_url: Option<String>,
    /// whsec_… secrets that sign, several with commas during a rotation
    #[arg(long, env, hide_env_values = true)]
    merchant_webhook_secrets: Option<String>,
    /// How long the shop's endpoint may take to answer
    #[arg(long, env, default_value = "15s")]
    merchant_webhook_timeout: String,
    /// Requests to the shop's endpoint at a time
    #[arg(long, env, default_value = "16")]
    merchant_webhook_concurrency: String,
}

impl MerchantWebhookArgs {
    /// The outer `None` is a problem, the inner one the lack of an endpoint.
    #[expect(clippy::option_option, reason = "wrong and absent are not the same")]
    pub(super) fn read(
        &self,
        lease: Option<Duration>,
        problems: &mut Problems,
    ) -> Option<Option<MerchantWebhookSettings>> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let timeout = problems.take("MERCHANT_WEBHOOK_TIMEOUT", duration(&self.merchant_webhook_timeout));
        let concurrency =
            problems.take("MERCHANT_WEBHOOK_CONCURRENCY", count(&self.merchant_webhook_concurrency, 1_000));
        let Some(url) = given(&self.merchant_webhook_url) else { return Some(None) };
        let url = problems.take("MERCHANT_WEBHOOK_URL", parse_url(&url));
        let secrets = problems.require("MERCHANT_WEBHOOK_SECRETS", self.merchant_webhook_secrets.clone());
        let secrets = secrets.and_then(|secrets| problems.take("MERCHANT_WEBHOOK_SECRETS", parse_secrets(&secrets)));
        if timeout.zip(lease).is_some_and(|(timeout, lease)| timeout >= lease) {
            problems
                .add("DELIVERY_LEASE", "it must be longer than MERCHANT_WEBHOOK_TIMEOUT, or deliveries are repeated");
        }
        Some(Some(MerchantWebhookSettings {
            url: url?,
            secrets: secrets?,
            timeout: timeout?,
            concurrency: usize::try_from(concurrency?).ok()?,
        }))
    }
}

/// An address that is asked over HTTP.
pub(super) fn parse_url(text: &str) -> Result<reqwest::Url, String> {
    let url: reqwest::Url = text.parse().map_err(|error| format!("it is not a URL: {error}"))?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err("it must start with https://".to_owned()) }
}

/// Secrets as Standard Webhooks has them: `whsec_` and 24 to 64 bytes in base64.
fn parse_secrets(text: &str) -> Result<Vec<SecretSlice<u8>>, String> {
    let parse = |secret: &str| {
        let bytes = secret.trim().strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
        bytes
            .filter(|bytes| (24..=64).contains(&bytes.len()))
            .map(SecretSlice::from)
            .ok_or_else(|| "each must be whsec_ and 24 to 64 bytes in base64".to_owned())
    };
    text.split(',').map(parse).collect()
}

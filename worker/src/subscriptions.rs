//! Where the providers send their webhooks: shown and set by hand, and compared at start.

mod airalo;
mod arguments;
mod esim_access;
mod source_api;
mod webhook_url;

use providers::{WebhookUrls, dialect};

use crate::provider_api::{ApiError, Apis, ProviderApi};
use crate::sources::Sources;
use webhook_url::{WebhookUrl, redact};

pub use airalo::run_airalo;
pub use arguments::{AiraloCommand, EsimAccessCommand, EsimAccessWebhook};
pub use esim_access::run_esim_access;

/// Asks each provider that can tell whether its webhooks come here, and warns where they don't. A check that is not
/// possible is a warning, too, and nothing more.
pub async fn check(apis: &Apis, sources: &Sources, public_url: &str) {
    for (name, source) in sources.iter() {
        let (Some(api), Some(urls)) = (apis.find(name), &dialect(source.provider).api.webhook_urls) else { continue };
        let ours = match WebhookUrl::of(public_url, name, &source.token) {
            Ok(ours) => ours,
            Err(problem) => {
                tracing::warn!(source = name, problem, "it can't be checked whether webhooks come here");
                continue;
            }
        };
        match find_registered(api, urls).await {
            Ok(registered) => warn_of_others(name, &ours, &registered),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(source = name, error, "it can't be checked whether webhooks come here");
            }
        }
    }
}

async fn find_registered(api: &ProviderApi, urls: &WebhookUrls) -> Result<Vec<String>, ApiError> {
    let answer = api.send(&(urls.request)()).await?.unwrap_or_default();
    Ok((urls.read)(&answer))
}

fn warn_of_others(source: &str, ours: &WebhookUrl, registered: &[String]) {
    if registered.is_empty() {
        tracing::warn!(source, ours = ours.public, "the provider has no URL to send webhooks to");
    }
    for url in registered.iter().filter(|url| !ours.is(url)) {
        let registered = redact(url);
        tracing::warn!(source, registered, ours = ours.public, "the provider sends webhooks to another URL");
    }
}

//! The API of the source that a command is about.

use anyhow::bail;
use providers::ApiRequest;
use serde_json::Value;
use shared::origin::Provider;

use super::webhook_url::{WebhookUrl, redact};
use crate::provider_api::{ApiError, Apis, ProviderApi};
use crate::sources::Sources;

/// One source's API, and where its webhooks should go.
pub(super) struct SourceApi<'a> {
    api: &'a ProviderApi,
    ours: Result<WebhookUrl, String>,
}

impl<'a> SourceApi<'a> {
    pub(super) fn find(
        apis: &'a Apis,
        sources: &Sources,
        public_url: &Option<String>,
        name: &str,
        provider: Provider,
    ) -> anyhow::Result<Self> {
        let Some(source) = sources.find(name) else { bail!("there is no source `{name}` in SOURCES_FILE") };
        if source.provider != provider {
            bail!("the source `{name}` is {}'s, not {provider}'s", source.provider);
        }
        let Some(api) = apis.find(name) else {
            bail!("the source `{name}` has no API credentials: give it api = {{ … }} in SOURCES_FILE");
        };
        let not_set = "PUBLIC_URL is not set: the base address of ingest as providers see it".to_owned();
        let ours = public_url.as_ref().ok_or(not_set).and_then(|base| WebhookUrl::of(base, name, &source.token));
        Ok(Self { api, ours })
    }

    /// The answer to `request`. An error says when to try again, if the API does.
    pub(super) async fn send(&self, request: &ApiRequest) -> anyhow::Result<Value> {
        Ok(self.api.send(request).await.map_err(with_advice)?.unwrap_or_default())
    }

    /// Where webhooks should go.
    pub(super) fn ours(&self) -> anyhow::Result<&WebhookUrl> {
        self.ours.as_ref().map_err(|problem| anyhow::anyhow!("{problem}"))
    }

    /// Whether webhooks come here, in words.
    pub(super) fn describe(&self, registered: Option<&str>) -> String {
        match (registered, &self.ours) {
            (None, _) => "nowhere that the API would show".to_owned(),
            (Some(url), Ok(ours)) if ours.is(url) => format!("here: {}", ours.public),
            (Some(url), Ok(_)) => format!("elsewhere: {}", redact(url)),
            (Some(url), Err(problem)) => format!("to {} ({problem})", redact(url)),
        }
    }
}

fn with_advice(error: ApiError) -> anyhow::Error {
    let wait = match &error {
        ApiError::Later { retry_after, .. } => *retry_after,
        ApiError::Refused { .. } | ApiError::Denied { .. } => None,
    };
    let error = anyhow::Error::new(error);
    match wait {
        Some(wait) => error.context(format!("try again in {} s", wait.as_secs() + 1)),
        None => error,
    }
}

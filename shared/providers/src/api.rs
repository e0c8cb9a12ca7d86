//! What a dialect says of its provider's API, besides what it answers.

use std::time::Duration;

use http::header::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;

use crate::credentials::{BaseUrl, CredentialKey, Credentials, ProofInput};
use crate::reply::{ApiOutcome, ApiReply};
use crate::request::ApiRequest;

/// How a provider's API is spoken to.
#[derive(Debug)]
pub struct ApiDialect {
    /// The settings that it takes.
    pub credentials: &'static [CredentialKey],
    pub base_url: BaseUrl,
    /// The headers that prove who sends a request.
    pub(crate) prove: fn(&ProofInput<'_>) -> Result<HeaderMap, String>,
    /// What a reply comes down to.
    pub(crate) judge: fn(&ApiReply) -> ApiOutcome,
    /// Where requests need a token.
    pub token: Option<TokenDialect>,
    /// Where the API tells which URLs it sends webhooks to.
    pub webhook_urls: Option<WebhookUrls>,
}

/// How a token is asked for.
#[derive(Debug, Clone, Copy)]
pub struct TokenDialect {
    pub request: fn(&Credentials) -> Result<ApiRequest, String>,
    /// `None` if there is no token in the answer.
    pub read: fn(&Value) -> Option<IssuedToken>,
}

/// A token, and how long it is valid from now.
#[derive(Debug)]
pub struct IssuedToken {
    pub value: SecretString,
    pub life: Duration,
}

/// How an API is asked where it sends webhooks.
#[derive(Debug, Clone, Copy)]
pub struct WebhookUrls {
    pub request: fn() -> ApiRequest,
    pub read: fn(&Value) -> Vec<String>,
}

impl ApiDialect {
    /// The headers that prove who sends a request; the error is why that is impossible.
    pub fn prove(&self, input: &ProofInput<'_>) -> Result<HeaderMap, String> {
        (self.prove)(input)
    }

    /// What the reply to `request` comes down to.
    pub fn judge(&self, request: &ApiRequest, reply: &ApiReply) -> ApiOutcome {
        match (self.judge)(reply) {
            ApiOutcome::Found(answer) if request.is_empty_answer(&answer) => ApiOutcome::NotFound,
            outcome => outcome,
        }
    }
}

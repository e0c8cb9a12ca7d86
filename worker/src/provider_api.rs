//! The providers' APIs: sends requests at the pace that a provider allows to all workers together, and tells apart what
//! may be asked again, what may not, and what needs an operator. It does not know what is asked, how a request is proven
//! and what a reply means: the crate `providers` says so.
//!
//! [`gate`] keeps the pace, [`http`] speaks, [`token`] keeps an API's token.

mod gate;
mod http;
pub mod settings;
mod token;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use providers::{ApiOutcome, ApiRequest, Dialect, ProofInput, TokenDialect, dialect};
use serde_json::Value;
use shared::lookup::Lookup;
use shared::origin::Provider;
use store::Store;
use thiserror::Error;
use uuid::Builder;

use crate::own_event;
use crate::sources::Sources;
use gate::Gate;
use http::Http;
use settings::ApiSettings;
use token::{AccessToken, Tokens};

/// The sources that have API credentials.
#[derive(Debug)]
pub struct Apis(BTreeMap<String, ProviderApi>);

/// One source's API.
#[derive(Debug)]
pub struct ProviderApi {
    dialect: &'static Dialect,
    settings: ApiSettings,
    http: Http,
    gate: Gate,
    tokens: Tokens,
}

/// Why there is no answer. The type is the decision.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiError {
    /// It may answer later: a timeout, an answer of 5xx, 429, a busy code, or no request may be sent now.
    #[error("the API can't answer now: {reason}")]
    Later { reason: String, retry_after: Option<Duration> },
    /// This lookup has no answer, however often it is asked.
    #[error("the API can't be asked this: {reason}")]
    Refused { reason: String },
    /// Nothing of this source works until an operator acts: credentials, or an address that is not allowed.
    #[error("the API does not let us in: {reason}")]
    Denied { reason: String },
}

impl Apis {
    /// Fails if there are no root certificates to trust.
    pub fn open(sources: &Sources, store: &Arc<dyn Store>) -> anyhow::Result<Self> {
        let mut apis = BTreeMap::new();
        for (name, source) in sources.iter() {
            if let Some(settings) = &source.api {
                apis.insert(name.to_owned(), ProviderApi::open(name, source.provider, settings.clone(), store)?);
            }
        }
        Ok(Self(apis))
    }

    pub fn find(&self, source: &str) -> Option<&ProviderApi> {
        self.0.get(source)
    }

    /// The names of the sources that can be asked.
    pub fn sources(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ProviderApi {
    fn open(source: &str, provider: Provider, settings: ApiSettings, store: &Arc<dyn Store>) -> anyhow::Result<Self> {
        if settings.base_url.scheme() == "http" && !is_loopback(&settings.base_url) {
            tracing::warn!(source, "the API's base_url is http: credentials and answers travel in the open");
        }
        Ok(Self {
            dialect: dialect(provider),
            http: Http::new(settings.timeout)?,
            gate: Gate::new(source, Arc::clone(store), settings.timeout),
            tokens: Tokens::default(),
            settings,
        })
    }

    pub fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// Asks, after waiting for the provider's rate limit, which all workers share. It sends one HTTP request, and one for
    /// a token where one is needed. `None`: the API says that there is no such entity.
    pub async fn ask(&self, lookup: &Lookup) -> Result<Option<Value>, ApiError> {
        let request = self.dialect.request(lookup, &self.settings.credentials);
        self.send(&request.map_err(|reason| ApiError::Refused { reason })?).await
    }

    /// Sends a request of this provider's dialect.
    pub(crate) async fn send(&self, request: &ApiRequest) -> Result<Option<Value>, ApiError> {
        let Some(dialect) = &self.dialect.api.token else { return settle(self.exchange(request, None).await?) };
        let first = self.token(dialect).await?;
        let outcome = self.exchange(request, Some(&first)).await?;
        if outcome != ApiOutcome::Unauthorized {
            return settle(outcome);
        }
        // The token may have been revoked before its time. If a new one is not accepted either, the credentials are wrong.
        self.tokens.forget(&first).await;
        let second = self.token(dialect).await?;
        settle(self.exchange(request, Some(&second)).await?)
    }

    async fn token(&self, dialect: &TokenDialect) -> Result<AccessToken, ApiError> {
        let renew = async || {
            let request = (dialect.request)(&self.settings.credentials);
            let request = request.map_err(|reason| ApiError::Denied { reason })?;
            // A refused request for a token means that the credentials are wrong.
            let answer = settle(self.exchange(&request, None).await?).map_err(|error| match error {
                ApiError::Refused { reason } => ApiError::Denied { reason: format!("no token: {reason}") },
                error @ (ApiError::Later { .. } | ApiError::Denied { .. }) => error,
            })?;
            let issued = answer.as_ref().and_then(dialect.read);
            let none = ApiError::Later { reason: "it gave no token".to_owned(), retry_after: None };
            issued.map(AccessToken::new).ok_or(none)
        };
        self.tokens.valid(renew).await
    }

    /// Sends one HTTP request, as soon as it may go, and tells all workers how the API does.
    async fn exchange(&self, request: &ApiRequest, token: Option<&AccessToken>) -> Result<ApiOutcome, ApiError> {
        let pass = self.gate.enter(request.limits()).await?;
        let url = request.url(&self.settings.base_url);
        let proof = ProofInput {
            credentials: &self.settings.credentials,
            token: token.map(AccessToken::value),
            path: url.path(),
            body: request.body(),
            sent_at: own_event::now(),
            request_id: Builder::from_random_bytes(rand::random()).into_uuid(),
        };
        let headers = self.dialect.api.prove(&proof).map_err(|reason| ApiError::Denied { reason })?;
        let reply = match self.http.send(request, url, headers).await {
            Ok(reply) => reply,
            Err(broken) => {
                self.gate.failed(pass, &broken.reason).await;
                return Err(ApiError::Later { reason: broken.reason, retry_after: None });
            }
        };
        match reply.failure() {
            Some(reason) => self.gate.failed(pass, &reason).await,
            None => self.gate.answered(pass).await,
        }
        let outcome = self.dialect.api.judge(request, &reply);
        if let ApiOutcome::Limited(pause) = &outcome {
            self.gate.block(request.limits(), *pause).await;
        }
        Ok(outcome)
    }
}

fn settle(outcome: ApiOutcome) -> Result<Option<Value>, ApiError> {
    match outcome {
        ApiOutcome::Found(answer) => Ok(Some(answer)),
        ApiOutcome::NotFound => Ok(None),
        ApiOutcome::Later(reason, retry_after) => Err(ApiError::Later { reason, retry_after }),
        ApiOutcome::Limited(pause) => {
            let reason = "it answered 429: we asked too often".to_owned();
            Err(ApiError::Later { reason, retry_after: Some(pause) })
        }
        ApiOutcome::Refused(reason) => Err(ApiError::Refused { reason }),
        ApiOutcome::Denied(reason) => Err(ApiError::Denied { reason }),
        ApiOutcome::Unauthorized => {
            let reason = "it answered 401; are the credentials in SOURCES_FILE right?".to_owned();
            Err(ApiError::Denied { reason })
        }
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_can_be_awaited_anywhere() {
        fn sendable<T: Send>(_: impl FnOnce(&'static ProviderApi, &'static Lookup) -> T) {}
        sendable(ProviderApi::ask);
    }
}

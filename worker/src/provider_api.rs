//! The providers' APIs: asks what a provider knows, at the pace that it allows to all workers together, and tells apart
//! what may be asked again, what may not, and what needs an operator. What an answer means is not its business.
//!
//! Each dialect ([`airalo`], [`esim_access`], …) only computes: a request from a question, its proof of who asks, and
//! what a reply says. [`gate`] keeps the pace, [`http`] speaks.

pub(crate) mod airalo;
mod airtm;
pub(crate) mod esim_access;
mod gate;
mod http;
mod request;
pub mod settings;
mod simplifytrip;
#[cfg(test)]
mod tests;
mod token;
mod verdict;
mod yoni;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;
use shared::lookup::Lookup;
use shared::origin::Provider;
use store::Store;
use thiserror::Error;
use uuid::Builder;

use crate::sources::Sources;
use gate::Gate;
use http::{Http, Reply};
use request::{Moment, Request};
use token::Tokens;
use verdict::Verdict;

pub use settings::{AirtmVersion, ApiSettings, Credentials};

/// The sources that have API credentials.
#[derive(Debug)]
pub struct Apis(BTreeMap<String, Api>);

/// One source's API.
#[derive(Debug)]
pub struct Api {
    provider: Provider,
    settings: ApiSettings,
    http: Http,
    gate: Gate,
    tokens: Tokens,
}

/// Why there is no answer. The type is the decision.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiError {
    /// It may answer later: a timeout, an answer of 5xx, 429, a busy code, or nobody is let through now.
    #[error("the API can't answer now: {reason}")]
    Later { reason: String, retry_after: Option<Duration> },
    /// This question has no answer, however often it is asked.
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
                apis.insert(name.to_owned(), Api::open(name, source.provider, settings.clone(), store)?);
            }
        }
        Ok(Self(apis))
    }

    pub fn find(&self, source: &str) -> Option<&Api> {
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

impl Api {
    fn open(source: &str, provider: Provider, settings: ApiSettings, store: &Arc<dyn Store>) -> anyhow::Result<Self> {
        if settings.base_url.scheme() == "http" && !is_loopback(&settings.base_url) {
            tracing::warn!(source, "the API's base_url is http: credentials and answers travel in the open");
        }
        Ok(Self {
            provider,
            http: Http::new(settings.timeout)?,
            gate: Gate::new(source, Arc::clone(store), settings.timeout),
            tokens: Tokens::default(),
            settings,
        })
    }

    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Asks, after waiting for the provider's rate limit, which all workers share. One HTTP request, and a token where
    /// one is needed. `None`: the API says that there is no such thing.
    pub async fn ask(&self, lookup: &Lookup) -> Result<Option<Value>, ApiError> {
        let request = self.question(lookup).map_err(|reason| ApiError::Refused { reason })?;
        self.send(&request).await
    }

    /// Sends a request of this provider's dialect.
    pub(crate) async fn send(&self, request: &Request) -> Result<Option<Value>, ApiError> {
        let first = self.token().await?;
        let mut verdict = self.exchange(request, first.as_ref()).await?;
        if let (Verdict::Unknown, Some(stale)) = (&verdict, first) {
            // It may have been revoked before its time; a new one that is not known either is wrong.
            self.tokens.forget(&stale).await;
            let second = self.token().await?;
            verdict = self.exchange(request, second.as_ref()).await?;
        }
        verdict.settle()
    }

    async fn token(&self) -> Result<Option<token::Token>, ApiError> {
        let Credentials::Airalo { client_id, client_secret } = &self.settings.credentials else { return Ok(None) };
        let renew = async || {
            let request = airalo::token_request(client_id, client_secret);
            match self.exchange(&request, None).await? {
                Verdict::Found(answer) => airalo::read_token(&answer),
                // Whatever is wrong with the question for a token is wrong with the credentials.
                verdict => Err(match verdict.settle() {
                    Err(ApiError::Refused { reason }) => ApiError::Denied { reason: format!("no token: {reason}") },
                    Err(error) => error,
                    Ok(_) => airalo::no_token(),
                }),
            }
        };
        self.tokens.valid(renew).await.map(Some)
    }

    /// One HTTP request, as soon as it may go, and what became of it told to all workers.
    async fn exchange(&self, request: &Request, token: Option<&token::Token>) -> Result<Verdict, ApiError> {
        let pass = self.gate.enter(&request.limits).await?;
        let request_id = Builder::from_random_bytes(rand::random()).into_uuid();
        let moment = Moment { now_ms: now_ms(), request_id };
        let url = request.url(&self.settings.base_url);
        let headers = match self.prove(&url, request, &moment, token.map(token::Token::value)) {
            Ok(headers) => headers,
            Err(reason) => return Err(ApiError::Denied { reason }),
        };
        let reply = match self.http.send(request, url, headers).await {
            Ok(reply) => reply,
            Err(broken) => {
                self.gate.failed(pass, &broken.reason).await;
                return Err(ApiError::Later { reason: broken.reason, retry_after: None });
            }
        };
        match reply.trouble() {
            Some(reason) => self.gate.failed(pass, &reason).await,
            None => self.gate.answered(pass).await,
        }
        let verdict = self.read(request, &reply);
        if let Verdict::Limited(pause) = &verdict {
            self.gate.block(&request.limits, *pause).await;
        }
        Ok(verdict)
    }

    fn question(&self, lookup: &Lookup) -> Result<Request, String> {
        match &self.settings.credentials {
            Credentials::Airalo { .. } => airalo::question(lookup),
            Credentials::EsimAccess { .. } => esim_access::question(lookup),
            Credentials::Yoni { .. } => yoni::question(lookup),
            Credentials::Simplifytrip { .. } => simplifytrip::question(lookup),
            Credentials::Airtm { version, .. } => airtm::question(lookup, *version),
        }
    }

    /// The headers that say who asks.
    fn prove(
        &self,
        url: &reqwest::Url,
        request: &Request,
        moment: &Moment,
        token: Option<&SecretString>,
    ) -> Result<HeaderMap, String> {
        match &self.settings.credentials {
            Credentials::Airalo { .. } => airalo::prove(token),
            Credentials::EsimAccess { access_code, secret_key } => {
                esim_access::prove(access_code, secret_key.as_ref(), request.body(), moment)
            }
            Credentials::Yoni { app_id, app_secret } => yoni::prove(app_id, app_secret, url.path(), moment),
            Credentials::Simplifytrip { api_key, secret_key } => simplifytrip::prove(api_key, secret_key),
            Credentials::Airtm { api_key, secret, .. } => airtm::prove(api_key, secret),
        }
    }

    fn read(&self, request: &Request, reply: &Reply) -> Verdict {
        let verdict = match &self.settings.credentials {
            Credentials::Airalo { .. } => airalo::read(reply),
            Credentials::EsimAccess { .. } => esim_access::read(reply),
            Credentials::Yoni { .. } => yoni::read(reply),
            Credentials::Simplifytrip { .. } => simplifytrip::read(reply),
            Credentials::Airtm { .. } => airtm::read(reply),
        };
        match verdict {
            Verdict::Found(answer) if request.empty.holds(&answer) => Verdict::Nothing,
            verdict => verdict,
        }
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

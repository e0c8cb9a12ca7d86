//! A webhook on its way: over HTTP as a provider sends it, or past ingest straight into the queue.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use chrono::{SubsecRound as _, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use runtime::broker::{Broker, BrokerSettings, Publisher};
use runtime::queue::Publish as _;
use samples::{Credential, Source};
use serde_json::Value;
use shared::envelope::{Envelope, Mode, Origin};
use shared::origin::Provider;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::eventually::eventually;
use crate::sources::credential;

/// A request that is not sent yet.
#[derive(Debug, Clone)]
pub struct Posting {
    client: Client,
    address: SocketAddr,
    source: Option<Source>,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// As JSON; null if it is none.
    pub body: Value,
}

impl Posting {
    pub fn new(client: &Client, address: SocketAddr, source: Option<Source>, path: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { client: client.clone(), address, source, path: path.to_owned(), headers, body }
    }

    /// With what proves that the source's provider sends it: a signature, or the token in the path.
    #[must_use]
    pub fn signed(self) -> Self {
        let credential = credential(self.source.unwrap());
        self.signed_with(&credential)
    }

    #[must_use]
    pub fn signed_with(mut self, credential: &Credential) -> Self {
        match credential {
            Credential::Token(token) => self.path = format!("{}/{token}", self.path),
            Credential::SigningSecret(_) => {
                let id = samples::message_id(&Uuid::now_v7().to_string());
                let signed = samples::sign(self.source.unwrap(), credential, &self.body, &id, Utc::now());
                self.headers.extend(signed.into_iter().map(|(name, value)| (name.to_owned(), value)));
            }
        }
        self
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// To another ingest than the system's own.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub async fn send(&self) -> Answer {
        self.try_send().await.unwrap_or_else(|error| panic!("no answer from {}: {error}", self.path))
    }

    pub async fn try_send(&self) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.request(Method::POST, format!("http://{}{}", self.address, self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = request.body(self.body.clone()).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// The event's id.
    pub fn id(&self) -> Uuid {
        self.body["id"].as_str().unwrap().parse().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A body as ingest would wrap it now.
pub fn envelope(source: Source, body: &[u8]) -> Envelope {
    Envelope {
        id: Uuid::now_v7(),
        source: source.name().to_owned(),
        provider: Provider::parse(source.provider()).unwrap(),
        mode: Mode::Live,
        origin: Origin::Webhook,
        received_at: Utc::now().trunc_subsecs(6),
        content_type: None,
        traceparent: None,
        headers: BTreeMap::new(),
        body: body.to_vec(),
    }
}

pub(crate) async fn publish(settings: BrokerSettings, envelope: &Envelope) {
    let stop = CancellationToken::new();
    let (publisher, publishing) = Publisher::start(Broker::new(settings, "integration"), stop.clone());
    eventually(
        "the publisher is connected",
        async || {
            if publisher.is_ready() { Ok(()) } else { Err("it is not".to_owned()) }
        },
    )
    .await;
    publisher.publish(envelope).await.unwrap();
    stop.cancel();
    publishing.await.unwrap().unwrap();
}

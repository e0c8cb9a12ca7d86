//! The shop's endpoint: answers as told, remembers what came, and verifies it by the Standard Webhooks specification
//! alone, apart from the code that signs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

const KEY: &[u8] = b"the shop and the worker share this";

/// The endpoint.
#[derive(Debug)]
pub struct Merchant {
    server: MockServer,
    answer: Answer,
}

#[derive(Debug, Clone)]
struct Answer(Arc<Mutex<ResponseTemplate>>);

impl Respond for Answer {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().clone()
    }
}

/// One request that came.
#[derive(Debug, Clone)]
pub struct Received {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub traceparent: Option<String>,
    pub body: Value,
    raw: Vec<u8>,
}

impl Merchant {
    pub async fn open() -> Self {
        let answer = Answer(Arc::new(Mutex::new(ResponseTemplate::new(200))));
        let server = MockServer::start().await;
        Mock::given(matchers::method("POST")).respond_with(answer.clone()).mount(&server).await;
        Self { server, answer }
    }

    pub fn url(&self) -> String {
        format!("{}/hook", self.server.uri())
    }

    /// The key, as an operator writes it.
    pub fn secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(KEY))
    }

    /// From now on answers so.
    pub fn answers(&self, answer: ResponseTemplate) {
        *self.answer.0.lock().unwrap() = answer;
    }

    /// Everything that came, oldest first.
    pub async fn received(&self) -> Vec<Received> {
        self.server.received_requests().await.unwrap().iter().map(Received::read).collect()
    }

    /// How often each delivery came, by its `webhook-id`.
    pub async fn times_by_id(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for received in self.received().await {
            *times.entry(received.id).or_default() += 1;
        }
        times
    }
}

impl Received {
    fn read(request: &Request) -> Self {
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Self {
            id: header("webhook-id").unwrap(),
            timestamp: header("webhook-timestamp").unwrap(),
            signature: header("webhook-signature").unwrap(),
            traceparent: header("traceparent"),
            body: serde_json::from_slice(&request.body).unwrap(),
            raw: request.body.clone(),
        }
    }

    /// The kind of action.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    /// Whether the signature is the shop's and the time near `now` (seconds since 1970).
    pub fn is_authentic(&self, now: i64) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
        for part in [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", &self.raw] {
            mac.update(part);
        }
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let is_near = (now - self.timestamp.parse::<i64>().unwrap()).abs() <= 300;
        is_near && self.signature.split(' ').any(|signature| signature == expected)
    }
}

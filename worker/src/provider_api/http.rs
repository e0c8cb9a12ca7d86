//! HTTP to an API: bounded in time and size, without redirects, and without a secret in any error.

use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use providers::{ApiReply, ApiRequest, ReplyBody};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};
use runtime::retry_after;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest documented answer is an order of 100 eSIMs, far below.
const BODY_MAX: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Http(Client);

/// No whole reply came.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) reason: String,
}

impl Http {
    /// `timeout` is for connecting, sending and the whole answer together.
    pub(super) fn new(timeout: Duration) -> anyhow::Result<Self> {
        runtime::tls::use_ring();
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            // A redirect would carry the credentials elsewhere.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("esim-events/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("building the HTTP client for the providers' APIs")?;
        Ok(Self(client))
    }

    pub(super) async fn send(&self, request: &ApiRequest, url: Url, headers: HeaderMap) -> Result<ApiReply, Broken> {
        let mut builder = self.0.request(request.method().clone(), url).headers(headers);
        builder = builder.header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(content_type) = request.content_type() {
            builder = builder.header(CONTENT_TYPE, content_type).body(request.body().to_owned());
        }
        let response = builder.send().await.map_err(|error| describe(&error.without_url()))?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| retry_after::parse(text, Utc::now()));
        let bytes = read_body(response).await?;
        Ok(ApiReply { status, retry_after, body: ReplyBody::read(&bytes) })
    }
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error.without_url()))? {
        if bytes.len() + chunk.len() > BODY_MAX {
            return Err(Broken { reason: format!("its answer is longer than {BODY_MAX} bytes") });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn describe(error: &reqwest::Error) -> Broken {
    let reason = if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else if error.is_connect() {
        format!("it can't be reached: {}", runtime::telemetry::chain(error))
    } else {
        format!("its answer broke off: {}", runtime::telemetry::chain(error))
    };
    Broken { reason }
}

//! Why a webhook is not taken, and what its sender is told: a status that makes it do the right thing, and nothing that
//! helps an attacker. Our own trouble is never a 4xx, because some providers never try again after one.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use providers::Unauthentic;
use runtime::http::Problem;
use thiserror::Error;

/// How long a sender should wait before it tries again while nothing durable can hold its webhook.
const RETRY_LATER: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Rejection {
    /// Also a wrong token: nobody can tell the two apart.
    #[error("no such source, or a wrong token")]
    Unknown,
    #[error("the method is not allowed")]
    Method,
    #[error("the sender's address is not allowed")]
    Address,
    #[error("{0}")]
    Signature(Unauthentic),
    #[error("the source sends faster than its rate_limit")]
    Rate { retry_after: Duration },
    #[error("the body took longer than BODY_TIMEOUT")]
    BodySlow,
    #[error("the body is larger than BODY_LIMIT_BYTES")]
    BodyLarge,
    /// The sender went away, or does not speak HTTP well.
    #[error("the body could not be read to its end")]
    BodyBroken,
    #[error("nothing durable can hold it")]
    NowhereDurable,
    #[error("a bug in ingest")]
    Bug,
}

impl Rejection {
    /// One word, for metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Method => "method",
            Self::Address => "address",
            Self::Signature(Unauthentic::Missing) => "signature_missing",
            Self::Signature(Unauthentic::Mismatch) => "signature_mismatch",
            Self::Signature(Unauthentic::Expired) => "signature_expired",
            Self::Rate { .. } => "rate",
            Self::BodySlow => "body_slow",
            Self::BodyLarge => "body_large",
            Self::BodyBroken => "body_broken",
            Self::NowhereDurable => "nowhere_durable",
            Self::Bug => "bug",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Address => StatusCode::FORBIDDEN,
            Self::Signature(_) => StatusCode::UNAUTHORIZED,
            Self::Rate { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::BodySlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::NowhereDurable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rate { retry_after } => Some(*retry_after),
            Self::NowhereDurable => Some(RETRY_LATER),
            _ => None,
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = Problem::new(self.status()).into_response();
        if let Some(wait) = self.retry_after() {
            // Whole seconds, rounded up: sooner would be too soon.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self == Self::Method {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
        }
        response
    }
}

//! What a reply comes down to: the answer, nothing, or why not, and what that means for the next attempt.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::ApiError;
use super::http::{Body, Reply};

/// How long nobody asks after a 429 that does not say.
const LIMITED_FOR: Duration = Duration::from_secs(10);
/// A header must not silence an API for ever.
const LIMITED_MAX: Duration = Duration::from_secs(3_600);

/// What a reply comes down to.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Found(Value),
    /// There is no such thing.
    Nothing,
    Later(String, Option<Duration>),
    /// We asked too often: nobody asks again before this time is over.
    Limited(Duration),
    Refused(String),
    Denied(String),
    /// The API does not know who asks. With a token, that may be the token's age.
    Unknown,
}

impl Verdict {
    pub(super) fn settle(self) -> Result<Option<Value>, ApiError> {
        match self {
            Self::Found(answer) => Ok(Some(answer)),
            Self::Nothing => Ok(None),
            Self::Later(reason, retry_after) => Err(ApiError::Later { reason, retry_after }),
            Self::Limited(pause) => {
                let reason = "it answered 429: we asked too often".to_owned();
                Err(ApiError::Later { reason, retry_after: Some(pause) })
            }
            Self::Refused(reason) => Err(ApiError::Refused { reason }),
            Self::Denied(reason) => Err(ApiError::Denied { reason }),
            Self::Unknown => {
                let reason = "it answered 401; are the credentials in SOURCES_FILE right?".to_owned();
                Err(ApiError::Denied { reason })
            }
        }
    }
}

/// What the status says where no code of the provider's says more. Successes are left to the caller.
pub(super) fn by_status(reply: &Reply) -> Option<Verdict> {
    let status = reply.status;
    let answered = format!("it answered {}", status.as_u16());
    match status {
        _ if status.is_success() => match reply.body {
            Body::NotJson => Some(Verdict::Later(format!("{answered} with what is no JSON"), reply.retry_after)),
            Body::Json(_) | Body::Empty => None,
        },
        StatusCode::UNAUTHORIZED => Some(Verdict::Unknown),
        StatusCode::FORBIDDEN => {
            Some(Verdict::Denied(format!("{answered}; is our address allowed, and the account enabled for this?")))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            Some(Verdict::Limited(reply.retry_after.unwrap_or(LIMITED_FOR).min(LIMITED_MAX)))
        }
        // Where the API itself would say so in JSON, whatever else is at that address does not know the path.
        StatusCode::NOT_FOUND if reply.json().is_some() => Some(Verdict::Nothing),
        StatusCode::NOT_FOUND => Some(Verdict::Denied(format!("{answered} without JSON; is base_url right?"))),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Some(Verdict::Later(answered, reply.retry_after)),
        _ if status.is_server_error() => {
            Some(Verdict::Later(answered, reply.retry_after.map(|pause| pause.min(LIMITED_MAX))))
        }
        _ if status.is_client_error() => Some(Verdict::Refused(answered)),
        _ => Some(Verdict::Denied(format!("{answered}; is base_url right?"))),
    }
}

/// A code, whether it is a number or text.
pub(super) fn code(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

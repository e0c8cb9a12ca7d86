//! A reply of a provider's API, and what it comes down to: an answer, that there is none, or why not and what that means
//! for the next attempt.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

/// How long an API is left alone after a 429 without `Retry-After`.
const LIMITED_FOR: Duration = Duration::from_secs(10);
/// The longest pause that a header may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// A whole reply.
#[derive(Debug)]
pub struct ApiReply {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: ReplyBody,
}

#[derive(Debug)]
pub enum ReplyBody {
    Json(Value),
    /// As after 204.
    Empty,
    NotJson,
}

/// What a reply comes down to.
#[derive(Debug, Clone, PartialEq)]
pub enum ApiOutcome {
    Found(Value),
    /// There is no such entity.
    NotFound,
    /// The API may answer later: why, and after which pause, if it names one.
    Later(String, Option<Duration>),
    /// We asked too often: nothing may be asked before this time is over.
    Limited(Duration),
    /// This request never has an answer.
    Refused(String),
    /// An operator has to act first.
    Denied(String),
    /// The API does not accept our credentials. With a token, the token may be too old.
    Unauthorized,
}

impl ReplyBody {
    pub fn read(bytes: &[u8]) -> Self {
        if bytes.trim_ascii().is_empty() {
            return Self::Empty;
        }
        serde_json::from_slice(bytes).map_or(Self::NotJson, Self::Json)
    }
}

impl ApiReply {
    pub(crate) fn json(&self) -> Option<&Value> {
        match &self.body {
            ReplyBody::Json(value) => Some(value),
            ReplyBody::Empty | ReplyBody::NotJson => None,
        }
    }

    /// What shows that the API itself fails, whatever its answer says.
    pub fn failure(&self) -> Option<String> {
        if self.status.is_server_error() {
            return Some(format!("it answered {}", self.status.as_u16()));
        }
        let is_whole = !matches!(self.body, ReplyBody::NotJson) || !self.status.is_success();
        (!is_whole).then(|| not_json(self.status))
    }
}

/// What the status says, where no code of the provider says more. `None`: it says success.
pub(crate) fn by_status(reply: &ApiReply) -> Option<ApiOutcome> {
    let status = reply.status;
    let answered = format!("it answered {}", status.as_u16());
    match status {
        _ if status.is_success() => match reply.body {
            ReplyBody::NotJson => Some(ApiOutcome::Later(not_json(status), reply.retry_after)),
            ReplyBody::Json(_) | ReplyBody::Empty => None,
        },
        StatusCode::UNAUTHORIZED => Some(ApiOutcome::Unauthorized),
        StatusCode::FORBIDDEN => {
            Some(ApiOutcome::Denied(format!("{answered}; is our address allowed, and the account enabled for this?")))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            Some(ApiOutcome::Limited(reply.retry_after.unwrap_or(LIMITED_FOR).min(PAUSE_MAX)))
        }
        // The API itself would say so in JSON; without it, something else is at this address.
        StatusCode::NOT_FOUND if reply.json().is_some() => Some(ApiOutcome::NotFound),
        StatusCode::NOT_FOUND => Some(ApiOutcome::Denied(format!("{answered} without JSON; is base_url right?"))),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Some(ApiOutcome::Later(answered, reply.retry_after)),
        _ if status.is_server_error() => {
            Some(ApiOutcome::Later(answered, reply.retry_after.map(|pause| pause.min(PAUSE_MAX))))
        }
        _ if status.is_client_error() => Some(ApiOutcome::Refused(answered)),
        _ => Some(ApiOutcome::Denied(format!("{answered}; is base_url right?"))),
    }
}

/// A code, whether it is a number or text.
pub(crate) fn code(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn not_json(status: StatusCode) -> String {
    format!("it answered {} with what is no JSON", status.as_u16())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::origin::Provider;

    use super::*;
    use crate::dialect;
    use crate::fixtures::{check_outcome, reply, word};

    #[test]
    fn a_status_says_whether_to_ask_again() {
        for (status, expected) in [
            (200, "found"),
            (302, "denied"),
            (400, "refused"),
            (401, "unknown"),
            (403, "denied"),
            (404, "nothing"),
            (408, "later"),
            (429, "limited"),
            (500, "later"),
            (503, "later"),
        ] {
            for provider in [Provider::Airalo, Provider::Simplifytrip, Provider::Airtm] {
                check_outcome(provider, status, &json!({ "data": [] }), expected);
            }
        }
        check_outcome(Provider::Airalo, 404, &Value::Null, "denied");
        check_outcome(Provider::Airalo, 204, &Value::Null, "found");
        let half = ApiReply { body: ReplyBody::read(b"<html>"), ..reply(200, &Value::Null) };
        let outcome = (dialect(Provider::Airalo).api.judge)(&half);
        assert_eq!((word(&outcome), half.failure().is_some()), ("later", true));
    }

    #[test]
    fn numbers_are_kept_digit_by_digit() {
        let body = ReplyBody::read(br#"{"data":{"price":9.50,"id":12345678901234567890123}}"#);
        let whole = ApiReply { body, ..reply(200, &Value::Null) };
        let ApiOutcome::Found(found) = (dialect(Provider::Airalo).api.judge)(&whole) else { panic!("nothing") };
        assert_eq!(found.to_string(), r#"{"data":{"price":9.50,"id":12345678901234567890123}}"#);
    }
}

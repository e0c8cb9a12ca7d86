//! One attempt as an HTTP request: where it goes, how it is signed, and how a stranger would try instead.

use chrono::TimeDelta;
use samples::{Credential, Source, sign};

use crate::event::{Event, Forgery, Nature, Time};

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Below the base address of ingest.
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// Svix's own libraries allow five minutes.
const OUTDATED: TimeDelta = TimeDelta::minutes(10);

impl Request {
    /// The event as `source` sends it at `now`: signed anew in each attempt.
    pub fn new(source: Source, event: &Event, credential: &Credential, now: Time) -> Self {
        let body = event.body.bytes(now);
        let mut headers = vec![("content-type", "application/json".to_owned())];
        let signed = |credential: &Credential, body: &[u8], at: Time| {
            sign(source, credential, body, &event.message_id, at)
        };
        let path = match (&event.nature, credential) {
            (Nature::Genuine | Nature::Malformed { .. }, _) => {
                headers.extend(signed(credential, &body, now));
                source.path(credential)
            }
            (Nature::Forged(forgery), Credential::SigningSecret(_)) => {
                headers.extend(match forgery {
                    Forgery::NoProof => Vec::new(),
                    Forgery::WrongProof => signed(&wrong_secret(source), &body, now),
                    Forgery::Borrowed => signed(credential, b"{\"note\":\"another body\"}", now),
                    Forgery::Outdated => signed(credential, &body, now - OUTDATED),
                });
                source.path(credential)
            }
            (Nature::Forged(forgery), Credential::Token(token)) => match forgery {
                Forgery::NoProof => format!("/webhooks/{}", source.name()),
                Forgery::WrongProof => format!("/webhooks/{}/a-token-that-somebody-guessed", source.name()),
                Forgery::Borrowed | Forgery::Outdated => format!("/webhooks/nobody/{token}"),
            },
        };
        Self { path, headers, body }
    }
}

/// Of the right form, and not the right one.
fn wrong_secret(source: Source) -> Credential {
    let secret = match source {
        Source::AirtmV2 => "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA==",
        _ => "somebody else's secret",
    };
    Credential::SigningSecret(secret.to_owned())
}

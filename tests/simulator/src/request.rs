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
        let signed =
            |credential: &Credential, body: &[u8], at: Time| sign(source, credential, body, &event.message_id, at);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, Inbox, Meaning};

    fn event(nature: Nature) -> Event {
        let (meaning, inbox, message_id) = (Meaning::default(), Inbox::default(), "msg_1".to_owned());
        Event { at: now(), body: Body::Fixed(b"{}".to_vec()), meaning, inbox, nature, message_id }
    }

    fn now() -> Time {
        "2026-05-01T12:00:00Z".parse().unwrap()
    }

    fn secret(source: Source) -> Credential {
        let text = if source == Source::AirtmV2 { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } else { "secret" };
        if source.signs() { Credential::SigningSecret(text.to_owned()) } else { Credential::Token(text.to_owned()) }
    }

    /// The path, and the headers that prove something.
    fn sent(source: Source, nature: Nature) -> (String, Vec<(&'static str, String)>) {
        let mut request = Request::new(source, &event(nature), &secret(source), now());
        (request.path, request.headers.split_off(1))
    }

    #[test]
    fn a_forged_request_never_proves_what_a_genuine_one_does() {
        for source in Source::ALL {
            let genuine = sent(source, Nature::Genuine);
            assert_eq!(!genuine.1.is_empty(), source.signs());
            assert_eq!(
                sent(source, Nature::Malformed { reasons: &[] }),
                genuine,
                "what is malformed is the provider's"
            );
            for forgery in [Forgery::NoProof, Forgery::WrongProof, Forgery::Borrowed, Forgery::Outdated] {
                // Only Svix signs the time.
                if forgery != Forgery::Outdated || source == Source::AirtmV2 {
                    assert_ne!(sent(source, Nature::Forged(forgery)), genuine, "{source:?} {forgery:?}");
                }
            }
        }
    }

    #[test]
    fn simplifytrip_dates_and_signs_each_attempt_anew() {
        let body = serde_json::json!({ "id": "1", "sentDate": null, "createdAt": "2026-04-01T00:00:00.000Z" });
        let event = Event { body: Body::Dated { body, skew: TimeDelta::seconds(-2) }, ..event(Nature::Genuine) };
        let source = Source::SimplifyTrip;
        let [one, other] =
            [0, 5].map(|minutes| Request::new(source, &event, &secret(source), now() + TimeDelta::minutes(minutes)));
        assert!(String::from_utf8_lossy(&one.body).contains("\"sentDate\":\"2026-05-01T11:59:58.000Z\""));
        assert!(one.body != other.body && one.headers != other.headers);
        assert_eq!(event.body.identity(), event.clone().body.identity());
    }
}

//! An envelope's head as a message carries it, and back: texts under the names of the queue's contract. It knows no
//! broker, so what anybody may put into a queue can be tried out without one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};
use uuid::Uuid;

use super::Envelope;
use crate::origin::{Mode, Origin, Provider};

/// What a request's header is called in the message: with this in front of its own name.
const HTTP_PREFIX: &str = "http-";
/// Digits of a second.
const MICROSECONDS: u16 = 6;

/// What a message says besides its body.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Head<'a> {
    pub message_id: Option<Cow<'a, str>>,
    /// The property `type`: the provider.
    pub kind: Option<Cow<'a, str>>,
    pub content_type: Option<Cow<'a, str>>,
    /// The headers that are texts.
    pub headers: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl fmt::Debug for Head<'_> {
    /// Without the headers' texts, as an [`Envelope`]'s.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("message_id", &self.message_id)
            .field("kind", &self.kind)
            .field("headers", &self.headers.keys())
            .finish_non_exhaustive()
    }
}

impl<'a> Head<'a> {
    pub fn of(envelope: &'a Envelope) -> Self {
        let received_at = envelope.received_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut headers: BTreeMap<Cow<'a, str>, Cow<'a, str>> = BTreeMap::from([
            ("source".into(), envelope.source.as_str().into()),
            ("received_at".into(), received_at.into()),
            ("mode".into(), envelope.mode.as_str().into()),
            ("origin".into(), envelope.origin.as_str().into()),
        ]);
        let traceparent = envelope.traceparent.as_deref();
        headers.extend(traceparent.map(|traceparent| ("traceparent".into(), traceparent.into())));
        let http = envelope.headers.iter();
        headers.extend(http.map(|(name, text)| (format!("{HTTP_PREFIX}{name}").into(), text.as_str().into())));
        Self {
            message_id: Some(envelope.id.to_string().into()),
            kind: Some(envelope.provider.as_str().into()),
            content_type: envelope.content_type.as_deref().map(Cow::from),
            headers,
        }
    }

    /// The envelope with this body; an error says what is missing or wrong.
    pub fn envelope(&self, body: Vec<u8>) -> Result<Envelope, String> {
        let received_at = self.text("received_at").ok_or("the header received_at is missing")?;
        let received_at = DateTime::parse_from_rfc3339(received_at).map_err(|error| format!("received_at: {error}"))?;
        Ok(Envelope {
            id: self.message_id().ok_or("message_id is missing or not a UUID")?,
            source: self.text("source").ok_or("the header source is missing")?.to_owned(),
            provider: self.provider().ok_or("type is missing or names no provider")?,
            mode: self.known("mode", |word| Mode::deserialize(word))?,
            origin: self.known("origin", |word| Origin::deserialize(word))?,
            received_at: received_at.with_timezone(&Utc).trunc_subsecs(MICROSECONDS),
            content_type: self.content_type.as_deref().map(str::to_owned),
            traceparent: self.text("traceparent").map(str::to_owned),
            headers: self.http_headers(),
            body,
        })
    }

    pub fn message_id(&self) -> Option<Uuid> {
        Uuid::try_parse(self.message_id.as_deref()?).ok()
    }

    pub fn provider(&self) -> Option<Provider> {
        Provider::parse(self.kind.as_deref()?)
    }

    /// The text of the header `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(AsRef::as_ref)
    }

    /// A header with one of a type's words; without the header, the type's default.
    fn known<T: Default>(
        &self,
        name: &str,
        read: impl FnOnce(StrDeserializer<'_, WordError>) -> Result<T, WordError>,
    ) -> Result<T, String> {
        match self.text(name) {
            None => Ok(T::default()),
            Some(word) => read(word.into_deserializer()).map_err(|error| format!("{name}: {error}")),
        }
    }

    fn http_headers(&self) -> BTreeMap<String, String> {
        let named = self.headers.iter().filter_map(|(name, text)| Some((name.strip_prefix(HTTP_PREFIX)?, text)));
        named.map(|(name, text)| (name.to_owned(), text.clone().into_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// In the form in which it is spooled.
    fn spooled(head: Value) -> Envelope {
        serde_json::from_value(head).unwrap()
    }

    fn sample() -> Envelope {
        spooled(json!({
            "id": Uuid::from_u128(7), "source": "airalo", "provider": "airalo", "mode": "test", "origin": "replay",
            "received_at": "2026-01-01T00:00:00.123456Z", "content_type": "application/json",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "headers": {"airalo-signature": "ab12"},
        }))
    }

    #[test]
    fn an_envelope_comes_back_from_its_head() {
        let plain =
            json!({"id": Uuid::nil(), "source": "s", "provider": "yoni", "received_at": "2026-01-01T00:00:00Z"});
        for sent in [Envelope { body: b"{\"a\": 1}\n\xff".to_vec(), ..sample() }, spooled(plain)] {
            assert_eq!(Head::of(&sent).envelope(sent.body.clone()).unwrap(), sent);
        }
    }

    #[test]
    fn the_names_are_the_contract() {
        let sent = sample();
        let head = Head::of(&sent);
        assert_eq!(head.message_id(), Some(Uuid::from_u128(7)));
        assert_eq!(head.kind.as_deref(), Some("airalo"));
        let said: Vec<_> = head.headers.iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(
            said,
            [
                "http-airalo-signature=ab12",
                "mode=test",
                "origin=replay",
                "received_at=2026-01-01T00:00:00.123456Z",
                "source=airalo",
                "traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ]
        );
    }

    #[track_caller]
    fn check_refused(change: impl FnOnce(&mut Head<'_>), expected: &str) {
        let sent = sample();
        let mut head = Head::of(&sent);
        change(&mut head);
        assert_eq!(head.envelope(Vec::new()), Err(expected.to_owned()));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        check_refused(|head| head.message_id = Some("7".into()), "message_id is missing or not a UUID");
        check_refused(|head| head.kind = Some("acme".into()), "type is missing or names no provider");
        check_refused(|head| drop(head.headers.remove("source")), "the header source is missing");
        check_refused(|head| drop(head.headers.remove("received_at")), "the header received_at is missing");
        check_refused(
            |head| drop(head.headers.insert("received_at".into(), "today".into())),
            "received_at: premature end of input",
        );
        check_refused(
            |head| drop(head.headers.insert("mode".into(), "dry".into())),
            "mode: unknown variant `dry`, expected `live` or `test`",
        );
    }

    #[test]
    fn a_time_that_is_finer_than_ours_is_cut() {
        let sent = sample();
        let mut head = Head::of(&sent);
        head.headers.insert("received_at".into(), "2026-01-01T00:00:00.123456789Z".into());
        assert_eq!(head.envelope(Vec::new()).unwrap().received_at, sent.received_at);
    }

    #[test]
    fn a_head_without_mode_and_origin_has_the_usual_ones() {
        let sent = sample();
        let mut head = Head::of(&sent);
        head.headers.retain(|name, _| name != "mode" && name != "origin");
        let read = head.envelope(Vec::new()).unwrap();
        assert_eq!((read.mode, read.origin), (Mode::Live, Origin::Webhook));
    }
}

//! What must hold of a signature: the provider's own is taken for right, and nothing else is. The signatures are made by
//! the samples' signer, which knows nothing of the code that verifies.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use providers::{IncomingRequest, Unauthentic, dialect};
use samples::{Credential, Source, message_id, sign};
use secrecy::SecretSlice;
use serde_json::Value;
use shared::Timestamp;
use shared::origin::Provider;

use crate::input::Input;

/// A secret in the form of Svix, which the others may have, too.
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Beyond that, all flattened lines of a body are too long to be made.
const FLAT_BYTES_MAX: usize = 1024 * 1024;

type Headers = BTreeMap<String, String>;

pub(crate) fn check(source: Source, input: &[u8]) {
    let input = Input::new(input);
    let provider = Provider::parse(source.provider()).expect("a source has a provider");
    let sender = Sender { provider, at: input.received_at() };
    let headers = signed(source, &input, sender.at);
    if is_signable(source, input.body) {
        sender.check_signed(&headers, input.body);
        sender.check_tampered(&headers, &input);
    }
    let strange = sender.verify(&input.headers(), input.body, &[SECRET]);
    assert!(strange.is_err(), "a stranger's signature");
}

/// As the provider signs; Svix's customers may hide it, and then the headers have other names.
fn signed(source: Source, input: &Input<'_>, at: Timestamp) -> Headers {
    let credential = Credential::SigningSecret(SECRET.to_owned());
    let headers = sign(source, &credential, input.body, &message_id("1"), at).into_iter();
    let is_hidden = input.words().any(|word| word == "hidden");
    let named = |name: &str| if is_hidden { name.replace("svix-", "webhook-") } else { name.to_owned() };
    headers.map(|(name, text)| (named(name), text)).collect()
}

/// What SimplifyTrip signs is an object, flattened, in which a path stands for one value.
fn is_signable(source: Source, body: &[u8]) -> bool {
    if source != Source::SimplifyTrip {
        return true;
    }
    let Ok(body @ Value::Object(_)) = serde_json::from_slice(body) else { return false };
    let mut paths = Vec::new();
    let bytes = flatten(&body, "", &mut paths);
    let distinct: BTreeSet<_> = paths.iter().collect();
    distinct.len() == paths.len() && bytes <= FLAT_BYTES_MAX
}

/// The paths to all leaves; answers how long a line of them would be, at least.
fn flatten(value: &Value, path: &str, paths: &mut Vec<String>) -> usize {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}_{name}") };
    let fields: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, field)| (below(name), field)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (below(&index.to_string()), item)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            paths.push(path.to_owned());
            return path.len() + value.to_string().len() + 2;
        }
    };
    fields.into_iter().map(|(path, field)| flatten(field, &path, paths)).sum()
}

#[derive(Clone, Copy)]
struct Sender {
    provider: Provider,
    at: Timestamp,
}

impl Sender {
    fn verify(self, headers: &Headers, body: &[u8], secrets: &[&str]) -> Result<(), Unauthentic> {
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretSlice::from(secret.as_bytes().to_vec())).collect();
        dialect(self.provider).authenticate(IncomingRequest { headers, body, received_at: self.at }, &secrets)
    }

    fn check_signed(self, headers: &Headers, body: &[u8]) {
        assert_eq!(self.verify(headers, body, &[SECRET]), Ok(()), "the provider's own signature");
        assert_eq!(self.verify(headers, body, &[OTHER_SECRET, SECRET]), Ok(()), "during a rotation");
        assert_eq!(self.verify(headers, body, &[OTHER_SECRET]), Err(Unauthentic::Mismatch), "another secret");
        assert_eq!(self.verify(headers, body, &["", "whsec_"]), Err(Unauthentic::Mismatch), "an empty secret");
        assert_eq!(self.verify(headers, body, &[]), Err(Unauthentic::Mismatch), "no secret");
        assert_eq!(self.verify(&Headers::new(), body, &[SECRET]), Err(Unauthentic::Missing), "no signature");
        if self.provider == Provider::Airtm {
            let late = Self { at: self.at + TimeDelta::minutes(6), ..self };
            assert_eq!(late.verify(headers, body, &[SECRET]), Err(Unauthentic::Expired), "an old attempt");
        }
    }

    /// One bit of the body, and one of each header, is another one. The input's number says which.
    fn check_tampered(self, headers: &Headers, input: &Input<'_>) {
        let bit = input.number().unwrap_or_else(|| input.body.iter().map(|byte| usize::from(*byte)).sum());
        if !input.body.is_empty() {
            let body = flipped(input.body, bit);
            let is_accepted = self.verify(headers, &body, &[SECRET]).is_ok();
            assert!(!is_accepted || says_the_same(&body, input.body), "another body under the same signature");
        }
        for (name, text) in headers {
            let Ok(text) = String::from_utf8(flipped(text.as_bytes(), bit)) else { continue };
            let mut changed = headers.clone();
            let original = changed.insert(name.clone(), text.clone()).unwrap_or_default();
            let is_accepted = self.verify(&changed, input.body, &[SECRET]).is_ok();
            assert!(!is_accepted || text.eq_ignore_ascii_case(&original), "another header: {name}={text}");
        }
    }
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let position = (bit / 8) % bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(position) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}

/// Where white space, the spelling of an escape, or the name of something empty changed, nothing did.
fn says_the_same(body: &[u8], other: &[u8]) -> bool {
    let read = |body| serde_json::from_slice(body).ok().map(without_empty);
    read(body).is_some() && read(body) == read(other)
}

/// What is empty has no leaves, so that SimplifyTrip signs nothing of it, nor of its name.
fn without_empty(value: Value) -> Option<Value> {
    let pruned = match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter_map(|(name, field)| Some((name, without_empty(field)?)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.into_iter().map(|item| without_empty(item).unwrap_or_default()).collect(),
        leaf => leaf,
    };
    let is_empty =
        pruned.as_object().is_some_and(serde_json::Map::is_empty) || pruned.as_array().is_some_and(Vec::is_empty);
    (!is_empty).then_some(pruned)
}

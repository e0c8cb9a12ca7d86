//! A request to a provider's API before it is sent: where it goes, what it carries, and which rate limits it counts
//! against.

use std::time::Duration;

use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use shared::fact::EntityKey;
use shared::lookup::Lookup;
use shared::rate_limit::RateLimit;
use url::Url;

/// No provider has longer references (characters).
const REFERENCE_MAX: usize = 200;
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// One request to an API, without the headers that prove who sends it.
#[derive(Debug)]
pub struct ApiRequest {
    method: Method,
    /// Segments below the base URL, not yet escaped.
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    /// The type of the content, and the content.
    body: Option<(&'static str, SecretString)>,
    limits: Vec<RateLimit>,
    empty: EmptyAnswer,
}

/// Which answers mean that there is no such entity, besides those whose code says so.
#[derive(Debug)]
pub(crate) enum EmptyAnswer {
    Never,
    /// A list without entries at this JSON pointer.
    ListAt(&'static str),
    /// A search by likeness that found no order with exactly this description.
    NoneDescribed(String),
}

impl ApiRequest {
    pub(crate) fn get(path: &[&str], limits: Vec<RateLimit>) -> Self {
        Self::new(Method::GET, path, limits)
    }

    pub(crate) fn post(path: &[&str], body: &Value, limits: Vec<RateLimit>) -> Self {
        Self { body: Some((JSON, body.to_string().into())), ..Self::new(Method::POST, path, limits) }
    }

    pub(crate) fn post_form(path: &[&str], fields: &[(&str, &str)], limits: Vec<RateLimit>) -> Self {
        // A URL's query is encoded as a form is.
        let encoded = Url::parse_with_params("form:", fields).ok();
        let body = encoded.as_ref().and_then(Url::query).unwrap_or_default().to_owned();
        Self { body: Some((FORM, body.into())), ..Self::new(Method::POST, path, limits) }
    }

    fn new(method: Method, path: &[&str], limits: Vec<RateLimit>) -> Self {
        let path = path.iter().map(|segment| (*segment).to_owned()).collect();
        Self { method, path, query: Vec::new(), body: None, limits, empty: EmptyAnswer::Never }
    }

    #[must_use]
    pub(crate) fn with_query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    #[must_use]
    pub(crate) fn not_found_if(self, empty: EmptyAnswer) -> Self {
        Self { empty, ..self }
    }

    pub fn method(&self) -> &Method {
        &self.method
    }

    pub fn body(&self) -> &str {
        self.body.as_ref().map_or("", |(_, body)| body.expose_secret())
    }

    /// `None` if there is no body.
    pub fn content_type(&self) -> Option<&'static str> {
        self.body.as_ref().map(|(content_type, _)| *content_type)
    }

    /// The rate limits that the request counts against.
    pub fn limits(&self) -> &[RateLimit] {
        &self.limits
    }

    pub fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        // Only a URL that can't be a base has no segments, and the settings refuse those.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }

    /// Whether `answer` means that there is no such entity, although it reports success.
    pub(crate) fn is_empty_answer(&self, answer: &Value) -> bool {
        match &self.empty {
            EmptyAnswer::Never => false,
            EmptyAnswer::ListAt(pointer) => {
                answer.pointer(pointer).is_none_or(|list| list.as_array().is_none_or(Vec::is_empty))
            }
            EmptyAnswer::NoneDescribed(description) => {
                let described = |order: &Value| order["description"].as_str() == Some(description);
                !answer["data"].as_array().is_some_and(|orders| orders.iter().any(described))
            }
        }
    }
}

/// At most so many requests a second, evenly spaced. A quarter fewer are sent, because some come closer together on the
/// way.
pub(crate) fn per_second(bucket: &str, requests: u32) -> RateLimit {
    per_interval(bucket, Duration::from_secs(1) / requests)
}

/// At most one request per `interval`. A quarter fewer are sent.
pub(crate) fn per_interval(bucket: &str, interval: Duration) -> RateLimit {
    RateLimit { bucket: bucket.to_owned(), spacing: interval * 4 / 3, lead: Duration::ZERO }
}

/// A reference may come from a forged webhook: as a segment of a path it must not lead elsewhere.
pub(crate) fn checked(reference: &str) -> Result<&str, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte);
    let leads_elsewhere = reference.bytes().all(|byte| byte == b'.');
    if reference.len() <= REFERENCE_MAX && reference.bytes().all(plain) && !leads_elsewhere {
        Ok(reference)
    } else {
        Err("its reference has a form that no reference of this provider has".to_owned())
    }
}

/// The order that is asked about, or that the entity belongs to.
pub(crate) fn order_ref(lookup: &Lookup) -> Result<&str, String> {
    let known = match &lookup.about {
        EntityKey::Order(reference) => Some(reference),
        EntityKey::Esim(_) | EntityKey::Payment(_) | EntityKey::Return(_) => lookup.hints.order_ref.as_ref(),
    };
    checked(known.ok_or("its order is not known")?)
}

pub(crate) fn iccid(lookup: &Lookup) -> Result<&str, String> {
    let known = match (&lookup.hints.iccid, &lookup.about) {
        (Some(iccid), _) => Some(iccid.as_str()),
        // eSIM Access: the order's reference stands before the ICCID.
        (None, EntityKey::Esim(reference)) => reference.rsplit('/').next(),
        (None, EntityKey::Order(_) | EntityKey::Payment(_) | EntityKey::Return(_)) => None,
    };
    checked(known.ok_or("its ICCID is not known")?)
}

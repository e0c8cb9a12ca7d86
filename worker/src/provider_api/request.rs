//! A request before it is sent: where to, with what, and under which limits. Pure.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use shared::fact::EntityKey;
use shared::lookup::Lookup;
use store::api_limits::Limit;

/// More is no reference of any provider.
const REFERENCE_MAX: usize = 200;
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// One request to an API, without what proves who sends it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(super) method: Method,
    /// Segments below the base URL, not yet escaped.
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, SecretString)>,
    /// What it counts against.
    pub(super) limits: Vec<Limit>,
    pub(super) empty: Empty,
}

/// Which answers say that there is nothing, besides those whose code says so.
#[derive(Debug)]
pub(super) enum Empty {
    Never,
    /// A list without entries at this JSON pointer.
    ListAt(&'static str),
    /// A search by likeness found nothing that is called exactly this.
    NoneDescribed(String),
}

/// What makes one attempt different from the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Since 1970.
    pub(super) now_ms: u128,
    pub(super) request_id: uuid::Uuid,
}

impl Request {
    pub(super) fn get(path: &[&str], limits: Vec<Limit>) -> Self {
        Self::new(Method::GET, path, limits)
    }

    pub(super) fn post(path: &[&str], body: &Value, limits: Vec<Limit>) -> Self {
        Self { body: Some((JSON, body.to_string().into())), ..Self::new(Method::POST, path, limits) }
    }

    pub(super) fn post_form(path: &[&str], fields: &[(&str, &str)], limits: Vec<Limit>) -> Self {
        // A URL's query is encoded as a form is.
        let encoded = Url::parse_with_params("form:", fields).ok();
        let body = encoded.as_ref().and_then(Url::query).unwrap_or_default().to_owned();
        Self { body: Some((FORM, body.into())), ..Self::new(Method::POST, path, limits) }
    }

    fn new(method: Method, path: &[&str], limits: Vec<Limit>) -> Self {
        let path = path.iter().map(|segment| (*segment).to_owned()).collect();
        Self { method, path, query: Vec::new(), body: None, limits, empty: Empty::Never }
    }

    #[must_use]
    pub(super) fn with_query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn nothing_if(self, empty: Empty) -> Self {
        Self { empty, ..self }
    }

    pub(super) fn body(&self) -> &str {
        self.body.as_ref().map_or("", |(_, body)| body.expose_secret())
    }

    pub(super) fn content_type(&self) -> Option<&'static str> {
        self.body.as_ref().map(|(content_type, _)| *content_type)
    }

    pub(super) fn url(&self, base: &Url) -> Url {
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
}

impl Empty {
    pub(super) fn holds(&self, answer: &Value) -> bool {
        match self {
            Self::Never => false,
            Self::ListAt(pointer) => {
                answer.pointer(pointer).is_none_or(|list| list.as_array().is_none_or(Vec::is_empty))
            }
            Self::NoneDescribed(description) => {
                let described = |order: &Value| order["description"].as_str() == Some(description);
                !answer["data"].as_array().is_some_and(|orders| orders.iter().any(described))
            }
        }
    }
}

/// So many requests a second, evenly, and a quarter fewer: on the way some come closer together.
pub(super) fn per_second(bucket: &str, requests: u32) -> Limit {
    evenly(bucket, Duration::from_secs(1) / requests)
}

/// One request each `spacing`, and a quarter fewer.
pub(super) fn evenly(bucket: &str, spacing: Duration) -> Limit {
    Limit { bucket: bucket.to_owned(), spacing: spacing * 4 / 3, lead: Duration::ZERO }
}

/// A reference may come out of a forged webhook: as a segment of a path it must not lead elsewhere.
pub(super) fn checked(reference: &str) -> Result<&str, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte);
    let leads_elsewhere = reference.bytes().all(|byte| byte == b'.');
    if reference.len() <= REFERENCE_MAX && reference.bytes().all(plain) && !leads_elsewhere {
        Ok(reference)
    } else {
        Err("its reference has a form that no reference of this provider has".to_owned())
    }
}

/// The order that is asked about, or that the entity belongs to.
pub(super) fn order_ref(lookup: &Lookup) -> Result<&str, String> {
    let known = match &lookup.about {
        EntityKey::Order(reference) => Some(reference),
        EntityKey::Esim(_) | EntityKey::Payment(_) | EntityKey::Return(_) => lookup.hints.order_ref.as_ref(),
    };
    checked(known.ok_or("its order is not known")?)
}

pub(super) fn iccid(lookup: &Lookup) -> Result<&str, String> {
    let known = match (&lookup.hints.iccid, &lookup.about) {
        (Some(iccid), _) => Some(iccid.as_str()),
        // eSIM Access: the order's reference stands before the ICCID.
        (None, EntityKey::Esim(reference)) => reference.rsplit('/').next(),
        (None, EntityKey::Order(_) | EntityKey::Payment(_) | EntityKey::Return(_)) => None,
    };
    checked(known.ok_or("its ICCID is not known")?)
}

pub(super) fn unsupported(lookup: &Lookup) -> String {
    let (entity, _) = lookup.about.parts();
    format!("it has no question `{}` about a {entity}", lookup.kind.as_str())
}

/// A header that no log shows.
pub(super) fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), String> {
    let mut value = HeaderValue::from_str(value).map_err(|_quotes| format!("{name} can't be sent in a header"))?;
    value.set_sensitive(true);
    headers.insert(HeaderName::from_static(name), value);
    Ok(())
}

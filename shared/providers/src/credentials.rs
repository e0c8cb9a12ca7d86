//! Who we are at a provider's API: the settings that it takes, and the headers that prove it.

use std::collections::BTreeMap;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use shared::Timestamp;
use uuid::Uuid;

/// A setting in the table `api` of a source.
#[derive(Debug, Clone, Copy)]
pub struct CredentialKey {
    pub name: &'static str,
    pub form: CredentialForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialForm {
    /// Not secret by itself, so it may stand in the file.
    Identifier,
    Secret,
    /// A secret that need not be set.
    OptionalSecret,
}

/// Where an API is, if its table has no `base_url`.
#[derive(Debug, Clone, Copy)]
pub enum BaseUrl {
    Documented(&'static str),
    /// One for each version of the API. The setting `version` must be one of these numbers; `meaning` says of what.
    ByVersion {
        versions: &'static [(i64, &'static str)],
        meaning: &'static str,
    },
    /// It must be set; the text says why.
    Undocumented(&'static str),
}

/// The credentials of one source.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// By the names of the dialect's keys.
    pub values: BTreeMap<&'static str, SecretString>,
    /// Of the API, where there are several.
    pub version: Option<i64>,
}

/// What the headers that prove who sends a request may depend on.
#[derive(Debug, Clone, Copy)]
pub struct ProofInput<'a> {
    pub credentials: &'a Credentials,
    /// Where the API takes one.
    pub token: Option<&'a SecretString>,
    pub path: &'a str,
    pub body: &'a str,
    pub sent_at: Timestamp,
    /// Another one for each attempt.
    pub request_id: Uuid,
}

impl CredentialKey {
    pub(crate) const fn identifier(name: &'static str) -> Self {
        Self { name, form: CredentialForm::Identifier }
    }

    pub(crate) const fn secret(name: &'static str) -> Self {
        Self { name, form: CredentialForm::Secret }
    }

    pub(crate) const fn optional_secret(name: &'static str) -> Self {
        Self { name, form: CredentialForm::OptionalSecret }
    }
}

impl Credentials {
    /// The value of a key that must be set.
    pub(crate) fn required(&self, key: CredentialKey) -> Result<&SecretString, String> {
        self.optional(key).ok_or_else(|| format!("{} is not set", key.name))
    }

    pub(crate) fn optional(&self, key: CredentialKey) -> Option<&SecretString> {
        self.values.get(key.name)
    }
}

/// Adds a header that no log shows.
pub(crate) fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), String> {
    let mut value = HeaderValue::from_str(value).map_err(|_quotes| format!("{name} can't be sent in a header"))?;
    value.set_sensitive(true);
    headers.insert(HeaderName::from_static(name), value);
    Ok(())
}

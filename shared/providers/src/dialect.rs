//! Everything that differs from provider to provider, as one value of data and functions.

use secrecy::{ExposeSecret as _, SecretSlice};
use shared::event::Malformed;
use shared::lookup::{Lookup, LookupKind};

use crate::answer::SupportedLookup;
use crate::api::ApiDialect;
use crate::credentials::Credentials;
use crate::request::ApiRequest;
use crate::signature::{IncomingRequest, Unauthentic};
use crate::webhook::{Reading, ReceivedWebhook};

/// How one provider speaks. [`crate::dialect`] finds it.
#[derive(Debug)]
pub struct Dialect {
    /// How webhooks are signed; `None` if they never are.
    pub(crate) signature: Option<SignatureScheme>,
    /// What a webhook claims.
    pub(crate) read_webhook: fn(ReceivedWebhook<'_>) -> Result<Reading, Malformed>,
    /// The fields of a body that change from one attempt to deliver it to the next.
    pub(crate) changes_per_attempt: &'static [&'static str],
    /// The lookups that the provider's API supports.
    pub(crate) lookups: &'static [SupportedLookup],
    pub api: ApiDialect,
    pub(crate) lookup_policy: LookupPolicy,
}

/// Whether a provider signs its webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    Always,
    /// Only in its newer generation (Airtm V2).
    Sometimes,
    Never,
}

/// How a provider signs its webhooks.
#[derive(Debug)]
pub(crate) struct SignatureScheme {
    /// Some webhooks come without a signature.
    pub(crate) is_optional: bool,
    /// The request headers that verification or reading needs, in lower case.
    pub(crate) headers: &'static [&'static str],
    /// Those of `headers` that are the signature.
    pub(crate) signature_headers: &'static [&'static str],
    pub(crate) authenticate: fn(IncomingRequest<'_>, &[SecretSlice<u8>]) -> Result<(), Unauthentic>,
    /// `None` if any text may be a secret.
    pub(crate) check_secret: Option<SecretCheck>,
}

/// Says what is wrong with the form of a secret.
pub(crate) type SecretCheck = fn(&SecretSlice<u8>) -> Result<(), String>;

/// When a provider's API is asked, as far as providers differ in that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookupPolicy {
    /// Webhooks only announce: a complete order comes without its eSIMs, and an eSIM without its activation code.
    pub(crate) is_thin: bool,
    /// The lookup that confirms what an unsigned webhook says of an eSIM.
    pub(crate) esim_confirmed_by: LookupKind,
    /// An answer about an eSIM tells of its order, too.
    pub(crate) esim_answer_tells_order: bool,
    /// The lookup that is repeated because no webhook tells how much of an eSIM is used, or when it ends.
    pub(crate) polled: Option<LookupKind>,
}

impl Dialect {
    pub fn signing(&self) -> Signing {
        match &self.signature {
            Some(scheme) if scheme.is_optional => Signing::Sometimes,
            Some(_) => Signing::Always,
            None => Signing::Never,
        }
    }

    /// The request headers that verification or reading needs, in lower case; the envelope keeps these and no others.
    pub fn headers(&self) -> &'static [&'static str] {
        self.signature.as_ref().map_or(&[], |scheme| scheme.headers)
    }

    /// Those of [`headers`](Self::headers) that are the signature. An envelope has one only if it was verified.
    pub fn signature_headers(&self) -> &'static [&'static str] {
        self.signature.as_ref().map_or(&[], |scheme| scheme.signature_headers)
    }

    /// Whether one of the `secrets` (several during a rotation) signed the request, compared in constant time over
    /// the raw bytes. A provider that never signs is not authentic by signature.
    pub fn authenticate(&self, request: IncomingRequest<'_>, secrets: &[SecretSlice<u8>]) -> Result<(), Unauthentic> {
        self.signature.as_ref().map_or(Err(Unauthentic::Missing), |scheme| (scheme.authenticate)(request, secrets))
    }

    /// Whether `secret` has the form that the provider's secrets have; the message says what is wrong with it.
    pub fn check_secret(&self, secret: &SecretSlice<u8>) -> Result<(), String> {
        if secret.expose_secret().is_empty() {
            return Err("it is empty".to_owned());
        }
        self.signature.as_ref().and_then(|scheme| scheme.check_secret).map_or(Ok(()), |check| check(secret))
    }

    /// Whether the provider's API supports such a lookup.
    pub fn supports(&self, kind: LookupKind) -> bool {
        self.lookups.iter().any(|lookup| lookup.kind == kind)
    }
    /// The request that asks `lookup`; the error is why it can't be asked.
    pub fn request(&self, lookup: &Lookup, credentials: &Credentials) -> Result<ApiRequest, String> {
        let Some(supported) = self.lookups.iter().find(|supported| supported.kind == lookup.kind) else {
            return Err(format!("it has no lookup `{}`", lookup.kind));
        };
        (supported.request)(lookup, credentials)
    }
}

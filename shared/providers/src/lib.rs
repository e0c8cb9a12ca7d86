//! The providers' dialects: what their webhooks and the answers of their APIs claim, how both are proven, and what the
//! APIs are asked. It touches no clock, file, socket or database.
//!
//! One folder a provider, each with `webhook` (what a webhook claims), `signature` (where webhooks are signed), `api` (how
//! the API is asked, and what a reply comes down to) and `answer` (what an answer of the API claims), gathered into one
//! value, its [`Dialect`]. This file is the register: [`dialect`] is the only place that tells providers apart.
//!
//! A dialect is lenient about form (numbers as strings, `+0000` and `Z`, unknown fields, missing optional fields, unknown
//! words) and strict about meaning: a body that names no entity is refused, with the reason.
//!
//! Beside the folders, in reading order:
//!
//! 1. `reading`, `canonical`, `limits`: JSON read leniently, its canonical bytes, and what the tables can hold.
//! 2. `signature`: the request that is authenticated, and keyed hashes.
//! 3. `webhook`: what a dialect is given of a webhook, and what it returns.
//! 4. `request`, `credentials`, `reply`, `api`: how an API is asked. `answer`: a lookup and its answer as claims.
//! 5. `dialect`: everything that differs from provider to provider.
//! 6. `decode`: an event from an envelope, by any dialect. `course`: when an API is asked, and when again.

pub mod airalo;
mod airtm;
mod answer;
mod api;
mod canonical;
mod course;
mod credentials;
mod decode;
mod dialect;
pub mod esim_access;
#[cfg(test)]
mod fixtures;
mod limits;
mod reading;
mod reply;
mod request;
mod signature;
mod simplifytrip;
mod webhook;
mod yoni;

use shared::envelope::Envelope;
use shared::event::{Event, Malformed};
use shared::origin::Provider;

pub use api::{ApiDialect, IssuedToken, TokenDialect, WebhookUrls};
pub use credentials::{BaseUrl, CredentialForm, CredentialKey, Credentials, ProofInput};
pub use dialect::{Dialect, Signing};
pub use reply::{ApiOutcome, ApiReply, ReplyBody};
pub use request::ApiRequest;
pub use signature::{IncomingRequest, Unauthentic};

/// The register of dialects.
pub fn dialect(provider: Provider) -> &'static Dialect {
    match provider {
        Provider::Airalo => &airalo::DIALECT,
        Provider::EsimAccess => &esim_access::DIALECT,
        Provider::Yoni => &yoni::DIALECT,
        Provider::Simplifytrip => &simplifytrip::DIALECT,
        Provider::Airtm => &airtm::DIALECT,
    }
}

/// Reads an envelope. Only the envelope counts, no clock and no earlier event, so a stored envelope is always read the
/// same.
pub fn decode(envelope: &Envelope) -> Result<Event, Malformed> {
    dialect(envelope.provider).decode(envelope)
}

//! Airtm's second generation signs through Svix; the first signs nothing
//! (<https://docs.svix.com/receiving/verifying-payloads/how-manual>).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, TimeDelta};
use secrecy::{ExposeSecret as _, SecretSlice};
use shared::Timestamp;

use crate::dialect::SignatureScheme;
use crate::signature::{IncomingRequest, Unauthentic, header, hmac_sha256, is_among, keys};

/// The headers of Svix, and their names for customers that hide Svix.
const SVIX: SignatureHeaders = SignatureHeaders { id: "svix-id", timestamp: "svix-timestamp", list: "svix-signature" };
const WHITE_LABEL: SignatureHeaders =
    SignatureHeaders { id: "webhook-id", timestamp: "webhook-timestamp", list: "webhook-signature" };

pub(super) const SCHEME: SignatureScheme = SignatureScheme {
    is_optional: true,
    headers: &[SVIX.id, SVIX.timestamp, SVIX.list, WHITE_LABEL.id, WHITE_LABEL.timestamp, WHITE_LABEL.list],
    signature_headers: &[SVIX.list, WHITE_LABEL.list],
    authenticate,
    check_secret: Some(check_secret),
};

/// How far the time of the attempt may be from ours, as in Svix's own libraries.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// What precedes the Base64 form of a key in a secret.
const SECRET_PREFIX: &str = "whsec_";
/// Below this a key can be guessed. Svix makes keys of 24 bytes and more.
const MIN_KEY_BYTES: usize = 16;

/// Secrets are pasted by hand, so missing padding is forgiven.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, Clone, Copy)]
struct SignatureHeaders {
    id: &'static str,
    timestamp: &'static str,
    list: &'static str,
}

/// V2's signature, `v1,<Base64 of HMAC-SHA256>`, one or several with spaces between, over `{id}.{timestamp}.{body}`.
fn authenticate(request: IncomingRequest<'_>, secrets: &[SecretSlice<u8>]) -> Result<(), Unauthentic> {
    let names = if request.headers.contains_key(SVIX.list) { SVIX } else { WHITE_LABEL };
    let list = header(&request, names.list)?;
    let id = header(&request, names.id)?;
    let timestamp = header(&request, names.timestamp)?;
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", request.body].concat();
    let expected = keys(secrets).filter_map(decode_secret).filter_map(|key| hmac_sha256(&key, &message));
    let expected: Vec<_> = expected.collect();
    let given = list.split_ascii_whitespace().filter_map(|item| BASE64.decode(item.strip_prefix("v1,")?).ok());
    if !given.fold(false, |found, given| found | is_among(&given, &expected)) {
        return Err(Unauthentic::Mismatch);
    }
    let sent_at = timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let is_near = |sent_at: Timestamp| (request.received_at - sent_at).abs() <= TOLERANCE;
    if sent_at.is_some_and(is_near) { Ok(()) } else { Err(Unauthentic::Expired) }
}

fn check_secret(secret: &SecretSlice<u8>) -> Result<(), String> {
    if !secret.expose_secret().starts_with(SECRET_PREFIX.as_bytes()) {
        return Err(format!("it does not start with {SECRET_PREFIX}"));
    }
    let key = decode_secret(secret.expose_secret());
    let key = key.ok_or_else(|| format!("what follows {SECRET_PREFIX} is not Base64"))?;
    if key.len() < MIN_KEY_BYTES {
        return Err(format!("its key has {} bytes, which is less than {MIN_KEY_BYTES}", key.len()));
    }
    Ok(())
}

fn decode_secret(secret: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(secret.strip_prefix(SECRET_PREFIX.as_bytes())?).ok()
}

/// Svix's id of the message, which a resend keeps. The first generation has none.
pub(super) fn message_id(headers: &BTreeMap<String, String>) -> Option<String> {
    [SVIX.id, WHITE_LABEL.id].into_iter().find_map(|name| headers.get(name)).cloned()
}

#[cfg(test)]
mod tests;

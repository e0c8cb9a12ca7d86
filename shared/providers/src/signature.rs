//! The request that is authenticated, and the keyed hashes of all dialects. It knows no provider's header or message.

use std::collections::BTreeMap;
use std::fmt;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Sha256, Sha512};
use shared::Timestamp;
use subtle::{Choice, ConstantTimeEq as _};
use thiserror::Error;

/// A request that claims to be a provider's.
#[derive(Clone, Copy)]
pub struct IncomingRequest<'a> {
    /// Names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
    pub received_at: Timestamp,
}

impl fmt::Debug for IncomingRequest<'_> {
    /// Without the body and the headers, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingRequest")
            .field("received_at", &self.received_at)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a request is not taken as the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unauthentic {
    #[error("the signature header is missing")]
    Missing,
    #[error("the signature does not match the body")]
    Mismatch,
    /// Only where the provider signs the time of the attempt (Svix).
    #[error("the signature is older or newer than the tolerance allows")]
    Expired,
}

/// The text of the header `name`. A request without it, or with an empty one, is not signed.
pub(crate) fn header<'a>(request: &IncomingRequest<'a>, name: &str) -> Result<&'a str, Unauthentic> {
    let text = request.headers.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    text.ok_or(Unauthentic::Missing)
}

/// The bytes of a signature written in hex, in either case.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}

/// The keys in `secrets`. Empty ones are left out: with an empty key anybody could sign.
pub(crate) fn keys(secrets: &[SecretSlice<u8>]) -> impl Iterator<Item = &[u8]> {
    secrets.iter().map(|secret| secret.expose_secret()).filter(|key| !key.is_empty())
}

pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    hmac::<Hmac<Sha256>>(key, message)
}

pub(crate) fn hmac_sha512(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    hmac::<Hmac<Sha512>>(key, message)
}

/// `None` never happens: an HMAC takes a key of any length.
fn hmac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

/// Whether `given` is among the `expected`. All of them are compared, each in constant time, so that the time taken
/// says nothing about which one matched, or how far.
pub(crate) fn is_among(given: &[u8], expected: &[Vec<u8>]) -> bool {
    expected.iter().fold(Choice::from(0), |found, mac| found | mac.as_slice().ct_eq(given)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_those_of_rfc_4231() {
        let mac = hmac_sha256(b"Jefe", b"what do ya want for nothing?").unwrap();
        assert_eq!(hex::encode(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let mac = hmac_sha512(b"Jefe", b"what do ya want for nothing?").unwrap();
        assert!(hex::encode(mac).starts_with("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"));
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let secrets = [SecretSlice::from(Vec::new()), SecretSlice::from(b"key".to_vec())];
        assert_eq!(keys(&secrets).collect::<Vec<_>>(), [b"key"]);
    }

    #[test]
    fn a_prefix_is_not_among_the_expected() {
        assert!(is_among(b"abc", &[b"x".to_vec(), b"abc".to_vec(), b"y".to_vec()]));
        assert!(!is_among(b"ab", &[b"abc".to_vec()]));
        assert!(!is_among(b"", &[]));
    }
}

//! SimplifyTrip signs the flattened body with HMAC-SHA256.

use secrecy::SecretSlice;
use serde_json::Value;

use super::flatten;
use crate::dialect::SignatureScheme;
use crate::reading::parse_body;
use crate::signature::{IncomingRequest, Unauthentic, from_hex, header, hmac_sha256, is_among, keys};

/// HMAC-SHA256 in hex over the flattened body.
const SIGNATURE: &str = "x-simplify-trip-signature";

pub(super) const SCHEME: SignatureScheme = SignatureScheme {
    is_optional: false,
    headers: &[SIGNATURE],
    signature_headers: &[SIGNATURE],
    authenticate,
    check_secret: None,
};

/// Flattening makes `{"a": {"b": 1}}` and `{"a_b": 1}` alike. The provider flattens so, which can't be changed here.
fn authenticate(request: IncomingRequest<'_>, secrets: &[SecretSlice<u8>]) -> Result<(), Unauthentic> {
    let given = from_hex(header(&request, SIGNATURE)?).ok_or(Unauthentic::Mismatch)?;
    let body: Value = parse_body(request.body).ok().ok_or(Unauthentic::Mismatch)?;
    let forms = flatten::forms(&body);
    let sign = |key: &[u8]| forms.iter().filter_map(|form| hmac_sha256(key, form.as_bytes())).collect::<Vec<_>>();
    let expected: Vec<_> = keys(secrets).flat_map(sign).collect();
    if is_among(&given, &expected) { Ok(()) } else { Err(Unauthentic::Mismatch) }
}

#[cfg(test)]
mod tests;

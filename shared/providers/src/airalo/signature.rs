//! Airalo signs the body with HMAC-SHA512, under the partner's client secret.

use secrecy::SecretSlice;

use crate::dialect::SignatureScheme;
use crate::signature::{IncomingRequest, Unauthentic, from_hex, header, hmac_sha512, is_among, keys};

/// HMAC-SHA512 in hex over the raw body, under the partner's client secret
/// (<https://partner-api-airalo.apidog.io/webhook-definition-1380483m0>).
const SIGNATURE: &str = "airalo-signature";

pub(super) const SCHEME: SignatureScheme = SignatureScheme {
    is_optional: false,
    headers: &[SIGNATURE],
    signature_headers: &[SIGNATURE],
    authenticate,
    check_secret: None,
};

fn authenticate(request: IncomingRequest<'_>, secrets: &[SecretSlice<u8>]) -> Result<(), Unauthentic> {
    let given = from_hex(header(&request, SIGNATURE)?).ok_or(Unauthentic::Mismatch)?;
    let signs = |message: &[u8]| {
        let expected: Vec<_> = keys(secrets).filter_map(|key| hmac_sha512(key, message)).collect();
        is_among(&given, &expected)
    };
    if signs(request.body) || as_php_encodes(request.body).is_some_and(|body| signs(body.as_bytes())) {
        Ok(())
    } else {
        Err(Unauthentic::Mismatch)
    }
}

/// The body as PHP's `json_encode` writes it, which Airalo's SDK signs: no white space, `\/`, and `\uXXXX` for characters
/// beyond ASCII. Only tokens are rewritten, so the order of the keys and the digits of numbers stay as received.
/// `None` if the raw bytes have that form already.
fn as_php_encodes(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let mut out = String::with_capacity(body.len());
    let (mut in_string, mut escaped) = (false, false);
    for letter in body.chars() {
        let starts_escape = in_string && !escaped && letter == '\\';
        match letter {
            '"' if !escaped => in_string = !in_string,
            '/' if in_string && !escaped => out.push('\\'),
            _ => {}
        }
        if !letter.is_ascii() {
            let mut units = [0; 2];
            out.extend(letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else if in_string || !letter.is_ascii_whitespace() {
            out.push(letter);
        }
        escaped = starts_escape;
    }
    (out != body).then_some(out)
}

#[cfg(test)]
mod tests;

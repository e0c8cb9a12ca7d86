use shared::origin::Provider;

use super::*;
use crate::fixtures::{authenticate, received_at};

const AIRALO: Provider = Provider::Airalo;
const LOW_DATA: &str =
    r#"{"level":"3days","package_name":"bonbon-7gb-10days","remaining_percentage":43,"iccid":"87123123456889019"}"#;
/// Of `LOW_DATA` under `test_secret`, computed outside of this program.
const LOW_DATA_SIGNATURE: &str = "f9adc6ff1de7e4d7b46eabcfacb7c7eee6a57e8f5d54c0ed6a1fbc2a40a107703364c310a809558a2e8b18f111240057acaaa66cf382b69b302300570232aced";
const ESCAPED: &str = r#"{"qrcode_url":"https:\/\/example.com\/qr"}"#;
const ESCAPED_SIGNATURE: &str = "2f18d3a26a742ad939f8a6edcb43ce11108a4d2622a09f952c33bd17e211c06c82306cd60ed6c052b5a9968cfca77bb787a8f55a67c4e156063f2c68772f46da";

#[track_caller]
fn check_signature(body: &str, signature: &str, secrets: &[&str], expected: Result<(), Unauthentic>) {
    let headers = [(SIGNATURE, signature)];
    assert_eq!(authenticate(AIRALO, &headers, body.as_bytes(), received_at(), secrets), expected, "{body}");
}

#[test]
fn the_raw_body_under_one_of_the_secrets_is_authentic() {
    check_signature(LOW_DATA, LOW_DATA_SIGNATURE, &["test_secret"], Ok(()));
    check_signature(LOW_DATA, LOW_DATA_SIGNATURE, &["new_secret", "test_secret"], Ok(()));
    check_signature(LOW_DATA, &LOW_DATA_SIGNATURE.to_uppercase(), &["test_secret"], Ok(()));
    check_signature(ESCAPED, ESCAPED_SIGNATURE, &["test_secret"], Ok(()));
}

#[test]
fn everything_else_is_not() {
    let mismatch = Err(Unauthentic::Mismatch);
    check_signature(LOW_DATA, LOW_DATA_SIGNATURE, &["other"], mismatch);
    check_signature(LOW_DATA, LOW_DATA_SIGNATURE, &[], mismatch);
    check_signature(&LOW_DATA.replace("43", "44"), LOW_DATA_SIGNATURE, &["test_secret"], mismatch);
    check_signature(LOW_DATA, &LOW_DATA_SIGNATURE[..126], &["test_secret"], mismatch);
    check_signature(LOW_DATA, "not hex", &["test_secret"], mismatch);
    check_signature(LOW_DATA, " ", &["test_secret"], Err(Unauthentic::Missing));
    assert_eq!(
        authenticate(AIRALO, &[("x-airalo-signature", LOW_DATA_SIGNATURE)], b"{}", received_at(), &["test_secret"]),
        Err(Unauthentic::Missing)
    );
}

#[test]
fn a_body_that_was_re_encoded_on_the_way_is_authentic_by_what_php_would_have_sent() {
    let spaced = LOW_DATA.replace(':', " : ").replace(',', ",\n  ");
    check_signature(&spaced, LOW_DATA_SIGNATURE, &["old", "test_secret"], Ok(()));
    check_signature(r#"{"qrcode_url": "https://example.com/qr"}"#, ESCAPED_SIGNATURE, &["test_secret"], Ok(()));
}

#[track_caller]
fn check_php(body: &str, expected: &str) {
    assert_eq!(as_php_encodes(body.as_bytes()).as_deref(), Some(expected));
}

#[test]
fn only_tokens_are_rewritten() {
    check_php(r#"{ "b" : 1.50, "a" : "x  y" }"#, r#"{"b":1.50,"a":"x  y"}"#);
    check_php(r#"["a/b", "a\/b", "\\/", "\" /"]"#, r#"["a\/b","a\/b","\\\/","\" \/"]"#);
    check_php("[\"é€😀\"]", r#"["\u00e9\u20ac\ud83d\ude00"]"#);
    assert_eq!(as_php_encodes(br#"{"a":"b"}"#), None, "it has the form already");
    assert_eq!(as_php_encodes(b"\"\xff\""), None, "it is no text");
}

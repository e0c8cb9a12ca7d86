use shared::origin::Provider;

use super::*;
use crate::fixtures::{authenticate, payload, received_at};

const SIMPLIFYTRIP: Provider = Provider::Simplifytrip;
/// Of the sample of a physical SIM under `ck_test_example`, computed outside of this program.
const SIGNED: &str = "1a7740d14b0e4df13201f209ce9844674bd506d2c4283d467d43f2b8fd074593";
const SIM_ORDER: &str = payload!("simplifytrip/sim_order_update.json");

#[track_caller]
fn check_signature(body: &str, signature: &str, secrets: &[&str], expected: Result<(), Unauthentic>) {
    let headers = [(SIGNATURE, signature)];
    assert_eq!(authenticate(SIMPLIFYTRIP, &headers, body.as_bytes(), received_at(), secrets), expected, "{body}");
}

#[test]
fn the_flattened_body_under_one_of_the_secrets_is_authentic() {
    check_signature(SIM_ORDER, SIGNED, &["ck_test_example"], Ok(()));
    check_signature(SIM_ORDER, SIGNED, &["ck_test_new", "ck_test_example"], Ok(()));
    check_signature(SIM_ORDER, &SIGNED.to_uppercase(), &["ck_test_example"], Ok(()));
}

#[test]
fn everything_else_is_not() {
    let mismatch = Err(Unauthentic::Mismatch);
    check_signature(SIM_ORDER, SIGNED, &["ck_test_other"], mismatch);
    check_signature(SIM_ORDER, SIGNED, &[], mismatch);
    check_signature(&SIM_ORDER.replace("TEST_MODE", "LIVE_MODE"), SIGNED, &["ck_test_example"], mismatch);
    check_signature(&SIM_ORDER[1..], SIGNED, &["ck_test_example"], mismatch);
    check_signature(SIM_ORDER, "", &["ck_test_example"], Err(Unauthentic::Missing));
    let refusal = authenticate(SIMPLIFYTRIP, &[], SIM_ORDER.as_bytes(), received_at(), &["ck_test_example"]);
    assert_eq!(refusal, Err(Unauthentic::Missing));
}

#[test]
fn every_form_that_the_text_allows_is_authentic() {
    let body = r#"{"id":"e","n":1.50,"none":null,"items":[{"sku":"s","price":2.0}]}"#;
    let lines = [
        "id=e&items_0_price=2.0&items_0_sku=s&n=1.50&none=null",
        "id=e&items_0_price=2.0&items_0_sku=s&n=1.50&none=",
        "id=e&items_0_price=2.0&items_0_sku=s&n=1.50",
        r#"id=e&items=[{"sku":"s","price":2.0}]&n=1.50&none=null"#,
        r#"id=e&items=[{"price":2.0,"sku":"s"}]&n=1.50&none="#,
    ];
    for line in lines {
        let signature = hex::encode(hmac_sha256(b"ck", line.as_bytes()).unwrap());
        check_signature(body, &signature, &["ck"], Ok(()));
    }
}

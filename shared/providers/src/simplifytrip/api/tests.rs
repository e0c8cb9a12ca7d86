use serde_json::json;
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use crate::Credentials;
use crate::fixtures::{check_outcome, esim_lookup, line, order_lookup, prove, sent};

const SIMPLIFYTRIP: Provider = Provider::Simplifytrip;

#[test]
fn simplifytrip_is_told_both_keys() {
    let headers = prove(SIMPLIFYTRIP, &[("api_key", "pk_test_1"), ("secret_key", "sk_test_2")], "/", "");
    assert_eq!(
        (&headers["x-api-key"], &headers["authorization"]),
        (&"pk_test_1".parse().unwrap(), &"Bearer sk_test_2".parse().unwrap())
    );
}

#[test]
fn simplifytrip_is_asked_where_it_says() {
    assert_eq!(line(SIMPLIFYTRIP, &order_lookup("6f")), "GET /base/api/v1/orders/6f");
    let esim = esim_lookup(LookupKind::Esim, "8910", Hints::default());
    assert_eq!(line(SIMPLIFYTRIP, &esim), "GET /base/api/v1/products/esim/8910");
}

#[test]
fn a_forged_reference_leads_nowhere_else() {
    for reference in ["..", ".", "a/../b", "a?b", "", "a b", "\u{e9}"] {
        assert!(sent(SIMPLIFYTRIP, &order_lookup(reference), &Credentials::default()).is_err(), "{reference}");
    }
}

#[test]
fn a_path_that_does_not_exist_is_no_order_that_does_not() {
    let unknown = json!({ "statusCode": 404, "message": "Cannot GET /api/v1/orders/1" });
    check_outcome(SIMPLIFYTRIP, 404, &unknown, "refused");
    check_outcome(SIMPLIFYTRIP, 404, &json!({ "statusCode": 404, "errorCode": "ORDER_NOT_FOUND" }), "nothing");
}

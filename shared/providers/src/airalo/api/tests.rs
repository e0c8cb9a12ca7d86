use serde_json::json;
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use super::*;
use crate::dialect;
use crate::fixtures::{check_outcome, credentials, esim_lookup, line, order_lookup, sent};

const AIRALO: Provider = Provider::Airalo;

#[test]
fn airalo_is_asked_where_it_can_answer() {
    assert_eq!(line(AIRALO, &order_lookup("4711")), "GET /base/v2/orders/4711?include=sims%2Cstatus");
    let mut by_request_id = order_lookup("3NhR3gKmqCWK7IWppurpDX3Cg");
    assert!(sent(AIRALO, &by_request_id, &Credentials::default()).is_err());
    by_request_id.hints.iccid = Some("8910".to_owned());
    assert_eq!(line(AIRALO, &by_request_id), "GET /base/v2/orders?include=sims%2Cstatus&filter%5Biccid%5D=8910");
    by_request_id.hints.description = Some("shop 17".to_owned());
    assert_eq!(
        line(AIRALO, &by_request_id),
        "GET /base/v2/orders?include=sims%2Cstatus&filter%5Bdescription%5D=shop+17"
    );
    let esim = |kind| esim_lookup(kind, "8910", Hints::default());
    assert_eq!(line(AIRALO, &esim(LookupKind::Esim)), "GET /base/v2/sims/8910?include=order%2Corder.status");
    let usage = dialect(AIRALO).request(&esim(LookupKind::Usage), &Credentials::default()).unwrap();
    let buckets: Vec<_> = usage.limits().iter().map(|limit| limit.bucket.as_str()).collect();
    assert_eq!(buckets, ["usage", "usage:8910"]);
}

#[test]
fn an_order_that_is_only_called_alike_is_another() {
    let mut asked = order_lookup("3NhR3gKmqCWK7IWppurpDX3Cg");
    asked.hints.description = Some("shop 17".to_owned());
    let request = ask_for_order(&asked, &Credentials::default()).unwrap();
    assert!(request.is_empty_answer(&json!({ "data": [{ "description": "shop 170" }] })));
    assert!(!request.is_empty_answer(&json!({ "data": [{ "description": null }, { "description": "shop 17" }] })));
}

#[test]
fn a_token_is_asked_for_with_a_form() {
    let request = ask_for_token(&credentials(&[("client_id", "id"), ("client_secret", "a&b")])).unwrap();
    assert_eq!(request.body(), "client_id=id&client_secret=a%26b&grant_type=client_credentials");
    assert!(!format!("{request:?}").contains("a%26b"), "{request:?}");
}

#[test]
fn airalos_errors_are_known_by_their_code_whatever_the_status() {
    let error = |code: u32| json!({ "code": code, "reason": "words" });
    for (status, code, expected) in [
        (422, 13, "later"),
        (422, 53, "later"),
        (422, 43, "refused"),
        (422, 73, "refused"),
        (200, 33, "refused"),
        (200, 13, "later"),
        (403, 89, "denied"),
    ] {
        check_outcome(AIRALO, status, &error(code), expected);
    }
    let found = json!({ "data": { "code": "20230227-009647" }, "meta": { "message": "succes" } });
    check_outcome(AIRALO, 200, &found, "found");
}

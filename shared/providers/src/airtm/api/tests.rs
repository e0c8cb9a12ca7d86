use serde_json::json;
use shared::lookup::{Hints, Lookup, LookupKind};
use shared::origin::Provider;

use super::*;
use crate::fixtures::{check_outcome, prove, sent};

const AIRTM: Provider = Provider::Airtm;

#[test]
fn airtm_is_told_both_keys() {
    let headers = prove(AIRTM, &[("api_key", "key"), ("secret", "secret")], "/", "");
    assert_eq!(headers["authorization"], "Basic a2V5OnNlY3JldA==");
}

#[test]
fn airtm_is_asked_where_it_says() {
    let about = EntityKey::Payment("cd".to_owned());
    let mut payment = Lookup { about, kind: LookupKind::Payment, hints: Hints::default() };
    let version = |number| Credentials { version: Some(number), ..Credentials::default() };
    let line = |payment: &Lookup, number| sent(AIRTM, payment, &version(number)).map(|(line, _)| line);
    assert_eq!(line(&payment, 1).unwrap(), "GET /base/operations/cd");
    assert!(line(&payment, 2).is_err());
    payment.hints.direction = Some(Direction::Payout);
    assert_eq!(line(&payment, 2).unwrap(), "GET /base/payouts/cd");
}

#[test]
fn an_id_that_airtm_does_not_know_is_no_payment() {
    check_outcome(AIRTM, 404, &json!({ "code": 352_015 }), "nothing");
    check_outcome(AIRTM, 422, &json!({ "message": "id must be a UUID" }), "nothing");
}

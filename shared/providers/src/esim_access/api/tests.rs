use serde_json::Value;
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use super::*;
use crate::fixtures::{check_outcome, esim_lookup, order_lookup, prove, reply, sent};

const ACCESS: Provider = Provider::EsimAccess;

/// The vector of the provider's documentation.
#[test]
fn esim_access_is_signed_to_as_it_says() {
    let headers =
        prove(ACCESS, &[("access_code", "11111"), ("secret_key", "1111")], "/esim/query", r#"{"imsi":"326543826"}"#);
    let sent: Vec<_> = ["rt-accesscode", "rt-timestamp", "rt-requestid", "rt-signature"]
        .map(|name| headers[name].to_str().unwrap().to_owned())
        .into();
    let expected = "7eb765e27df5373dea2dbc8c41a7d9557743e46c8054750f3d851b3fd01d0835";
    assert_eq!(sent, ["11111", "1628670421", "4ce9d9cdac9e4e17b3a2c66c358c1ce2", expected]);
    assert!(!format!("{headers:?}").contains("11111"), "{headers:?}");
}

#[test]
fn without_a_secret_key_esim_access_is_told_the_access_code_alone() {
    assert_eq!(prove(ACCESS, &[("access_code", "11111")], "/esim/query", "{}").len(), 1);
}

#[test]
fn esim_access_is_asked_by_order() {
    let query = r#"{"pager":{"pageNum":1,"pageSize":500},"orderNo":"B1"}"#;
    let query = Ok((String::from("POST /base/esim/query"), query.to_owned()));
    let credentials = Credentials::default();
    assert_eq!(sent(ACCESS, &order_lookup("B1"), &credentials), query);
    assert_eq!(sent(ACCESS, &esim_lookup(LookupKind::Esim, "B1/8910", Hints::default()), &credentials), query);
}

#[test]
fn esim_accesss_codes_say_whether_to_ask_again() {
    let error = |code: &str| json!({ "success": "false", "errorCode": code, "errorMessage": "words" });
    for (code, expected) in [
        ("000001", "later"),
        ("000104", "refused"),
        ("101001", "later"),
        ("101002", "denied"),
        ("101003", "denied"),
        ("200010", "later"),
        ("200007", "refused"),
        ("310241", "refused"),
        ("310272", "nothing"),
        ("310403", "nothing"),
        ("900001", "later"),
        ("777777", "later"),
    ] {
        check_outcome(ACCESS, 200, &error(code), expected);
    }
    check_outcome(ACCESS, 200, &json!({ "success": true, "errorCode": null, "obj": {} }), "found");
    check_outcome(ACCESS, 200, &json!({ "success": "true", "errorCode": "0", "obj": {} }), "found");
    check_outcome(ACCESS, 400, &error("310272"), "nothing");
    check_outcome(ACCESS, 429, &error("900001"), "limited");
    check_outcome(ACCESS, 502, &Value::Null, "later");
    let allocating = judge(&reply(200, &error("200010")));
    assert!(matches!(allocating, ApiOutcome::Later(_, Some(soon)) if soon < Duration::from_secs(60)));
}

#[test]
fn a_failure_without_a_code_is_a_failure() {
    for success in [json!(false), json!("false")] {
        let failed = json!({ "success": success, "errorCode": null, "obj": { "esimList": [] } });
        check_outcome(ACCESS, 200, &failed, "later");
    }
}

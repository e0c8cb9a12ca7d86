use serde_json::json;
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use super::*;
use crate::fixtures::{answer, check_outcome, esim_lookup, order_lookup, prove, sent};

const YONI: Provider = Provider::Yoni;

/// Computed with OpenSSL: HMAC-SHA256 of `app&1628670421&/v1/order/e-sim/page` under `key`.
#[test]
fn yoni_is_signed_to_without_host_query_and_body() {
    let headers = prove(YONI, &[("app_id", "app"), ("app_secret", "key")], "/v1/order/e-sim/page", "{}");
    assert_eq!(headers["appid"], "app");
    assert_eq!(headers["timestamp"], "1628670421");
    assert_eq!(headers["sign"], "9614a118e076a0ae51379fef5d1ffe62d9629ce94193c2f409e831c8f06e807d");
}

#[test]
fn yoni_is_asked_for_a_page_and_a_flow() {
    let (line, body) = sent(YONI, &order_lookup("78"), &Credentials::default()).unwrap();
    assert_eq!(
        (line.as_str(), body.as_str()),
        ("POST /base/v1/order/e-sim/page", r#"{"current":1,"size":50,"orderNo":"78"}"#)
    );
    let hints = Hints { order_ref: Some("78".to_owned()), ..Hints::default() };
    let flow = esim_lookup(LookupKind::Usage, "8910", hints);
    let (line, body) = sent(YONI, &flow, &Credentials::default()).unwrap();
    assert_eq!(
        (line.as_str(), body.as_str()),
        ("POST /base/v1/order/e-sim/flow", r#"{"orderNo":"78","iccid":"8910"}"#)
    );
}

#[test]
fn yonis_codes_say_whether_to_ask_again() {
    let error = |code: &Value| json!({ "code": code, "data": null, "msg": "words" });
    for (code, expected) in [
        (json!(0), "found"),
        (json!("0"), "found"),
        (json!(101), "later"),
        (json!(102), "later"),
        (json!(400), "refused"),
        (json!(501), "denied"),
        (json!("503"), "denied"),
        (json!(504), "refused"),
        (json!(9999), "later"),
        (json!(12345), "later"),
    ] {
        check_outcome(YONI, 200, &error(&code), expected);
    }
    let unauthorized = json!({ "code": 401, "error": true, "msg": "Unauthorized", "success": false });
    check_outcome(YONI, 401, &unauthorized, "denied");
    check_outcome(YONI, 429, &error(&json!(102)), "limited");
    check_outcome(YONI, 200, &json!({}), "later");
}

#[test]
fn an_answer_is_a_success_when_it_comes_and_when_it_is_read() {
    let flow = esim_lookup(LookupKind::Usage, "8910", Hints::default());
    for code in [json!(0), json!("0"), json!(200), json!("200"), json!(null)] {
        let found = json!({ "code": code, "data": { "total": "1024", "usage": "407.00" } });
        check_outcome(YONI, 200, &found, "found");
        assert_eq!(answer(YONI, flow.clone(), &found).facts.len(), 1, "{found}");
    }
}

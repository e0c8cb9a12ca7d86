use std::time::Duration;

use chrono::DateTime;
use reqwest::{StatusCode, Url};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::fact::EntityKey;
use shared::lookup::{Hints, Lookup, LookupKind};
use shared::payment::Direction;

use super::http::Body;
use super::*;

fn reply(status: u16, body: &Value) -> Reply {
    let body = if body.is_null() { Body::Empty } else { Body::read(body.to_string().as_bytes()) };
    Reply { status: StatusCode::from_u16(status).unwrap(), retry_after: None, body }
}

/// What a verdict comes down to, in a word.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Found(_) => "found",
        Verdict::Nothing => "nothing",
        Verdict::Later(..) => "later",
        Verdict::Limited(_) => "limited",
        Verdict::Refused(_) => "refused",
        Verdict::Denied(_) => "denied",
        Verdict::Unknown => "unknown",
    }
}

#[track_caller]
fn check(read: fn(&Reply) -> Verdict, status: u16, body: &Value, expected: &str) {
    assert_eq!(word(&read(&reply(status, body))), expected, "{status} {body}");
}

fn lookup(about: EntityKey, kind: LookupKind) -> Lookup {
    Lookup { about, kind, hints: Hints::default() }
}

fn order(reference: &str) -> Lookup {
    lookup(EntityKey::Order(reference.to_owned()), LookupKind::Order)
}

fn esim(reference: &str, kind: LookupKind) -> Lookup {
    lookup(EntityKey::Esim(reference.to_owned()), kind)
}

/// Method, URL and body, as they go out.
#[track_caller]
fn sent(request: Result<Request, String>) -> (String, String) {
    let request = request.unwrap();
    let url = request.url(&Url::parse("https://api.example/base/").unwrap());
    let shown = url.as_str().trim_start_matches("https://api.example");
    (format!("{} {shown}", request.method), request.body().to_owned())
}

fn secret(text: &str) -> SecretString {
    text.into()
}

fn moment() -> Moment {
    let request_id = "4ce9d9cd-ac9e-4e17-b3a2-c66c358c1ce2".parse().unwrap();
    Moment { now_ms: 1_628_670_421, request_id }
}

#[test]
fn an_answer_can_be_awaited_anywhere() {
    fn sendable<T: Send>(_: impl FnOnce(&'static Api, &'static Lookup) -> T) {}
    sendable(Api::ask);
}

/// The vector of the provider's documentation.
#[test]
fn esim_access_is_signed_to_as_it_says() {
    let headers =
        esim_access::prove(&secret("11111"), Some(&secret("1111")), r#"{"imsi":"326543826"}"#, &moment()).unwrap();
    let sent: Vec<_> = ["rt-accesscode", "rt-timestamp", "rt-requestid", "rt-signature"]
        .map(|name| headers[name].to_str().unwrap().to_owned())
        .into();
    let expected = "7eb765e27df5373dea2dbc8c41a7d9557743e46c8054750f3d851b3fd01d0835";
    assert_eq!(sent, ["11111", "1628670421", "4ce9d9cdac9e4e17b3a2c66c358c1ce2", expected]);
    assert!(!format!("{headers:?}").contains("11111"), "{headers:?}");
}

#[test]
fn without_a_secret_key_esim_access_is_told_the_access_code_alone() {
    let headers = esim_access::prove(&secret("11111"), None, "{}", &moment()).unwrap();
    assert_eq!(headers.len(), 1);
}

/// Computed with OpenSSL: HMAC-SHA256 of `app&1628670421&/v1/order/e-sim/page` under `key`.
#[test]
fn yoni_is_signed_to_without_host_query_and_body() {
    let headers = yoni::prove(&secret("app"), &secret("key"), "/v1/order/e-sim/page", &moment()).unwrap();
    assert_eq!(headers["appid"], "app");
    assert_eq!(headers["timestamp"], "1628670421");
    assert_eq!(headers["sign"], "9614a118e076a0ae51379fef5d1ffe62d9629ce94193c2f409e831c8f06e807d");
}

#[test]
fn simplifytrip_and_airtm_are_told_both_keys() {
    let headers = simplifytrip::prove(&secret("pk_test_1"), &secret("sk_test_2")).unwrap();
    assert_eq!(
        (&headers["x-api-key"], &headers["authorization"]),
        (&"pk_test_1".parse().unwrap(), &"Bearer sk_test_2".parse().unwrap())
    );
    let headers = airtm::prove(&secret("key"), &secret("secret")).unwrap();
    assert_eq!(headers["authorization"], "Basic a2V5OnNlY3JldA==");
}

#[test]
fn airalo_is_asked_where_it_can_answer() {
    let of = |lookup: &Lookup| sent(airalo::question(lookup)).0;
    assert_eq!(of(&order("4711")), "GET /base/v2/orders/4711?include=sims%2Cstatus");
    let mut by_request_id = order("3NhR3gKmqCWK7IWppurpDX3Cg");
    assert!(airalo::question(&by_request_id).is_err());
    by_request_id.hints.iccid = Some("8910".to_owned());
    assert_eq!(of(&by_request_id), "GET /base/v2/orders?include=sims%2Cstatus&filter%5Biccid%5D=8910");
    by_request_id.hints.description = Some("shop 17".to_owned());
    assert_eq!(of(&by_request_id), "GET /base/v2/orders?include=sims%2Cstatus&filter%5Bdescription%5D=shop+17");
    assert_eq!(of(&esim("8910", LookupKind::Esim)), "GET /base/v2/sims/8910?include=order%2Corder.status");
    let usage = airalo::question(&esim("8910", LookupKind::Usage)).unwrap();
    let buckets: Vec<_> = usage.limits.iter().map(|limit| limit.bucket.as_str()).collect();
    assert_eq!(buckets, ["usage", "usage:8910"]);
}

#[test]
fn an_order_that_is_only_called_alike_is_another() {
    let mut asked = order("3NhR3gKmqCWK7IWppurpDX3Cg");
    asked.hints.description = Some("shop 17".to_owned());
    let request = airalo::question(&asked).unwrap();
    assert!(request.empty.holds(&json!({ "data": [{ "description": "shop 170" }] })));
    assert!(!request.empty.holds(&json!({ "data": [{ "description": null }, { "description": "shop 17" }] })));
}

#[test]
fn a_token_is_asked_for_with_a_form() {
    let request = airalo::token_request(&secret("id"), &secret("a&b"));
    assert_eq!(request.body(), "client_id=id&client_secret=a%26b&grant_type=client_credentials");
    assert!(!format!("{request:?}").contains("a%26b"), "{request:?}");
}

#[test]
fn esim_access_is_asked_by_order_and_by_its_own_number_of_an_esim() {
    let query = r#"{"pager":{"pageNum":1,"pageSize":500},"orderNo":"B1"}"#;
    let query = (String::from("POST /base/esim/query"), query.to_owned());
    assert_eq!(sent(esim_access::question(&order("B1"))), query);
    assert_eq!(sent(esim_access::question(&esim("B1/8910", LookupKind::Esim))), query);
    let mut usage = esim("B1/8910", LookupKind::Usage);
    assert!(esim_access::question(&usage).is_err());
    usage.hints.provider_esim_ref = Some("25".to_owned());
    let (line, body) = sent(esim_access::question(&usage));
    assert_eq!((line.as_str(), body.as_str()), ("POST /base/esim/usage/query", r#"{"esimTranNoList":["25"]}"#));
}

#[test]
fn yoni_and_simplifytrip_and_airtm_are_asked_where_they_say() {
    let (line, body) = sent(yoni::question(&order("78")));
    assert_eq!(
        (line.as_str(), body.as_str()),
        ("POST /base/v1/order/e-sim/page", r#"{"current":1,"size":50,"orderNo":"78"}"#)
    );
    let mut flow = esim("8910", LookupKind::Usage);
    flow.hints.order_ref = Some("78".to_owned());
    let (line, body) = sent(yoni::question(&flow));
    assert_eq!(
        (line.as_str(), body.as_str()),
        ("POST /base/v1/order/e-sim/flow", r#"{"orderNo":"78","iccid":"8910"}"#)
    );
    assert_eq!(sent(simplifytrip::question(&order("6f"))).0, "GET /base/api/v1/orders/6f");
    assert_eq!(sent(simplifytrip::question(&esim("8910", LookupKind::Usage))).0, "GET /base/api/v1/products/esim/8910");
    let mut payment = lookup(EntityKey::Payment("cd".to_owned()), LookupKind::Payment);
    assert_eq!(sent(airtm::question(&payment, AirtmVersion::V1)).0, "GET /base/operations/cd");
    assert!(airtm::question(&payment, AirtmVersion::V2).is_err());
    payment.hints.direction = Some(Direction::Payout);
    assert_eq!(sent(airtm::question(&payment, AirtmVersion::V2)).0, "GET /base/payouts/cd");
}

#[test]
fn a_forged_reference_leads_nowhere_else() {
    for reference in ["..", ".", "a/../b", "a?b", "", "a b", "\u{e9}"] {
        assert!(simplifytrip::question(&order(reference)).is_err(), "{reference}");
    }
}

#[test]
fn a_status_says_whether_to_ask_again() {
    for (status, expected) in [
        (200, "found"),
        (302, "denied"),
        (400, "refused"),
        (401, "unknown"),
        (403, "denied"),
        (404, "nothing"),
        (408, "later"),
        (429, "limited"),
        (500, "later"),
        (503, "later"),
    ] {
        for read in [airalo::read, simplifytrip::read, airtm::read] {
            check(read, status, &json!({ "data": [] }), expected);
        }
    }
    check(airalo::read, 404, &Value::Null, "denied");
    check(airalo::read, 204, &Value::Null, "found");
    let half = Reply { body: Body::read(b"<html>"), ..reply(200, &Value::Null) };
    assert_eq!((word(&airalo::read(&half)), half.trouble().is_some()), ("later", true));
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
        check(airalo::read, status, &error(code), expected);
    }
    check(
        airalo::read,
        200,
        &json!({ "data": { "code": "20230227-009647" }, "meta": { "message": "succes" } }),
        "found",
    );
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
        check(esim_access::read, 200, &error(code), expected);
    }
    check(esim_access::read, 200, &json!({ "success": true, "errorCode": null, "obj": {} }), "found");
    check(esim_access::read, 200, &json!({ "success": "true", "errorCode": "0", "obj": {} }), "found");
    check(esim_access::read, 400, &error("310272"), "nothing");
    check(esim_access::read, 429, &error("900001"), "limited");
    check(esim_access::read, 502, &Value::Null, "later");
    let allocating = esim_access::read(&reply(200, &error("200010"))).settle();
    assert!(
        matches!(allocating, Err(ApiError::Later { retry_after: Some(soon), .. }) if soon < Duration::from_secs(60))
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
        check(yoni::read, 200, &error(&code), expected);
    }
    check(yoni::read, 401, &json!({ "code": 401, "error": true, "msg": "Unauthorized", "success": false }), "denied");
    check(yoni::read, 429, &error(&json!(102)), "limited");
    check(yoni::read, 200, &json!({}), "later");
}

#[test]
fn a_path_that_does_not_exist_is_no_order_that_does_not() {
    let unknown = json!({ "statusCode": 404, "message": "Cannot GET /api/v1/orders/1" });
    check(simplifytrip::read, 404, &unknown, "refused");
    check(simplifytrip::read, 404, &json!({ "statusCode": 404, "errorCode": "ORDER_NOT_FOUND" }), "nothing");
    check(airtm::read, 404, &json!({ "code": 352_015 }), "nothing");
    check(airtm::read, 422, &json!({ "message": "id must be a UUID" }), "nothing");
}

#[test]
fn numbers_are_kept_digit_by_digit() {
    let body = Body::read(br#"{"data":{"price":9.50,"id":12345678901234567890123}}"#);
    let Verdict::Found(found) = airalo::read(&Reply { body, ..reply(200, &Value::Null) }) else { panic!("nothing") };
    assert_eq!(found.to_string(), r#"{"data":{"price":9.50,"id":12345678901234567890123}}"#);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z").unwrap().to_utc();
    for (text, expected) in [("120", Some(120)), ("Fri, 02 Jan 2026 03:04:35 GMT", Some(30)), ("soon", None)] {
        assert_eq!(http::read_retry_after(text, now), expected.map(Duration::from_secs), "{text}");
    }
}

use serde_json::{Value, json};
use shared::event::Event;
use shared::fact::{EntityKey, State};
use shared::origin::Provider;

use super::*;
use crate::decode;
use crate::fixtures::{check_refused, envelope, esims, event_of, orders, payload, received_at, time as at};

const SIMPLIFYTRIP: Provider = Provider::Simplifytrip;
const SENT_AT: &str = "2024-11-23T10:29:17.887Z";
const SIM_ORDER: &str = payload!("simplifytrip/sim_order_update.json");

fn wrap(event: &str, data: &Value) -> Value {
    json!({"id": "w1", "type": event, "createdAt": "2026-05-01T11:00:00Z", "sentDate": "2026-05-01T12:00:00Z",
           "mode": "LIVE_MODE", "data": data})
}

/// A sample, received when it was sent.
#[track_caller]
fn sample(body: &str) -> Event {
    decode(&Envelope { received_at: at(SENT_AT), ..envelope(SIMPLIFYTRIP, body) }).unwrap()
}

#[test]
fn the_sample_order_brings_its_esim() {
    let event = sample(payload!("simplifytrip/esim_order_success.json"));
    assert_eq!((event.kind.as_str(), event.mode), ("purchase_order_success", Mode::Test));
    assert_eq!(event.provider_event_id.as_deref(), Some("6741ae7de65369e169a70758"));
    assert_eq!(event.occurred_at, Some(at(SENT_AT)));
    assert_eq!(event.order_ref.as_deref(), Some("7258736707"));
    assert_eq!(event.esim_ref.as_deref(), Some("89812003916820393515"));
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.status(), order.standing.at()), (OrderStatus::Completed, Some(at(SENT_AT))));
    assert_eq!(order.product.value(), Some(&Product::Esim));
    assert_eq!((order.package_code.value().unwrap().as_str(), order.quantity.value()), ("E23XY06GB08DFX", Some(&1)));
    assert_eq!(order.track_ref.value().unwrap(), "fd66829c-f768-43a7-b147-9e92d44c4e81");
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!(esim.plan, Latest::claim(PlanStatus::Allocated, Some(at(SENT_AT))));
    let install = esim.install.value().unwrap();
    let scanned = "LPA:1$SECSMSMINIAPP.EASTCOMPEACE.COM$502F97EF09144E0C9D62FD781E259916";
    assert_eq!(install.activation_code, scanned, "and not the sample's other code");
    assert_eq!((install.apn.as_deref(), install.pin.as_deref()), (Some("plus.4g"), Some("1234")));
    assert_eq!(install.puk.as_deref(), Some("15095300"));
    assert!(install.qr_code_url.is_some());
}

#[test]
fn the_sample_of_a_physical_sim_is_delivered() {
    let event = sample(SIM_ORDER);
    assert_eq!((event.kind.as_str(), event.esim_ref.as_deref()), ("purchase_order_update", None));
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.status(), order.is_physical()), (OrderStatus::Completed, true));
    assert_eq!((order.quantity.value(), order.mode()), (Some(&3), Mode::Test));
    assert!(esims(&event).is_empty());
}

#[test]
fn the_sample_return_is_under_review() {
    let event = sample(payload!("simplifytrip/return_update.json"));
    assert_eq!(event.facts[0].key, EntityKey::Return("6741ae68e65369e169a70757".to_owned()));
    let State::Return(request) = &event.facts[0].claims else { panic!("a return") };
    assert_eq!(request.status, Latest::claim(ReturnStatus::Reviewing, Some(at(SENT_AT))));
    assert_eq!(request.order_ref.value().unwrap(), "7258736707");
    assert_eq!(request.return_type.value().unwrap(), "full");
    assert_eq!(request.refund_amount.value().unwrap().to_string(), "205000");
    assert_eq!(request.reason.value().unwrap(), "reason");
    assert_eq!(request.track_ref.value().unwrap(), "fd66829c-f768-43a7-b147-9e92d44c4e81");
}

#[track_caller]
fn check_update(said: &str, expected: Option<OrderStatus>) {
    let event = event_of(SIMPLIFYTRIP, &wrap("PURCHASE_ORDER_UPDATE", &json!({"orderId": 7, "status": said})));
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!(order.standing.value().map(|standing| standing.status), expected, "{said}");
    assert_eq!((order.is_physical(), order.needs_review()), (true, expected.is_none()), "{said}");
}

#[test]
fn every_step_of_a_physical_sim_is_read() {
    check_update("NEW", Some(OrderStatus::Pending));
    check_update("CONFIRMED", Some(OrderStatus::Processing));
    check_update("DELIVERING", Some(OrderStatus::Shipping));
    check_update("Success", Some(OrderStatus::Completed));
    check_update("CANCELED", Some(OrderStatus::Cancelled));
    check_update("CANCELLED", Some(OrderStatus::Cancelled));
    check_update("LOST", None);
}

#[track_caller]
fn check_failure(said: &Value, expected: Option<&str>) {
    let mut data = json!({"orderId": "7", "items": [{"type": "eSIM", "eSims": [{"iccid": "8"}]}]});
    for (name, field) in said.as_object().unwrap() {
        data[name] = field.clone();
    }
    let event = event_of(SIMPLIFYTRIP, &wrap("PURCHASE_ORDER_FAIL", &data));
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.status(), order.failure_reason()), (OrderStatus::Failed, expected), "{said}");
    assert!(esims(&event).is_empty(), "a failed order hands nothing out");
}

#[test]
fn a_failed_order_says_why_if_it_does() {
    check_failure(&json!({}), None);
    check_failure(&json!({"error": "no stock", "status": "FAIL"}), Some("no stock"));
    check_failure(&json!({"error": {"errorMessage": "no stock"}}), Some("no stock"));
    check_failure(&json!({"error": null, "message": "no stock"}), Some("no stock"));
    check_failure(&json!({"reason": {"code": 12}}), Some("12"));
}

#[test]
fn an_order_of_several_lines_is_added_up() {
    let items = json!([
        {"sku": "a", "quantity": 2, "type": "SIM"},
        {"sku": "b", "quantity": "3", "type": "eSIM", "eSims": [{"iccid": "1"}, {"iccid": "2"}, {}]},
    ]);
    let event = event_of(SIMPLIFYTRIP, &wrap("PURCHASE_ORDER_SUCCESS", &json!({"orderId": "7", "items": items})));
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.quantity.value(), order.product.value()), (Some(&5), Some(&Product::Esim)));
    assert_eq!(order.package_code.value().unwrap(), "a");
    assert_eq!((esims(&event).len(), event.esim_ref), (2, None));
}

#[track_caller]
fn check_code(esim: &Value, expected: Option<&str>) {
    assert_eq!(install(esim).map(|install| install.activation_code).as_deref(), expected, "{esim}");
}

#[test]
fn an_activation_code_is_assembled_where_there_is_none() {
    check_code(&json!({"qrCodeContent": "LPA:1$a$b", "smdpAddress": "c", "activationCode": "d"}), Some("LPA:1$a$b"));
    check_code(&json!({"qrCodeContent": "https://x", "smdpAddress": "c", "activationCode": "d"}), Some("LPA:1$c$d"));
    check_code(&json!({"smdpAddress": "c", "activationCode": "d"}), Some("LPA:1$c$d"));
    check_code(&json!({"smdpAddress": "c"}), None);
}

#[track_caller]
fn check_return(said: &str, expected: Option<ReturnStatus>) {
    let data = json!({"id": "r", "status": said, "returnType": "Partial"});
    let event = event_of(SIMPLIFYTRIP, &wrap("RETURN_ORDER_UPDATE", &data));
    let State::Return(request) = &event.facts[0].claims else { panic!("a return") };
    assert_eq!(request.status.value().copied(), expected, "{said}");
    assert_eq!(request.provider_status.value().unwrap(), said);
    assert_eq!(request.return_type.value().unwrap(), "partial");
}

#[test]
fn every_status_of_a_return_is_read() {
    check_return("REQUESTED", Some(ReturnStatus::Requested));
    check_return("REVIEWING", Some(ReturnStatus::Reviewing));
    check_return("approved", Some(ReturnStatus::Approved));
    check_return("REJECTED", Some(ReturnStatus::Rejected));
    check_return("FORGOTTEN", None);
}

#[track_caller]
fn check_mode(said: &Value, expected: Mode) {
    let mut body = wrap("PURCHASE_ORDER_SUCCESS", &json!({"orderId": "7"}));
    body["mode"] = said.clone();
    let source = Envelope { mode: Mode::Test, ..envelope(SIMPLIFYTRIP, &body.to_string()) };
    assert_eq!(decode(&source).unwrap().mode, expected, "{said}");
}

#[test]
fn the_body_says_its_mode_and_else_the_source_does() {
    check_mode(&json!("LIVE_MODE"), Mode::Live);
    check_mode(&json!("TEST_MODE"), Mode::Test);
    check_mode(&json!("OTHER_MODE"), Mode::Test);
    check_mode(&json!(null), Mode::Test);
}

#[track_caller]
fn check_fresh(sent_at: &Value, origin: Origin, is_fresh: bool) {
    let mut body = wrap("PURCHASE_ORDER_SUCCESS", &json!({"orderId": "7"}));
    body["sentDate"] = sent_at.clone();
    let answer = decode(&Envelope { origin, ..envelope(SIMPLIFYTRIP, &body.to_string()) });
    match answer {
        Ok(_) => assert!(is_fresh, "{sent_at}"),
        Err(refusal) => {
            let sent_at = at(sent_at.as_str().unwrap());
            assert_eq!(refusal, Malformed::StaleReplay { sent_at, received_at: received_at() });
            assert!(!is_fresh, "{sent_at}");
        }
    }
}

#[test]
fn an_event_counts_for_a_day_around_its_receipt() {
    check_fresh(&json!("2026-04-30T12:00:00Z"), Origin::Webhook, true);
    check_fresh(&json!("2026-04-30T11:59:59Z"), Origin::Webhook, false);
    check_fresh(&json!("2026-05-02T12:00:00Z"), Origin::Webhook, true);
    check_fresh(&json!("2026-05-02T12:00:01Z"), Origin::Webhook, false);
    check_fresh(&json!(null), Origin::Webhook, true);
    check_fresh(&json!("some day"), Origin::Webhook, true);
}

#[test]
fn what_an_operator_sends_again_is_no_replay() {
    check_fresh(&json!("2026-01-01T00:00:00Z"), Origin::Replay, true);
}

#[test]
fn a_second_attempt_has_the_key_of_the_first_and_a_changed_event_another() {
    let body = wrap("PURCHASE_ORDER_UPDATE", &json!({"orderId": "7", "status": "NEW"}));
    let (mut again, mut changed) = (body.clone(), body.clone());
    again["sentDate"] = "2026-05-01T12:05:00Z".into();
    changed["data"]["status"] = "CONFIRMED".into();
    let key = |body: &Value| event_of(SIMPLIFYTRIP, body).key;
    assert_eq!(key(&again), key(&body));
    assert_ne!(key(&changed), key(&body));
}

#[test]
fn a_new_type_of_event_is_kept_and_claims_nothing() {
    let event = event_of(SIMPLIFYTRIP, &wrap("ESIM_EXPIRED", &json!({"orderId": "7"})));
    assert_eq!((event.kind.as_str(), event.facts.len()), ("esim_expired", 0));
    assert_eq!(event.order_ref.as_deref(), Some("7"));
}

#[test]
fn what_names_no_entity_is_refused_by_the_name_of_the_field() {
    check_refused(SIMPLIFYTRIP, &json!({"data": {"orderId": "7"}}), "type is missing");
    check_refused(SIMPLIFYTRIP, &json!({"type": "PURCHASE_ORDER_SUCCESS"}), "data is missing");
    check_refused(SIMPLIFYTRIP, &wrap("PURCHASE_ORDER_SUCCESS", &json!({})), "orderId is missing");
    check_refused(SIMPLIFYTRIP, &wrap("PURCHASE_ORDER_FAIL", &json!({})), "orderId is missing");
    check_refused(SIMPLIFYTRIP, &wrap("PURCHASE_ORDER_UPDATE", &json!({"orderId": "7"})), "status is missing");
    check_refused(SIMPLIFYTRIP, &wrap("RETURN_ORDER_UPDATE", &json!({"status": "APPROVED"})), "id is missing");
    check_refused(SIMPLIFYTRIP, &wrap("RETURN_ORDER_UPDATE", &json!({"id": "r"})), "status is missing");
}

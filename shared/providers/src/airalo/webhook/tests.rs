use serde_json::{Value, json};
use shared::envelope::Envelope;
use shared::event::RECURS_AFTER;
use shared::origin::Provider;

use super::*;
use crate::decode;
use crate::fixtures::{check_refused, envelope, esims, event, event_of, orders, payload, received_at};

const AIRALO: Provider = Provider::Airalo;

#[track_caller]
fn check_order_sample(body: &str) {
    let event = event(AIRALO, body);
    assert_eq!((event.kind.as_str(), event.recurs, event.occurred_at), ("async_order", false, None));
    assert_eq!(event.order_ref.as_deref(), Some("3NhR3gKmqCWK7IWppurpDX3Cg"));
    assert_eq!(event.esim_ref.as_deref(), Some("891000000000009125"));
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!(order.status(), OrderStatus::Completed);
    assert_eq!(order.standing.at(), None, "created_at is not the event's time");
    assert_eq!(order.product.value(), Some(&Product::Esim));
    assert_eq!(order.package_code.value().unwrap(), "kallur-digital-7days-1gb");
    assert_eq!(order.package_name.value().unwrap(), "Kallur Digital-1 GB - 7 Days");
    assert_eq!(order.amount.value().unwrap().to_string(), "9.5");
    assert_eq!((order.currency.value().unwrap().as_str(), order.quantity.value()), ("USD", Some(&1)));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!(esim.order_ref.value(), event.order_ref.as_ref());
    assert_eq!(esim.plan_status(), Some(PlanStatus::Allocated));
    assert_eq!(esim.package_name.value(), order.package_name.value());
    let install = esim.install.value().unwrap();
    assert_eq!(install.activation_code, "LPA:1$lpa.airalo.com$TEST");
    assert!(install.qr_code_url.is_some() && install.apple_install_url.is_some() && install.apn.is_none());
}

#[test]
fn an_order_reads_the_same_wherever_its_request_id_and_fields_are() {
    let nested = payload!("airalo/async_order_nested_request_id.json");
    check_order_sample(nested);
    check_order_sample(payload!("airalo/async_order_root_request_id.json"));
    let nested: Value = serde_json::from_str(nested).unwrap();
    check_order_sample(&nested["data"].to_string());
}

#[track_caller]
fn check_order(body: &Value, status: OrderStatus, reason: Option<&str>, sims: usize) {
    let event = event_of(AIRALO, body);
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.status(), order.failure_reason()), (status, reason), "{body}");
    assert_eq!(esims(&event).len(), sims, "{body}");
}

#[test]
fn an_order_says_how_it_ended_by_what_it_brings() {
    let sims = json!([{"iccid": "1"}, {"iccid": "2"}, {"iccid": null}]);
    check_order(&json!({"request_id": "r", "sims": sims}), OrderStatus::Completed, None, 2);
    check_order(&json!({"request_id": "r", "data": {"sims": sims, "type": "sim"}}), OrderStatus::Completed, None, 2);
    check_order(&json!({"data": {"id": 7, "type": "topup", "sims": []}}), OrderStatus::Completed, None, 0);
    check_order(&json!({"request_id": "r", "reason": "no stock"}), OrderStatus::Failed, Some("no stock"), 0);
    check_order(
        &json!({"request_id": "r", "code": 34, "reason": "no stock", "data": {}}),
        OrderStatus::Failed,
        Some("no stock"),
        0,
    );
    check_order(&json!({"request_id": "r", "data": {"reason": "x", "sims": []}}), OrderStatus::Failed, Some("x"), 0);
    check_order(&json!({"request_id": "r", "data": {"status": "failed", "sims": sims}}), OrderStatus::Failed, None, 0);
    check_order(
        &json!({"data": {"id": 7, "sims": sims, "status": {"name": "Completed", "slug": "completed"}}}),
        OrderStatus::Completed,
        None,
        2,
    );
}

#[test]
fn an_accepted_order_is_only_heard_of() {
    let event = event_of(AIRALO, &json!({"data": {"request_id": "r", "accepted_at": "2024-07-11 15:26:02"}}));
    assert!(orders(&event)[0].standing.is_empty());
}

#[test]
fn a_refund_is_for_somebody_to_look_at() {
    let event = event_of(AIRALO, &json!({"data": {"id": 7, "status": {"slug": "refunded"}, "sims": []}}));
    assert!(orders(&event)[0].needs_review());
}

#[test]
fn an_activation_code_is_assembled_where_there_is_none() {
    let sim = json!({"iccid": "1", "lpa": "rsp.example", "matching_id": "M", "confirmation_code": "0000", "apn_value": "net"});
    let event = event_of(AIRALO, &json!({"request_id": "r", "sims": [sim, {"iccid": "2", "lpa": "rsp.example"}]}));
    let installs: Vec<_> = esims(&event).into_iter().map(|esim| esim.install.value()).collect();
    let install = installs[0].unwrap();
    assert_eq!(install.activation_code, "LPA:1$rsp.example$M");
    assert_eq!((install.confirmation_code.as_deref(), install.apn.as_deref()), (Some("0000"), Some("net")));
    assert!(installs[1].is_none(), "half a code is none");
    assert_eq!(event.esim_ref, None, "it is about two");
}

#[track_caller]
fn check_level(level: &str, low_data: Option<u32>, expiry: Option<u32>) {
    let event = event_of(AIRALO, &json!({"level": level, "iccid": "87123123456889019", "package_name": "p"}));
    assert_eq!((event.kind.as_str(), event.recurs), ("low_data", true), "{level}");
    assert_eq!(event.esim_ref.as_deref(), Some("87123123456889019"));
    let alert = |level| Alert { level, event_key: event.key.clone() };
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!(esim.low_data_alert, Latest::maybe(low_data.map(alert), Some(received_at())), "{level}");
    assert_eq!(esim.expiry_alert, Latest::maybe(expiry.map(alert), Some(received_at())), "{level}");
}

#[test]
fn a_level_is_a_share_used_or_days_left() {
    check_level("75%", Some(75), None);
    check_level("90 %", Some(90), None);
    check_level("50%", Some(50), None);
    check_level("1days", None, Some(1));
    check_level("1 Day", None, Some(1));
    check_level("3days", None, Some(3));
    check_level("7days", None, Some(7));
}

#[test]
fn a_level_of_another_form_warns_of_nothing() {
    check_level("soon", None, None);
    check_level("175%", None, None);
    check_level("0%", None, None);
    check_level("-1days", None, None);
}

#[test]
fn the_sample_warnings_are_read() {
    let low_data = event(AIRALO, payload!("airalo/low_data_3days.json"));
    assert_eq!(esims(&low_data)[0].expiry_alert.value().map(|alert| alert.level), Some(3));
    let credit = event(AIRALO, payload!("airalo/credit_limit.json"));
    assert_eq!((credit.kind.as_str(), credit.recurs, credit.facts.len()), ("credit_limit", true, 0));
    let alert = credit.credit.unwrap();
    assert_eq!((alert.used_percent, alert.remaining.unwrap().to_string().as_str()), (Some(80), "225.35"));
}

#[test]
fn the_same_warning_received_again_is_one_of_its_own() {
    let body = payload!("airalo/low_data_3days.json");
    let later = received_at() + RECURS_AFTER;
    let again = decode(&Envelope { received_at: later, ..envelope(AIRALO, body) }).unwrap();
    let first = event(AIRALO, body);
    assert_eq!(first.body_hash(), again.body_hash());
    assert_ne!(first.key, again.key);
    assert_ne!(esims(&first)[0].expiry_alert.value(), esims(&again)[0].expiry_alert.value());
}

#[test]
fn the_package_name_of_the_order_outweighs_the_code_in_a_warning() {
    use shared::block::Join as _;
    let warning = event(AIRALO, payload!("airalo/low_data_3days.json"));
    let order = event(AIRALO, payload!("airalo/async_order_root_request_id.json"));
    let mut esim = esims(&order)[0].clone();
    esim.join(esims(&warning)[0].clone());
    assert_eq!(esim.package_name.value().unwrap(), "Kallur Digital-1 GB - 7 Days");
}

#[test]
fn the_share_of_the_credit_is_found_in_the_prose() {
    assert_eq!(percent_in("Surpassed 80% of the limit"), Some(80));
    assert_eq!(percent_in("at 92.5 % now"), Some(92));
    assert_eq!(percent_in("% first"), None);
    assert_eq!(percent_in("99999999999999999999999999999999999999%"), None);
    assert_eq!(percent_in("nothing said"), None);
}

#[test]
fn what_names_no_entity_is_refused_by_the_name_of_the_field() {
    check_refused(AIRALO, &json!({}), "request_id is missing");
    check_refused(AIRALO, &json!({"level": "75%"}), "iccid is missing");
    check_refused(AIRALO, &json!({"code": 34, "reason": "no stock"}), "request_id is missing");
}

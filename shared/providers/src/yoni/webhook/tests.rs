use serde_json::{Value, json};
use shared::origin::Provider;

use super::*;
use crate::fixtures::{check_refused, esims, event, event_of, orders, payload};

const YONI: Provider = Provider::Yoni;

#[test]
fn the_sample_is_an_order_with_its_esim() {
    let event = event(YONI, payload!("yoni/completed.json"));
    assert_eq!((event.kind.as_str(), event.recurs, event.occurred_at), ("order", false, None));
    assert_eq!(event.order_ref.as_deref(), Some("2026032516xxxxxxxxxxx"));
    assert_eq!(event.esim_ref.as_deref(), Some("8910010000xxxxxxxxxx"), "a placeholder is an id like any other");
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.status(), order.needs_review()), (OrderStatus::Completed, false));
    assert_eq!(order.amount.value().unwrap().to_string(), "9.99");
    assert_eq!(order.currency.value().unwrap(), "SGD");
    assert_eq!(order.package_code.value().unwrap(), "YN2602130xxxxxx");
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!(esim.plan_status(), Some(PlanStatus::Allocated));
    assert_eq!(esim.install.value().unwrap().activation_code, "LPA:1$rsp.demo$69C32E7Dxxxxxxxx");
    assert_eq!(esim.order_ref.value(), event.order_ref.as_ref());
    assert_eq!(esim.package_name.value(), order.package_name.value());
}

#[track_caller]
fn check(body: &Value, status: OrderStatus, needs_review: bool, esim: Option<(Option<PlanStatus>, bool)>) {
    let event = event_of(YONI, body);
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.status(), order.needs_review()), (status, needs_review), "{body}");
    let found = esims(&event).first().map(|esim| (esim.plan_status(), !esim.install.is_empty()));
    assert_eq!(found, esim, "{body}");
}

#[test]
fn only_the_order_number_and_the_result_are_needed() {
    check(&json!({"orderNo": "1", "result": "completed"}), OrderStatus::Completed, false, None);
    check(&json!({"orderNo": 1, "result": "Failed", "iccid": "", "lpa": null}), OrderStatus::Failed, false, None);
    let completed = json!({"orderNo": "1", "result": "COMPLETED", "iccid": "8", "lpa": "LPA:1$a$b"});
    check(&completed, OrderStatus::Completed, false, Some((Some(PlanStatus::Allocated), true)));
}

#[test]
fn a_failed_order_hands_nothing_out() {
    let failed = json!({"orderNo": "1", "result": "FAILED", "iccid": "8", "lpa": "LPA:1$a$b"});
    check(&failed, OrderStatus::Failed, false, Some((None, false)));
}

#[test]
fn an_unknown_result_is_for_somebody_to_look_at() {
    let unknown = json!({"orderNo": "1", "result": "PARTLY", "iccid": "8", "lpa": "LPA:1$a$b"});
    check(&unknown, OrderStatus::Pending, true, Some((None, true)));
}

#[test]
fn an_unknown_currency_stays_as_it_is() {
    for (code, expected) in
        [("1", "CNY"), ("2", "USD"), ("3", "EUR"), ("4", "SGD"), ("5", "TWD"), ("6", "6"), ("JPY", "JPY")]
    {
        let event = event_of(YONI, &json!({"orderNo": "1", "result": "COMPLETED", "currency": code}));
        assert_eq!(orders(&event)[0].currency.value().unwrap(), expected);
    }
}

#[test]
fn what_names_no_entity_is_refused_by_the_name_of_the_field() {
    check_refused(YONI, &json!({"result": "COMPLETED"}), "orderNo is missing");
    check_refused(YONI, &json!({"orderNo": "1"}), "result is missing");
    check_refused(YONI, &json!({"orderNo": {}, "result": "COMPLETED"}), "orderNo is missing");
}

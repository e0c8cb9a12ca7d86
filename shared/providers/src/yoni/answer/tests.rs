use serde_json::{Value, json};
use shared::confirmation::Verdict;
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use crate::fixtures::{
    answer, asked_at, check_answer_refused, esim_lookup, esims, in_short, no_answer, order_lookup, orders,
};

const YONI: Provider = Provider::Yoni;

fn record(order_ref: &str, iccid: &str, result: &str) -> Value {
    json!({"orderNo": order_ref, "currency": "2", "iccid": iccid, "lpa": "LPA:1$rsp.demo$X", "packageCode": "P",
           "packageName": "Malaysia", "price": "9.99", "result": result})
}

fn page(records: &[Value]) -> Value {
    json!({"code": 0, "msg": "success", "data": {"records": records, "total": records.len(), "current": 1, "size": 10}})
}

#[test]
fn one_record_tells_of_an_order_and_its_esim() {
    let found = page(&[record("Y0", "8900", "FAILED"), record("Y1", "8901", "COMPLETED")]);
    let expected = ["order Y1: completed", "esim 8901: plan=allocated install"];
    let event = answer(YONI, order_lookup("Y1"), &found);
    assert_eq!((event.kind.as_str(), in_short(&event)), ("order_answer", expected.map(str::to_owned).to_vec()));
    let hints = Hints { order_ref: Some("Y1".to_owned()), ..Hints::default() };
    let event = answer(YONI, esim_lookup(LookupKind::Esim, "8901", hints), &found);
    assert_eq!((event.kind.as_str(), in_short(&event)), ("esim_answer", expected.map(str::to_owned).to_vec()));
    let (order, esim) = (orders(&event)[0], esims(&event)[0]);
    assert_eq!((order.verdict(), order.standing.at()), (Some(Verdict::Confirmed), Some(asked_at())));
    assert_eq!((esim.verdict(), esim.install.at()), (Some(Verdict::Confirmed), Some(asked_at())));
    assert_eq!(order.amount.value().unwrap().to_string(), "9.99");
}

#[test]
fn an_order_under_way_has_no_esim_yet() {
    let event = answer(YONI, order_lookup("Y1"), &page(&[json!({"orderNo": "Y1", "iccid": null, "result": null})]));
    assert_eq!(in_short(&event), ["order Y1: pending"]);
    assert!(!orders(&event)[0].needs_review(), "nothing was said that could be unknown");
    let event = answer(YONI, order_lookup("Y1"), &page(&[record("Y1", "8901", "REFUNDED")]));
    assert!(orders(&event)[0].needs_review());
}

#[test]
fn an_order_that_is_not_on_the_page_is_denied_with_its_esim() {
    let hints = Hints { order_ref: Some("Y1".to_owned()), ..Hints::default() };
    let lookup = esim_lookup(LookupKind::Esim, "8901", hints);
    for event in [answer(YONI, lookup.clone(), &page(&[])), no_answer(YONI, lookup)] {
        assert_eq!(in_short(&event), ["order Y1: pending", "esim 8901: "]);
        assert_eq!(orders(&event)[0].confirmation.vouched.value(), Some(&None));
        assert_eq!(esims(&event)[0].confirmation.vouched.value(), Some(&None));
    }
}

#[track_caller]
fn check_flow(total: &str, usage: &str, expected: &str) {
    let found = json!({"code": 0, "data": {"total": total, "usage": usage}});
    let event = answer(YONI, esim_lookup(LookupKind::Usage, "8901", Hints::default()), &found);
    assert_eq!(in_short(&event), [format!("esim 8901: {expected}")]);
}

#[test]
fn the_flow_is_in_megabytes() {
    check_flow("1024", "407.00", "plan=active used=426770432 told=39%");
    check_flow("1024", "0", "used=0");
    check_flow("1024", "1024.00", "plan=depleted used=1073741824 told=100%");
    check_flow("0", "12", "");
}

#[test]
fn an_error_is_no_answer() {
    check_answer_refused(YONI, order_lookup("Y1"), &json!({"code": 102, "msg": "busy"}), "the API reports an error");
    check_answer_refused(YONI, order_lookup("Y1"), &json!({"code": 0}), "data is missing");
}

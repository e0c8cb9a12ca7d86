use serde_json::{Value, json};
use shared::confirmation::Verdict;
use shared::lookup::{Hints, LookupKind};
use shared::order::OrderStatus;
use shared::origin::Provider;

use crate::fixtures::{
    answer, asked_at, check_answer_refused, esim_lookup, esims, in_short, no_answer, order_lookup, orders, time as at,
};

const AIRALO: Provider = Provider::Airalo;
const ICCID: &str = "891000000000009125";

/// `GET /v2/orders/{id}?include=sims,user,status`, with the types that this endpoint has.
fn order_of(id: u32, description: &str) -> Value {
    json!({
        "id": id, "code": "20230227-009647", "currency": "USD", "package_id": "kallur-digital-7days-1gb", "quantity": 1,
        "type": "sim", "description": description, "esim_type": "Prepaid", "validity": "7", "package": "Kallur Digital",
        "data": "1 GB", "price": "9.50", "created_at": "2023-02-27 08:30:14",
        "status": {"name": "Completed", "slug": "completed"},
        "sims": [{
            "id": 11028, "created_at": "2023-02-27 08:30:14", "iccid": ICCID, "lpa": "lpa.airalo.com",
            "matching_id": "TEST", "qrcode": "LPA:1$lpa.airalo.com$TEST", "qrcode_url": "https://airalo.com/qr?x=1",
            "apn_value": "singleall", "confirmation_code": null, "is_roaming": true, "imsis": null,
        }],
    })
}

#[test]
fn an_order_is_answered_with_its_esims() {
    let event = answer(AIRALO, order_lookup("r1"), &json!({"data": order_of(9647, "A-17"), "meta": {}}));
    assert_eq!(event.kind, "order_answer");
    assert_eq!((event.order_ref.as_deref(), event.esim_ref.as_deref()), (Some("r1"), Some(ICCID)));
    assert_eq!(in_short(&event), ["order r1: completed".to_owned(), format!("esim {ICCID}: plan=allocated install")]);
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.standing.at(), order.verdict()), (Some(asked_at()), Some(Verdict::Confirmed)));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!((esim.install.at(), esim.verdict()), (Some(asked_at()), Some(Verdict::Confirmed)));
    assert_eq!(esim.plan.at(), None, "that it was handed out says nothing of how it stands now");
}

#[test]
fn of_a_list_the_order_of_the_description_is_taken() {
    let lookup = |description: &str| shared::lookup::order_lookup("r1", Some(description.to_owned()));
    let list =
        json!({"data": [order_of(1, "A-17"), order_of(2, "A-170")], "links": {}, "meta": {"message": "success"}});
    assert_eq!(in_short(&answer(AIRALO, lookup("A-17"), &list))[0], "order r1: completed");
    let twice = json!({"data": [order_of(1, "A-17"), order_of(2, "A-17")]});
    check_answer_refused(AIRALO, lookup("A-17"), &twice, "several orders answer to the description");
    let event = answer(AIRALO, lookup("A-9"), &list);
    assert_eq!(in_short(&event), ["order r1: pending"]);
    assert_eq!(orders(&event)[0].confirmation.vouched.value(), Some(&None));
}

#[test]
fn an_order_that_is_not_done_is_not_taken_as_done() {
    let mut order = order_of(1, "");
    order["status"] = json!({"name": "Pending", "slug": "pending"});
    order["sims"] = json!([]);
    let event = answer(AIRALO, order_lookup("r1"), &json!({"data": order}));
    assert_eq!(in_short(&event), ["order r1: pending"]);
    check_answer_refused(AIRALO, order_lookup("r1"), &json!({"data": {"code": 11}}), "data.id is missing");
}

fn sim(status: &str) -> Value {
    json!({"data": {
        "id": 11028, "created_at": "2023-02-27 08:30:14", "iccid": ICCID, "lpa": "lpa.airalo.com", "matching_id": "TEST",
        "qrcode": "LPA:1$lpa.airalo.com$TEST", "recycled": false, "recycled_at": null,
        "simable": {"id": 9647, "package": "Kallur Digital", "status": {"name": status, "slug": status}},
    }, "meta": {"message": "success"}})
}

#[test]
fn an_esim_tells_of_its_order_if_it_is_known_what_that_is_called() {
    let hints = Hints { order_ref: Some("r1".to_owned()), ..Hints::default() };
    let lookup = |hints: &Hints| esim_lookup(LookupKind::Esim, ICCID, hints.clone());
    let event = answer(AIRALO, lookup(&hints), &sim("completed"));
    assert_eq!(event.kind, "esim_answer");
    assert_eq!(in_short(&event), ["order r1: completed".to_owned(), format!("esim {ICCID}: plan=allocated install")]);
    let event = answer(AIRALO, lookup(&Hints::default()), &sim("completed"));
    assert_eq!(in_short(&event), [format!("esim {ICCID}: plan=allocated install")]);
    let mut recycled = sim("completed");
    recycled["data"]["recycled"] = true.into();
    let event = answer(AIRALO, lookup(&Hints::default()), &recycled);
    assert_eq!(in_short(&event), [format!("esim {ICCID}: plan=expired install")]);
    let other = esim_lookup(LookupKind::Esim, "892", Hints::default());
    check_answer_refused(AIRALO, other, &sim("completed"), "data.iccid is missing");
}

#[track_caller]
fn check_usage(usage: &Value, expected: &str) {
    let event = answer(AIRALO, esim_lookup(LookupKind::Usage, ICCID, Hints::default()), &json!({"data": usage}));
    assert_eq!(event.kind, "usage_answer");
    assert_eq!(in_short(&event), [format!("esim {ICCID}: {expected}")]);
}

#[test]
fn usage_is_in_megabytes_and_of_an_unlimited_plan_none() {
    let usage = |status: &str, is_unlimited: bool| json!({"remaining": 767, "total": 2048, "remaining_voice": 0, "total_voice": 0, "expired_at": "2026-05-09 00:00:00", "is_unlimited": is_unlimited, "status": status});
    check_usage(&usage("ACTIVE", false), "plan=active used=1343225856");
    check_usage(&usage("FINISHED", true), "plan=depleted");
    check_usage(&usage("RECYCLED", true), "plan=expired");
    check_usage(&usage("UNKNOWN", true), "");
    check_usage(
        &json!({"remaining": 0, "total": 0, "expired_at": null, "is_unlimited": null, "status": "NOT_ACTIVE"}),
        "plan=allocated",
    );
}

#[test]
fn usage_may_be_as_old_as_the_providers_cache() {
    let usage = json!({"remaining": 1, "total": 2, "expired_at": "2026-05-09 00:00:00", "status": "ACTIVE"});
    let event = answer(AIRALO, esim_lookup(LookupKind::Usage, ICCID, Hints::default()), &json!({"data": usage}));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    let cached = Some(at("2026-05-01T11:39:58Z"));
    assert_eq!((esim.plan.at(), esim.usage.at(), esim.expires_at.at()), (cached, cached, cached));
    assert_eq!(esim.expires_at.value(), Some(&at("2026-05-09T00:00:00Z")));
    assert_eq!(esim.reached_percent.len(), 0, "it warns by itself");
}

#[test]
fn what_it_does_not_know_is_denied() {
    let event = no_answer(AIRALO, order_lookup("r1"));
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.status(), order.standing.is_empty()), (OrderStatus::Pending, true));
    assert_eq!((order.confirmation.vouched.value(), order.heard.first), (Some(&None), None));
    let usage = no_answer(AIRALO, esim_lookup(LookupKind::Usage, ICCID, Hints::default()));
    assert_eq!((usage.kind.as_str(), usage.facts.len()), ("usage_answer", 0));
}

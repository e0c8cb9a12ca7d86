//! The law of order, over one real life of each provider: whatever the order of arrival, and however often each event
//! comes, the entities end in the same states.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these functions are a test's, and fail it")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::Timestamp;
use shared::confirmation::Verdict;
use shared::envelope::{Envelope, Mode, Origin};
use shared::esim::{Esim, PlanStatus, ProfileStatus};
use shared::fact::{EntityKey, State};
use shared::lookup::{Answer, Hints, Lookup, Question};
use shared::order::{Order, OrderStatus};
use shared::payment::PaymentStatus;
use shared::provider::{Event, Provider, decode};
use shared::return_request::ReturnStatus;
use uuid::Uuid;

type States = BTreeMap<EntityKey, State>;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The event with this body, received the `minute`th minute of the day after the last of them.
fn event(provider: Provider, minute: usize, body: &Value) -> Event {
    let received_at = at(&format!("2026-05-31T{:02}:{:02}:00Z", minute / 60, minute % 60));
    let envelope = Envelope {
        id: Uuid::nil(),
        source: provider.to_string(),
        provider,
        mode: Mode::Live,
        origin: if body.get("asked_at").is_some() { Origin::Fetch } else { Origin::Webhook },
        received_at,
        content_type: None,
        traceparent: None,
        headers: BTreeMap::new(),
        body: body.to_string().into_bytes(),
    };
    decode(&envelope).unwrap()
}

/// A life, each event heard once, and the same once more with every event heard again an hour later.
fn lives(provider: Provider, bodies: &[Value]) -> (Vec<Event>, Vec<Event>) {
    let events = |later: usize| bodies.iter().enumerate().map(move |(n, body)| event(provider, later + n, body));
    (events(0).collect(), events(60).collect())
}

fn join(states: &mut States, event: &Event) {
    for fact in &event.facts {
        let state = states.entry(fact.key.clone()).or_insert_with(|| State::unknown(&fact.key));
        state.join(fact.claims.clone());
    }
}

/// Every order of `0..length`, by Heap's algorithm.
fn permutations(length: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..length).collect();
    let mut all = vec![order.clone()];
    let mut counters = vec![0; length];
    let mut index = 1;
    while index < length {
        if counters[index] < index {
            order.swap(if index % 2 == 0 { 0 } else { counters[index] }, index);
            all.push(order.clone());
            counters[index] += 1;
            index = 1;
        } else {
            counters[index] = 0;
            index += 1;
        }
    }
    all
}

/// Where one order of arrival ends: each event once; each with its copy right behind it; all copies after all events,
/// in the reverse order.
fn check_order(order: &[usize], events: &[Event], copies: &[Event], once: &States, twice: &States) {
    let mut states = States::new();
    order.iter().for_each(|n| join(&mut states, &events[*n]));
    assert_eq!(&states, once, "{order:?}, each once");
    order.iter().rev().for_each(|n| join(&mut states, &copies[*n]));
    assert_eq!(&states, twice, "{order:?}, then copies in reverse");
    let mut states = States::new();
    for n in order {
        join(&mut states, &copies[*n]);
        join(&mut states, &events[*n]);
        join(&mut states, &events[*n]);
    }
    assert_eq!(&states, twice, "{order:?}, each with its copies");
}

#[track_caller]
fn check(provider: Provider, bodies: &[Value]) -> States {
    let (events, copies) = lives(provider, bodies);
    let (mut once, mut twice) = (States::new(), States::new());
    events.iter().for_each(|event| join(&mut once, event));
    events.iter().chain(&copies).for_each(|event| join(&mut twice, event));
    for order in permutations(events.len()) {
        check_order(&order, &events, &copies, &once, &twice);
    }
    once
}

#[track_caller]
fn order<'a>(states: &'a States, order_ref: &str) -> &'a Order {
    let Some(State::Order(order)) = states.get(&EntityKey::Order(order_ref.to_owned())) else { panic!("no order") };
    order
}

#[track_caller]
fn esim<'a>(states: &'a States, esim_ref: &str) -> &'a Esim {
    let Some(State::Esim(esim)) = states.get(&EntityKey::Esim(esim_ref.to_owned())) else { panic!("no eSIM") };
    esim
}

#[test]
fn every_order_is_tried() {
    let mut all = permutations(5);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 120);
}

/// An event of eSIM Access on the `day`th of May, about one eSIM.
fn notify(notify_type: &str, day: u32, content: Value) -> Value {
    let mut content = content;
    for (name, said) in [("orderNo", "B1"), ("iccid", "8943"), ("esimTranNo", "25"), ("transactionId", "t")] {
        content[name] = said.into();
    }
    json!({"notifyType": notify_type, "eventGenerateTime": format!("2026-05-{day:02}T10:00:00+0000"), "content": content})
}

fn smdp(day: u32, sequence: u32, status: &str) -> Value {
    // The plan's status is stale from the first day on.
    let content = json!({"eid": "89049032", "esimStatus": "GOT_RESOURCE", "smdpStatus": status, "seqNumber": sequence});
    notify("SMDP_EVENT", day, content)
}

fn status(day: u32, plan: &str, profile: &str) -> Value {
    notify("ESIM_STATUS", day, json!({"esimStatus": plan, "smdpStatus": profile}))
}

fn usage(day: u32, total: u64, used: u64, threshold: f64) -> Value {
    let content = json!({"totalVolume": total, "orderUsage": used, "remain": total - used, "remainThreshold": threshold,
                         "lastUpdateTime": format!("2026-05-{day:02}T08:30:00Z")});
    notify("DATA_USAGE", day, content)
}

#[test]
fn esim_access_from_the_order_to_the_first_use() {
    let states = check(
        Provider::EsimAccess,
        &[
            json!({"notifyType": "ORDER_STATUS", "content": {"orderNo": "B1", "orderStatus": "GOT_RESOURCE"}}),
            smdp(2, 1, "DOWNLOAD"),
            smdp(2, 2, "INSTALLATION"),
            smdp(2, 3, "ENABLED"),
            status(3, "IN_USE", "ENABLED"),
            usage(4, 1000, 500, 0.5),
            smdp(5, 4, "DISABLED"),
        ],
    );
    assert_eq!(order(&states, "B1").status(), OrderStatus::Completed);
    let esim = esim(&states, "B1/8943");
    assert_eq!(esim.plan_status(), Some(PlanStatus::Active), "a stale status takes nothing back");
    assert_eq!(esim.profile_status(), Some(ProfileStatus::Disabled));
    assert_eq!(esim.reached_percent, BTreeMap::from([(1000, 50)]));
}

#[test]
fn esim_access_with_different_words_of_one_time() {
    let states = check(
        Provider::EsimAccess,
        &[
            smdp(3, 7, "INSTALLATION"),
            smdp(3, 7, "DISABLED"),
            smdp(3, 6, "ENABLED"),
            status(3, "USED_UP", "INSTALLATION"),
            status(3, "SUSPENDED", "ENABLED"),
            status(3, "USED_EXPIRED", "RELEASED"),
        ],
    );
    let esim = esim(&states, "B1/8943");
    let words = (esim.provider_plan_status.value().unwrap(), esim.provider_profile_status.value().unwrap());
    assert_eq!((esim.plan_status(), words.0.as_str()), (Some(PlanStatus::Expired), "USED_EXPIRED"));
    assert_eq!((esim.profile_status(), words.1.as_str()), (Some(ProfileStatus::Disabled), "DISABLED"));
}

#[test]
fn esim_access_from_the_last_bytes_over_a_top_up_to_the_end() {
    let validity =
        json!({"durationUnit": "DAY", "totalDuration": 30, "expiredTime": "2026-05-12T08:10:19Z", "remain": 1});
    let states = check(
        Provider::EsimAccess,
        &[
            usage(5, 1000, 850, 0.2),
            status(6, "USED_UP", "ENABLED"),
            status(7, "IN_USE", "ENABLED"),
            usage(8, 3000, 1500, 0.5),
            notify("VALIDITY_USAGE", 11, validity),
            smdp(11, 9, "ENABLED"),
            status(12, "USED_EXPIRED", "DISABLED"),
        ],
    );
    let esim = esim(&states, "B1/8943");
    assert_eq!(esim.plan_status(), Some(PlanStatus::Expired));
    assert_eq!(esim.profile_status(), Some(ProfileStatus::Disabled));
    assert_eq!(
        esim.reached_percent,
        BTreeMap::from([(1000, 85), (3000, 50)]),
        "each allowance has warnings of its own"
    );
    assert_eq!(esim.total_bytes(), Some(3000));
    assert_eq!(esim.expires_at.value(), Some(&at("2026-05-12T08:10:19Z")));
}

#[test]
fn esim_access_after_a_top_up_the_plan_is_active_again() {
    let states = check(
        Provider::EsimAccess,
        &[
            status(3, "IN_USE", "ENABLED"),
            usage(4, 1000, 900, 0.1),
            status(5, "USED_UP", "ENABLED"),
            usage(6, 2000, 1000, 0.5),
            status(6, "IN_USE", "ENABLED"),
            smdp(7, 7, "ENABLED"),
        ],
    );
    assert_eq!(esim(&states, "B1/8943").plan_status(), Some(PlanStatus::Active));
}

#[test]
fn airalo_from_the_order_over_two_warnings_to_a_top_up() {
    let warning = |level: &str, remaining: u32| json!({"level": level, "package_name": "bonbon-7gb-10days", "remaining_percentage": remaining, "iccid": "891"});
    let sim =
        json!({"iccid": "891", "lpa": "lpa.airalo.com", "matching_id": "TEST", "qrcode": "LPA:1$lpa.airalo.com$TEST"});
    let states = check(
        Provider::Airalo,
        &[
            json!({"request_id": "r1", "data": {"id": 1, "type": "sim", "package_id": "p", "package": "Bonbon", "price": 9.5, "sims": [sim]}}),
            warning("75%", 25),
            warning("90%", 10),
            warning("3days", 43),
            json!({"request_id": "r2", "data": {"id": 2, "type": "topup", "package_id": "p-topup", "sims": []}}),
            json!({"request_id": "r3", "reason": "no stock"}),
            json!({"message": "Surpassed 80% of the credit limit balance", "remaining": 225.35}),
        ],
    );
    assert_eq!(order(&states, "r1").status(), OrderStatus::Completed);
    assert_eq!(order(&states, "r2").status(), OrderStatus::Completed);
    assert_eq!(order(&states, "r3").failure_reason(), Some("no stock"));
    let esim = esim(&states, "891");
    assert_eq!(esim.low_data_alert.value().map(|alert| alert.level), Some(90), "the one that was received last");
    assert_eq!(esim.expiry_alert.value().map(|alert| alert.level), Some(3));
    assert_eq!(esim.package_name.value().unwrap(), "Bonbon");
}

#[test]
fn yoni_with_one_order_that_contradicts_itself() {
    let result = |order_ref: &str, result: &str, iccid: &str| json!({"orderNo": order_ref, "result": result, "iccid": iccid, "lpa": "LPA:1$rsp.demo$C", "currency": "2", "price": "9.99"});
    let states = check(
        Provider::Yoni,
        &[
            result("1", "COMPLETED", "8910"),
            result("1", "FAILED", "8910"),
            result("2", "FAILED", ""),
            result("3", "COMPLETED", "8911"),
            result("4", "PENDING_REVIEW", "8912"),
            result("4", "COMPLETED", "8912"),
        ],
    );
    assert_eq!((order(&states, "1").status(), order(&states, "1").needs_review()), (OrderStatus::Completed, true));
    assert_eq!((order(&states, "2").status(), order(&states, "2").needs_review()), (OrderStatus::Failed, false));
    assert_eq!((order(&states, "3").status(), order(&states, "3").needs_review()), (OrderStatus::Completed, false));
    assert_eq!((order(&states, "4").status(), order(&states, "4").needs_review()), (OrderStatus::Completed, true));
    assert_eq!(esim(&states, "8910").plan_status(), Some(PlanStatus::Allocated));
    for order_ref in ["1", "4"] {
        let word = order(&states, order_ref).provider_status.value().unwrap();
        assert_eq!(word, "COMPLETED", "{order_ref}: the word is the one for the status");
    }
}

/// An event of SimplifyTrip on the `day`th of May, sent (again) when it is received.
fn wrap(event: &str, day: u32, data: Value) -> Value {
    let created_at = format!("2026-05-{day:02}T10:00:00.000Z");
    json!({"id": format!("w{day}"), "type": event, "createdAt": created_at, "sentDate": "2026-05-31T00:00:00.000Z",
           "mode": "LIVE_MODE", "data": data})
}

#[test]
fn simplifytrip_from_a_physical_sim_to_its_return() {
    let update = |day, status: &str| {
        let items = json!([{"sku": "AS7", "quantity": 3, "type": "SIM", "status": status}]);
        wrap("PURCHASE_ORDER_UPDATE", day, json!({"orderId": "7", "trackId": "t", "status": status, "items": items}))
    };
    let returned = |day, status: &str| {
        let data = json!({"id": "r", "orderId": "7", "trackId": "t2", "status": status, "returnType": "FULL", "refundAmount": 205_000});
        wrap("RETURN_ORDER_UPDATE", day, data)
    };
    let states = check(
        Provider::Simplifytrip,
        &[
            update(1, "NEW"),
            update(2, "CONFIRMED"),
            update(3, "DELIVERING"),
            update(4, "SUCCESS"),
            returned(5, "REVIEWING"),
            returned(6, "APPROVED"),
        ],
    );
    assert_eq!(order(&states, "7").status(), OrderStatus::Completed);
    let Some(State::Return(request)) = states.get(&EntityKey::Return("r".to_owned())) else { panic!("no return") };
    assert_eq!(request.status(), ReturnStatus::Approved);
}

#[test]
fn simplifytrip_with_orders_of_esims() {
    let esim_of =
        |iccid: &str| json!({"iccid": iccid, "smdpAddress": "rsp.example", "activationCode": "C", "pin": "1234"});
    let data = |order_ref: &str, iccid: &str| json!({"orderId": order_ref, "items": [{"sku": "E23", "quantity": 1, "type": "eSIM", "eSims": [esim_of(iccid)]}]});
    let states = check(
        Provider::Simplifytrip,
        &[
            wrap("PURCHASE_ORDER_FAIL", 1, json!({"orderId": "8", "error": {"message": "no stock"}})),
            wrap("PURCHASE_ORDER_SUCCESS", 2, data("8", "8981")),
            wrap("PURCHASE_ORDER_SUCCESS", 3, data("9", "8982")),
            wrap("PURCHASE_ORDER_FAIL", 4, json!({"orderId": "9"})),
        ],
    );
    assert_eq!(order(&states, "8").status(), OrderStatus::Completed, "the newer of two finals with times");
    assert!(!order(&states, "8").needs_review());
    assert_eq!(order(&states, "9").status(), OrderStatus::Failed);
    assert_eq!(esim(&states, "8981").plan_status(), Some(PlanStatus::Allocated));
}

#[test]
fn airtm_with_both_directions_and_generations() {
    let v1 = |id: &str, operation: &str, status: &str, minute: u32| json!({"id": id, "operation_type": operation, "status": status, "amount": "1.00", "updated_at": format!("2026-05-01T10:{minute:02}:00Z")});
    let v2 = |event: &str, status: &str, minute: u32| json!({"type": event, "data": {"id": "v2", "status": status, "amount": 2, "updatedAt": format!("2026-05-01T10:{minute:02}:00Z")}});
    let states = check(
        Provider::Airtm,
        &[
            v1("in", "purchase", "created", 1),
            v1("in", "purchase", "confirmed", 2),
            v1("out", "payout", "pending", 1),
            v1("out", "payout", "canceled", 9),
            v2("payin.created", "CREATED", 1),
            v2("payin.failed", "BRIDGE_FAILED", 2),
            // Of the same moment: the rank decides.
            v1("out", "payout", "committed", 9),
        ],
    );
    let payment = |payment_ref: &str| {
        let state = states.get(&EntityKey::Payment(payment_ref.to_owned()));
        let Some(State::Payment(payment)) = state else { panic!("no payment") };
        payment.status()
    };
    assert_eq!(payment("in"), PaymentStatus::Succeeded);
    assert_eq!(payment("out"), PaymentStatus::Cancelled);
    assert_eq!(payment("v2"), PaymentStatus::Failed);
}

/// What the API answered on the `day`th of May.
fn answered(day: u32, about: EntityKey, question: Question, found: Option<Value>) -> Value {
    let asked = Lookup { about, question, hints: Hints::default() };
    let asked_at = at(&format!("2026-05-{day:02}T12:00:00Z"));
    serde_json::to_value(Answer { asked, asked_at, found }).unwrap()
}

#[test]
fn esim_access_with_what_its_api_answers() {
    let esim_ref = || EntityKey::Esim("B1/8943".to_owned());
    let order_ref = || EntityKey::Order("B1".to_owned());
    let found = |ac: &str, status: &str, used: u64| {
        let esim = json!({"orderNo": "B1", "iccid": "8943", "esimTranNo": "25", "ac": ac, "esimStatus": status,
                          "smdpStatus": "ENABLED", "totalVolume": 1000, "orderUsage": used, "pin": "1234"});
        Some(json!({"success": true, "obj": {"esimList": [esim]}}))
    };
    let states = check(
        Provider::EsimAccess,
        &[
            json!({"notifyType": "ORDER_STATUS", "content": {"orderNo": "B1", "orderStatus": "GOT_RESOURCE"}}),
            answered(1, order_ref(), Question::Order, found("", "GETTING_RESOURCE", 0)),
            answered(2, order_ref(), Question::Order, found("LPA:1$rsp.example$C", "GOT_RESOURCE", 0)),
            smdp(3, 1, "INSTALLATION"),
            answered(4, esim_ref(), Question::Esim, found("LPA:1$rsp.example$C", "IN_USE", 200)),
            usage(5, 1000, 500, 0.5),
            status(6, "USED_UP", "ENABLED"),
        ],
    );
    assert_eq!(order(&states, "B1").status(), OrderStatus::Completed);
    assert_eq!(order(&states, "B1").verdict(), Some(Verdict::Confirmed));
    let esim = esim(&states, "B1/8943");
    assert_eq!((esim.plan_status(), esim.verdict()), (Some(PlanStatus::Depleted), Some(Verdict::Confirmed)));
    assert_eq!(esim.install.value().and_then(|install| install.pin.as_deref()), Some("1234"));
}

#[test]
fn airalo_with_what_its_api_answers() {
    let sim =
        json!({"iccid": "891", "lpa": "lpa.airalo.com", "matching_id": "TEST", "qrcode": "LPA:1$lpa.airalo.com$TEST"});
    let order_of = |status: &str| json!({"data": {"id": 1, "type": "sim", "package_id": "p", "sims": [sim], "status": {"slug": status}}});
    let usage = |status: &str, remaining: u32| {
        Some(
            json!({"data": {"remaining": remaining, "total": 1024, "expired_at": "2026-05-20 00:00:00", "status": status}}),
        )
    };
    let (order_ref, esim_ref) = (|| EntityKey::Order("r1".to_owned()), || EntityKey::Esim("891".to_owned()));
    let states = check(
        Provider::Airalo,
        &[
            json!({"request_id": "r1", "data": {"id": 1, "type": "sim", "package_id": "p", "package": "Bonbon", "sims": [sim]}}),
            answered(1, order_ref(), Question::Order, None),
            answered(2, order_ref(), Question::Order, Some(order_of("completed"))),
            answered(3, esim_ref(), Question::Usage, usage("ACTIVE", 500)),
            answered(4, esim_ref(), Question::Usage, usage("FINISHED", 0)),
            answered(5, esim_ref(), Question::Usage, usage("ACTIVE", 512)),
            json!({"level": "3days", "package_name": "p", "remaining_percentage": 43, "iccid": "891"}),
        ],
    );
    assert_eq!(order(&states, "r1").verdict(), Some(Verdict::Confirmed));
    let esim = esim(&states, "891");
    assert_eq!((esim.plan_status(), esim.verdict()), (Some(PlanStatus::Active), Some(Verdict::Confirmed)));
    assert_eq!(esim.plan.at(), Some(at("2026-05-05T11:40:00Z")));
    assert_eq!(esim.usage.value().unwrap().used_bytes, 512 * 1024 * 1024);
}

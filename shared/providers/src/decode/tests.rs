use std::collections::BTreeMap;

use secrecy::SecretSlice;
use serde_json::json;
use shared::confirmation::Verdict;
use shared::fact::State;
use shared::lookup::{Answer, Hints, Lookup, LookupKind, LookupReason, order_lookup};
use shared::origin::{Mode, Provider};

use super::*;
use crate::fixtures::{answer_envelope, asked_at, envelope, event_of, in_short, payload, received_at, time as at};
use crate::{IncomingRequest, Unauthentic, decode, dialect};

/// A provider, its sample body, and what it is read as: the kind of event, and its facts in short.
type Sample = (Provider, &'static str, &'static str, &'static [&'static str]);

const SAMPLES: [Sample; 31] = [
    (
        Provider::Airalo,
        payload!("airalo/async_order_failed.json"),
        "async_order",
        &["order 8kQw2mVtRz5LpYc7NsJb4HgFd: failed"],
    ),
    (
        Provider::Airalo,
        payload!("airalo/async_order_nested_request_id.json"),
        "async_order",
        &["order 3NhR3gKmqCWK7IWppurpDX3Cg: completed", "esim 891000000000009125: plan=allocated install"],
    ),
    (
        Provider::Airalo,
        payload!("airalo/async_order_root_request_id.json"),
        "async_order",
        &["order 3NhR3gKmqCWK7IWppurpDX3Cg: completed", "esim 891000000000009125: plan=allocated install"],
    ),
    (Provider::Airalo, payload!("airalo/credit_limit.json"), "credit_limit", &[]),
    (Provider::Airalo, payload!("airalo/low_data_3days.json"), "low_data", &["esim 87123123456889019: notice=3d"]),
    (Provider::Airalo, payload!("airalo/low_data_75_percent.json"), "low_data", &["esim 87123123456889019: alert=75%"]),
    (
        Provider::Airtm,
        payload!("airtm/payout_completed.json"),
        "payout_completed",
        &["payment f8dd11dd-12fe-42f7-8e5c-9035714dd43d: succeeded"],
    ),
    (
        Provider::Airtm,
        payload!("airtm/purchase_confirmed.json"),
        "purchase_confirmed",
        &["payment f85e1a28-0ee4-468f-896d-cbb2caf536de: succeeded"],
    ),
    (
        Provider::Airtm,
        payload!("airtm/v2_payin_confirmed.json"),
        "payin_confirmed",
        &["payment 2f6c1d84-7b0e-4a95-9c3d-5e8f1a2b4c6d: succeeded"],
    ),
    (
        Provider::Airtm,
        payload!("airtm/v2_payin_confirmed_bare.json"),
        "payin_confirmed",
        &["payment c41d7a90-36e8-4f2b-8a17-90b5d2e6f318: succeeded"],
    ),
    (
        Provider::Airtm,
        payload!("airtm/v2_payout_failed.json"),
        "payout_failed",
        &["payment 8e05b3f7-2c9d-4b61-a0f4-d7c3e91b5a28: failed"],
    ),
    (Provider::EsimAccess, payload!("esim_access/check_health.json"), "check_health", &[]),
    (
        Provider::EsimAccess,
        payload!("esim_access/data_usage.json"),
        "data_usage",
        &["esim B25052822150009/8943108170001029631: used=48335585458 told=90%"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/data_usage_2026.json"),
        "data_usage",
        &["esim B26040206120003/8943108170001029645: used=2684354560 told=50%"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/esim_status_cancel.json"),
        "esim_status",
        &["esim B25080823490018/89852000263413436720: plan=cancelled profile=released"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/esim_status_in_use.json"),
        "esim_status",
        &["esim B25080904020011/8943108170001029660: plan=active profile=enabled"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/esim_status_in_use_2026.json"),
        "esim_status",
        &[
            "esim B26040206120003/8943108170001029645: plan=active profile=enabled used=10485760",
            "order B26040206120003: completed",
        ],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/order_status.json"),
        "order_status",
        &["order B23072016497499: completed"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/order_status_2026.json"),
        "order_status",
        &["order B26040206120003: completed"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/smdp_event_download.json"),
        "smdp_event",
        &["esim B25091113270004/8997250230000292199: plan=allocated profile=downloaded"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/smdp_event_enabled_2026.json"),
        "smdp_event",
        &["esim B26040206120003/8943108170001029645: plan=allocated profile=enabled"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/validity_usage.json"),
        "validity_usage",
        &["esim B23072016497499/894310817000000003: notice=1d"],
    ),
    (
        Provider::EsimAccess,
        payload!("esim_access/validity_usage_2026.json"),
        "validity_usage",
        &["esim B26040206120003/8943108170001029645: notice=1d"],
    ),
    (
        Provider::Simplifytrip,
        payload!("simplifytrip/esim_order_fail.json"),
        "purchase_order_fail",
        &["order 7258736911: failed"],
    ),
    (
        Provider::Simplifytrip,
        payload!("simplifytrip/esim_order_success.json"),
        "purchase_order_success",
        &["order 7258736707: completed", "esim 89812003916820393515: plan=allocated install"],
    ),
    (
        Provider::Simplifytrip,
        payload!("simplifytrip/esim_order_success_live.json"),
        "purchase_order_success",
        &["order 7258737044: completed", "esim 89812003916820393604: plan=allocated install"],
    ),
    (
        Provider::Simplifytrip,
        payload!("simplifytrip/return_approved.json"),
        "return_order_update",
        &["return 6741b9e4e65369e169a709c8: approved"],
    ),
    (
        Provider::Simplifytrip,
        payload!("simplifytrip/return_update.json"),
        "return_order_update",
        &["return 6741ae68e65369e169a70757: reviewing"],
    ),
    (
        Provider::Simplifytrip,
        payload!("simplifytrip/sim_order_update.json"),
        "purchase_order_update",
        &["order 7258736707: completed"],
    ),
    (
        Provider::Yoni,
        payload!("yoni/completed.json"),
        "order",
        &["order 2026032516xxxxxxxxxxx: completed", "esim 8910010000xxxxxxxxxx: plan=allocated install"],
    ),
    (Provider::Yoni, payload!("yoni/failed.json"), "order", &["order 2026032517xxxxxxxxxxx: failed"]),
];

/// Ever another body: one field of `body`, anywhere in it, is `odd` instead.
fn with_odd_fields(body: &Value, odd: &Value) -> Vec<Value> {
    let children: Vec<(String, &Value)> = match body {
        Value::Object(fields) => fields.iter().map(|(name, field)| (format!("/{name}"), field)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (format!("/{index}"), item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut bodies = vec![odd.clone()];
    for (pointer, child) in children {
        for replacement in with_odd_fields(child, odd) {
            let mut changed = body.clone();
            *changed.pointer_mut(&pointer).unwrap() = replacement;
            bodies.push(changed);
        }
    }
    bodies
}

fn odd_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(""),
        json!("SECRET\u{0}é"),
        json!([["SECRET"]]),
        json!({"SECRET": {}}),
        json!(-1),
        serde_json::from_str("1e999").unwrap(),
        serde_json::from_str("1e-999").unwrap(),
        serde_json::from_str("79228162514264337593543950335").unwrap(),
        json!("9".repeat(400)),
        json!("-262143-01-01T00:00:00Z"),
        json!("+262142-12-31T23:59:59Z"),
    ]
}

#[test]
fn no_field_of_any_form_makes_a_dialect_panic_or_quote_the_body() {
    for (provider, sample, ..) in SAMPLES {
        let sample: Value = serde_json::from_str(sample).unwrap();
        for body in odd_values().iter().flat_map(|odd| with_odd_fields(&sample, odd)) {
            if let Err(refusal) = decode(&envelope(provider, &body.to_string())) {
                assert!(!refusal.to_string().contains("SECRET"), "{refusal}");
            }
        }
    }
}

#[test]
fn every_sample_is_read() {
    for (provider, sample, kind, facts) in SAMPLES {
        // Sent again by an operator, so that SimplifyTrip's samples are not too old.
        let replayed = Envelope { origin: Origin::Replay, ..envelope(provider, sample) };
        let event = decode(&replayed).unwrap();
        assert_eq!(event.kind, kind, "{sample}");
        assert_eq!(in_short(&event), facts, "{sample}");
    }
}

#[track_caller]
fn check_unreadable(body: &[u8], expected: &str) {
    let refusal = decode(&Envelope { body: body.to_vec(), ..envelope(Provider::Yoni, "") }).map(|event| event.kind);
    assert_eq!(refusal.unwrap_err().to_string(), expected);
}

#[test]
fn what_is_not_json_is_refused_without_a_quote() {
    check_unreadable(b"", "the body is not JSON: it is empty");
    check_unreadable(b"\xef\xbb\xbf \n", "the body is not JSON: it is empty");
    check_unreadable(b"orderNo=1", "the body is not JSON: syntax error at line 1, column 1");
    check_unreadable(b"{\"orderNo\": \"1\"", "the body is not JSON: eof error at line 1, column 15");
    check_unreadable(b"[]", "the body is not an event of this provider: it is not an object");
    check_unreadable("[".repeat(100_000).as_bytes(), "the body is not JSON: syntax error at line 1, column 128");
}

#[test]
fn a_byte_order_mark_is_forgiven() {
    let body = "\u{feff}{\"orderNo\": \"1\", \"result\": \"COMPLETED\"}";
    assert!(decode(&envelope(Provider::Yoni, body)).is_ok());
}

fn usage(generated_at: &str, measured_at: &str) -> Event {
    let content =
        json!({"orderNo": "B1", "iccid": "8", "totalVolume": 10, "orderUsage": 1, "lastUpdateTime": measured_at});
    event_of(
        Provider::EsimAccess,
        &json!({"notifyType": "DATA_USAGE", "eventGenerateTime": generated_at, "content": content}),
    )
}

#[test]
fn a_time_more_than_an_hour_ahead_is_not_believed() {
    let event = usage("2026-05-01T13:00:00Z", "2026-05-01T13:00:01Z");
    let State::Esim(esim) = &event.facts[0].claims else { panic!("an eSIM") };
    assert_eq!((event.occurred_at, event.disbelieved_at), (Some(at("2026-05-01T13:00:00Z")), None));
    assert_eq!((esim.usage.at(), esim.iccid.at()), (None, event.occurred_at));
    let event = usage("2026-05-01T13:00:01Z", "2026-05-01T13:00:00Z");
    assert_eq!((event.occurred_at, event.disbelieved_at), (None, Some(at("2026-05-01T13:00:01Z"))));
}

#[test]
fn every_fact_carries_when_it_was_heard_and_in_which_mode() {
    for (provider, sample, ..) in SAMPLES {
        let envelope = Envelope { mode: Mode::Test, received_at: received_at(), ..envelope(provider, sample) };
        for fact in decode(&envelope).map(|event| event.facts).unwrap_or_default() {
            assert_eq!(fact.claims.mode(), Mode::Test, "{sample}");
            let heard = match fact.claims {
                State::Order(order) => order.heard,
                State::Esim(esim) => esim.heard,
                State::Payment(payment) => payment.heard,
                State::Return(request) => request.heard,
            };
            assert_eq!(heard.first, Some(received_at()), "{sample}");
        }
    }
}

#[test]
fn an_empty_secret_has_nobodys_form() {
    for provider in Provider::ALL.iter().copied() {
        assert!(dialect(provider).check_secret(&SecretSlice::from(Vec::new())).is_err(), "{provider}");
    }
}

#[test]
fn who_never_signs_is_never_authentic_by_signature() {
    let request = IncomingRequest { headers: &BTreeMap::new(), body: b"{}", received_at: received_at() };
    for provider in [Provider::EsimAccess, Provider::Yoni] {
        assert_eq!(dialect(provider).authenticate(request, &[]), Err(Unauthentic::Missing));
    }
}

#[test]
fn an_answer_says_when_it_was_asked_and_what_it_is_about() {
    let lookup = order_lookup("Y1", None);
    let envelope = answer_envelope(Provider::Yoni, lookup, None);
    let event = decode(&envelope).unwrap();
    assert_eq!(
        (event.kind.as_str(), event.origin, event.occurred_at),
        ("order_answer", Origin::Fetch, Some(asked_at()))
    );
    assert_eq!((event.order_ref.as_deref(), event.esim_ref), (Some("Y1"), None));
    let later = String::from_utf8(envelope.body.clone()).unwrap().replace("11:59:58", "11:59:59").into_bytes();
    assert_ne!(decode(&Envelope { body: later, ..envelope }).unwrap().key, event.key);
}

#[test]
fn what_nobody_should_ask_is_refused() {
    let about = EntityKey::Order("1".to_owned());
    let lookup = |kind| Lookup { about: about.clone(), kind, hints: Hints::default() };
    for provider in Provider::ALL.iter().copied() {
        let refusal = |kind| decode(&answer_envelope(provider, lookup(kind), Some(json!({}))));
        assert!(refusal(LookupKind::Payment).is_err(), "{provider}");
        assert!(refusal(LookupKind::Order).is_err(), "{provider}: nothing is in it");
    }
    let no_answer = Envelope { origin: Origin::Fetch, ..envelope(Provider::Yoni, "{}") };
    assert!(decode(&no_answer).is_err());
}

#[test]
fn only_a_signature_or_the_api_vouches() {
    let body = json!({"request_id": "r", "data": {"id": 1, "package_id": "p", "sims": []}}).to_string();
    let verdict = |envelope: &Envelope| decode(envelope).unwrap().facts[0].claims.confirmation();
    let unsigned = envelope(Provider::Airalo, &body);
    assert_eq!(verdict(&unsigned), Some(Verdict::Unconfirmed));
    let signature = BTreeMap::from([("airalo-signature".to_owned(), "verified".to_owned())]);
    assert_eq!(verdict(&Envelope { headers: signature, ..unsigned.clone() }), Some(Verdict::Confirmed));
    assert_eq!(verdict(&Envelope { origin: Origin::Replay, ..unsigned }), Some(Verdict::Unconfirmed));
    let expired = Deadline::Silent { order_ref: "r".to_owned(), since: received_at() };
    let clock = Envelope { origin: Origin::Clock, body: expired.body(), ..envelope(Provider::Airalo, "") };
    assert_eq!(verdict(&clock), None);
}

/// An answer to each lookup, with all that a dialect reads.
fn answers() -> Vec<(Provider, Value)> {
    let sim = json!({"iccid": "8", "qrcode": "LPA:1$a$b", "lpa": "a", "recycled": false, "simable": {"status": {"slug": "completed"}}});
    let usage = json!({"remaining": 1, "total": 2, "expired_at": "2026-05-09 00:00:00", "is_unlimited": false, "status": "ACTIVE"});
    let access = json!({"orderNo": "B1", "iccid": "8", "ac": "LPA:1$a$b", "esimStatus": "IN_USE", "smdpStatus": "ENABLED",
                        "totalVolume": 9, "orderUsage": 1, "expiredTime": "2026-05-29T18:34:17+0000",
                        "packageList": [{"packageName": "p", "packageCode": "c"}]});
    let trip = json!({"iccid": "8", "activityLogs": [{"eid": "e", "recordTime": "2025-05-13 22:42:42", "status": "ENABLED"}],
                      "simStatus": {"planEndTime": "2025-05-22 08:00:00", "usedTraffic": 1, "planStatus": "IN_USE"},
                      "orderInfo": {"orderId": "7"}, "productInfo": {"name": {"en": "n"}, "package": "FIXED", "data": "6GB"}});
    let trip_order = json!({"id": "7", "status": "SUCCESS", "items": [{"sku": "s", "type": "eSIM", "eSims": [{"iccid": "8", "qrCodeContent": "LPA:1$a$b"}]}]});
    let record = json!({"orderNo": "Y1", "iccid": "8", "lpa": "LPA:1$a$b", "result": "COMPLETED", "price": "1"});
    let (order, esim) = (|key: &str| EntityKey::Order(key.to_owned()), |key: &str| EntityKey::Esim(key.to_owned()));
    let payment = json!({"id": "p", "operation_type": "payout", "status": "COMPLETED", "amount": "1", "updated_at": "2026-05-01T10:00:00Z"});
    let answers = [
        (
            Provider::Airalo,
            order("r"),
            LookupKind::Order,
            json!({"data": {"id": 1, "sims": [sim], "status": {"slug": "completed"}}}),
        ),
        (Provider::Airalo, esim("8"), LookupKind::Esim, json!({"data": sim})),
        (Provider::Airalo, esim("8"), LookupKind::Usage, json!({"data": usage})),
        (Provider::EsimAccess, order("B1"), LookupKind::Order, json!({"success": true, "obj": {"esimList": [access]}})),
        (Provider::EsimAccess, esim("B1/8"), LookupKind::Esim, json!({"success": true, "obj": {"esimList": [access]}})),
        (Provider::Yoni, esim("8"), LookupKind::Esim, json!({"code": 0, "data": {"records": [record]}})),
        (Provider::Yoni, esim("8"), LookupKind::Usage, json!({"code": 0, "data": {"total": "2", "usage": "1"}})),
        (Provider::Simplifytrip, order("7"), LookupKind::Order, trip_order),
        (Provider::Simplifytrip, esim("8"), LookupKind::Esim, trip),
        (Provider::Airtm, EntityKey::Payment("p".to_owned()), LookupKind::Payment, payment),
    ];
    let body = |(provider, about, kind, found): (Provider, EntityKey, LookupKind, Value)| {
        let hints = Hints { order_ref: Some("o".to_owned()), ..Hints::default() };
        let asked = Lookup { about, kind, hints };
        let answer = Answer { asked, asked_at: asked_at(), found: Some(found) };
        (provider, serde_json::from_slice(&answer.body()).unwrap())
    };
    answers.into_iter().map(body).collect()
}

#[test]
fn no_field_of_any_form_makes_an_answer_panic_or_be_quoted() {
    for (provider, sample) in answers() {
        let fetched = |body: &Value| Envelope { origin: Origin::Fetch, ..envelope(provider, &body.to_string()) };
        assert!(!decode(&fetched(&sample)).unwrap().facts.is_empty(), "{sample}");
        for body in odd_values().iter().flat_map(|odd| with_odd_fields(&sample, odd)) {
            match decode(&fetched(&body)) {
                Ok(event) => ask_on(provider, &event),
                Err(refusal) => assert!(!refusal.to_string().contains("SECRET"), "{refusal}"),
            }
        }
    }
}

/// Whatever an answer says, what is to be asked next can be told.
fn ask_on(provider: Provider, event: &Event) {
    let webhook = Event { origin: Origin::Webhook, ..event.clone() };
    for fact in &event.facts {
        for request in dialect(provider).lookups_after(&webhook, &fact.key, &fact.claims) {
            let state = Some(&fact.claims);
            dialect(provider).next_lookup(&request.lookup, LookupReason::Poll, state, 1, received_at());
        }
    }
}

use serde_json::{Value, json};
use shared::confirmation::Verdict;
use shared::event::Event;
use shared::lookup::{Hints, Lookup, LookupKind};
use shared::origin::Provider;

use super::*;
use crate::fixtures::{
    answer, asked_at, check_answer_refused, esim_lookup, esims, in_short, no_answer, order_lookup, orders, time as at,
};

const ACCESS: Provider = Provider::EsimAccess;

/// One of `obj.esimList` of `/esim/query`.
fn esim_of(iccid: &str, ac: &str, esim_status: &str) -> Value {
    json!({
        "esimTranNo": "23120118156818", "orderNo": "B23120118131854", "transactionId": "test_1", "imsi": "454006109846571",
        "iccid": iccid, "smsStatus": 0, "msisdn": "", "ac": ac, "qrCodeUrl": "https://p.qrsim.net/a.png",
        "shortUrl": "https://p.qrsim.net/a", "smdpStatus": "RELEASED", "eid": "", "activeType": 2, "dataType": 1,
        "activateTime": null, "expiredTime": "2026-05-29T18:34:17+0000", "totalVolume": 1_073_741_824, "totalDuration": 7,
        "durationUnit": "DAY", "orderUsage": 0, "esimStatus": esim_status, "pin": "1234", "puk": "12345678",
        "apn": "drei.at", "packageList": [{"packageName": "Austria 1GB 7Days", "packageCode": "AT1", "volume": 1_073_741_824}],
    })
}

fn list(esims: &[Value]) -> Value {
    json!({"success": true, "errorCode": "0", "errorMsg": null,
           "obj": {"esimList": esims, "pager": {"pageSize": 50, "pageNum": 1, "total": esims.len()}}})
}

#[test]
fn an_order_is_complete_once_each_of_its_esims_has_a_code() {
    let ready = |iccid: &str| esim_of(iccid, "LPA:1$rsp.example$C", "GOT_RESOURCE");
    let event = answer(ACCESS, order_lookup("B23120118131854"), &list(&[ready("8901"), ready("8902")]));
    assert_eq!(event.kind, "order_answer");
    assert_eq!(
        in_short(&event),
        [
            "order B23120118131854: completed",
            "esim B23120118131854/8901: plan=allocated profile=released install used=0",
            "esim B23120118131854/8902: plan=allocated profile=released install used=0",
        ]
    );
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!((order.verdict(), order.quantity.value()), (Some(Verdict::Confirmed), Some(&2)));
    let event =
        answer(ACCESS, order_lookup("B23120118131854"), &list(&[ready("8901"), esim_of("", "", "GETTING_RESOURCE")]));
    assert_eq!(in_short(&event)[0], "order B23120118131854: processing");
    let cancelled = esim_of("8901", "", "CANCEL");
    let event = answer(ACCESS, order_lookup("B23120118131854"), &list(&[cancelled]));
    assert_eq!(in_short(&event)[0], "order B23120118131854: completed", "what became of it later is another matter");
}

#[test]
fn an_esim_brings_all_that_it_takes_to_install_it() {
    let lookup = esim_lookup(LookupKind::Esim, "B23120118131854/8901", Hints::default());
    let found = list(&[esim_of("8901", "LPA:1$rsp.example$C", "IN_USE")]);
    let event = answer(ACCESS, lookup, &found);
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    let install = esim.install.value().unwrap();
    assert_eq!(install.activation_code, "LPA:1$rsp.example$C");
    assert_eq!((install.pin.as_deref(), install.puk.as_deref()), (Some("1234"), Some("12345678")));
    assert_eq!(install.apn.as_deref(), Some("drei.at"));
    assert_eq!((esim.plan_status(), esim.plan.at()), (Some(PlanStatus::Active), Some(asked_at())));
    assert_eq!(esim.usage.at(), Some(at("2026-05-01T08:59:58Z")), "usage is late by up to three hours");
    assert_eq!(esim.expires_at.value(), Some(&at("2026-05-29T18:34:17Z")));
    assert_eq!(esim.provider_esim_ref.value().map(String::as_str), Some("23120118156818"));
    assert!(orders(&event).is_empty());
}

#[test]
fn an_esim_without_a_code_can_not_be_installed() {
    let lookup = esim_lookup(LookupKind::Esim, "B23120118131854/8901", Hints::default());
    let event = answer(ACCESS, lookup, &list(&[esim_of("8901", "", "GETTING_RESOURCE")]));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!((esim.install.is_empty(), esim.verdict()), (true, None));
}

#[test]
fn the_same_iccid_of_another_order_is_another_esim() {
    let lookup = esim_lookup(LookupKind::Esim, "B1/8901", Hints::default());
    let event = answer(ACCESS, lookup.clone(), &list(&[esim_of("8901", "LPA:1$a$b", "GOT_RESOURCE")]));
    assert_eq!(event, no_answer_with_key(&event, lookup));
    let event = answer(ACCESS, order_lookup("B1"), &list(&[]));
    assert_eq!(orders(&event)[0].confirmation.vouched.value(), Some(&None));
}

/// The event that says that there is no such thing, but with the key of `event`.
fn no_answer_with_key(event: &Event, lookup: Lookup) -> Event {
    Event { key: event.key.clone(), ..no_answer(ACCESS, lookup) }
}

#[test]
fn an_error_is_no_answer() {
    for success in [json!(false), json!("false")] {
        let found = json!({"success": success, "errorCode": "200010", "obj": null});
        check_answer_refused(ACCESS, order_lookup("B1"), &found, "the API reports an error");
    }
    check_answer_refused(ACCESS, order_lookup("B1"), &json!({"success": true}), "obj is missing");
}

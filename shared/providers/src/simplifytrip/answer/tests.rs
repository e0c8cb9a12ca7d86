use serde_json::{Value, json};
use shared::confirmation::Verdict;
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use crate::fixtures::{
    answer, asked_at, check_answer_refused, esim_lookup, esims, in_short, no_answer, order_lookup, orders, time as at,
};

const SIMPLIFYTRIP: Provider = Provider::Simplifytrip;
const ICCID: &str = "89812003916820447472";

fn order_of(status: &str) -> Value {
    let esim = json!({"iccid": ICCID, "qrCodeContent": "LPA:1$rsp.example$C", "pin": "1234"});
    json!({"id": "7", "trackId": "t", "createdAt": "2025-05-13T14:42:07.069Z", "updatedAt": "2025-05-13T14:42:09Z",
           "status": status, "error": {"message": "no stock"}, "total": 10,
           "items": [{"subOrderId": "s", "sku": "E23", "quantity": 1, "type": "eSIM", "eSims": [esim]}]})
}

#[test]
fn an_order_is_answered_with_its_esims() {
    let event = answer(SIMPLIFYTRIP, order_lookup("7"), &order_of("SUCCESS"));
    assert_eq!(event.kind, "order_answer");
    assert_eq!(in_short(&event), ["order 7: completed".to_owned(), format!("esim {ICCID}: plan=allocated install")]);
    assert_eq!(orders(&event)[0].verdict(), Some(Verdict::Confirmed));
    let esim = esims(&event)[0];
    assert_eq!((esim.verdict(), esim.install.at(), esim.plan.at()), (Some(Verdict::Confirmed), Some(asked_at()), None));
    let event = answer(SIMPLIFYTRIP, order_lookup("7"), &json!({"data": order_of("FAILED")}));
    assert_eq!(in_short(&event), ["order 7: failed"]);
    assert_eq!(orders(&event)[0].failure_reason(), Some("no stock"));
}

/// The documented sample.
fn sim(plan_status: &str, package: &str, data: &str, used: u64) -> Value {
    json!({
        "activityLogs": [
            {"eid": null, "recordTime": "2025-05-13 22:42:42", "status": "NOT_DOWNLOADED"},
            {"eid": "89049032", "recordTime": "2025-05-14 08:00:00", "status": "ENABLED"},
            {"eid": "89049032", "recordTime": "2025-05-14T07:59:00+08:00", "status": "INSTALLED"},
        ],
        "usageInfoList": [{"usedDate": "2025-05-14 00:00:00", "usageAmt": used}],
        "simStatus": {"planStartTime": "2025-05-14 08:00:00", "planEndTime": "2025-05-22 08:00:00", "remainingDays": 1,
                      "usedTraffic": used, "planStatus": plan_status},
        "iccid": ICCID,
        "orderInfo": {"orderId": "481989189736539", "trackId": "t", "purchaseDate": "2025-05-13T14:42:07.069Z"},
        "productInfo": {"sku": "E23XY06GB08DFX", "name": {"vi": "Ấn Độ", "en": "India"}, "type": "eSIM", "package": package,
                        "days": 8, "data": data, "apn": "internet", "throttleSpeed": "Stop"},
    })
}

#[track_caller]
fn check_sim(found: &Value, expected: &str) {
    let event = answer(SIMPLIFYTRIP, esim_lookup(LookupKind::Esim, ICCID, Hints::default()), found);
    assert_eq!(in_short(&event), [format!("esim {ICCID}: {expected}")]);
}

#[test]
fn an_esim_tells_its_plan_its_profile_and_what_is_used() {
    check_sim(&sim("UNUSED", "FIXED", "6GB", 0), "plan=allocated profile=enabled used=0");
    check_sim(&sim("IN_USE", "FIXED", "500 MB", 262_144_000), "plan=active profile=enabled used=262144000 told=50%");
    check_sim(&sim("EXPIRED", "DAILY", "1GB", 5), "plan=expired profile=enabled");
    check_sim(&sim("UNAVAILABLE", "FIXED", "Unlimited", 5), "profile=enabled");
}

#[test]
fn times_without_a_zone_are_local() {
    let lookup = esim_lookup(LookupKind::Esim, ICCID, Hints::default());
    let event = answer(SIMPLIFYTRIP, lookup, &sim("IN_USE", "FIXED", "6GB", 1));
    let esim = esims(&event)[0];
    assert_eq!((esim.profile.at(), esim.plan.at()), (Some(at("2025-05-14T00:00:00Z")), Some(asked_at())));
    assert_eq!(esim.expires_at.value(), Some(&at("2025-05-22T00:00:00Z")));
    assert_eq!(esim.order_ref.value().map(String::as_str), Some("481989189736539"));
    assert_eq!((esim.install.is_empty(), esim.verdict()), (true, None), "it knows no activation codes");
}

#[test]
fn what_it_does_not_know_denies_an_order_and_no_code() {
    assert_eq!(orders(&no_answer(SIMPLIFYTRIP, order_lookup("7")))[0].confirmation.vouched.value(), Some(&None));
    assert_eq!(no_answer(SIMPLIFYTRIP, esim_lookup(LookupKind::Esim, ICCID, Hints::default())).facts, []);
    check_answer_refused(SIMPLIFYTRIP, order_lookup("7"), &json!({"status": "SUCCESS"}), "id is missing");
}

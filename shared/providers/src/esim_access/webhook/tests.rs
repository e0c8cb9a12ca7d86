use serde_json::{Value, json};
use shared::event::Event;
use shared::fact::EntityKey;
use shared::origin::Provider;

use super::*;
use crate::fixtures::{check_refused, esims, event, event_of, orders, payload, received_at, time as at};

const ESIM_ACCESS: Provider = Provider::EsimAccess;
const NOON: &str = "2026-05-01T12:00:00Z";

fn notify(notify_type: &str, content: &Value) -> Event {
    let mut content = content.clone();
    content["orderNo"] = "B1".into();
    content["iccid"] = "890".into();
    event_of(ESIM_ACCESS, &json!({"notifyType": notify_type, "eventGenerateTime": NOON, "content": content}))
}

#[test]
fn a_health_check_is_an_event_about_nothing() {
    let event = event(ESIM_ACCESS, payload!("esim_access/check_health.json"));
    assert_eq!((event.kind.as_str(), event.facts.len(), event.order_ref), ("check_health", 0, None));
}

#[test]
fn the_sample_order_is_ready() {
    let event = event(ESIM_ACCESS, payload!("esim_access/order_status.json"));
    assert_eq!((event.kind.as_str(), event.occurred_at), ("order_status", None));
    assert_eq!(event.order_ref.as_deref(), Some("B23072016497499"));
    assert_eq!(orders(&event)[0].status(), OrderStatus::Completed);
}

#[track_caller]
fn check_order_status(said: &str, expected: Option<OrderStatus>) {
    let event = notify("ORDER_STATUS", &json!({"orderStatus": said, "transactionId": "t"}));
    let [order] = orders(&event)[..] else { panic!("one order") };
    assert_eq!(order.standing.value().map(|standing| standing.status), expected, "{said}");
    assert_eq!(order.needs_review(), expected.is_none(), "{said}");
    assert_eq!(order.track_ref.value().unwrap(), "t");
    let rank = expected.map(|status| status as u8);
    assert_eq!(order.provider_status, Latest::claim(said.to_owned(), Some(at(NOON))).ranked(rank));
}

#[test]
fn an_order_status_is_read_in_either_word_form() {
    check_order_status("GOT_RESOURCE", Some(OrderStatus::Completed));
    check_order_status("got_resource", Some(OrderStatus::Completed));
    check_order_status("CREATE", Some(OrderStatus::Pending));
    check_order_status("PAYING", Some(OrderStatus::Pending));
    check_order_status("PAID", Some(OrderStatus::Processing));
    check_order_status("GETTING_RESOURCE", Some(OrderStatus::Processing));
    check_order_status("CANCEL", Some(OrderStatus::Cancelled));
    check_order_status("CANCELED", Some(OrderStatus::Cancelled));
    check_order_status("FAILED", Some(OrderStatus::Failed));
    check_order_status("REFUSED", None);
}

#[test]
fn the_sample_step_on_the_server_moves_the_profile_and_hints_at_the_plan() {
    let event = event(ESIM_ACCESS, payload!("esim_access/smdp_event_download.json"));
    let downloaded_at = Some(at("2025-09-11T13:28:09Z"));
    assert_eq!((event.kind.as_str(), event.occurred_at), ("smdp_event", downloaded_at));
    assert_eq!(event.provider_event_id.as_deref(), Some("5fcc219e32dc484598d3fd700cf3738d"));
    assert_eq!(event.facts[0].key, EntityKey::Esim("B25091113270004/8997250230000292199".to_owned()));
    assert_eq!(event.esim_ref.as_deref(), Some("B25091113270004/8997250230000292199"));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!(esim.profile, Latest::claim(ProfileStatus::Downloaded, downloaded_at));
    assert_eq!(esim.plan, Latest::claim(PlanStatus::Allocated, downloaded_at).weak());
    let word = Latest::claim("GOT_RESOURCE".to_owned(), downloaded_at).ranked(Some(PlanStatus::Allocated as u8));
    assert_eq!(esim.provider_plan_status, word.weak());
    assert_eq!(esim.eid.value().unwrap(), "89049032007108882600137544319616");
    assert_eq!(esim.provider_esim_ref.value().unwrap(), "25091113270004");
    assert_eq!(esim.order_ref.value().unwrap(), "B25091113270004");
    assert_eq!(esim.iccid.value().unwrap(), "8997250230000292199");
}

#[test]
fn the_sequence_number_decides_between_steps_of_one_second() {
    let step = |status, sequence| notify("SMDP_EVENT", &json!({"smdpStatus": status, "seqNumber": sequence}));
    for (first, second) in [(json!(1), json!(2)), (json!("9"), json!("10")), (json!(null), json!(1))] {
        let (disabled, enabled) = (step("DISABLED", first), step("ENABLED", second));
        let mut state = enabled.facts[0].claims.clone();
        state.join(disabled.facts[0].claims.clone());
        let shared::fact::State::Esim(esim) = state else { panic!("an eSIM") };
        assert_eq!(esim.profile_status(), Some(ProfileStatus::Enabled));
        assert_eq!(esim.provider_profile_status.value().unwrap(), "ENABLED");
    }
}

#[test]
fn a_step_that_failed_was_not_taken() {
    let step = |outcome| {
        let event = notify("SMDP_EVENT", &json!({"smdpStatus": "INSTALLATION", "notifyStatus": outcome}));
        esims(&event)[0].profile_status()
    };
    assert_eq!(step(json!("Executed-Success")), Some(ProfileStatus::Installed));
    assert_eq!(step(json!(null)), Some(ProfileStatus::Installed));
    assert_eq!(step(json!("Failed")), None);
}

#[test]
fn the_sample_cancellation_is_strong_about_plan_and_profile() {
    let event = event(ESIM_ACCESS, payload!("esim_access/esim_status_cancel.json"));
    let cancelled_at = Some(at("2025-08-09T00:23:45Z"));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!(esim.plan, Latest::claim(PlanStatus::Cancelled, cancelled_at));
    assert_eq!(esim.profile, Latest::claim(ProfileStatus::Released, cancelled_at));
    assert!(esim.usage.is_empty() && orders(&event).is_empty());
}

#[track_caller]
fn check_plan(said: &str, expected: Option<PlanStatus>) {
    let event = notify("ESIM_STATUS", &json!({"esimStatus": said}));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!(esim.plan, Latest::maybe(expected, Some(at(NOON))), "{said}");
    assert_eq!(esim.provider_plan_status.value().unwrap(), said);
}

#[test]
fn every_plan_status_is_read_in_either_word_form() {
    check_plan("CREATE", Some(PlanStatus::Pending));
    check_plan("GETTING_RESOURCE", Some(PlanStatus::Pending));
    check_plan("GOT_RESOURCE", Some(PlanStatus::Allocated));
    check_plan("IN_USE", Some(PlanStatus::Active));
    check_plan("in_use", Some(PlanStatus::Active));
    check_plan("SUSPENDED", Some(PlanStatus::Suspended));
    check_plan("USED_UP", Some(PlanStatus::Depleted));
    check_plan("USED_EXPIRED", Some(PlanStatus::Expired));
    check_plan("UNUSED_EXPIRED", Some(PlanStatus::Expired));
    check_plan("CANCEL", Some(PlanStatus::Cancelled));
    check_plan("REVOKE", Some(PlanStatus::Revoked));
    check_plan("REVOKED", Some(PlanStatus::Revoked));
    check_plan("HIBERNATING", None);
}

#[test]
fn every_profile_status_is_read() {
    let statuses = [
        ("RELEASED", Some(ProfileStatus::Released)),
        ("DOWNLOAD", Some(ProfileStatus::Downloaded)),
        ("INSTALLATION", Some(ProfileStatus::Installed)),
        ("ENABLED", Some(ProfileStatus::Enabled)),
        ("DISABLED", Some(ProfileStatus::Disabled)),
        ("DELETED", Some(ProfileStatus::Deleted)),
        ("MISLAID", None),
    ];
    for (said, expected) in statuses {
        let event = notify("ESIM_STATUS", &json!({"smdpStatus": said}));
        assert_eq!(esims(&event)[0].profile_status(), expected, "{said}");
    }
}

#[test]
fn an_esim_status_may_bring_usage_and_the_order() {
    let event = notify(
        "ESIM_STATUS",
        &json!({"esimStatus": "IN_USE", "totalVolume": "1000", "remainVolume": 150, "orderStatus": "GOT_RESOURCE"}),
    );
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    assert_eq!(esim.usage, Latest::claim(Usage { total_bytes: 1000, used_bytes: 850 }, Some(at(NOON))));
    assert_eq!(esim.reached_percent.get(&1000), Some(&85), "implied by what is used");
    assert_eq!(orders(&event)[0].status(), OrderStatus::Completed);
}

#[test]
fn the_sample_usage_is_of_when_it_was_measured() {
    let event = event(ESIM_ACCESS, payload!("esim_access/data_usage.json"));
    assert_eq!(event.occurred_at, Some(at("2025-07-21T10:57:28Z")));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    let usage = Usage { total_bytes: 53_687_091_200, used_bytes: 48_335_585_458 };
    assert_eq!(esim.usage, Latest::claim(usage, Some(at("2025-07-21T09:38:25Z"))));
    assert_eq!(esim.reached_percent.get(&53_687_091_200), Some(&90));
}

#[track_caller]
fn check_threshold(remaining: &Value, expected: Option<u8>) {
    let event = notify("DATA_USAGE", &json!({"totalVolume": 1000, "orderUsage": 0, "remainThreshold": remaining}));
    assert_eq!(esims(&event)[0].reached_percent.get(&1000).copied(), expected, "{remaining}");
}

#[test]
fn the_share_that_remains_is_told_as_the_share_that_is_used() {
    check_threshold(&json!(0.5), Some(50));
    check_threshold(&json!(0.2), Some(80));
    check_threshold(&json!("0.1"), Some(90));
    check_threshold(&json!(0.07), Some(93));
    check_threshold(&json!(0.29), Some(71));
    check_threshold(&json!(0.125), Some(88));
    check_threshold(&json!(0), Some(100));
    check_threshold(&json!(1), None);
    check_threshold(&json!(25), None);
    check_threshold(&json!(-0.5), None);
    check_threshold(&json!(null), None);
}

#[test]
fn a_threshold_of_no_allowance_is_a_warning_of_its_own() {
    let event = notify("DATA_USAGE", &json!({"remainThreshold": 0.2}));
    let alert = Alert { level: 80, event_key: event.key.clone() };
    assert_eq!(esims(&event)[0].low_data_alert, Latest::claim(alert, Some(received_at())));
}

#[test]
fn the_sample_notice_of_expiry_names_the_moment() {
    let event = event(ESIM_ACCESS, payload!("esim_access/validity_usage.json"));
    let [esim] = esims(&event)[..] else { panic!("one eSIM") };
    let expires_at = at("2024-01-11T08:10:19Z");
    assert_eq!(esim.expires_at, Latest::claim(expires_at, None));
    assert_eq!(esim.expiry_notices.iter().collect::<Vec<_>>(), [&(expires_at, 1)]);
    assert!(esim.usage.is_empty(), "`remain` is in days here");
}

#[test]
fn a_notice_in_other_units_only_dates_the_expiry() {
    let content = json!({"durationUnit": "HOUR", "remain": 24, "expiredTime": "2026-05-02T12:00:00+0000"});
    let event = notify("VALIDITY_USAGE", &content);
    assert_eq!(esims(&event)[0].expires_at, Latest::claim(at("2026-05-02T12:00:00Z"), Some(at(NOON))));
    assert!(esims(&event)[0].expiry_notices.is_empty());
}

#[test]
fn a_notice_without_a_date_is_a_notice_of_its_own() {
    let event = notify("VALIDITY_USAGE", &json!({"durationUnit": "DAY", "remain": "1"}));
    assert_eq!(esims(&event)[0].expiry_alert.value().map(|alert| alert.level), Some(1));
}

#[test]
fn an_event_is_dated_by_its_content_if_the_envelope_says_nothing() {
    let content =
        json!({"orderNo": "B1", "iccid": "890", "smdpStatus": "ENABLED", "timestamp": "2026-04-30T00:00:00Z"});
    let event = event_of(ESIM_ACCESS, &json!({"notifyType": "SMDP_EVENT", "content": content}));
    assert_eq!(event.occurred_at, Some(at("2026-04-30T00:00:00Z")));
    assert_eq!(esims(&event)[0].profile.at(), event.occurred_at);
}

#[test]
fn a_new_type_of_event_is_kept_and_claims_nothing() {
    let event = notify("PLAN_MERGED", &json!({}));
    assert_eq!((event.kind.as_str(), event.facts.len()), ("plan_merged", 0));
    assert_eq!((event.order_ref.as_deref(), event.esim_ref.as_deref()), (Some("B1"), Some("B1/890")));
}

#[test]
fn what_names_no_entity_is_refused_by_the_name_of_the_field() {
    check_refused(ESIM_ACCESS, &json!({"content": {"orderNo": "B1"}}), "notifyType is missing");
    check_refused(ESIM_ACCESS, &json!({"notifyType": "ORDER_STATUS"}), "content is missing");
    check_refused(ESIM_ACCESS, &json!({"notifyType": "ORDER_STATUS", "content": {}}), "orderNo is missing");
    check_refused(ESIM_ACCESS, &json!({"notifyType": "NEW", "content": "text"}), "content is missing");
    for notify_type in ["SMDP_EVENT", "ESIM_STATUS", "DATA_USAGE", "VALIDITY_USAGE"] {
        check_refused(
            ESIM_ACCESS,
            &json!({"notifyType": notify_type, "content": {"orderNo": "B1"}}),
            "iccid is missing",
        );
    }
}

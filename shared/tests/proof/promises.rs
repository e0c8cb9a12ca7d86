//! What is promised, over whole lives: each promise once, none for what changes nothing, and at the end the same ones
//! hold, whatever the order of arrival.

#![expect(clippy::unwrap_used, reason = "these functions are a test's, and fail it")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::Timestamp;
use shared::action::Action;
use shared::envelope::{Envelope, Mode, Origin};
use shared::fold::{EntityId, Fold};
use shared::premise::premise_holds;
use shared::provider::{Event, Provider, decode};
use shared::rules::Rules;
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event(provider: Provider, received_at: &str, body: &Value) -> Event {
    let envelope = Envelope {
        id: Uuid::nil(),
        source: "shop".to_owned(),
        provider,
        mode: Mode::Live,
        origin: Origin::Webhook,
        received_at: at(received_at),
        content_type: None,
        traceparent: None,
        headers: BTreeMap::new(),
        body: body.to_string().into_bytes(),
    };
    decode(&envelope).unwrap()
}

/// eSIM Access, about one eSIM, at the given minute of one hour.
fn access(minute: u32, kind: &str, content: &Value) -> Event {
    let mut content = content.clone();
    for (name, value) in [("orderNo", "B1"), ("iccid", "8901")] {
        content[name] = json!(value);
    }
    let body = json!({
        "notifyType": kind,
        "notifyId": format!("{kind}-{minute}"),
        "eventGenerateTime": format!("2026-03-01T10:{minute:02}:00Z"),
        "content": content,
    });
    event(Provider::EsimAccess, "2026-03-01T11:00:00Z", &body)
}

fn status(minute: u32, status: &str) -> Event {
    access(minute, "ESIM_STATUS", &json!({"esimStatus": status}))
}

fn profile(minute: u32, status: &str) -> Event {
    access(minute, "SMDP_EVENT", &json!({"esimStatus": "GOT_RESOURCE", "smdpStatus": status}))
}

fn usage(minute: u32, total: u64, used: u64) -> Event {
    let time = format!("2026-03-01T10:{minute:02}:00Z");
    let content = json!({"totalVolume": total, "orderUsage": used, "remain": total - used, "lastUpdateTime": time});
    access(minute, "DATA_USAGE", &content)
}

fn expiry(minute: u32, expires: &str, days: u32) -> Event {
    let content = json!({"durationUnit": "DAY", "totalDuration": 30, "expiredTime": expires, "remain": days});
    access(minute, "VALIDITY_USAGE", &content)
}

fn airalo_low_data(received_at: &str, level: &str) -> Event {
    let body = json!({"level": level, "package_name": "p", "remaining_percentage": 20, "iccid": "8901"});
    event(Provider::Airalo, received_at, &body)
}

fn yoni(result: &str) -> Event {
    let body = json!({"orderNo": "Y1", "iccid": "8901", "lpa": "LPA:1$rsp.demo$X", "result": result});
    event(Provider::Yoni, "2026-03-01T11:00:00Z", &body)
}

/// What each event of a life promises, as `kind` or `kind used_percent`.
#[track_caller]
fn check(life: &[Event], expected: &[&[&str]]) {
    let mut fold = Fold::default();
    let promised: Vec<Vec<String>> =
        life.iter().map(|event| fold.apply("shop", event).iter().map(describe).collect()).collect();
    assert_eq!(promised, expected);
    for event in life {
        assert_eq!(fold.apply("shop", event), [], "a copy promises nothing");
    }
}

fn describe(action: &Action) -> String {
    let detail = action.payload.get("used_percent").or_else(|| action.payload.get("days_left"));
    detail.map_or_else(|| action.kind.as_str().to_owned(), |detail| format!("{} {detail}", action.kind.as_str()))
}

#[test]
fn a_life_is_told_step_by_step() {
    check(
        &[profile(1, "DOWNLOAD"), profile(2, "INSTALLATION"), profile(3, "ENABLED"), status(4, "IN_USE")],
        &[&[], &["esim_installed"], &[], &["esim_activated"]],
    );
    check(&[status(5, "IN_USE"), status(9, "CANCEL")], &[&["esim_activated"], &["esim_cancelled"]]);
    check(&[status(5, "SUSPENDED"), status(9, "REVOKED")], &[&["esim_suspended"], &["esim_revoked"]]);
    check(&[status(5, "USED_EXPIRED"), status(4, "IN_USE")], &[&["esim_expired"], &[]]);
}

#[test]
fn the_code_is_told_when_it_is_known_and_once() {
    check(&[yoni("COMPLETED")], &[&["esim_ready"]]);
}

#[test]
fn two_finals_without_times_are_for_somebody_to_look_at() {
    check(&[yoni("FAILED"), yoni("COMPLETED")], &[&["order_failed"], &["order_needs_review", "esim_ready"]]);
}

#[test]
fn low_data_is_told_rising_and_once_a_level() {
    check(
        &[usage(1, 1_000, 500), usage(2, 1_000, 510), usage(3, 1_000, 910), usage(4, 1_000, 800)],
        &[&["low_data 50"], &[], &["low_data 90"], &[]],
    );
}

#[test]
fn a_top_up_re_arms_the_warnings() {
    check(
        &[
            usage(1, 1_000, 900),
            status(2, "USED_UP"),
            usage(3, 2_000, 1_000),
            status(4, "IN_USE"),
            usage(5, 2_000, 1_600),
        ],
        &[&["low_data 90"], &["data_depleted"], &[], &["esim_activated", "low_data 50"], &["low_data 80"]],
    );
}

#[test]
fn nothing_is_low_once_it_is_used_up_or_over() {
    check(&[status(2, "USED_UP"), usage(1, 1_000, 900)], &[&["data_depleted"], &[]]);
    check(&[status(2, "CANCEL"), usage(3, 1_000, 900)], &[&["esim_cancelled"], &[]]);
}

#[test]
fn used_up_twice_is_told_twice_if_it_was_filled_up_between() {
    check(
        &[status(1, "USED_UP"), status(2, "USED_UP"), status(3, "IN_USE"), status(4, "USED_UP")],
        &[&["data_depleted"], &[], &["esim_activated"], &["data_depleted"]],
    );
}

#[test]
fn an_alert_that_comes_again_another_day_is_another_alert() {
    let life = [
        airalo_low_data("2026-03-01T10:00:00Z", "75%"),
        airalo_low_data("2026-03-09T10:00:00Z", "75%"),
        airalo_low_data("2026-03-10T10:00:00Z", "3days"),
    ];
    check(&life, &[&["low_data 75"], &["low_data 75"], &["expiring_soon 3"]]);
}

#[test]
fn only_the_expiry_in_force_is_announced() {
    let (sooner, later) = ("2026-03-02T10:00:00Z", "2026-04-02T10:00:00Z");
    check(&[expiry(1, sooner, 1), expiry(2, later, 3)], &[&["expiring_soon 1"], &["expiring_soon 3"]]);
    check(&[expiry(2, later, 3), expiry(1, sooner, 1)], &[&["expiring_soon 3"], &[]]);
}

/// Which promises made during a life still hold at its end: those that a relay which slept all the time would send.
fn holding_at_the_end(life: &[Event]) -> BTreeSet<String> {
    let mut fold = Fold::default();
    let mut promised = BTreeMap::new();
    for event in life {
        for action in fold.apply("shop", event) {
            promised.entry(action.key.clone()).or_insert(action);
        }
    }
    let states = fold.into_states();
    let holds = |action: &&Action| {
        let subject = action.premise.subject().map(|key| EntityId { source: "shop".to_owned(), key: key.clone() });
        let state = subject.and_then(|id| states.get(&id));
        premise_holds(&action.premise, state, &Rules::default(), at("2026-03-01T12:00:00Z")).is_ok()
    };
    promised.values().filter(holds).map(describe).collect()
}

fn pieces() -> Vec<Event> {
    vec![
        profile(1, "INSTALLATION"),
        profile(2, "ENABLED"),
        status(3, "IN_USE"),
        usage(4, 1_000, 500),
        usage(5, 1_000, 900),
        status(6, "USED_UP"),
        usage(7, 3_000, 1_500),
        status(8, "IN_USE"),
        usage(9, 3_000, 2_500),
        expiry(10, "2026-03-02T10:00:00Z", 1),
        expiry(11, "2026-03-09T10:00:00Z", 3),
        status(12, "SUSPENDED"),
        status(13, "IN_USE"),
        profile(14, "DELETED"),
        status(15, "USED_EXPIRED"),
    ]
}

#[test]
fn a_sleeping_relay_wakes_up_to_the_truth() {
    let told = |count: usize| holding_at_the_end(&pieces()[..count]).into_iter().collect::<Vec<_>>();
    assert_eq!(told(5), ["esim_activated", "esim_installed", "low_data 90"]);
    assert_eq!(told(6), ["data_depleted", "esim_installed"]);
    assert_eq!(told(9), ["esim_activated", "esim_installed", "low_data 80"]);
    assert_eq!(told(11), ["esim_activated", "esim_installed", "expiring_soon 3", "low_data 80"]);
    assert_eq!(told(12), ["esim_installed", "esim_suspended", "expiring_soon 3", "low_data 80"]);
    assert_eq!(told(15), ["esim_expired"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any part of a life, in any order and with copies: what holds at the end is what holds in the right order.
    #[test]
    fn the_order_of_arrival_does_not_change_what_is_true_to_tell(
        count in 1_usize..=15,
        (order, copies) in (Just((0..15).collect::<Vec<usize>>()).prop_shuffle(), prop::collection::vec(0_usize..15, 0..6)),
    ) {
        let pieces = pieces();
        let arrived = order.into_iter().chain(copies).filter(|n| *n < count).map(|n| pieces[n].clone());
        prop_assert_eq!(holding_at_the_end(&arrived.collect::<Vec<_>>()), holding_at_the_end(&pieces[..count]));
    }
}

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::block::{Heard, Latest};
use shared::envelope::Envelope;
use shared::esim::{Install, PlanStatus, Usage};
use shared::fold::{EntityId, Fold};
use shared::lookup::Answer;
use shared::origin::{Mode, Provider};
use uuid::Uuid;

use super::*;
use crate::{decode, dialect};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
}

fn event(provider: Provider, origin: Origin, seconds: i64, signature: Option<&str>, body: Vec<u8>) -> Event {
    let envelope = Envelope {
        id: Uuid::nil(),
        source: "shop".to_owned(),
        provider,
        mode: Mode::Live,
        origin,
        received_at: at(seconds),
        content_type: None,
        traceparent: None,
        headers: signature.iter().map(|name| ((*name).to_owned(), "verified".to_owned())).collect(),
        body,
    };
    decode(&envelope).unwrap()
}

fn webhook(provider: Provider, body: &Value) -> Event {
    let signature = dialect(provider).signature_headers().first().copied();
    event(provider, Origin::Webhook, 0, signature, body.to_string().into_bytes())
}

fn answer(provider: Provider, asked: Lookup, seconds: i64, found: Option<Value>) -> Event {
    let body = Answer { asked, asked_at: at(seconds), found }.body();
    event(provider, Origin::Fetch, seconds, None, body)
}

fn states(events: &[Event]) -> BTreeMap<EntityId, State> {
    let mut fold = Fold::default();
    for event in events {
        fold.apply("shop", event);
    }
    fold.into_states()
}

/// The lookups that the last of the events makes worth asking: reason, kind and entity.
#[track_caller]
fn check_lookups(provider: Provider, events: &[Event], expected: &[&str]) {
    let states = states(events);
    let last = events.last().unwrap();
    let requested = last.facts.iter().flat_map(|fact| {
        let id = EntityId { source: "shop".to_owned(), key: fact.key.clone() };
        dialect(provider).lookups_after(last, &fact.key, &states[&id])
    });
    let in_short = requested.map(|LookupRequest { lookup, reason, after }| {
        let (entity, reference) = lookup.about.parts();
        format!("{reason:?} {} of {entity} {reference} after {} s", lookup.kind.as_str(), after.num_seconds())
    });
    assert_eq!(in_short.collect::<Vec<_>>(), expected);
}

fn yoni(result: &str) -> Event {
    webhook(Provider::Yoni, &json!({"orderNo": "Y1", "iccid": "8901", "lpa": "LPA:1$rsp.demo$X", "result": result}))
}

fn access(kind: &str, content: &Value) -> Event {
    webhook(Provider::EsimAccess, &json!({"notifyType": kind, "content": content}))
}

fn signed_order(signature: Option<&str>) -> Event {
    let sim = json!({"iccid": "891", "qrcode": "LPA:1$lpa.airalo.com$TEST"});
    let body = json!({"request_id": "r", "data": {"id": 1, "package_id": "p", "sims": [sim]}}).to_string();
    event(Provider::Airalo, Origin::Webhook, 0, signature, body.into_bytes())
}

#[test]
fn a_thin_webhook_makes_one_ask_for_what_it_announces() {
    let content = json!({"orderNo": "B1", "orderStatus": "GOT_RESOURCE"});
    check_lookups(Provider::EsimAccess, &[access("ORDER_STATUS", &content)], &["Thin order of order B1 after 0 s"]);
    let content = json!({"orderNo": "B1", "iccid": "8", "smdpStatus": "DOWNLOAD"});
    check_lookups(Provider::EsimAccess, &[access("SMDP_EVENT", &content)], &["Thin esim of eSIM B1/8 after 0 s"]);
}

#[test]
fn an_unsigned_webhook_is_asked_about_with_as_few_questions_as_needed() {
    check_lookups(
        Provider::Yoni,
        &[yoni("COMPLETED")],
        &["Unconfirmed esim of eSIM 8901 after 0 s", "Poll usage of eSIM 8901 after 21600 s"],
    );
    check_lookups(Provider::Yoni, &[yoni("FAILED")], &["Unconfirmed order of order Y1 after 0 s"]);
    let payment = json!({"id": "p", "operation_type": "payout", "status": "completed"});
    let payment = event(Provider::Airtm, Origin::Webhook, 0, None, payment.to_string().into_bytes());
    check_lookups(Provider::Airtm, &[payment], &["Unconfirmed payment of payment p after 0 s"]);
    check_lookups(
        Provider::Airalo,
        &[signed_order(None)],
        &[
            "Unconfirmed order of order r after 0 s",
            "Unconfirmed esim of eSIM 891 after 0 s",
            "Poll usage of eSIM 891 after 21600 s",
        ],
    );
}

#[test]
fn a_signed_webhook_needs_no_confirmation() {
    check_lookups(
        Provider::Airalo,
        &[signed_order(Some("airalo-signature"))],
        &["Poll usage of eSIM 891 after 21600 s"],
    );
    let payment = json!({"type": "payin.confirmed", "data": {"id": "p", "status": "CONFIRMED"}});
    let signed = event(Provider::Airtm, Origin::Webhook, 0, Some("svix-signature"), payment.to_string().into_bytes());
    check_lookups(Provider::Airtm, &[signed], &[]);
}

#[test]
fn what_an_answer_brought_is_polled_and_not_asked_about_again() {
    let record = json!({"orderNo": "Y1", "iccid": "8901", "lpa": "LPA:1$rsp.demo$X", "result": "COMPLETED"});
    let found = json!({"code": 0, "data": {"records": [record]}});
    let repaired = answer(Provider::Yoni, order_lookup("Y1", None), 5, Some(found));
    check_lookups(Provider::Yoni, std::slice::from_ref(&repaired), &["Poll usage of eSIM 8901 after 21600 s"]);
    let lookup = Lookup {
        about: EntityKey::Esim("8901".to_owned()),
        kind: LookupKind::Usage,
        hints: Hints { order_ref: Some("Y1".to_owned()), ..Hints::default() },
    };
    let used = answer(Provider::Yoni, lookup, 9, Some(json!({"data": {"total": "100", "usage": "90"}})));
    check_lookups(Provider::Yoni, &[repaired, used], &[]);
}

fn esim(expires_in: Option<TimeDelta>, used_percent: u64, plan: PlanStatus) -> Esim {
    let esim = Esim {
        install: Latest::claim(Install::new("LPA:1$a$b".to_owned()), None),
        plan: Latest::claim(plan, None),
        expires_at: Latest::maybe(expires_in.map(|left| at(0) + left), None),
        ..Esim::default()
    };
    esim.with_usage(Usage { total_bytes: 100, used_bytes: used_percent }, None, None)
}

#[track_caller]
fn check_pace(esim: &Esim, expected_minutes: Option<i64>) {
    assert_eq!(pace(esim, at(0)).map(|pause| pause.num_minutes()), expected_minutes);
}

#[test]
fn the_nearer_an_end_the_more_often_it_is_asked() {
    let active = |left, used| esim(left, used, PlanStatus::Active);
    check_pace(&active(Some(TimeDelta::days(8)), 0), Some(360));
    check_pace(&active(Some(TimeDelta::days(7)), 0), Some(120));
    check_pace(&active(Some(TimeDelta::days(1)), 0), Some(30));
    check_pace(&active(None, 49), Some(360));
    check_pace(&active(None, 50), Some(120));
    check_pace(&active(None, 80), Some(30));
    check_pace(&active(Some(TimeDelta::days(3)), 80), Some(30));
    check_pace(&esim(None, 100, PlanStatus::Depleted), Some(360));
}

#[test]
fn what_is_over_is_not_asked_about() {
    for plan in [PlanStatus::Expired, PlanStatus::Cancelled, PlanStatus::Revoked] {
        check_pace(&esim(None, 90, plan), None);
    }
    check_pace(&esim(Some(TimeDelta::days(-8)), 0, PlanStatus::Active), None);
    let mut endless = esim(None, 0, PlanStatus::Active);
    endless.heard = Heard::at(at(0) - TimeDelta::days(401));
    check_pace(&endless, None);
}

fn esim_lookup(kind: LookupKind) -> Lookup {
    let hints = Hints { order_ref: Some("Y1".to_owned()), iccid: Some("8901".to_owned()), ..Hints::default() };
    Lookup { about: EntityKey::Esim("8901".to_owned()), kind, hints }
}

/// What is to be asked next, in seconds, after the events.
#[track_caller]
fn check_next(
    provider: Provider,
    (lookup, reason, asked): (&Lookup, LookupReason, u32),
    events: &[Event],
    expected: Option<(LookupReason, i64)>,
) {
    let states = states(events);
    let state = states.get(&EntityId { source: "shop".to_owned(), key: lookup.about.clone() });
    let next = dialect(provider).next_lookup(lookup, reason, state, asked, at(100));
    assert_eq!(next.map(|(reason, pause)| (reason, pause.num_seconds())), expected);
}

#[test]
fn a_question_without_its_answer_is_asked_for_about_a_day() {
    let lookup = order_lookup("B1", None);
    check_next(Provider::EsimAccess, (&lookup, LookupReason::Overdue, 1), &[], Some((LookupReason::Overdue, 2)));
    check_next(Provider::EsimAccess, (&lookup, LookupReason::Overdue, 5), &[], Some((LookupReason::Overdue, 60)));
    check_next(Provider::EsimAccess, (&lookup, LookupReason::Overdue, 15), &[], None);
    let day = PAUSES.iter().fold(TimeDelta::zero(), |sum, pause| sum + *pause);
    assert_eq!(day.num_hours(), 23);
    assert!(PAUSES.is_sorted());
}

#[test]
fn a_thin_order_is_done_once_its_esims_came() {
    let lookup = order_lookup("B1", None);
    let rung = access("ORDER_STATUS", &json!({"orderNo": "B1", "orderStatus": "GOT_RESOURCE"}));
    let found = |seconds, ac: &str| {
        let esim = json!({"orderNo": "B1", "iccid": "8", "ac": ac, "esimStatus": "GOT_RESOURCE"});
        answer(
            Provider::EsimAccess,
            lookup.clone(),
            seconds,
            Some(json!({"success": true, "obj": {"esimList": [esim]}})),
        )
    };
    let thin = (&lookup, LookupReason::Thin, 1);
    check_next(Provider::EsimAccess, thin, std::slice::from_ref(&rung), Some((LookupReason::Thin, 2)));
    check_next(Provider::EsimAccess, thin, &[rung.clone(), found(3, "")], Some((LookupReason::Thin, 2)));
    let late = states(&[rung.clone(), found(600, "")]);
    assert!(late.values().all(|state| state.refuted_at().is_none()), "it takes its time");
    let unknown = answer(Provider::EsimAccess, lookup.clone(), 600, None);
    check_next(Provider::EsimAccess, thin, &[rung.clone(), unknown], Some((LookupReason::Thin, 2)));
    check_next(Provider::EsimAccess, thin, &[rung, found(3, "LPA:1$a$b")], None);
}

#[test]
fn a_doorbell_is_asked_about_until_it_is_confirmed_or_refuted() {
    let lookup = esim_lookup(LookupKind::Esim);
    let record = json!({"orderNo": "Y1", "iccid": "8901", "lpa": "LPA:1$rsp.demo$X", "result": "COMPLETED"});
    let found =
        |seconds| answer(Provider::Yoni, lookup.clone(), seconds, Some(json!({"data": {"records": [record.clone()]}})));
    let unknown = |seconds| answer(Provider::Yoni, lookup.clone(), seconds, None);
    let asked = |count| (&lookup, LookupReason::Unconfirmed, count);
    check_next(Provider::Yoni, asked(1), &[yoni("COMPLETED"), unknown(2)], Some((LookupReason::Unconfirmed, 2)));
    check_next(Provider::Yoni, asked(2), &[yoni("COMPLETED"), unknown(2), found(9)], None);
    check_next(Provider::Yoni, asked(9), &[yoni("COMPLETED"), unknown(2), unknown(60)], None);
}

#[test]
fn a_poll_goes_on_at_its_pace() {
    let lookup = esim_lookup(LookupKind::Usage);
    let used =
        |used: &str| answer(Provider::Yoni, lookup.clone(), 50, Some(json!({"data": {"total": "100", "usage": used}})));
    let poll = (&lookup, LookupReason::Poll, 900);
    check_next(Provider::Yoni, poll, &[yoni("COMPLETED"), used("10")], Some((LookupReason::Poll, 21_600)));
    check_next(Provider::Yoni, poll, &[yoni("COMPLETED"), used("85")], Some((LookupReason::Poll, 1_800)));
    let refuted = answer(Provider::Yoni, esim_lookup(LookupKind::Esim), 70, None);
    check_next(Provider::Yoni, poll, &[yoni("COMPLETED"), refuted], None);
}

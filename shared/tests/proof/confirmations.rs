//! What nobody signed is a doorbell: what the provider's API makes of it, whatever the order of arrival, and what is told
//! of it to whom.

#![expect(clippy::unwrap_used, reason = "these functions are a test's, and fail it")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::Timestamp;
use shared::action::{Action, ActionKind, awaits_confirmation};
use shared::confirmation::Verdict;
use shared::envelope::{Envelope, Mode, Origin};
use shared::fact::{EntityKey, State};
use shared::fold::{EntityId, Fold};
use shared::lookup::{Answer, Hints, Lookup, Question, order_lookup};
use shared::premise::premise_holds;
use shared::provider::{Event, Provider, decode};
use shared::rules::Rules;
use uuid::Uuid;

/// Seconds after the first doorbell.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
}

fn event(provider: Provider, origin: Origin, seconds: i64, headers: &[&str], body: Vec<u8>) -> Event {
    let envelope = Envelope {
        id: Uuid::nil(),
        source: "shop".to_owned(),
        provider,
        mode: Mode::Live,
        origin,
        received_at: at(seconds),
        content_type: None,
        traceparent: None,
        headers: headers.iter().map(|name| ((*name).to_owned(), "verified".to_owned())).collect(),
        body,
    };
    decode(&envelope).unwrap()
}

fn record(code: &str, result: &str) -> Value {
    json!({"orderNo": "Y1", "iccid": "8901", "lpa": format!("LPA:1$rsp.demo${code}"), "result": result})
}

/// Yoni rings.
fn rings(seconds: i64, code: &str, result: &str) -> Event {
    event(Provider::Yoni, Origin::Webhook, seconds, &[], record(code, result).to_string().into_bytes())
}

/// Yoni's API answers: with a record, or that there is none.
fn answers(seconds: i64, record: Option<Value>) -> Event {
    let hints = Hints { order_ref: Some("Y1".to_owned()), iccid: Some("8901".to_owned()), ..Hints::default() };
    let asked = Lookup { about: esim(), question: Question::Esim, hints };
    let found = record.map(|record| json!({"code": 0, "data": {"records": [record], "total": 1}}));
    let body = Answer { asked, asked_at: at(seconds), found }.body();
    event(Provider::Yoni, Origin::Fetch, seconds + 1, &[], body)
}

/// Airtm V1 calls back.
fn pays(seconds: i64, status: &str) -> Event {
    let body = json!({"id": "p", "operation_type": "purchase", "status": status, "updated_at": at(seconds)});
    event(Provider::Airtm, Origin::Webhook, seconds, &[], body.to_string().into_bytes())
}

/// Airtm's API answers.
fn pays_truly(seconds: i64, status: &str) -> Event {
    let asked = Lookup { about: payment(), question: Question::Payment, hints: Hints::default() };
    let found = json!({"id": "p", "operation_type": "purchase", "status": status, "updated_at": at(0)});
    let body = Answer { asked, asked_at: at(seconds), found: Some(found) }.body();
    event(Provider::Airtm, Origin::Fetch, seconds + 1, &[], body)
}

fn order() -> EntityKey {
    EntityKey::Order("Y1".to_owned())
}

fn esim() -> EntityKey {
    EntityKey::Esim("8901".to_owned())
}

fn payment() -> EntityKey {
    EntityKey::Payment("p".to_owned())
}

/// Everything promised on the way, and the states at the end.
fn live(life: &[Event]) -> (Vec<Action>, BTreeMap<EntityId, State>) {
    let mut fold = Fold::default();
    let mut promised: Vec<Action> = Vec::new();
    for event in life {
        for action in fold.apply("shop", event) {
            if promised.iter().all(|earlier| earlier.key != action.key) {
                promised.push(action);
            }
        }
    }
    for event in life {
        assert_eq!(fold.apply("shop", event), [], "a copy promises nothing");
    }
    (promised, fold.into_states())
}

fn state<'a>(states: &'a BTreeMap<EntityId, State>, key: &EntityKey) -> &'a State {
    &states[&EntityId { source: "shop".to_owned(), key: key.clone() }]
}

fn still_holds(action: &Action, states: &BTreeMap<EntityId, State>) -> Result<(), String> {
    let state = action.premise.subject().map(|key| state(states, key));
    premise_holds(&action.premise, state, &Rules::default(), at(1000))
}

/// What was promised on the way and, in the end, what of it holds; and how well each entity is proven.
#[track_caller]
fn check(life: &[Event], promised: &[&str], holding: &[&str], verdicts: &[(EntityKey, Option<Verdict>)]) {
    let (actions, states) = live(life);
    let kinds = |actions: Vec<&Action>| actions.into_iter().map(|action| action.kind.as_str()).collect::<Vec<_>>();
    assert_eq!(kinds(actions.iter().collect()), promised);
    let holds = actions.iter().filter(|action| still_holds(action, &states).is_ok());
    assert_eq!(kinds(holds.collect()), holding, "in the end");
    for (key, verdict) in verdicts {
        assert_eq!(state(&states, key).confirmation(), *verdict, "{key:?}");
    }
}

const CONFIRMED: Option<Verdict> = Some(Verdict::Confirmed);
const UNCONFIRMED: Option<Verdict> = Some(Verdict::Unconfirmed);
const REFUTED: Option<Verdict> = Some(Verdict::Refuted);

#[test]
fn a_forged_completion_is_refuted_and_its_promise_withdrawn() {
    check(
        &[rings(0, "FORGED", "COMPLETED"), answers(2, None), answers(61, None)],
        &["esim_ready", "webhook_refuted", "webhook_refuted"],
        &["webhook_refuted", "webhook_refuted"],
        &[(order(), REFUTED), (esim(), REFUTED)],
    );
    let (actions, states) = live(&[rings(0, "FORGED", "COMPLETED"), answers(61, None)]);
    let withdrawn = still_holds(&actions[0], &states);
    assert_eq!(withdrawn, Err("the provider's API does not confirm it".to_owned()));
    let told = &actions[1].payload;
    assert_eq!(
        (&told["order_ref"], &told["claimed"], &told["confirmed"]),
        (&json!("Y1"), &json!("completed"), &json!("unknown"))
    );
    assert!(actions[1..].iter().all(|action| !action.payload.to_string().contains("LPA:")), "no code is shown");
}

#[test]
fn a_doorbell_that_the_api_confirms_is_told_as_ever() {
    check(
        &[rings(0, "X", "COMPLETED"), answers(2, Some(record("X", "COMPLETED")))],
        &["esim_ready"],
        &["esim_ready"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
}

#[test]
fn an_api_that_lags_behind_its_webhooks_refutes_nothing() {
    check(
        &[rings(0, "X", "COMPLETED"), answers(2, None)],
        &["esim_ready"],
        &["esim_ready"],
        &[(order(), UNCONFIRMED), (esim(), UNCONFIRMED)],
    );
    check(
        &[rings(0, "X", "COMPLETED"), answers(2, None), answers(9, Some(record("X", "COMPLETED"))), answers(90, None)],
        &["esim_ready"],
        &["esim_ready"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
}

#[test]
fn a_forged_code_is_replaced_by_the_true_one() {
    check(
        &[rings(0, "FORGED", "COMPLETED"), answers(70, Some(record("TRUE", "COMPLETED")))],
        &["esim_ready", "esim_ready", "webhook_refuted"],
        &["esim_ready", "webhook_refuted"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
    let (actions, states) = live(&[rings(0, "FORGED", "COMPLETED"), answers(70, Some(record("TRUE", "COMPLETED")))]);
    let holding: Vec<_> = actions.iter().filter(|action| still_holds(action, &states).is_ok()).collect();
    assert_eq!(holding[0].payload["install"]["activation_code"], "LPA:1$rsp.demo$TRUE");
}

#[test]
fn what_was_refuted_and_comes_true_is_promised_anew() {
    let refuted = [rings(0, "X", "COMPLETED"), answers(61, None)];
    let (_, states) = live(&refuted);
    assert_eq!(state(&states, &esim()).confirmation(), REFUTED);
    let [rung, denied] = refuted;
    check(
        &[rung, denied, answers(300, Some(record("X", "COMPLETED")))],
        &["esim_ready", "webhook_refuted", "webhook_refuted", "esim_ready"],
        &["esim_ready", "esim_ready"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
}

#[test]
fn a_forged_failure_takes_nothing_back() {
    let found = || Some(record("X", "COMPLETED"));
    check(
        &[rings(0, "X", "COMPLETED"), answers(2, found()), rings(100, "", "FAILED"), answers(170, found())],
        &["esim_ready", "order_needs_review", "webhook_refuted"],
        &["esim_ready", "order_needs_review", "webhook_refuted"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
}

#[test]
fn a_forged_payment_is_withdrawn_and_the_true_one_told() {
    let forged = [pays(0, "confirmed"), pays_truly(61, "CREATED")];
    check(&forged, &["payment_succeeded", "webhook_refuted"], &["webhook_refuted"], &[(payment(), REFUTED)]);
    let [rung, refuted] = forged;
    check(
        &[rung, refuted, pays(300, "confirmed"), pays_truly(302, "CONFIRMED")],
        &["payment_succeeded", "webhook_refuted", "payment_succeeded"],
        &["payment_succeeded", "payment_succeeded"],
        &[(payment(), CONFIRMED)],
    );
}

#[test]
fn only_what_gives_value_away_awaits_confirmation() {
    let (_, states) = live(&[rings(0, "X", "COMPLETED"), pays(0, "confirmed")]);
    let awaits = |kind, key: &EntityKey| awaits_confirmation(kind, Some(state(&states, key)));
    assert!(awaits(ActionKind::EsimReady, &esim()));
    assert!(awaits(ActionKind::PaymentSucceeded, &payment()));
    assert!(!awaits(ActionKind::LowData, &esim()));
    assert!(!awaits_confirmation(ActionKind::EsimReady, None));
    let found = answers(2, Some(record("X", "COMPLETED")));
    let (_, states) = live(&[rings(0, "X", "COMPLETED"), found, pays(0, "confirmed"), pays_truly(61, "CREATED")]);
    let awaits = |kind, key: &EntityKey| awaits_confirmation(kind, Some(state(&states, key)));
    assert!(!awaits(ActionKind::EsimReady, &esim()), "it is confirmed");
    assert!(!awaits(ActionKind::PaymentSucceeded, &payment()), "it is refuted, and its premise over");
}

#[test]
fn a_signed_webhook_proves_itself() {
    let sim = json!({"iccid": "8901", "qrcode": "LPA:1$lpa.airalo.com$TEST"});
    let body =
        json!({"request_id": "Y1", "data": {"id": 1, "package_id": "p", "sims": [sim]}}).to_string().into_bytes();
    let signed = event(Provider::Airalo, Origin::Webhook, 0, &["airalo-signature"], body);
    let denied = Answer { asked: order_lookup("Y1", None), asked_at: at(90), found: None };
    let denied = event(Provider::Airalo, Origin::Fetch, 91, &[], denied.body());
    let verdicts = [(order(), CONFIRMED), (esim(), CONFIRMED)];
    check(&[signed.clone(), denied.clone()], &["esim_ready"], &["esim_ready"], &verdicts);
    check(&[denied, signed], &["esim_ready"], &["esim_ready"], &verdicts);
}

/// Doorbells and answers, true and false ones.
fn pieces() -> Vec<Event> {
    vec![
        rings(0, "FORGED", "COMPLETED"),
        rings(5, "X", "COMPLETED"),
        answers(2, None),
        answers(10, Some(record("X", "COMPLETED"))),
        answers(90, Some(record("X", "COMPLETED"))),
        rings(120, "", "FAILED"),
        answers(200, None),
        pays(0, "confirmed"),
        pays_truly(61, "CREATED"),
        pays(300, "confirmed"),
        pays_truly(302, "CONFIRMED"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any part of it, in any order and with copies, ends in one state.
    #[test]
    fn doorbells_and_answers_end_in_one_state(
        count in 1_usize..=11,
        (order, copies) in (Just((0..11).collect::<Vec<usize>>()).prop_shuffle(), prop::collection::vec(0_usize..11, 0..6)),
    ) {
        let pieces = pieces();
        let arrived = order.into_iter().chain(copies).filter(|n| *n < count).map(|n| pieces[n].clone());
        let (actions, states) = live(&arrived.collect::<Vec<_>>());
        let (expected_actions, expected) = live(&pieces[..count]);
        prop_assert_eq!(&states, &expected);
        let holding = |actions: &[Action]| {
            let holding = actions.iter().filter(|action| still_holds(action, &states).is_ok());
            holding.map(|action| action.kind).collect::<std::collections::BTreeSet<_>>()
        };
        prop_assert_eq!(holding(&actions), holding(&expected_actions));
    }
}

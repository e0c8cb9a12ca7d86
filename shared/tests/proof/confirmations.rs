//! What nobody signed is a doorbell: what the provider's API makes of it, whatever the order of arrival, and what is told
//! of it to whom.

use invariants::{Inbox, States, Worker};
use serde_json::json;
use shared::action::{Action, ActionKind, awaits_confirmation};
use shared::confirmation::Verdict;
use shared::fact::{EntityKey, State};
use shared::premise::premise_holds;
use shared::rules::Rules;

use crate::said::{self, Said, airalo, airtm, at, yoni};

/// Yoni rings.
fn rings(seconds: i64, code: &str, result: &str) -> Said {
    yoni::result(seconds, "Y1", "8901", code, result)
}

/// Yoni's API answers that the order has come with this code.
fn answers(seconds: i64, code: &str) -> Said {
    yoni::answers(seconds, "Y1", "8901", code, "COMPLETED")
}

/// Yoni's API answers that there is no such thing.
fn denies(seconds: i64) -> Said {
    yoni::denies(seconds, "Y1", "8901")
}

/// Airtm V1 calls back.
fn pays(seconds: i64, status: &str) -> Said {
    airtm::operation(seconds, "p", "purchase", status)
}

/// Airtm's API answers.
fn pays_truly(seconds: i64, status: &str) -> Said {
    airtm::answers(seconds, "p", "purchase", status, 0)
}

fn order() -> EntityKey {
    said::order("Y1")
}

fn esim() -> EntityKey {
    said::esim("8901")
}

fn payment() -> EntityKey {
    said::payment("p")
}

/// Everything promised on the way, and the states at the end.
fn live(life: &[Said]) -> (Vec<Action>, States) {
    let mut worker = Worker::default();
    let promised = life.iter().flat_map(|said| worker.apply(Inbox::EveryTime, [&said.read()])).collect();
    worker.check_end();
    (promised, worker.states())
}

fn state<'a>(states: &'a States, key: &EntityKey) -> &'a State {
    states.iter().find_map(|(id, state)| (id.key == *key).then_some(state)).unwrap()
}

fn still_holds(action: &Action, states: &States) -> Result<(), String> {
    let state = action.premise.subject().map(|key| state(states, key));
    premise_holds(&action.premise, state, &Rules::default(), at(1000))
}

/// What was promised on the way and, in the end, what of it holds; and how well each entity is proven.
#[track_caller]
fn check(life: &[Said], promised: &[&str], holding: &[&str], verdicts: &[(EntityKey, Option<Verdict>)]) {
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
        &[rings(0, "FORGED", "COMPLETED"), denies(2), denies(61)],
        &["esim_ready", "webhook_refuted", "webhook_refuted"],
        &["webhook_refuted", "webhook_refuted"],
        &[(order(), REFUTED), (esim(), REFUTED)],
    );
    let (actions, states) = live(&[rings(0, "FORGED", "COMPLETED"), denies(61)]);
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
        &[rings(0, "X", "COMPLETED"), answers(2, "X")],
        &["esim_ready"],
        &["esim_ready"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
}

#[test]
fn an_api_that_lags_behind_its_webhooks_refutes_nothing() {
    check(
        &[rings(0, "X", "COMPLETED"), denies(2)],
        &["esim_ready"],
        &["esim_ready"],
        &[(order(), UNCONFIRMED), (esim(), UNCONFIRMED)],
    );
    check(
        &[rings(0, "X", "COMPLETED"), denies(2), answers(9, "X"), denies(90)],
        &["esim_ready"],
        &["esim_ready"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
}

#[test]
fn a_forged_code_is_replaced_by_the_true_one() {
    check(
        &[rings(0, "FORGED", "COMPLETED"), answers(70, "TRUE")],
        &["esim_ready", "esim_ready", "webhook_refuted"],
        &["esim_ready", "webhook_refuted"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
    let (actions, states) = live(&[rings(0, "FORGED", "COMPLETED"), answers(70, "TRUE")]);
    let holding: Vec<_> = actions.iter().filter(|action| still_holds(action, &states).is_ok()).collect();
    assert_eq!(holding[0].payload["install"]["activation_code"], "LPA:1$rsp.demo$TRUE");
}

#[test]
fn what_was_refuted_and_comes_true_is_promised_anew() {
    let refuted = [rings(0, "X", "COMPLETED"), denies(61)];
    let (_, states) = live(&refuted);
    assert_eq!(state(&states, &esim()).confirmation(), REFUTED);
    let [rung, denied] = refuted;
    check(
        &[rung, denied, answers(300, "X")],
        &["esim_ready", "webhook_refuted", "webhook_refuted", "esim_ready"],
        &["esim_ready", "esim_ready"],
        &[(order(), CONFIRMED), (esim(), CONFIRMED)],
    );
}

#[test]
fn a_forged_failure_takes_nothing_back() {
    check(
        &[rings(0, "X", "COMPLETED"), answers(2, "X"), rings(100, "", "FAILED"), answers(170, "X")],
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
    let found = answers(2, "X");
    let (_, states) = live(&[rings(0, "X", "COMPLETED"), found, pays(0, "confirmed"), pays_truly(61, "CREATED")]);
    let awaits = |kind, key: &EntityKey| awaits_confirmation(kind, Some(state(&states, key)));
    assert!(!awaits(ActionKind::EsimReady, &esim()), "it is confirmed");
    assert!(!awaits(ActionKind::PaymentSucceeded, &payment()), "it is refuted, and its premise over");
}

#[test]
fn a_signed_webhook_proves_itself() {
    let signed = airalo::order_of(0, "Y1", "8901", "TEST");
    let denied = airalo::denies_order(90, "Y1");
    let verdicts = [(order(), CONFIRMED), (esim(), CONFIRMED)];
    check(&[signed.clone(), denied.clone()], &["esim_ready"], &["esim_ready"], &verdicts);
    check(&[denied, signed], &["esim_ready"], &["esim_ready"], &verdicts);
}

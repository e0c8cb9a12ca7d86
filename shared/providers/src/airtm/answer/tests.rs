use serde_json::{Value, json};
use shared::confirmation::Verdict;
use shared::event::Event;
use shared::fact::EntityKey;
use shared::lookup::{Hints, Lookup, LookupKind};
use shared::origin::Provider;
use shared::payment::Payment;

use super::*;
use crate::fixtures::{answer, asked_at, check_answer_refused, in_short, no_answer, payload};

const AIRTM: Provider = Provider::Airtm;

fn lookup(payment_ref: &str, direction: Option<Direction>) -> Lookup {
    let hints = Hints { direction, ..Hints::default() };
    Lookup { about: EntityKey::Payment(payment_ref.to_owned()), kind: LookupKind::Payment, hints }
}

fn payment(event: &Event) -> &Payment {
    let [fact] = &event.facts[..] else { panic!("one fact") };
    let State::Payment(payment) = &fact.claims else { panic!("a payment") };
    payment
}

#[test]
fn an_operation_answers_as_its_callback_does_and_in_upper_case() {
    let mut operation: Value = serde_json::from_str(payload!("airtm/purchase_confirmed.json")).unwrap();
    operation["status"] = "CONFIRMED".into();
    let event = answer(AIRTM, lookup("f85e1a28-0ee4-468f-896d-cbb2caf536de", None), &operation);
    assert_eq!(event.kind, "payment_answer");
    assert_eq!(in_short(&event), ["payment f85e1a28-0ee4-468f-896d-cbb2caf536de: succeeded"]);
    let payment = payment(&event);
    assert_eq!((payment.verdict(), payment.standing.at()), (Some(Verdict::Confirmed), Some(asked_at())));
}

#[test]
fn who_asks_knows_which_way_the_money_goes() {
    let bare = json!({"id": "p", "status": "COMPLETED", "amount": 2, "updatedAt": "2026-05-01T10:00:00Z"});
    let event = answer(AIRTM, lookup("p", Some(Direction::Payout)), &bare);
    assert_eq!(in_short(&event), ["payment p: succeeded"]);
    assert_eq!(payment(&event).direction.value(), Some(&Direction::Payout));
    let event = answer(AIRTM, lookup("p", Some(Direction::Payin)), &bare);
    assert_eq!(in_short(&event), ["payment p: pending"], "a pay-in is confirmed, not completed");
}

#[test]
fn a_payment_under_way_vouches_for_nothing() {
    let event = answer(AIRTM, lookup("p", None), &json!({"id": "p", "status": "created"}));
    assert_eq!(payment(&event).confirmation.vouched.value(), Some(&None));
    assert_eq!(payment(&no_answer(AIRTM, lookup("p", None))).confirmation.vouched.value(), Some(&None));
    check_answer_refused(AIRTM, lookup("p", None), &json!({"id": "q", "status": "created"}), "the asked id is missing");
}

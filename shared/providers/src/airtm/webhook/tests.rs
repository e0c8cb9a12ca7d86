use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::envelope::Envelope;
use shared::event::Event;
use shared::fact::{EntityKey, State};
use shared::origin::Provider;

use super::*;
use crate::decode;
use crate::fixtures::{check_refused, envelope, event, event_of, payload, time as at};

const AIRTM: Provider = Provider::Airtm;

fn payment(event: &Event) -> &Payment {
    let State::Payment(payment) = &event.facts[0].claims else { panic!("a payment") };
    payment
}

#[test]
fn the_sample_payout_is_money_out() {
    let event = event(AIRTM, payload!("airtm/payout_completed.json"));
    assert_eq!((event.kind.as_str(), &event.provider_event_id), ("payout_completed", &None));
    let updated_at = Some(at("2021-01-30T07:47:02.061Z"));
    assert_eq!(event.occurred_at, updated_at);
    assert_eq!(event.facts[0].key, EntityKey::Payment("f8dd11dd-12fe-42f7-8e5c-9035714dd43d".to_owned()));
    let payment = payment(&event);
    assert_eq!((payment.status(), payment.standing.at()), (PaymentStatus::Succeeded, updated_at));
    assert_eq!(payment.direction.value(), Some(&Direction::Payout));
    assert_eq!(payment.amount.value().unwrap().to_string(), "200");
    assert_eq!(payment.payer_email.value().unwrap(), "useremail@hotmail.com");
    assert_eq!(payment.operation_ref.value().unwrap(), "cfcd89bd-f3e7-4525-af61-83d906e5117c");
    assert!(payment.code.is_empty() && payment.failure_reason().is_none());
}

#[test]
fn the_sample_purchase_is_money_in() {
    let event = event(AIRTM, payload!("airtm/purchase_confirmed.json"));
    assert_eq!(event.kind, "purchase_confirmed");
    let payment = payment(&event);
    assert_eq!((payment.status(), payment.direction.value()), (PaymentStatus::Succeeded, Some(&Direction::Payin)));
    assert_eq!(payment.code.value().unwrap(), "123456");
    assert_eq!(payment.description.value().unwrap(), "Test purchase");
}

#[track_caller]
fn check_v1(operation_type: &str, status: &str, kind: &str, expected: Option<PaymentStatus>) {
    let body = json!({"id": "p", "operation_type": operation_type, "status": status, "failure_reason": "why"});
    let event = event_of(AIRTM, &body);
    let standing = payment(&event).standing.value();
    assert_eq!((event.kind.as_str(), standing.map(|standing| standing.status)), (kind, expected));
    assert_eq!(payment(&event).provider_status.value(), Some(&status.to_lowercase()));
    assert_eq!(payment(&event).failure_reason(), standing.map(|_| "why"));
}

#[test]
fn every_status_of_the_first_generation_is_read_in_either_case() {
    check_v1("purchase", "created", "purchase_created", Some(PaymentStatus::Pending));
    check_v1("PURCHASE", "PROCESSING", "purchase_processing", Some(PaymentStatus::Pending));
    check_v1("purchase", "CONFIRMED", "purchase_confirmed", Some(PaymentStatus::Succeeded));
    check_v1("purchase", "canceled", "purchase_canceled", Some(PaymentStatus::Cancelled));
    check_v1("purchase", "cancelled", "purchase_cancelled", Some(PaymentStatus::Cancelled));
    check_v1("purchase", "failed", "purchase_failed", Some(PaymentStatus::Failed));
    check_v1("payout", "committed", "payout_committed", Some(PaymentStatus::Pending));
    check_v1("payout", "pending", "payout_pending", Some(PaymentStatus::Pending));
    check_v1("payout", "Completed", "payout_completed", Some(PaymentStatus::Succeeded));
    check_v1("payout", "failed", "payout_failed", Some(PaymentStatus::Failed));
}

#[test]
fn a_word_of_the_other_direction_or_of_nobody_is_only_kept() {
    check_v1("payout", "confirmed", "payout_confirmed", None);
    check_v1("purchase", "completed", "purchase_completed", None);
    check_v1("purchase", "evaporated", "purchase_evaporated", None);
    check_v1("loan", "evaporated", "loan_evaporated", None);
}

#[track_caller]
fn check_v2(body: &Value, kind: &str, direction: Option<Direction>, expected: Option<PaymentStatus>) {
    let headers = BTreeMap::from([("svix-id".to_owned(), "msg_1".to_owned())]);
    let event = decode(&Envelope { headers, ..envelope(AIRTM, &body.to_string()) }).unwrap();
    assert_eq!(event.kind, kind, "{body}");
    assert_eq!(event.provider_event_id.as_deref(), Some("msg_1"));
    assert_eq!(event.facts[0].key, EntityKey::Payment("p".to_owned()));
    assert_eq!(payment(&event).direction.value().copied(), direction, "{body}");
    assert_eq!(payment(&event).standing.value().map(|standing| standing.status), expected, "{body}");
}

#[test]
fn the_second_generation_is_read_inside_its_envelope_and_bare() {
    let (payin, payout) = (Some(Direction::Payin), Some(Direction::Payout));
    let data = json!({"id": "p", "status": "CONFIRMED", "amount": 1.5, "updatedAt": "2025-06-01T00:00:00Z"});
    let confirmed = json!({"type": "payin.confirmed", "data": data});
    check_v2(&confirmed, "payin_confirmed", payin, Some(PaymentStatus::Succeeded));
    let bare = json!({"id": "p", "status": "FAILED", "createdAt": "2025-06-01T00:00:00Z", "cancelUri": null});
    check_v2(&bare, "payin_failed", payin, Some(PaymentStatus::Failed));
    let bare = json!({"id": "p", "status": "COMPLETED", "netAmount": 9, "grossAmount": 10});
    check_v2(&bare, "payout_completed", payout, Some(PaymentStatus::Succeeded));
    let bare = json!({"id": "p", "status": "COMPLETED", "netAmount": 9});
    check_v2(&bare, "payment_completed", None, Some(PaymentStatus::Succeeded));
}

#[test]
fn only_documented_finals_of_the_second_generation_are_final() {
    let payout = Some(Direction::Payout);
    for status in ["CANCEL_REQUESTED", "ERROR", "PENDING_SIGNATURE", "SIGNED", "PENDING_USER_ACTION", "PROCESSING"] {
        let bare = json!({"id": "p", "status": status, "grossAmount": 1, "createdAt": null});
        check_v2(&bare, &format!("payout_{}", status.to_lowercase()), payout, Some(PaymentStatus::Pending));
    }
    for status in ["BRIDGE_FAILED", "BRIDGE_CANCELED", "COSMOEM_COMPLETED"] {
        let bare = json!({"id": "p", "status": status, "grossAmount": 1, "createdAt": null});
        check_v2(&bare, &format!("payout_{}", status.to_lowercase()), payout, None);
    }
}

#[test]
fn the_name_of_the_event_counts_where_the_status_is_not_understood() {
    let body = json!({"type": "payout.failed", "data": {"id": "p", "status": "BRIDGE_FAILED"}});
    check_v2(&body, "payout_failed", Some(Direction::Payout), Some(PaymentStatus::Failed));
    let body = json!({"type": "payin.canceled", "data": {"id": "p"}});
    check_v2(&body, "payin_canceled", Some(Direction::Payin), Some(PaymentStatus::Cancelled));
}

#[test]
fn fields_of_the_second_generation_are_found_under_their_names() {
    let data = json!({
        "id": "p", "status": "FAILED", "grossAmount": "10.50", "airtmUserEmail": "a@b.c", "code": "c", "notes": "n",
        "reasonCode": 17, "reasonDescription": "wallet closed", "createdAt": "2025-06-01T00:00:00Z",
    });
    let event = event_of(AIRTM, &json!({"type": "payout.failed", "data": data}));
    let payment = payment(&event);
    assert_eq!(payment.standing.at(), Some(at("2025-06-01T00:00:00Z")));
    assert_eq!(payment.amount.value().unwrap().to_string(), "10.5");
    assert_eq!(payment.payer_email.value().unwrap(), "a@b.c");
    assert_eq!(payment.code.value().unwrap(), "c");
    assert_eq!(payment.description.value().unwrap(), "n");
    assert_eq!(payment.failure_reason(), Some("wallet closed"));
}

#[test]
fn an_event_about_something_else_is_kept_and_claims_nothing() {
    let event = event_of(AIRTM, &json!({"type": "account.updated", "data": {"id": "a"}}));
    assert_eq!((event.kind.as_str(), event.facts.len()), ("account_updated", 0));
}

#[test]
fn what_names_no_entity_is_refused_by_the_name_of_the_field() {
    check_refused(AIRTM, &json!({}), "operation_type is missing");
    check_refused(AIRTM, &json!({"operation_type": "payout", "status": "completed"}), "id is missing");
    check_refused(AIRTM, &json!({"operation_type": "payout", "id": "p"}), "status is missing");
    check_refused(AIRTM, &json!({"type": "payin.confirmed", "data": {}}), "id is missing");
}
